// Indexing by tensors of positions, and by masks
#pragma once

#include <gloss/ops/index_select.hpp>
#include <gloss/ops/nonzero.hpp>

namespace gloss::inline GLOSS_ABI {

/// One entry for each leading axis: positions, or an undefined tensor ({}) where all of an axis is meant.
using IndexList = std::vector<Tensor<std::int64_t>>;

namespace detail {
// Indexing by several tensors as index_select on one axis: the indexed axes are brought together (to the front, unless
// they are neighbours) and merged, and so are their positions.
struct IndexPlan {
  Shape order;                     // x's axes with the indexed ones together
  bool in_order = true;            // whether that is how they stand already
  int axis = 0;                    // the first of them, after that
  Shape merged;                    // x's shape, after that, with them as one
  Shape together;                  // the shape that the positions broadcast to
  Shape result;                    // merged, with `together` in place of the one
  Tensor<std::int64_t> positions;  // a vector

  GLOSS_LAZY IndexPlan(const char* op, const Shape& x, const IndexList& indices) {
    const int rank = x.rank();
    if (static_cast<int>(indices.size()) > rank) fail<IndexError>(op, ": ", indices.size(), " indices for x ", x);
    bool indexed[max_rank] = {};
    int count = 0, last = 0;
    for (int a = 0; a < static_cast<int>(indices.size()); ++a)
      if (indices[static_cast<std::size_t>(a)].defined()) {
        indexed[a] = true;
        if (count++ == 0) axis = a;
        last = a;
        together = broadcast_shapes(op, together, indices[static_cast<std::size_t>(a)].shape());
      }
    if (count == 0) fail<IndexError>(op, ": no index for x ", x);
    if (last - axis + 1 != count) {
      in_order = false;
      axis = 0;
    }
    for (int a = 0; a < axis; ++a) order.push_back(a);
    for (int a = 0; a < rank; ++a)
      if (indexed[a]) order.push_back(a);
    for (int a = axis; a < rank; ++a)
      if (!indexed[a]) order.push_back(a);
    positions = zeros<std::int64_t>(together);
    Index size = 1;
    for (int k = axis; k < axis + count; ++k) {
      const int a = static_cast<int>(order[k]);
      const Index n = x[a];
      size *= n;
      const auto ids = wrap_positions(op, indices[static_cast<std::size_t>(a)], n, a, x);
      positions =
          map_binary<std::int64_t>(op, positions, ids, [n](std::int64_t p, std::int64_t i) { return p * n + i; });
    }
    positions = positions.view({together.numel()});
    for (int k = 0; k < rank; ++k) {
      const Index n = x[static_cast<int>(order[k])];
      if (k < axis || k >= axis + count) {
        merged.push_back(n);
        result.push_back(n);
      } else if (k == axis) {
        merged.push_back(size);
        for (Index s : together) result.push_back(s);
      }
    }
  }
};

GLOSS_LAZY IndexList mask_positions(const char* op, const Shape& x, const Tensor<bool>& mask) {
  bool fits = mask.dim() > 0 && mask.dim() <= x.rank();
  for (int a = 0; a < mask.dim() && fits; ++a) fits = mask.shape()[a] == x[a];
  if (!fits) fail<IndexError>(op, ": mask ", mask.shape(), " does not match the leading axes of x ", x);
  return where(mask);
}
}  // namespace detail

/// y = x[i, j, ...]: the elements that the tensors of positions name together, one tensor for each leading axis; {} in
/// place of one means all of its axis. Negative positions count from the end.
/// Shape: the positions broadcast; their axes replace the indexed ones if these are neighbours, else they come first.
/// Errors: ShapeError when the positions do not broadcast, IndexError naming position, axis and shape.
/// Backward: dx = dy added where it was read.
/// PyTorch: x[i, j], x[:, i]
template <Element T>
Tensor<T> index(const Tensor<T>& x, const IndexList& indices) {
  const detail::IndexPlan plan("index", x.shape(), indices);
  const Tensor<T> from = (plan.in_order ? x : x.permute(plan.order)).reshape(plan.merged);
  return index_select(from, plan.axis, plan.positions).view(plan.result);
}

/// y = x[mask]: the positions of the leading axes where mask is true.
/// Shape: mask has the leading axes of x; y is [count, the other axes].
/// Errors: IndexError when the mask does not match.
/// PyTorch: x[mask]
template <Element T>
Tensor<T> index(const Tensor<T>& x, const Tensor<bool>& mask) {
  return index(x, detail::mask_positions("index", x.shape(), mask));
}

struct IndexPutOptions {
  bool accumulate = false;  // add instead of overwrite
};

/// y = x with x[i, j, ...] overwritten by values, or values added to it; positions as for index. Of several values for
/// one place the last wins, or all are added in order.
/// Shape: x; values broadcast to the shape of x[i, j, ...].
/// Errors: ShapeError, IndexError
/// Backward: dx = dy, 0 where it was overwritten; dvalues = dy[i, j, ...], summed over stretched axes.
/// PyTorch: x.index_put
template <Summable T>
Tensor<T> index_put(const Tensor<T>& x, const IndexList& indices, const Tensor<T>& values,
                    IndexPutOptions options = {}) {
  const detail::IndexPlan plan("index_put", x.shape(), indices);
  if (broadcast_shapes("index_put", values.shape(), plan.result) != plan.result)
    fail<ShapeError>("index_put: values ", values.shape(), " do not broadcast to ", plan.result);
  const Tensor<T> turned = plan.in_order ? x : x.permute(plan.order);
  const Tensor<T> to = turned.reshape(plan.merged);
  Shape shape = plan.merged;
  shape[plan.axis] = plan.positions.numel();
  const Tensor<T> from = values.expand(plan.result).reshape(shape);
  const Tensor<T> y = options.accumulate ? index_add(to, plan.axis, plan.positions, from)
                                         : index_copy(to, plan.axis, plan.positions, from);
  if (plan.in_order) return y.view(x.shape());
  Shape back = plan.order;
  for (int k = 0; k < x.dim(); ++k) back[static_cast<int>(plan.order[k])] = k;
  return y.view(turned.shape()).permute(back).contiguous();
}
template <Summable T>
Tensor<T> index_put(const Tensor<T>& x, const Tensor<bool>& mask, const Tensor<T>& values,
                    IndexPutOptions options = {}) {
  return index_put(x, detail::mask_positions("index_put", x.shape(), mask), values, options);
}

}  // namespace gloss::inline GLOSS_ABI
