// View members of Tensor that cut it into pieces: unbind, split, chunk, tensor_split
#pragma once

#include <gloss/tensor/views.hpp>

namespace gloss::inline GLOSS_ABI {

/// Every position of an axis, as by select.
/// Errors: ShapeError for a scalar, IndexError for a wrong axis.
/// PyTorch: torch.unbind
template <class T>
std::vector<Tensor<T>> Tensor<T>::unbind(Index axis) const {
  const int a = normalize_axis("unbind", axis, dim());
  if (dim() == 0) fail<ShapeError>("unbind: a scalar has no axis to select from");
  std::vector<Tensor> pieces;
  for (Index i = 0; i < shape()[a]; ++i) pieces.push_back(select(a, i));
  return pieces;
}

/// Pieces of these sizes along an axis, one after the other.
/// Errors: ShapeError when the sizes are negative or do not add up to the axis.
/// PyTorch: torch.split(x, sizes)
template <class T>
std::vector<Tensor<T>> Tensor<T>::split(const std::vector<Index>& sizes, Index axis) const {
  const int a = normalize_axis("split", axis, dim());
  if (dim() == 0) fail<ShapeError>("split: a scalar has no axis to split");
  Index total = 0;
  for (Index s : sizes) {
    if (s < 0) fail<ShapeError>("split: size ", s, " is negative");
    if (s > INT64_MAX - total) fail<ShapeError>("split: size ", s, " is too large for axis ", a, " of shape ", shape());
    total += s;
  }
  if (total != shape()[a]) fail<ShapeError>("split: the sizes add up to ", total, ", axis ", a, " of shape ", shape());
  std::vector<Tensor> pieces;
  Index start = 0;
  for (Index s : sizes) {
    pieces.push_back(narrow(a, start, s));
    start += s;
  }
  return pieces;
}

/// Pieces of `size` positions; the last may be smaller. An empty axis gives one empty piece.
/// Errors: ShapeError when size is not positive (0 is allowed for an empty axis).
/// PyTorch: torch.split(x, size)
template <class T>
std::vector<Tensor<T>> Tensor<T>::split_evenly(Index size, Index axis) const {
  const int a = normalize_axis("split", axis, dim());
  if (dim() == 0) fail<ShapeError>("split: a scalar has no axis to split");
  const Index n = shape()[a];
  if (size < 0 || (size == 0 && n > 0))
    fail<ShapeError>("split: size ", size, " does not split axis ", a, " of shape ", shape());
  if (n == 0) return {*this};
  std::vector<Tensor> pieces;
  for (Index start = 0; start < n; start += size) pieces.push_back(slice(a, start, (std::min)(n, start + size)));
  return pieces;
}

/// At most `chunks` pieces of equal size, rounded up; the last may be smaller.
/// Errors: ShapeError when chunks is not positive.
/// PyTorch: torch.chunk
template <class T>
std::vector<Tensor<T>> Tensor<T>::chunk(Index chunks, Index axis) const {
  const int a = normalize_axis("chunk", axis, dim());
  if (dim() == 0) fail<ShapeError>("chunk: a scalar has no axis to split");
  if (chunks <= 0) fail<ShapeError>("chunk: ", chunks, " chunks wanted");
  if (shape()[a] == 0) return split(std::vector<Index>(static_cast<std::size_t>(chunks), 0), a);
  return split_evenly((shape()[a] - 1) / chunks + 1, a);
}

/// Exactly `sections` pieces whose sizes differ by at most one, the larger first.
/// Errors: ShapeError when sections is not positive.
/// PyTorch: torch.tensor_split(x, sections)
template <class T>
std::vector<Tensor<T>> Tensor<T>::split_in(Index sections, Index axis) const {
  const int a = normalize_axis("tensor_split", axis, dim());
  if (dim() == 0) fail<ShapeError>("tensor_split: a scalar has no axis to split");
  if (sections <= 0) fail<ShapeError>("tensor_split: ", sections, " sections wanted");
  const Index n = shape()[a];
  std::vector<Index> sizes;
  for (Index i = 0; i < sections; ++i) sizes.push_back(n / sections + (i < n % sections));
  return split(sizes, a);
}

/// Pieces that end before each of the positions, and the rest; positions are read as in a slice.
/// PyTorch: torch.tensor_split(x, indices)
template <class T>
std::vector<Tensor<T>> Tensor<T>::tensor_split(const std::vector<Index>& positions, Index axis) const {
  const int a = normalize_axis("tensor_split", axis, dim());
  if (dim() == 0) fail<ShapeError>("tensor_split: a scalar has no axis to split");
  std::vector<Tensor> pieces;
  Index start = 0;
  for (Index p : positions) {
    pieces.push_back(slice(a, start, p));
    start = p;
  }
  pieces.push_back(slice(a, start));
  return pieces;
}

}  // namespace gloss::inline GLOSS_ABI
