// Combines elements along an axis by position
#pragma once

#include <limits>

#include <gloss/ops/compare.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/gather.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/where.hpp>

namespace gloss::inline GLOSS_ABI {

enum class ScatterReduce { sum, mean, amax, amin };

struct ScatterReduceOptions {
  bool include_self = true;  // whether x counts among what is combined at its place
};

/// y[i, j, k] = x[i, j, k] combined with every source[i, m, k] whose index[i, m, k] is j, for axis 1, and likewise for
/// others: their sum, mean, largest or smallest. A place that no index names keeps x.
/// Shape: x; index is no larger than source, nor than x on the other axes. A scalar counts as a vector of one.
/// Errors: ShapeError, IndexError
/// Backward: sum: dx = dy, dsource = gather(dy); mean: both divided by the number combined; amax, amin: dy shared
/// evenly by those that equal y. Without include_self, dx = 0 at the places that were written.
/// PyTorch: torch.scatter_reduce (whose prod is not here)
template <Real T>
Tensor<T> scatter_reduce(const Tensor<T>& x, Index axis, const Tensor<std::int64_t>& index, const Tensor<T>& source,
                         ScatterReduce how, ScatterReduceOptions options = {}) {
  const int a = normalize_axis("scatter_reduce", axis, x.dim());
  if (detail::scalar_beside_vector({x.dim(), index.dim(), source.dim()}))
    return scatter_reduce(detail::as_vector(x), axis, detail::as_vector(index), detail::as_vector(source), how, options)
        .view(x.shape());
  const Tensor<T> from = detail::source_under("scatter_reduce", source, index.shape());
  if (how == ScatterReduce::sum || how == ScatterReduce::mean) {
    const Tensor<T> start = options.include_self ? x : scatter(x, a, index, 0);
    const Tensor<T> total = scatter_add(start, a, index, from);
    if (how == ScatterReduce::sum) return total;
    const Tensor<T> count = scatter_add(full<T>(x.shape(), static_cast<T>(options.include_self)), a, index,
                                        full<T>({}, T{1}).expand(index.shape()));
    return total / where(count == 0, full<T>({}, T{1}), count);
  }
  const bool largest = how == ScatterReduce::amax;
  Tensor<T> y = x.detach().clone();
  if (!options.include_self)
    y = scatter(y, a, index, largest ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity());
  detail::walk_indexed("scatter_reduce", y.shape(), y.strides(), a, index, from.strides(),
                       [p = from.data(), to = y.data(), largest](Index i, Index o) {
                         const T old = to[i], v = p[o];
                         if ((largest ? v > old : v < old) || v != v) to[i] = v;
                       });
  const bool self = options.include_self;
  return record("scatter_reduce", y, {x, from}, [=, y = y.detach()](const Tensor<T>& dy, Grads& dx) {
    const auto as_number = [](const Tensor<bool>& b) {
      return map_unary<T>(b, [](bool v) { return static_cast<T>(v); });
    };
    const Tensor<T> from_here = as_number(from.detach() == gather(y, a, index));
    Tensor<T> x_here = as_number(x.detach() == y);
    if (!self) x_here = scatter(x_here, a, index, 0);
    const Tensor<T> equals = scatter_add(x_here, a, index, from_here);
    const Tensor<T> shared = dy / where(equals == 0, full<T>({}, T{1}), equals);
    if (dx.needs(0)) dx.add(0, shared * (self ? x_here : scatter(ones<T>(y.shape()), a, index, 0)));
    if (dx.needs(1)) dx.add(1, gather(shared, a, index) * from_here);
  });
}

}  // namespace gloss::inline GLOSS_ABI
