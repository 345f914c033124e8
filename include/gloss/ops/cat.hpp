// Joins tensors along an axis
#pragma once

#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// The tensors one after the other along an axis.
/// Shape: equal but for that axis; tensors of shape [0] are passed over.
/// Errors: Error for an empty list, ShapeError naming the tensor that differs.
/// Backward: each input takes its piece of dy.
/// PyTorch: torch.cat
template <Element T>
Tensor<T> cat(const std::vector<Tensor<T>>& inputs, Index axis = 0) {
  if (inputs.empty()) fail("cat: no tensors to join");
  std::size_t nothing = 0;
  for (const Tensor<T>& x : inputs) nothing += x.shape() == Shape{0};
  if (nothing > 0 && nothing < inputs.size()) {
    std::vector<Tensor<T>> rest;
    for (const Tensor<T>& x : inputs)
      if (x.shape() != Shape{0}) rest.push_back(x);
    return cat(rest, axis);
  }
  Shape shape = inputs[0].shape();
  if (shape.rank() == 0) fail<ShapeError>("cat: scalars cannot be joined; use stack");
  const int a = normalize_axis("cat", axis, shape.rank());
  for (std::size_t k = 1; k < inputs.size(); ++k) {
    Shape expected = inputs[0].shape();
    if (inputs[k].dim() == shape.rank()) expected[a] = inputs[k].shape()[a];
    if (inputs[k].shape() != expected)
      fail<ShapeError>("cat: tensor ", k, " has shape ", inputs[k].shape(), ", tensor 0 has ", inputs[0].shape(),
                       "; only axis ", a, " may differ");
    shape[a] += inputs[k].shape()[a];
  }
  ProfileScope scope("cat");  // the bytes are those of the copies within
  Tensor<T> y = empty<T>(shape);
  std::vector<Index> starts;
  Index start = 0;
  for (const Tensor<T>& x : inputs) {
    starts.push_back(start);
    y.slice(a, start, start + x.shape()[a]).copy_(x.detach());
    start += x.shape()[a];
  }
  starts.push_back(start);
  if constexpr (Real<T>)
    return record("cat", y, inputs, [a, starts](const Tensor<T>& dy, Grads& dx) {
      for (std::size_t k = 0; k + 1 < starts.size(); ++k)
        if (dx.needs(static_cast<int>(k))) dx.add(static_cast<int>(k), dy.slice(a, starts[k], starts[k + 1]));
    });
  return y;
}

/// The tensors as the positions of a new axis.
/// Shape: all equal.
/// Errors: Error for an empty list, ShapeError when shapes differ.
/// PyTorch: torch.stack
template <Element T>
Tensor<T> stack(const std::vector<Tensor<T>>& inputs, Index axis = 0) {
  if (inputs.empty()) fail("stack: no tensors to join");
  const int a = normalize_axis("stack", axis, inputs[0].dim() + 1);
  std::vector<Tensor<T>> planes;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    if (inputs[k].shape() != inputs[0].shape())
      fail<ShapeError>("stack: tensor ", k, " has shape ", inputs[k].shape(), ", tensor 0 has ", inputs[0].shape());
    planes.push_back(inputs[k].unsqueeze(a));
  }
  return cat(planes, a);
}

GLOSS_INSTANTIATE(Tensor<std::int64_t> cat(const std::vector<Tensor<std::int64_t>>&, Index))
GLOSS_INSTANTIATE(Tensor<std::int64_t> stack(const std::vector<Tensor<std::int64_t>>&, Index))
GLOSS_INSTANTIATE(Tensor<float> cat(const std::vector<Tensor<float>>&, Index))
GLOSS_INSTANTIATE(Tensor<float> stack(const std::vector<Tensor<float>>&, Index))
GLOSS_INSTANTIATE(Tensor<double> cat(const std::vector<Tensor<double>>&, Index))
GLOSS_INSTANTIATE(Tensor<double> stack(const std::vector<Tensor<double>>&, Index))

}  // namespace gloss::inline GLOSS_ABI
