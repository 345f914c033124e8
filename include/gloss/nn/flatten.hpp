// Merging axes into one, and splitting one again.
#pragma once

#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// The axes start_dim..end_dim as one.
/// Shape: [N, a, b, ...] -> [N, a b ...] by default
/// Errors: IndexError when x has no such axes, or end_dim comes before start_dim.
/// PyTorch: torch.nn.Flatten
template <Real T>
struct Flatten final : Module<T> {
  Index start_dim, end_dim;

  explicit Flatten(Index start = 1, Index end = -1) : start_dim(start), end_dim(end) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(x.flatten(start_dim, end_dim)); }
  void visit(Visitor<T>&) override {}
};

/// The axis dim as several; one of the sizes may be -1.
/// Shape: [..., a b, ...] -> [..., a, b, ...]
/// Errors: IndexError when x has no axis dim, ShapeError when the sizes do not fill it.
/// PyTorch: torch.nn.Unflatten
template <Real T>
struct Unflatten final : Module<T> {
  Index dim;
  Shape unflattened_size;

  Unflatten(Index axis, const Shape& sizes) : dim(axis), unflattened_size(sizes) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(x.unflatten(dim, unflattened_size)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
