// PyTorch's layer normalisation; AT's own is transformer::LayerNorm.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/layer_norm.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;
  bool bias = true;
};

/// y = (x - mean) / sqrt(var + eps) * weight + bias over the last axis; var divides by n.
/// Shape: [..., normalized_shape] -> the same
/// Errors: ShapeError when x does not end in normalized_shape.
/// Source: Ba et al. 2016. PyTorch: torch.nn.LayerNorm
/// Keys: weight, bias [normalized_shape]
template <Real T>
struct LayerNorm final : Module<T> {
  Parameter<T> weight, bias;
  Index normalized_shape;
  double eps;

  explicit LayerNorm(Index size, LayerNormOptions options = {}) : normalized_shape(size), eps(options.eps) {
    if (options.elementwise_affine) weight = Parameter<T>(ones<T>({size}));
    if (options.elementwise_affine && options.bias) bias = Parameter<T>(zeros<T>({size}));
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() == 0 || x.size(-1) != normalized_shape)
      fail<ShapeError>("LayerNorm: x ", x.shape(), " does not end in normalized_shape ", normalized_shape);
    return this->output(layer_norm(x, weight, bias, eps));
  }
  void visit(Visitor<T>& v) override {
    v("weight", weight);
    v("bias", bias);
  }
};

}  // namespace gloss::inline GLOSS_ABI::nn
