// Ways to fill a parameter before training. All draw from the current Rng.
#pragma once

#include <cmath>
#include <utility>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::nn::init {

/// Fan in and fan out of a weight: [out, in, ...], where further axes are a receptive field.
/// Errors: ShapeError for fewer than two axes.
inline std::pair<Index, Index> fans(const Shape& shape) {
  if (shape.rank() < 2) fail<ShapeError>("init: fan in and fan out need two axes, got shape ", shape);
  Index field = 1;
  for (int axis = 2; axis < shape.rank(); ++axis) field *= shape[axis];
  return {shape[1] * field, shape[0] * field};
}

/// Each in place, outside the graph.
template <Real T>
void constant_(const Tensor<T>& x, std::type_identity_t<T> value) {
  x.detach().fill_(value);
}
template <Real T>
void zeros_(const Tensor<T>& x) {
  constant_(x, T{0});
}
template <Real T>
void ones_(const Tensor<T>& x) {
  constant_(x, T{1});
}
template <Real T>
void uniform_(const Tensor<T>& x, double low = 0, double high = 1) {
  x.detach().copy_(rand<T>(x.shape(), static_cast<T>(low), static_cast<T>(high)));
}
template <Real T>
void normal_(const Tensor<T>& x, double mean = 0, double std = 1) {
  x.detach().copy_(randn<T>(x.shape(), static_cast<T>(mean), static_cast<T>(std)));
}
/// PyTorch: trunc_normal_
template <Real T>
void trunc_normal_(const Tensor<T>& x, TruncNormalOptions options = {}) {
  x.detach().copy_(trunc_normal<T>(x.shape(), options));
}
/// U(-a, a) with a = gain sqrt(6 / (fan_in + fan_out)). Source: Glorot and Bengio 2010. PyTorch: xavier_uniform_
template <Real T>
void xavier_uniform_(const Tensor<T>& x, double gain = 1) {
  const auto [in, out] = fans(x.shape());
  const double a = gain * std::sqrt(6.0 / static_cast<double>(in + out));
  uniform_(x, -a, a);
}
/// N(0, s) with s = gain sqrt(2 / (fan_in + fan_out)). PyTorch: xavier_normal_
template <Real T>
void xavier_normal_(const Tensor<T>& x, double gain = 1) {
  const auto [in, out] = fans(x.shape());
  normal_(x, 0, gain * std::sqrt(2.0 / static_cast<double>(in + out)));
}
/// U(-b, b) with b = sqrt(6 / ((1 + a^2) fan_in)). Source: He et al. 2015. PyTorch: kaiming_uniform_ (leaky_relu slope
/// a)
template <Real T>
void kaiming_uniform_(const Tensor<T>& x, double a = 0) {
  const double bound = std::sqrt(6.0 / ((1 + a * a) * static_cast<double>(fans(x.shape()).first)));
  uniform_(x, -bound, bound);
}

}  // namespace gloss::inline GLOSS_ABI::nn::init
