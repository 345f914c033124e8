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
/// Errors: ShapeError for another shape, and for a parameter whose elements share a place.
/// PyTorch: torch.nn.utils.vector_to_parameters
template <Real T>
void vector_to_parameters(const Tensor<T>& vector, const std::vector<Tensor<T>>& parameters) {
  Index n = 0, position = 0;
  for (const Tensor<T>& p : parameters) n += p.numel();
  if (vector.shape() != Shape{n})
    fail<ShapeError>("vector_to_parameters: the vector has shape ", vector.shape(), ", the parameters have ", n,
                     " elements");
  NoGradGuard no_grad;
  bool shared = false;
  for (const Tensor<T>& p : parameters) {
    gloss::detail::check_no_overlap("vector_to_parameters", gloss::detail::body_of("vector_to_parameters", p));
    shared = shared || gloss::detail::share_memory(vector, p);
  }
  const Tensor<T> from = shared ? vector.detach().clone() : vector.detach();
  for (const Tensor<T>& p : parameters) {
    p.detach().copy_(from.narrow(0, position, p.numel()).view(p.shape()));
    position += p.numel();
  }
}

}  // namespace gloss::inline GLOSS_ABI::nn
