// Where numbers belong in an ordered sequence
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

struct SearchOptions {
  bool right = false;  // behind elements that are equal, instead of before them
};

/// y = how many elements of `sequence`, which ascends along its last axis, stand before each of the values: those
/// smaller, or with .right those not larger.
/// Shape: sequence [n] and values of any shape, or the leading axes of both equal; y has values' shape.
/// Errors: ShapeError when the leading axes differ.
/// PyTorch: torch.searchsorted
template <Summable T>
Tensor<std::int64_t> searchsorted(const Tensor<T>& sequence, const Tensor<T>& values, SearchOptions options = {}) {
  const Shape &s = sequence.shape(), &v = values.shape();
  bool fits = s.rank() == 1 || (s.rank() > 1 && s.rank() == v.rank());
  for (int a = 0; a + 1 < s.rank() && fits; ++a) fits = s[a] == v[a];
  if (!fits) fail<ShapeError>("searchsorted: leading axes of sequence ", s, " and values ", v, " differ");
  const Tensor<T> rows = sequence.detach().contiguous(), wanted = values.detach().contiguous();
  const Index n = s.back(), per_row = s.rank() > 1 ? v.back() : values.numel();
  Tensor<std::int64_t> y = empty<std::int64_t>(v);
  const T *from = rows.data(), *what = wanted.data();
  std::int64_t* to = y.data();
  parallel_for(values.numel(), 1024, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const T* row = from + i / per_row * n;
      Index low = 0, high = n;
      while (low < high) {  // written so that NaN belongs at the end
        const Index middle = low + (high - low) / 2;
        const bool goes_on = options.right ? !(row[middle] > what[i]) : !(row[middle] >= what[i]);
        (goes_on ? low : high) = goes_on ? middle + 1 : middle;
      }
      to[i] = low;
    }
  });
  return y;
}

/// The bucket of each element of x between ascending boundaries: searchsorted(boundaries, x).
/// Shape: boundaries [n]; y has x's shape.
/// Errors: ShapeError when boundaries are no vector.
/// PyTorch: torch.bucketize
template <Summable T>
Tensor<std::int64_t> bucketize(const Tensor<T>& x, const Tensor<T>& boundaries, SearchOptions options = {}) {
  if (boundaries.dim() != 1)
    fail<ShapeError>("bucketize: boundaries have shape ", boundaries.shape(), ", a vector is wanted");
  return searchsorted(boundaries, x, options);
}

}  // namespace gloss::inline GLOSS_ABI
