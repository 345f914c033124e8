// All parameters as one vector, and back.
#pragma once

#include <vector>

#include <gloss/ops/cat.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// The numbers of all tensors, one after the other; part of the graph.
/// Errors: Error for an empty list.
/// PyTorch: torch.nn.utils.parameters_to_vector
template <Real T>
Tensor<T> parameters_to_vector(const std::vector<Tensor<T>>& parameters) {
  std::vector<Tensor<T>> flat;
  for (const Tensor<T>& p : parameters) flat.push_back(p.reshape({-1}));
  return cat(flat);
}

/// Writes them back, outside of the graph. Nothing is written unless the length fits.
/// Shape: [n], n the number of all elements
/// Errors: ShapeError for another shape.
/// PyTorch: torch.nn.utils.vector_to_parameters
template <Real T>
void vector_to_parameters(const Tensor<T>& vector, const std::vector<Tensor<T>>& parameters) {
  Index n = 0, position = 0;
  for (const Tensor<T>& p : parameters) n += p.numel();
  if (vector.shape() != Shape{n})
    fail<ShapeError>("vector_to_parameters: the vector has shape ", vector.shape(), ", the parameters have ", n,
                     " elements");
  NoGradGuard no_grad;
  for (const Tensor<T>& p : parameters) {
    p.detach().copy_(vector.detach().narrow(0, position, p.numel()).view(p.shape()));
    position += p.numel();
  }
}

}  // namespace gloss::inline GLOSS_ABI::nn
