// Tensors stretched to a common shape
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// Views of all the tensors in the shape that they broadcast to.
/// Errors: ShapeError when they do not.
/// PyTorch: torch.broadcast_tensors
template <Element T>
std::vector<Tensor<T>> broadcast_tensors(std::vector<Tensor<T>> inputs) {
  Shape shape;
  for (const Tensor<T>& x : inputs) shape = broadcast_shapes("broadcast_tensors", shape, x.shape());
  for (Tensor<T>& x : inputs) x = x.expand(shape);
  return inputs;
}

/// Whether the first vector of a meshgrid goes along axis 0 (matrices) or along axis 1 (pictures).
enum class Indexing { ij, xy };

/// The coordinates of a grid: y_k[i_0, i_1, ...] = x_k[i_k]; with Indexing::xy the first two axes are swapped.
/// Shape: vectors (or scalars) of sizes n_0, n_1, ... -> views of shape [n_0, n_1, ...]
/// Errors: ShapeError when one has more than one axis, Error for an empty list.
/// PyTorch: torch.meshgrid
template <Element T>
std::vector<Tensor<T>> meshgrid(const std::vector<Tensor<T>>& inputs, Indexing indexing = Indexing::ij) {
  if (inputs.empty()) fail("meshgrid: no tensors");
  Shape shape;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    if (inputs[k].dim() > 1)
      fail<ShapeError>("meshgrid: tensor ", k, " has shape ", inputs[k].shape(), ", a vector is wanted");
    shape.push_back(inputs[k].numel());
  }
  const bool swap = indexing == Indexing::xy && inputs.size() > 1;
  std::vector<Tensor<T>> grid;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    Shape one = Shape::filled(shape.rank(), 1);
    one[static_cast<int>(k)] = inputs[k].numel();
    Tensor<T> y = inputs[k].reshape(one).expand(shape);
    grid.push_back(swap ? y.transpose(0, 1) : y);
  }
  return grid;
}

}  // namespace gloss::inline GLOSS_ABI
