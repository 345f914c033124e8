// Largest and smallest elements along an axis, with their positions
#pragma once

#include <gloss/ops/amax.hpp>
#include <gloss/ops/gather.hpp>
#include <gloss/ops/reduce_axes.hpp>

namespace gloss::inline GLOSS_ABI {

/// What a search along an axis finds.
template <class T>
struct ValuesIndices {
  Tensor<T> values;
  Tensor<std::int64_t> indices;
};

namespace detail {
// Position of the best element along an axis; the first of equals wins, and NaN beats everything.
template <class T, class Better>
Tensor<std::int64_t> arg_best(const char* op, const Tensor<T>& x, Index axis, bool keepdim, Better better) {
  const int a = normalize_axis(op, axis, x.dim());
  const Index n = x.dim() > 0 ? x.shape()[a] : 1;
  if (n == 0) fail<ShapeError>(op, ": axis ", a, " of shape ", x.shape(), " is empty");
  const Tensor<T> rows = x.dim() > 0 ? x.detach().transpose(a, -1).contiguous() : x.detach().view({1});
  Shape shape = rows.shape();
  shape[shape.rank() - 1] = 1;
  Tensor<std::int64_t> y = empty<std::int64_t>(shape);
  const T* from = rows.data();
  std::int64_t* to = y.data();
  parallel_for(y.numel(), 16384 / n + 1, [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* row = from + r * n;
      Index best = 0;
      for (Index i = 1; i < n; ++i) {
        if (!(row[best] == row[best])) break;
        if (better(row[i], row[best]) || !(row[i] == row[i])) best = i;
      }
      to[r] = best;
    }
  });
  if (x.dim() == 0) return y.view({});
  y = y.transpose(a, -1);
  return keepdim ? y.contiguous() : y.squeeze(a).contiguous();
}
template <class T>
ValuesIndices<T> pick(const Tensor<T>& x, Index axis, Tensor<std::int64_t> index, bool keepdim) {
  if (x.dim() == 0) return {x.clone(), index};
  Tensor<T> values = gather(x, axis, index);
  return keepdim ? ValuesIndices<T>{values, index} : ValuesIndices<T>{values.squeeze(axis), index.squeeze(axis)};
}
}  // namespace detail

/// Position of the largest element along an axis, the first of equals; NaN counts as largest. PyTorch: torch.argmax
/// Errors: IndexError for a wrong axis, ShapeError for an empty one.
template <Element T>
Tensor<std::int64_t> argmax(const Tensor<T>& x, Index axis, ReduceOptions options = {}) {
  return detail::arg_best("argmax", x, axis, options.keepdim, [](T a, T b) { return a > b; });
}
/// Position of the largest of all, in row-major order.
template <Element T>
Tensor<std::int64_t> argmax(const Tensor<T>& x) {
  return argmax(x.detach().reshape({-1}), 0);
}
/// Position of the smallest; NaN counts as smallest. PyTorch: torch.argmin
template <Element T>
Tensor<std::int64_t> argmin(const Tensor<T>& x, Index axis, ReduceOptions options = {}) {
  return detail::arg_best("argmin", x, axis, options.keepdim, [](T a, T b) { return a < b; });
}
template <Element T>
Tensor<std::int64_t> argmin(const Tensor<T>& x) {
  return argmin(x.detach().reshape({-1}), 0);
}

/// Largest element along an axis and where it stands, the first of equals; NaN wins.
/// Shape: x without the axis, or with it as 1 (keepdim).
/// Errors: IndexError for a wrong axis, ShapeError for an empty one.
/// Backward: dx = dy at the chosen position.
/// PyTorch: torch.max(x, dim)
template <Element T>
ValuesIndices<T>(max)(const Tensor<T>& x, Index axis, ReduceOptions options = {}) {
  const auto index = detail::arg_best("max", x, axis, true, [](T a, T b) { return a > b; });
  return detail::pick(x, axis, index, options.keepdim);
}
/// Smallest element along an axis and where it stands. PyTorch: torch.min(x, dim)
template <Element T>
ValuesIndices<T>(min)(const Tensor<T>& x, Index axis, ReduceOptions options = {}) {
  const auto index = detail::arg_best("min", x, axis, true, [](T a, T b) { return a < b; });
  return detail::pick(x, axis, index, options.keepdim);
}

GLOSS_INSTANTIATE(Tensor<std::int64_t> argmax(const Tensor<float>&, Index, ReduceOptions))
GLOSS_INSTANTIATE(Tensor<std::int64_t> argmax(const Tensor<double>&, Index, ReduceOptions))

}  // namespace gloss::inline GLOSS_ABI
