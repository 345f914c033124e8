// AT's "LayerNorm": unbiased standard deviation, eps outside the root; nn::LayerNorm is PyTorch's.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/layer_norm.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// y = a_2 (x - mean) / (std + eps) + b_2 over the last axis; std divides by n - 1.
/// Shape: [..., features] -> the same
/// Errors: ShapeError when x does not end in features.
/// Source: paper 3.1; Ba et al. 2016. AT: LayerNorm
/// Keys: a_2, b_2 [features]
template <Real T>
struct LayerNorm final : nn::Module<T> {
  nn::Parameter<T> a_2, b_2;
  double eps;

  explicit LayerNorm(Index features, double epsilon = 1e-6)
      : a_2(ones<T>({features})), b_2(zeros<T>({features})), eps(epsilon) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    return this->output(layer_norm(x, a_2, b_2, eps, LayerNormKind::annotated));
  }
  void visit(nn::Visitor<T>& v) override {
    v("a_2", a_2);
    v("b_2", b_2);
  }
};

GLOSS_INSTANTIATE(struct LayerNorm<float>)
GLOSS_INSTANTIATE(struct LayerNorm<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer
