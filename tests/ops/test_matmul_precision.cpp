// The precision of products: what it changes and by how much, and that it is set back.
#include <algorithm>
#include <cmath>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/ops/matmul_precision.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;

#ifdef GLOSS_BACKEND_EIGEN

TEST_CASE("set_matmul_precision: products of Eigen's have one precision") {
  set_matmul_precision(MatmulPrecision::float32);
  CHECK(matmul_precision() == MatmulPrecision::float32);
  CHECK(!has_fast_bfloat16());
  CHECK_ERROR((set_matmul_precision(MatmulPrecision::bfloat16), 0), Error,
              "set_matmul_precision: products are Eigen's in this program, which has none in bfloat16");
}

#else

namespace {

using Tensors = std::vector<Tensor<float>>;

/// Rounds factors to at most 2^-8 of themselves: |x y - round(x) round(y)| is below this share of |x y|.
constexpr float most = 2 * 0x1p-8f + 0x1p-16f;

/// |got - exact| is nowhere above `bound`, and somewhere so large that factors were rounded.
void check_rounded(const Tensor<float>& got, const Tensor<float>& exact, const Tensor<float>& bound) {
  REQUIRE(got.shape() == exact.shape());
  REQUIRE(bound.shape() == exact.shape());
  const Tensor<float> error = abs(got.detach() - exact.detach()).contiguous(), limit = bound.detach().contiguous();
  Index wrong = 0;
  double largest = 0;
  for (Index i = 0; i < error.numel(); ++i) {
    wrong += !(error.data()[i] <= limit.data()[i] + 1e-5f);
    largest = std::max(largest, static_cast<double>(error.data()[i] / limit.data()[i]));
  }
  CHECK(wrong == 0);
  CHECK(largest > 0.01);
}

/// f's results of the inputs, then the gradients of its sum weighed by dy.
template <class F>
Tensors values_and_gradients(F f, const Tensors& inputs, const Tensor<float>& dy) {
  for (const Tensor<float>& x : inputs) x.zero_grad();
  const Tensor<float> y = f(inputs);
  y.backward(dy);
  Tensors out = {y.detach()};
  for (const Tensor<float>& x : inputs) out.push_back(x.grad().clone());
  return out;
}

bool all_equal(const Tensors& a, const Tensors& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!equal(a[i], b[i])) return false;
  return a.size() == b.size();
}

Tensor<float> leaf(const Shape& shape) {
  Tensor<float> x = randn<float>(shape);
  x.requires_grad_();
  return x;
}

}  // namespace

TEST_CASE("set_matmul_precision: products of float change, those of double do not, and a guard sets it back") {
  const Tensor<float> a = randn<float>({40, 50}), b = randn<float>({50, 60});
  const Tensor<double> p = randn<double>({40, 50}), q = randn<double>({50, 60});
  CHECK(matmul_precision() == MatmulPrecision::float32);
  const Tensor<float> whole = matmul(a, b);
  const Tensor<double> of_double = matmul(p, q);
  {
    const MatmulPrecisionGuard guard(MatmulPrecision::bfloat16);
    CHECK(matmul_precision() == MatmulPrecision::bfloat16);
    check_rounded(matmul(a, b), whole, matmul(abs(a), abs(b)) * most);
    CHECK(equal(matmul(p, q), of_double));
    {
      const MatmulPrecisionGuard inner(MatmulPrecision::float32);
      CHECK(equal(matmul(a, b), whole));
    }
    CHECK(matmul_precision() == MatmulPrecision::bfloat16);
  }
  CHECK(matmul_precision() == MatmulPrecision::float32);
  CHECK(equal(matmul(a, b), whole));
  set_matmul_precision(MatmulPrecision::bfloat16);
  CHECK(!equal(matmul(a, b), whole));
  set_matmul_precision(MatmulPrecision::float32);
  CHECK(equal(matmul(a, b), whole));
}

TEST_CASE("set_matmul_precision: few rows or columns stay as they are") {
  const Tensor<float> x = randn<float>({16, 50}), w = randn<float>({60, 50}), v = randn<float>({50, 8});
  const Tensor<float> y = linear(x, w), z = matmul(w, v);
  const MatmulPrecisionGuard guard(MatmulPrecision::bfloat16);
  CHECK(equal(linear(x, w), y));
  CHECK(equal(matmul(w, v), z));
}

TEST_CASE("set_matmul_precision: values and gradients of layers differ from float's by the rounding of the factors") {
  const Tensors in = {leaf({3, 20, 70}), leaf({90, 70}), leaf({90})};
  const Tensor<float> dy = randn<float>({3, 20, 90});
  const auto layer = [](const Tensors& i) { return linear(i[0], i[1], i[2]); };
  const auto joint = [](const Tensors& i) { return joint_linear(i[0], {i[1], i[1] * 2.0f}, {i[2], i[2]}); };
  const auto product = [](const Tensors& i) { return matmul(i[0], i[1].t()) + i[2]; };
  Tensors whole = values_and_gradients(layer, in, dy);
  Tensors bounds = {matmul(abs(in[0]), abs(in[1]).t()) * most, matmul(abs(dy), abs(in[1])) * most,
                    matmul(abs(dy).flatten(0, 1).t(), abs(in[0]).flatten(0, 1)) * most};
  const auto check = [&](const auto& f) {
    const Tensors got = values_and_gradients(f, in, dy);
    for (std::size_t i = 0; i < bounds.size(); ++i) check_rounded(got[i], whole[i], bounds[i]);
    CHECK(equal(got[3], whole[3]));  // the bias has no product
    for (const int threads : {1, 3}) {
      const gloss_test::Threads used(threads);
      CHECK(all_equal(values_and_gradients(f, in, dy), got));
    }
  };
  const MatmulPrecisionGuard guard(MatmulPrecision::bfloat16);
  check(layer);
  check(product);
  const Tensor<float> y = joint(in);
  CHECK(equal(y.narrow(-1, 0, 90), layer(in)));
  CHECK(equal(y.narrow(-1, 90, 90), linear(in[0], in[1] * 2.0f, in[2])));  // doubling rounds nothing
}

TEST_CASE("set_matmul_precision: attention's products round their factors, forward and backward") {
  Rng rng(5);
  const RngGuard use(rng);
  for (const Index n : {20, 77, 5}) {
    const Tensors in = {leaf({2, 3, n, 24}), leaf({2, 3, 90, 24}), leaf({2, 3, 90, 17})};
    const Tensor<float> dy = randn<float>({2, 3, n, 17});
    for (const bool causal : {false, true}) {
      const auto attend = [&](const Tensors& i) {
        return scaled_dot_product_attention(i[0], i[1], i[2], {.causal = causal});
      };
      const Tensors whole = values_and_gradients(attend, in, dy);
      const MatmulPrecisionGuard guard(MatmulPrecision::bfloat16);
      const Tensors rounded = values_and_gradients(attend, in, dy);
      for (std::size_t i = 0; i < whole.size(); ++i) {
        const double largest = static_cast<double>(max(abs(whole[i])).item()),
                     off = gloss_test::difference(rounded[i], whole[i]);
        CHECK(off < 0.02 * largest);
        CHECK((off > 1e-4 * largest) == (n > 7 || i > 0));  // a forward of few queries waits for memory
      }
      for (const int threads : {1, 3}) {
        const gloss_test::Threads used(threads);
        CHECK(all_equal(values_and_gradients(attend, in, dy), rounded));
      }
    }
  }
}

TEST_CASE("set_matmul_precision: a network learns in bfloat16 as it does in float") {
  const auto train = [](MatmulPrecision precision) {
    const MatmulPrecisionGuard guard(precision);
    Rng rng(3);
    const RngGuard use(rng);
    const Tensor<float> x = randn<float>({64, 32}), target = matmul(x, randn<float>({32, 16})) * 0.2f;
    const nn::Linear<float> first(32, 48), second(48, 16);
    optim::SGD<float> sgd({first.weight, first.bias, second.weight, second.bias}, {.lr = 0.2});
    double loss = 0;
    for (int step = 0; step < 200; ++step) {
      const Tensor<float> wrong = second(first.with_relu(x)) - target;
      const Tensor<float> error = mean(wrong * wrong);
      error.backward();
      sgd.step();
      sgd.zero_grad();
      loss = static_cast<double>(error.item());
    }
    return loss;
  };
  const double whole = train(MatmulPrecision::float32), rounded = train(MatmulPrecision::bfloat16);
  CHECK(whole < 0.1);  // of 1.3 in the beginning
  CHECK(rounded != whole);
  CHECK(std::abs(rounded - whole) < 0.05 * whole);
}

TEST_CASE("has_fast_bfloat16: an AMD processor with AVX512-BF16 has it") {
#ifdef GLOSS_BFLOAT16_TILES
  __builtin_cpu_init();
  const bool tiles = GLOSS_VECTOR_BYTES == 64 || kernels::isa() == kernels::Isa::avx512;
  CHECK(has_fast_bfloat16() == (tiles && __builtin_cpu_supports("avx512bf16") != 0 && __builtin_cpu_is("amd") != 0));
#else
  CHECK(!has_fast_bfloat16());
#endif
}

#endif
