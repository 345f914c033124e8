// Weights that have another form than their numbers: every op with a weight asks that form.
#include <cmath>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/ops/packed_weight.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::same_bits;

namespace {

/// A weight of ones, which needs no memory at all.
class Ones final : public detail::PackedWeight {
 public:
  Ones(Index n, Index k) : n_(n), k_(k) {}
  void linear(Index rows, const float* x, float* y, Index ldy, const kernels::Epilogue<float>& end) const override {
    const std::vector<float> ones(static_cast<std::size_t>(n_ * k_), 1.0f);
    kernels::gemm_naive<float>(false, true, rows, n_, k_, 1, x, k_, ones.data(), k_, 0, y, ldy, end);
  }
  void rows_of(Index rows, const std::int64_t* /*ids*/, float* y, float scale) const override {
    for (Index i = 0; i < rows * k_; ++i) y[i] = scale;
  }
  float* nothing() { return &nothing_; }

 private:
  Index n_, k_;
  float nothing_ = NAN;
};

Tensor<float> packed_ones(Index n, Index k) {
  auto* const packed = new Ones(n, k);
  return Tensor<float>::on_storage(Ref<Storage>(packed), packed->nothing(), {n, k}, {0, 0});
}

}  // namespace

TEST_CASE("packed weights: linear and its kin, joint_linear and embedding ask them") {
  manual_seed(1);
  const Tensor<float> w = packed_ones(5, 7), whole = ones<float>({5, 7}), other = randn<float>({5, 7});
  const Tensor<float> x = randn<float>({2, 3, 7}), bias = randn<float>({5}), residual = randn<float>({2, 3, 5});
  const auto is_near = [](const Tensor<float>& a, const Tensor<float>& b) {
    return gloss_test::difference(a, b) < 1e-6;
  };
  CHECK(w.storage()->is_packed());
  CHECK(!whole.storage()->is_packed());
  CHECK(is_near(linear(x, w, bias), linear(x, whole, bias)));
  CHECK(is_near(linear(x, w, {}, Activation::relu), linear(x, whole, {}, Activation::relu)));
  CHECK(is_near(linear(x.transpose(0, 1), w), linear(x.transpose(0, 1), whole)));
  CHECK(is_near(linear_gelu(x, w, bias), linear_gelu(x, whole, bias)));
  CHECK(is_near(add_linear(residual, x, w, bias), add_linear(residual, x, whole, bias)));
  CHECK(is_near(joint_linear(x, {w, w}, {bias, bias}), joint_linear(x, {whole, whole}, {bias, bias})));
  CHECK(is_near(joint_linear(x, {other, w, other}), joint_linear(x, {other, whole, other})));
  const Tensor<std::int64_t> ids = {{4, 0}, {1, 1}};
  CHECK(same_bits(embedding(ids, w, 3), embedding(ids, whole, 3)));
  CHECK_ERROR(embedding(ids + std::int64_t{1}, w), IndexError, "embedding: id 5 is out of range for weight [5, 7]");
}

TEST_CASE("packed weights: they give no gradient to x, and the bias has its own") {
  const Tensor<float> w = packed_ones(5, 7);
  Tensor<float> x = ones<float>({2, 7}), bias = zeros<float>({5});
  bias.requires_grad_();
  linear(x, w, bias).backward(ones<float>({2, 5}));
  CHECK(same_bits(bias.grad(), full<float>({5}, 2)));
  x.requires_grad_();
  CHECK_ERROR(linear(x, w), GradError, "linear: x requires a gradient, which a quantized weight does not give");
  CHECK_ERROR(joint_linear(x, {w}), GradError,
              "joint_linear: x requires a gradient, which a quantized weight does not give");
  const NoGradGuard no_grad;
  CHECK(linear(x, w).at({1, 4}) == 7);
}
