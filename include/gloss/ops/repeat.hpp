// Copies of a tensor side by side
#pragma once

#include <gloss/ops/index_select.hpp>

namespace gloss::inline GLOSS_ABI {

/// The tensor repeated times[i] times along axis i; more entries than axes add axes in front.
/// Shape: [n_1, ..., n_k] -> [..., times_1 n_1, ..., times_k n_k]
/// Errors: ShapeError for fewer entries than axes or a negative one.
/// Backward: dx = the sum of dy over the copies.
/// PyTorch: x.repeat
template <Element T>
Tensor<T> repeat(const Tensor<T>& x, const Shape& times) {
  if (times.rank() < x.dim()) fail<ShapeError>("repeat: ", times, " has fewer entries than shape ", x.shape());
  Shape shape = Shape::filled(times.rank() - x.dim(), 1);
  for (Index n : x.shape()) shape.push_back(n);
  Tensor<T> y = x.view(shape);
  for (int a = 0; a < times.rank(); ++a) {
    if (times[a] < 0) fail<ShapeError>("repeat: negative entry in ", times);
    if (times[a] == 1) continue;
    Index outer = 1, inner = 1;
    for (int i = 0; i < shape.rank(); ++i) (i < a ? outer : inner) *= shape[i];
    y = y.reshape({outer, 1, inner}).expand({outer, times[a], inner});
    shape[a] *= times[a];
    y = y.reshape(shape);
  }
  return y.owns_memory() ? y : y.clone();
}

/// repeat, where fewer entries than axes leave the first axes as they are.
/// PyTorch: torch.tile
template <Element T>
Tensor<T> tile(const Tensor<T>& x, const Shape& times) {
  Shape all = Shape::filled((std::max)(x.dim() - times.rank(), 0), 1);
  for (Index n : times) all.push_back(n);
  return repeat(x, all);
}

/// Each position of an axis `times` times in a row; without an axis, each element, as a vector.
/// Errors: ShapeError when times is negative, IndexError for a wrong axis.
/// PyTorch: torch.repeat_interleave
template <Element T>
Tensor<T> repeat_interleave(const Tensor<T>& x, Index times, Index axis) {
  const int a = normalize_axis("repeat_interleave", axis, x.dim());
  if (times < 0) fail<ShapeError>("repeat_interleave: ", times, " times wanted");
  Shape shape = x.dim() > 0 ? x.shape() : Shape{1};
  Index outer = 1, inner = 1;
  for (int i = 0; i < shape.rank(); ++i) (i <= a ? outer : inner) *= shape[i];
  const Tensor<T> copies = x.reshape({outer, 1, inner}).expand({outer, times, inner});
  shape[a] *= times;
  const Tensor<T> y = copies.reshape(shape);
  return y.owns_memory() ? y : y.clone();
}
template <Element T>
Tensor<T> repeat_interleave(const Tensor<T>& x, Index times) {
  return repeat_interleave(x.reshape({x.numel()}), times, 0);
}
/// Position i of an axis times[i] times in a row.
/// Shape: times is a vector of the axis's length, or one number for all positions.
/// Errors: ShapeError when it is not, or when an entry is negative.
template <Element T>
Tensor<T> repeat_interleave(const Tensor<T>& x, const Tensor<std::int64_t>& times, Index axis) {
  const int a = normalize_axis("repeat_interleave", axis, x.dim());
  if (x.dim() > 0 && times.dim() <= 1 && times.numel() == 1) return repeat_interleave(x, times.item(), a);
  if (x.dim() == 0 || times.dim() != 1 || times.numel() != x.shape()[a])
    fail<ShapeError>("repeat_interleave: times ", times.shape(), " do not fit axis ", a, " of shape ", x.shape());
  Index total = 0;
  for (Index i = 0; i < times.numel(); ++i) {
    const std::int64_t n = times.at({i});
    if (n < 0 || n > INT64_MAX - total) fail<ShapeError>("repeat_interleave: ", n, " times wanted");
    total += n;
  }
  const Tensor<std::int64_t> positions = empty<std::int64_t>({total});
  std::int64_t* next = positions.data();
  for (Index i = 0; i < times.numel(); ++i) next = std::fill_n(next, times.at({i}), i);
  return index_select(x, a, positions);
}

}  // namespace gloss::inline GLOSS_ABI
