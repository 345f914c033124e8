// Rows of a table by id
#pragma once

#include <gloss/kernels/embedding.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// y[...] = weight[ids[...]] * scale.
/// Shape: ids [...], weight [n, d] -> [..., d]
/// Errors: ShapeError when weight is no matrix, IndexError for an id outside [0, n).
/// Backward: dweight[id] += dy * scale for every use of id.
/// PyTorch: torch.nn.functional.embedding
template <Real T>
Tensor<T> embedding(const Tensor<std::int64_t>& ids, const Tensor<T>& weight, double scale = 1) {
  if (weight.dim() != 2) fail<ShapeError>("embedding: weight has shape ", weight.shape(), ", a matrix is wanted");
  const Index n = weight.size(0), d = weight.size(1), count = ids.numel();
  ProfileScope scope("embedding");
  if (scope) scope.bytes(sizeof(T), {count * d, count * d});
  const Tensor<std::int64_t> rows = ids.contiguous();
  for (Index i = 0; i < count; ++i)
    if (rows.data()[i] < 0 || rows.data()[i] >= n)
      fail<IndexError>("embedding: id ", rows.data()[i], " is out of range for weight ", weight.shape());
  Shape shape = ids.shape();
  shape.push_back(d);
  Tensor<T> y = empty<T>(shape);
  const Tensor<T> table = weight.detach().contiguous();
  const T factor = static_cast<T>(scale);
  kernels::embedding_forward(static_cast<const T*>(table.data()), static_cast<const std::int64_t*>(rows.data()),
                             y.data(), count, d, factor);
  return record("embedding", y, {weight}, [rows, n, d, count, factor, scale](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> g = dy.contiguous();
    Tensor<T> dw = zeros<T>({n, d});
    kernels::embedding_backward(static_cast<const T*>(g.data()), static_cast<const std::int64_t*>(rows.data()),
                                dw.data(), count, d, factor);
    dx.add(0,  // moved, so that the sum takes the memory over instead of copying it
           record("embedding_backward", std::move(dw), {dy},
                  [rows, scale, shape = dy.shape()](const Tensor<T>& ddw, Grads& ddy) {
                    ddy.add(0, embedding(rows, ddw, scale).view(shape));
                  }));
  });
}

}  // namespace gloss::inline GLOSS_ABI
