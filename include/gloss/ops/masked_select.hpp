// Reads and writes the elements under a mask
#pragma once

#include <gloss/ops/gather.hpp>
#include <gloss/ops/nonzero.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
// Positions of the true elements of the mask, stretched to `shape`, counted in row-major order.
GLOSS_LAZY Tensor<std::int64_t> flat_positions(const Tensor<bool>& mask, const Shape& shape) {
  return nonzero(mask.expand(shape).reshape({shape.numel()})).squeeze(1);
}
}  // namespace detail

/// The elements of x where mask is true, in row-major order.
/// Shape: x and mask broadcast; y is [count].
/// Errors: ShapeError when they do not.
/// Backward: dx = dy where the elements were, 0 elsewhere.
/// PyTorch: torch.masked_select, x[mask]
template <Element T>
Tensor<T> masked_select(const Tensor<T>& x, const Tensor<bool>& mask) {
  const Shape shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  return gather(x.expand(shape).reshape({shape.numel()}), 0, detail::flat_positions(mask, shape));
}

/// y = x with the elements under the mask taken from source, both in row-major order.
/// Shape: mask broadcasts to x; source has at least as many elements as the mask has true ones.
/// Errors: ShapeError
/// Backward: dx = dy, 0 under the mask; dsource = dy under the mask, then 0.
/// PyTorch: x.masked_scatter
template <Element T>
Tensor<T> masked_scatter(const Tensor<T>& x, const Tensor<bool>& mask, const Tensor<T>& source) {
  if (broadcast_shapes("masked_scatter", x.shape(), mask.shape()) != x.shape())
    fail<ShapeError>("masked_scatter: mask ", mask.shape(), " does not broadcast to x ", x.shape());
  const auto positions = detail::flat_positions(mask, x.shape());
  if (positions.numel() > source.numel())
    fail<ShapeError>("masked_scatter: source has ", source.numel(), " elements, the mask takes ", positions.numel());
  return scatter(x.reshape({x.numel()}), 0, positions, source.reshape({source.numel()})).view(x.shape());
}

}  // namespace gloss::inline GLOSS_ABI
