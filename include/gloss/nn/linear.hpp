// The linear layer.
#pragma once

#include <cmath>

#include <gloss/nn/init.hpp>
#include <gloss/nn/module.hpp>
#include <gloss/ops/linear_gelu.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct LinearOptions {
  bool bias = true;
};

/// y = x W^T + b.
/// Shape: [..., in_features] -> [..., out_features]
/// Errors: ShapeError when x does not end in in_features.
/// PyTorch: torch.nn.Linear, with its initialisation: U(-1/sqrt(in), 1/sqrt(in)) for both.
/// Keys: weight [out_features, in_features], bias [out_features]
template <Real T>
struct Linear final : Module<T> {
  Parameter<T> weight, bias;

  GLOSS_COLD Linear(Index in_features, Index out_features, LinearOptions options = {}) {
    if (in_features < 0 || out_features < 0)
      fail<ShapeError>("Linear: negative size: in_features ", in_features, ", out_features ", out_features);
    const double bound = in_features > 0 ? 1 / std::sqrt(static_cast<double>(in_features)) : 0;
    const T low = static_cast<T>(-bound), high = static_cast<T>(bound);
    weight = Parameter<T>(rand<T>({out_features, in_features}, low, high));
    if (options.bias) bias = Parameter<T>(rand<T>({out_features}, low, high));
  }
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(linear(x, weight, bias)); }
  /// relu(x W^T + b) in one pass.
  Tensor<T> with_relu(const Tensor<T>& x) const { return linear(x, weight, bias, Activation::relu); }
  /// gelu(x W^T + b) in one pass.
  Tensor<T> with_gelu(const Tensor<T>& x, GeluKind kind = GeluKind::exact) const {
    return linear_gelu(x, weight, bias, kind);
  }
  /// residual + (x W^T + b) in one pass.
  Tensor<T> added_to(const Tensor<T>& residual, const Tensor<T>& x) const {
    return add_linear(residual, x, weight, bias);
  }
  void visit(Visitor<T>& v) override {
    v("weight", weight);
    v("bias", bias);
  }
};

GLOSS_INSTANTIATE(struct Linear<float>)
GLOSS_INSTANTIATE(struct Linear<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
