// Rows of a table by id
#pragma once

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
  const Tensor<std::int64_t> rows = ids.contiguous();
  for (Index i = 0; i < count; ++i)
    if (rows.data()[i] < 0 || rows.data()[i] >= n)
      fail<IndexError>("embedding: id ", rows.data()[i], " is out of range for weight ", weight.shape());
  Shape shape = ids.shape();
  shape.push_back(d);
  Tensor<T> y = empty<T>(shape);
  const Tensor<T> table = weight.detach().contiguous();
  const T factor = static_cast<T>(scale);
  parallel_for(count, 16384 / (d + 1) + 1, [&, from = table.data(), to = y.data()](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const T* row = from + rows.data()[i] * d;
      for (Index c = 0; c < d; ++c) to[i * d + c] = row[c] * factor;
    }
  });
  return record("embedding", y, {weight}, [rows, n, d, count, factor](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) fail<GradError>("embedding: a fused op has no second derivative");
    const Tensor<T> g = dy.contiguous();
    Tensor<T> dw = zeros<T>({n, d});
    // Threads share out the columns, so each sum runs over the ids in order whatever their number.
    parallel_for(d, 65536 / (count + 1) + 16, [&, from = g.data(), to = dw.data()](Index begin, Index end) {
      for (Index i = 0; i < count; ++i) {
        T* row = to + rows.data()[i] * d;
        for (Index c = begin; c < end; ++c) row[c] += from[i * d + c] * factor;
      }
    });
    dx.add(0, std::move(dw));
  });
}

}  // namespace gloss::inline GLOSS_ABI
