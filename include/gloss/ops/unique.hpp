// Which values occur, and how often
#pragma once

#include <gloss/ops/sort.hpp>

namespace gloss::inline GLOSS_ABI {

/// What unique finds.
template <class T>
struct UniqueResult {
  Tensor<T> values;              // each once, ascending
  Tensor<std::int64_t> inverse;  // where each element of x stands in values
  Tensor<std::int64_t> counts;   // how often each value occurs
};

/// The different values of x, ascending; each NaN is a value of its own, at the end.
/// Shape: values and counts [n], inverse as x.
/// PyTorch: torch.unique(x, return_inverse=True, return_counts=True)
template <Summable T>
UniqueResult<T> unique(const Tensor<T>& x) {
  const Tensor<T> flat = x.detach().reshape({x.numel()}).contiguous();
  const Tensor<std::int64_t> order = argsort(flat), inverse = empty<std::int64_t>(x.shape());
  std::vector<std::int64_t> firsts, counts;
  for (Index i = 0; i < flat.numel(); ++i) {
    const std::int64_t at = order.data()[i];
    if (i == 0 || !(flat.data()[at] == flat.data()[firsts.back()])) {
      firsts.push_back(at);
      counts.push_back(0);
    }
    ++counts.back();
    inverse.data()[at] = static_cast<std::int64_t>(firsts.size()) - 1;
  }
  return {gather(flat, 0, from_vector(firsts)), inverse, from_vector(counts)};
}

/// y[v] = how often v occurs in ids, or the sum of its weights.
/// Shape: [n] -> [max(largest id + 1, minlength)]; weights have ids' shape.
/// Errors: ShapeError when ids are no vector or weights differ in shape, IndexError for a negative id.
/// PyTorch: torch.bincount
template <Summable T>
Tensor<T> bincount(const Tensor<std::int64_t>& ids, const Tensor<T>& weights, Index minlength = 0) {
  if (ids.dim() != 1) fail<ShapeError>("bincount: ids have shape ", ids.shape(), ", a vector is wanted");
  if (weights.shape() != ids.shape())
    fail<ShapeError>("bincount: weights ", weights.shape(), " and ids ", ids.shape(), " differ");
  if (minlength < 0) fail<ShapeError>("bincount: minlength ", minlength, " is negative");
  Index n = minlength;
  for (Index i = 0; i < ids.numel(); ++i) {
    const std::int64_t id = ids.at({i});
    if (id < 0) fail<IndexError>("bincount: id ", id, " is negative");
    if (id == INT64_MAX) fail<IndexError>("bincount: id ", id, " is too large");
    n = (std::max)(n, id + 1);
  }
  return scatter_add(zeros<T>({n}), 0, ids, weights.detach());
}
GLOSS_LAZY Tensor<std::int64_t> bincount(const Tensor<std::int64_t>& ids, Index minlength = 0) {
  return bincount(ids, full<std::int64_t>({}, 1).expand(ids.shape()), minlength);
}

/// Whether each element of x is one of the candidates.
/// Shape: x; candidates of any shape.
/// PyTorch: torch.isin
template <Summable T>
Tensor<bool> isin(const Tensor<T>& x, const Tensor<T>& candidates) {
  Tensor<T> set = candidates.detach().reshape({candidates.numel()}).clone();
  T *begin = set.data(), *end = std::remove_if(begin, begin + set.numel(), [](T v) { return v != v; });
  std::sort(begin, end);
  return map_unary<bool>(x, [begin, end](T v) { return v == v && std::binary_search(begin, end, v); });
}

}  // namespace gloss::inline GLOSS_ABI
