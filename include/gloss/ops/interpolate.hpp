// Images and maps of another height and width
#pragma once

#include <cmath>

#include <gloss/kernels/resample.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// How a value between the places of x is found: that of the nearest place (nearest: by PyTorch's first rule, which is
/// half a place off; nearest_exact: by the middle of the places), by lines, or by cubics.
enum class InterpolateMode { nearest, nearest_exact, bilinear, bicubic };

/// Of interpolate.
struct InterpolateOptions {
  InterpolateMode mode = InterpolateMode::nearest;
  bool align_corners = false;  ///< the first and last places, and not the borders, of x and y lie on each other
  bool antialias = false;      ///< where y is smaller, all of x counts: bilinear and bicubic as Pillow has them
};

namespace detail {

/// The map from the last two axes of x to those of y, which is linear.
struct Interpolation {
  Index in[2], out[2];
  double scale[2];  ///< places of x for each of y
  InterpolateOptions options;

  kernels::Taps<double> taps(int axis) const {
    const Index from = in[axis], to = out[axis];
    const double s = scale[axis];
    const auto step = static_cast<float>(s);  // PyTorch finds the nearest place in float, of double too
    const bool cubic = options.mode == InterpolateMode::bicubic;
    if (options.antialias)
      return kernels::filtered_taps(from, to, s, cubic ? kernels::cubic_filter : kernels::triangle_filter);
    switch (options.mode) {
      case InterpolateMode::nearest:
        return kernels::nearest_taps(from, to, [step](Index i) { return static_cast<float>(i) * step; });
      case InterpolateMode::nearest_exact:
        return kernels::nearest_taps(from, to, [step](Index i) { return (static_cast<float>(i) + 0.5f) * step; });
      default:
        return kernels::curve_taps(from, to, options.align_corners ? 0 : 0.5 * s - 0.5, s, cubic);
    }
  }
};

/// y by the map, or, backward, the gradient of its x.
template <Real T>
Tensor<T> interpolated(const Tensor<T>& x, const Interpolation& map, bool backward) {
  const auto resampled = [&](const Tensor<T>& from, int axis) {  // axis 0: the rows
    const kernels::Taps<double> taps = backward ? kernels::transposed(map.taps(axis)) : map.taps(axis);
    Shape shape = from.shape();
    const int at = shape.rank() - 2 + axis;
    shape[at] = taps.out;
    Tensor<T> y = Tensor<T>::uninitialized(shape);
    const Index inner = axis == 0 ? shape[at + 1] : 1;
    kernels::resample(kernels::taps_as<T>(taps), y.numel() / (taps.out * inner), inner,
                      static_cast<const T*>(from.data()), y.data());
    return y;
  };
  ProfileScope scope(backward ? "interpolate_backward" : "interpolate");
  Tensor<T> y = resampled(resampled(x.detach().contiguous(), backward ? 0 : 1), backward ? 1 : 0);
  if (scope) scope.bytes(sizeof(T), {x.numel(), y.numel()});
  return record(backward ? "interpolate_backward" : "interpolate", y, {x},
                [=](const Tensor<T>& dy, Grads& dx) { dx.add(0, interpolated(dy, map, !backward)); });
}

GLOSS_LAZY Interpolation checked_interpolation(const Shape& x, const Shape& size, const double* factors,
                                               InterpolateOptions options) {
  const bool nearest = options.mode == InterpolateMode::nearest || options.mode == InterpolateMode::nearest_exact;
  if (nearest && (options.align_corners || options.antialias))
    fail("interpolate: align_corners and antialias are for bilinear and bicubic");
  if (x.rank() < 2 || size.rank() != 2)
    fail<ShapeError>("interpolate: x is [..., height, width] and the size [height, width]: x ", x, ", size ", size);
  Interpolation map{};
  map.options = options;
  for (int a = 0; a < 2; ++a) {
    const Index in = map.in[a] = x[x.rank() - 2 + a], out = map.out[a] = size[a];
    if (in < 1 || out < 1) fail<ShapeError>("interpolate: no places: from ", x, " to ", size);
    if (options.align_corners)
      map.scale[a] = out > 1 ? static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
    else
      map.scale[a] = factors ? 1 / factors[a] : static_cast<double>(in) / static_cast<double>(out);
  }
  return map;
}

}  // namespace detail

/// x with its last two axes, rows and columns, of another size.
/// Shape: [..., height, width] -> [..., size]
/// Errors: ShapeError when x has fewer than two axes, the size has not two, or one of them is 0; Error for
/// align_corners or antialias with a nearest mode.
/// Backward: dx_j = sum of the weights with which places of y read x_j, times dy; nothing is saved.
/// PyTorch: torch.nn.functional.interpolate
template <Real T>
Tensor<T> interpolate(const Tensor<T>& x, const Shape& size, InterpolateOptions options = {}) {
  return detail::interpolated(x, detail::checked_interpolation(x.shape(), size, nullptr, options), false);
}
/// `factor` times as high and as wide, rounded down; places are 1 / factor apart, also where that does not fill x.
/// Errors: as above, and Error when the factor is not above 0.
/// PyTorch: interpolate(scale_factor=), with recompute_scale_factor=False
template <Real T>
Tensor<T> interpolate(const Tensor<T>& x, double factor, InterpolateOptions options = {}) {
  if (!(factor > 0 && std::isfinite(factor))) fail("interpolate: the factor ", factor, " is not above 0");
  Shape size;
  for (int axis = (std::max)(x.dim() - 2, 0); axis < x.dim(); ++axis)
    size.push_back(static_cast<Index>(static_cast<double>(x.shape()[axis]) * factor));
  const double factors[] = {factor, factor};
  return detail::interpolated(x, detail::checked_interpolation(x.shape(), size, factors, options), false);
}

}  // namespace gloss::inline GLOSS_ABI
