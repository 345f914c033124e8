// Normalisation by the root mean square.
#pragma once

#include <limits>

#include <gloss/nn/layer_norm.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct RMSNormOptions {
  double eps = -1;  // below 0: the machine epsilon of T, which is PyTorch's eps=None
  bool elementwise_affine = true;
};

/// y = x / sqrt(mean of x^2 + eps) * weight over the last axes.
/// Shape: [..., *normalized_shape] -> the same
/// Errors: ShapeError when x does not end in normalized_shape, or that is empty or has a negative size.
/// Source: Zhang and Sennrich 2019.
/// PyTorch: torch.nn.RMSNorm
/// Keys: weight [*normalized_shape]
template <Real T>
struct RMSNorm final : Module<T> {
  Parameter<T> weight;
  Shape normalized_shape;
  double eps;

  explicit RMSNorm(const detail::NormalizedShape& sizes, RMSNormOptions options = {})
      : normalized_shape(sizes.checked("RMSNorm")),
        eps(options.eps < 0 ? static_cast<double>(std::numeric_limits<T>::epsilon()) : options.eps) {
    if (options.elementwise_affine) weight = Parameter<T>(ones<T>(normalized_shape));
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    return this->output(detail::normalize_axes<T>(
        "RMSNorm", x, normalized_shape, weight, {},
        [&](const auto& in, const auto& gamma, const auto&) { return rms_norm(in, gamma, eps); }));
  }
  void visit(Visitor<T>& v) override { v("weight", weight); }
};

}  // namespace gloss::inline GLOSS_ABI::nn
