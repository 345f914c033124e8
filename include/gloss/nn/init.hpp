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
  if (!gloss::detail::draws_are_skipped)
    x.detach().copy_(rand<T>(x.shape(), static_cast<T>(low), static_cast<T>(high)));
}
template <Real T>
void normal_(const Tensor<T>& x, double mean = 0, double std = 1) {
  if (!gloss::detail::draws_are_skipped)
    x.detach().copy_(randn<T>(x.shape(), static_cast<T>(mean), static_cast<T>(std)));
}
/// PyTorch: trunc_normal_
template <Real T>
void trunc_normal_(const Tensor<T>& x, TruncNormalOptions options = {}) {
  if (!gloss::detail::draws_are_skipped) x.detach().copy_(trunc_normal<T>(x.shape(), options));
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

/// What stands behind the weight: it decides the gain.
enum class Nonlinearity { linear, sigmoid, tanh, relu, leaky_relu, selu };
/// By how much weights are to be larger than 1 / sqrt(fan) so that a signal keeps its size; `slope` is leaky_relu's.
/// PyTorch: calculate_gain, whose conv1d, conv2d, ... are linear
inline double calculate_gain(Nonlinearity nonlinearity, double slope = 0.01) {
  switch (nonlinearity) {
    case Nonlinearity::tanh:
      return 5.0 / 3;
    case Nonlinearity::relu:
      return std::sqrt(2.0);
    case Nonlinearity::leaky_relu:
      return std::sqrt(2 / (1 + slope * slope));
    case Nonlinearity::selu:
      return 0.75;
    default:
      return 1;
  }
}

/// Which fan keeps its variance: that of the values going forward, or that of the gradients going back.
enum class Fan { in, out };
struct KaimingOptions {
  double a = 0;  // the slope of leaky_relu
  Fan mode = Fan::in;
  Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
};
namespace detail {
/// gain / sqrt(fan).
inline double kaiming_std(const Shape& shape, const KaimingOptions& options) {
  const auto [in, out] = fans(shape);
  return calculate_gain(options.nonlinearity, options.a) /
         std::sqrt(static_cast<double>(options.mode == Fan::in ? in : out));
}
}  // namespace detail
/// U(-b, b) with b = gain sqrt(3 / fan). Source: He et al. 2015. PyTorch: kaiming_uniform_
/// Errors: ShapeError for fewer than two axes.
template <Real T>
void kaiming_uniform_(const Tensor<T>& x, KaimingOptions options = {}) {
  const double bound = std::sqrt(3.0) * detail::kaiming_std(x.shape(), options);
  uniform_(x, -bound, bound);
}
/// N(0, s) with s = gain / sqrt(fan). Source: He et al. 2015. PyTorch: kaiming_normal_
/// Errors: ShapeError for fewer than two axes.
template <Real T>
void kaiming_normal_(const Tensor<T>& x, KaimingOptions options = {}) {
  normal_(x, 0, detail::kaiming_std(x.shape(), options));
}

/// The identity, as far as the sizes go. Errors: ShapeError when x is no matrix. PyTorch: eye_
template <Real T>
void eye_(const Tensor<T>& x) {
  if (x.dim() != 2) fail<ShapeError>("eye_: x ", x.shape(), " is no matrix");
  const Tensor<T> y = zeros<T>(x.shape());
  for (Index i = 0; i < y.size(0) && i < y.size(1); ++i) y.at({i, i}) = 1;
  x.detach().copy_(y);
}
/// The convolution that hands its input channels on: 1 in the middle of the field for equal channels in and out, by
/// groups of output channels. Shape: [out, in, ...] with one to three axes of a field.
/// Errors: ShapeError for another number of axes, or groups that do not divide the channels. PyTorch: dirac_
template <Real T>
void dirac_(const Tensor<T>& x, Index groups = 1) {
  if (x.dim() < 3 || x.dim() > 5) fail<ShapeError>("dirac_: x ", x.shape(), " has not 3, 4 or 5 axes");
  if (groups < 1 || x.size(0) % groups != 0)
    fail<ShapeError>("dirac_: ", groups, " groups do not divide the output channels of ", x.shape());
  Tensor<T> y = zeros<T>(x.shape());
  Index field = 1, middle = 0;
  for (int axis = 2; axis < x.dim(); ++axis) {
    field *= x.shape()[axis];
    middle = middle * x.shape()[axis] + x.shape()[axis] / 2;
  }
  const Index out = x.size(0) / groups, in = x.size(1);
  for (Index g = 0; g < groups; ++g)
    for (Index c = 0; c < out && c < in && field > 0; ++c) y.data()[((g * out + c) * in + c) * field + middle] = 1;
  x.detach().copy_(y);
}

// clang-format off: a reason stands on the line that the compiler shows
template <class T>
void orthogonal_(const Tensor<T>&, double = 1) GLOSS_REFUSED("#include <gloss/nn/orthogonal.hpp>, which needs Eigen");
// clang-format on

}  // namespace gloss::inline GLOSS_ABI::nn::init
