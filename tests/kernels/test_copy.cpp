// Copies of tensors that lie along another axis than their copy: every element arrives where it belongs.
#include <gloss/kernels/elementwise.hpp>
#include <gloss/kernels/gemm/kernels.hpp>
#include <gloss/kernels/simd/transpose.hpp>
#include <gloss/tensor/factories.hpp>

#include <bit>
#include <limits>
#include <vector>

#include "support/tensors.hpp"

using namespace gloss;

TEMPLATE_TEST_CASE("copy: transposed, of any size", "", float, double, std::int64_t) {
  using T = TestType;
  bool right = true;
  for (const Index batch : {1, 3})
    for (const Index rows : {1, 2, 15, 16, 17, 24, 48})
      for (const Index columns : {1, 2, 7, 16, 33, 64}) {
        const Tensor<T> x = arange<T>(batch * rows * columns).reshape({batch, rows, columns});
        const Tensor<T> turned = x.transpose(1, 2), whole = turned.contiguous();
        const Tensor<T> wide = full<T>({batch, columns, rows + 3}, T(-1));
        wide.narrow(2, 2, rows).copy_(turned);
        for (Index b = 0; b < batch; ++b)
          for (Index c = 0; c < columns; ++c) {
            for (Index r = 0; r < rows; ++r) {
              const T wanted = static_cast<T>((b * rows + r) * columns + c);
              right = right && whole.at({b, c, r}) == wanted && wide.at({b, c, r + 2}) == wanted;
            }
            for (const Index r : {Index{0}, Index{1}, rows + 2}) right = right && wide.at({b, c, r}) == T(-1);
          }
      }
  CHECK(right);
}

TEMPLATE_TEST_CASE("transpose: a square turns bit by bit, and the sums of its rows", "", float, double) {
  using T = TestType;
  namespace k = kernels;
  constexpr Index w = k::lanes<T>;
  std::vector<T> in(static_cast<std::size_t>(w * (w + 3))), out(static_cast<std::size_t>(w * (w + 5)), T(-1));
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<T>(i * i % 1009);
  in[0] = T(-0.0), in[1] = std::numeric_limits<T>::signaling_NaN();
  k::detail::transpose_square<T>(in.data(), w + 3, out.data(), w + 5);
  const auto bits = [](T x) { return std::bit_cast<k::IntOf<T>>(x); };
  for (Index r = 0; r < w; ++r)
    for (Index c = 0; c < w + 5; ++c) {
      const T got = out[static_cast<std::size_t>(r * (w + 5) + c)];
      CHECK(bits(got) == bits(c < w ? in[static_cast<std::size_t>(c * (w + 3) + r)] : T(-1)));
    }
  in[1] = 5;
  T square[w * w], sums[w];
  for (Index r = 0; r < w; ++r) k::store<T>(square + r * w, k::load<T>(in.data() + r * (w + 3)));
  k::detail::gemm_fold<T>(square, sums);
  for (Index r = 0; r < w; ++r) {
    T wanted = 0;
    for (Index c = 0; c < w; ++c) wanted += in[static_cast<std::size_t>(r * (w + 3) + c)];
    CHECK(sums[r] == wanted);
  }
}

TEST_CASE("copy: axes in any order, broadcast ones among them") {
  const Tensor<float> x = arange<float>(4 * 16 * 5 * 32).reshape({4, 16, 5, 32});
  const Tensor<float> y = x.permute({2, 0, 3, 1}).contiguous(), z = x.permute({3, 2, 1, 0}).contiguous();
  const Tensor<float> wide = x.select(0, 0).transpose(0, 2).unsqueeze(1).expand({32, 3, 5, 16}).contiguous();
  bool right = true;
  for (Index a = 0; a < 4; ++a)
    for (Index b = 0; b < 16; ++b)
      for (Index c = 0; c < 5; ++c)
        for (Index d = 0; d < 32; ++d) {
          const float wanted = x.at({a, b, c, d});
          right = right && y.at({c, a, d, b}) == wanted && z.at({d, c, b, a}) == wanted;
          for (Index copy = 0; a == 0 && copy < 3; ++copy) right = right && wide.at({d, copy, c, b}) == wanted;
        }
  CHECK(right);
}
