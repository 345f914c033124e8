// Numbers of every ordinary type beside tensors: no line of this may warn, whatever warnings its compiler gives.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gloss/gloss.hpp>

using namespace gloss;

namespace {

template <class T, class N>
Tensor<T> beside(const Tensor<T>& x, N n) {
  Tensor<T> y = x + n;
  y = n + y;
  y = (y - n) * n + n * y;
  y = n - y;
  y = clamp(where(y > n, y, n), n, n);
  y = add(mul(y, n), n);
  y = masked_fill(masked_fill(y, n == y, n), y != n, n);
  y = masked_fill(masked_fill(masked_fill(y, y <= n, n), n >= y, n), n < y, n);
  y += n;
  y -= n;
  y *= n;
  add_(y, n);
  mul_(y, n);
  y.fill_(static_cast<T>(n));
  return pow(clamp_max(clamp_min(y, n), n), n);
}
template <class T, class N>
Tensor<T> divided(const Tensor<T>& x, N n) {
  Tensor<T> y = x / n + n / x;
  y /= n;
  div_(y, n);
  y = lerp(addcmul(y, y, y, n), y, n);
  y = linspace<T>(n, n, 3) + arange<T>(n) + logspace<T>(0, n, 3) + norm(y, n);
  return remainder(y, n) + floor_divide(y, n) + fmod(y, n);
}
template <class N>
void beside_all(N n) {
  beside(ones<float>({3}), n);
  beside(ones<double>({3}), n);
  divided(ones<float>({3}), n);
  divided(ones<double>({3}), n);
}

}  // namespace

int main() {
  const std::vector<int> sizes = {3, 4};
  beside_all(3);
  beside_all(Index{3});
  beside_all(sizes.size());
  beside_all(3u);
  beside_all(std::uint8_t{3});
  beside_all(0.5);
  beside_all(0.5f);
  beside(ones<std::int64_t>({3}), 3);
  beside(ones<std::int64_t>({3}), Index{3});
  beside(ones<std::int64_t>({3}), sizes.size());
  beside(ones<std::int64_t>({3}), 3u);
  const Tensor<float> x = ones<float>({2, 3});
  const Tensor<float> mean_of_squares = sum(x * x) / x.size(0) / x.numel();
  return mean_of_squares.item() > 0 ? 0 : 1;
}
