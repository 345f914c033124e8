// PyTorch's layer normalisation; AT's own is transformer::LayerNorm.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/add_layer_norm.hpp>

namespace gloss::inline GLOSS_ABI::nn {

namespace detail {
/// The sizes that a layer normalises over: one, or one for each of several axes.
class NormalizedShape {
 public:
  NormalizedShape(Index size) : sizes_{size} {}
  NormalizedShape(int size) : sizes_{size} {}  // which would otherwise also be a null pointer
  NormalizedShape(const Shape& sizes) : sizes_(sizes) {}
  NormalizedShape(std::initializer_list<Index> sizes) : sizes_(sizes) {}

  const Shape& checked(const char* layer) const {
    if (sizes_.rank() == 0) fail<ShapeError>(layer, ": normalized_shape has no axis");
    for (Index size : sizes_)
      if (size < 0) fail<ShapeError>(layer, ": negative size in normalized_shape ", sizes_);
    return sizes_;
  }

 private:
  Shape sizes_;
};

/// f(x, weight, bias) for a function of the last axis, with the axes of `sizes` as one.
template <class T, class F>
Tensor<T> normalize_axes(const char* layer, const Tensor<T>& x, const Shape& sizes, const Tensor<T>& weight,
                         const Tensor<T>& bias, F f) {
  const int axes = sizes.rank(), kept = x.dim() - axes;
  bool fits = kept >= 0;
  for (int a = 0; fits && a < axes; ++a) fits = x.shape()[kept + a] == sizes[a];
  if (!fits) fail<ShapeError>(layer, ": x ", x.shape(), " does not end in normalized_shape ", sizes);
  if (axes == 1) return f(x, weight, bias);
  const auto merged = [](const Tensor<T>& t) { return t.defined() ? t.flatten() : t; };
  return f(x.flatten(kept), merged(weight), merged(bias)).view(x.shape());
}
}  // namespace detail

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;
  bool bias = true;
};

/// y = (x - mean) / sqrt(var + eps) * weight + bias over the last axes; var divides by the number of elements.
/// Shape: [..., *normalized_shape] -> the same
/// Errors: ShapeError when x does not end in normalized_shape, or that is empty or has a negative size.
/// Source: Ba et al. 2016.
/// PyTorch: torch.nn.LayerNorm
/// Keys: weight, bias [*normalized_shape]
template <Real T>
struct LayerNorm final : Module<T> {
  Parameter<T> weight, bias;
  Shape normalized_shape;
  double eps;

  explicit LayerNorm(const detail::NormalizedShape& sizes, LayerNormOptions options = {})
      : normalized_shape(sizes.checked("LayerNorm")), eps(options.eps) {
    if (options.elementwise_affine) weight = Parameter<T>(ones<T>(normalized_shape));
    if (options.elementwise_affine && options.bias) bias = Parameter<T>(zeros<T>(normalized_shape));
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    return this->output(detail::normalize_axes<T>(
        "LayerNorm", x, normalized_shape, weight, bias,
        [&](const auto& in, const auto& gamma, const auto& beta) { return layer_norm(in, gamma, beta, eps); }));
  }
  /// The norm of residual + dropout(x, p), over one axis in one pass; p counts in training only.
  Tensor<T> of_sum(const Tensor<T>& residual, const Tensor<T>& x, double p, bool training) const {
    if (normalized_shape.rank() != 1) return (*this)(add_dropout(residual, x, p, training));
    if (x.dim() == 0 || x.size(-1) != normalized_shape[0])
      fail<ShapeError>("LayerNorm: x ", x.shape(), " does not end in normalized_shape ", normalized_shape);
    return this->output(add_layer_norm(residual, x, weight, bias, {.dropout = training ? p : 0, .eps = eps}));
  }
  void visit(Visitor<T>& v) override {
    v("weight", weight);
    v("bias", bias);
  }
};

GLOSS_INSTANTIATE(struct LayerNorm<float>)
GLOSS_INSTANTIATE(struct LayerNorm<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
