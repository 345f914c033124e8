// Orders the elements of each row: sort, topk, kthvalue
#pragma once

#include <algorithm>
#include <vector>

#include <gloss/ops/max.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// Positions of the first k elements of each row along an axis, in order; equal ones by position, NaN as the largest.
/// `Few` says that k is small: rows are then searched instead of sorted.
/// Shape: x with that axis of size k (a scalar is one row of one).
template <bool Few, class T>
Tensor<std::int64_t> order_rows(const Tensor<T>& x, int axis, Index k, bool descending) {
  const Tensor<T> rows = (x.dim() > 0 ? x.detach().transpose(axis, -1) : x.detach()).contiguous();
  const Index n = x.dim() > 0 ? x.shape()[axis] : 1;
  Shape shape = rows.shape();
  if (x.dim() > 0) shape[shape.rank() - 1] = k;
  Tensor<std::int64_t> y = empty<std::int64_t>(shape);
  const T* from = rows.data();
  std::int64_t* to = y.data();
  parallel_for(n > 0 ? rows.numel() / n : 0, 16384 / (n + 1) + 1, [=](Index begin, Index end) {
    struct Item {
      T value;
      std::int64_t position;
    };
    std::vector<Item> items(static_cast<std::size_t>(n));
    const auto before = [descending](const Item& a, const Item& b) {
      if (a.value < b.value) return !descending;
      if (b.value < a.value) return descending;
      const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
      return a_nan == b_nan ? a.position < b.position : a_nan == descending;
    };
    for (Index r = begin; r < end; ++r) {
      for (Index i = 0; i < n; ++i) items[static_cast<std::size_t>(i)] = {from[r * n + i], i};
      if constexpr (Few)  // each of the two takes a while to compile
        std::partial_sort(items.begin(), items.begin() + k, items.end(), before);
      else
        std::sort(items.begin(), items.end(), before);
      for (Index i = 0; i < k; ++i) to[r * k + i] = items[static_cast<std::size_t>(i)].position;
    }
  });
  return x.dim() > 0 ? y.transpose(axis, -1).contiguous() : y;
}
}  // namespace detail

struct SortOptions {
  bool descending = false;
};

/// The elements along an axis in order, and where they stood. Equal ones keep their order; NaN counts as the largest.
/// Shape: values and indices as x.
/// Errors: IndexError for a wrong axis.
/// Backward: dvalues goes back to where the elements stood.
/// PyTorch: torch.sort(stable=True)
template <Summable T>
ValuesIndices<T> sort(const Tensor<T>& x, Index axis = -1, SortOptions options = {}) {
  const int a = normalize_axis("sort", axis, x.dim());
  const auto indices = detail::order_rows<false>(x, a, x.dim() > 0 ? x.shape()[a] : 1, options.descending);
  return {gather(x, a, indices), indices};
}

/// The positions that sort gives. PyTorch: torch.argsort(stable=True)
template <Summable T>
Tensor<std::int64_t> argsort(const Tensor<T>& x, Index axis = -1, SortOptions options = {}) {
  const int a = normalize_axis("argsort", axis, x.dim());
  return detail::order_rows<false>(x, a, x.dim() > 0 ? x.shape()[a] : 1, options.descending);
}

struct TopkOptions {
  bool largest = true;  // else the k smallest
};

/// The k largest elements along an axis, largest first, or the k smallest, smallest first; equal ones in order of
/// position. NaN counts as largest.
/// Shape: [..., n, ...] -> values and indices [..., k, ...]
/// Errors: IndexError when k is negative or more than n, or for a wrong axis.
/// Backward: dvalues goes to the chosen positions.
/// PyTorch: torch.topk
template <Summable T>
ValuesIndices<T> topk(const Tensor<T>& x, Index k, Index axis = -1, TopkOptions options = {}) {
  const int a = normalize_axis("topk", axis, x.dim());
  if (k < 0 || k > (x.dim() > 0 ? x.shape()[a] : 1))
    fail<IndexError>("topk: k ", k, " is out of range for shape ", x.shape());
  const auto indices = detail::order_rows<true>(x, a, x.dim() > 0 ? k : 1, options.largest);
  return {gather(x, a, indices), indices};
}

/// The k-th smallest element along an axis (from 1), and where it stands.
/// Shape: x without the axis, or with it as 1 (keepdim).
/// Errors: IndexError when k is not in [1, n].
/// Backward: dvalues goes to the chosen positions.
/// PyTorch: torch.kthvalue
template <Summable T>
ValuesIndices<T> kthvalue(const Tensor<T>& x, Index k, Index axis = -1, ReduceOptions options = {}) {
  const int a = normalize_axis("kthvalue", axis, x.dim());
  if (k < 1 || k > (x.dim() > 0 ? x.shape()[a] : 1))
    fail<IndexError>("kthvalue: k ", k, " is out of range for axis ", a, " of shape ", x.shape());
  auto indices = detail::order_rows<false>(x, a, k, false);
  if (x.dim() > 0) indices = indices.narrow(a, k - 1, 1);
  return detail::pick(x, a, indices.contiguous(), options.keepdim);
}

}  // namespace gloss::inline GLOSS_ABI
