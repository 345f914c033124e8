// Rows of a table by id
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <gloss/kernels/embedding.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/packed_weight.hpp>

namespace gloss::inline GLOSS_ABI {

/// Where a number of ids or axes may be given or not: it is not.
inline constexpr Index no_index = INT64_MIN;

struct EmbeddingGradOptions {
  Index padding_idx = no_index;     // the id whose row gets no gradient; counted from the end when negative
  bool scale_grad_by_freq = false;  // the gradient of a row is divided by how often its id stands in ids
};

namespace detail {
/// padding_idx as a row of n, or -1 when there is none.
GLOSS_NOINLINE inline Index padding_row(const char* op, Index padding_idx, Index n) {
  if (padding_idx == no_index) return -1;
  if (padding_idx < -n || padding_idx >= n)
    fail<IndexError>(op, ": padding_idx ", padding_idx, " is out of range for ", n, " embeddings");
  return padding_idx < 0 ? padding_idx + n : padding_idx;
}
/// Every id, dense, in range.
GLOSS_LAZY GLOSS_NOINLINE Tensor<std::int64_t> checked_ids(const char* op, const Tensor<std::int64_t>& ids,
                                                           const Shape& weight) {
  if (weight.rank() != 2) fail<ShapeError>(op, ": weight has shape ", weight, ", a matrix is wanted");
  const Tensor<std::int64_t> rows = ids.contiguous();
  for (Index i = 0; i < rows.numel(); ++i)
    if (rows.data()[i] < 0 || rows.data()[i] >= weight[0])
      fail<IndexError>(op, ": id ", rows.data()[i], " is out of range for weight ", weight);
  return rows;  // NOLINT(performance-no-automatic-move): a handle
}
/// For each use of an id, what its gradient is multiplied by: 0 for padding, 1 / count of the id.
template <class T>
Tensor<T> embedding_shares(const Tensor<std::int64_t>& rows, Index n, Index padding, bool by_frequency) {
  std::vector<Index> uses(static_cast<std::size_t>(n));
  for (Index i = 0; i < rows.numel(); ++i) ++uses[static_cast<std::size_t>(rows.data()[i])];
  Tensor<T> shares = empty<T>(rows.shape());
  for (Index i = 0; i < rows.numel(); ++i) {
    const Index id = rows.data()[i];
    shares.data()[i] = id == padding  ? T(0)
                       : by_frequency ? T(1) / static_cast<T>(uses[static_cast<std::size_t>(id)])
                                      : T(1);
  }
  return shares.unsqueeze(-1);
}
}  // namespace detail

/// y[...] = weight[ids[...]] * scale.
/// Shape: ids [...], weight [n, d] -> [..., d]
/// Errors: ShapeError when weight is no matrix, IndexError for an id outside [0, n) or a padding_idx outside [-n, n).
/// Backward: dweight[id] += dy * scale for every use of id, save padding_idx; divided by the number of its uses when
/// scale_grad_by_freq.
/// PyTorch: torch.nn.functional.embedding
template <Real T>
Tensor<T> embedding(const Tensor<std::int64_t>& ids, const Tensor<T>& weight, double scale = 1,
                    EmbeddingGradOptions options = {}) {
  ProfileScope scope("embedding");
  const Tensor<std::int64_t> rows = detail::checked_ids("embedding", ids, weight.shape());
  const Index n = weight.size(0), d = weight.size(1), count = ids.numel();
  const Index padding = detail::padding_row("embedding", options.padding_idx, n);
  if (scope) scope.bytes(sizeof(T), {count * d, count * d});
  Shape shape = ids.shape();
  shape.push_back(d);
  Tensor<T> y = empty<T>(shape);
  const T factor = static_cast<T>(scale);
  if constexpr (std::is_same_v<T, float>)
    if (const auto* const packed = detail::packed_weight(weight)) {
      packed->rows_of(count, rows.data(), y.data(), factor);
      return y;
    }
  const Tensor<T> table = weight.detach().contiguous();
  kernels::embedding_forward(static_cast<const T*>(table.data()), static_cast<const std::int64_t*>(rows.data()),
                             y.data(), count, d, factor);
  return record(
      "embedding", y, {weight},
      [rows, n, d, count, factor, scale, padding, frequency = options.scale_grad_by_freq](const Tensor<T>& dy,
                                                                                          Grads& dx) {
        const Tensor<T> g = (frequency ? dy * detail::embedding_shares<T>(rows, n, padding, true) : dy).contiguous();
        Tensor<T> dw = zeros<T>({n, d});
        kernels::embedding_backward(static_cast<const T*>(g.data()), static_cast<const std::int64_t*>(rows.data()),
                                    dw.data(), count, d, factor, padding);
        dx.add(0,  // moved, so that the sum takes the memory over instead of copying it
               record("embedding_backward", std::move(dw), {g},
                      [rows, n, scale, padding, shape = dy.shape()](const Tensor<T>& ddw, Grads& ddy) {
                        const Tensor<T> dg = embedding(rows, ddw, scale).view(shape);
                        ddy.add(0, padding < 0 ? dg : dg * detail::embedding_shares<T>(rows, n, padding, false));
                      }));
      });
}

/// Shortens, in place, each row of weight that ids name and whose norm is above max_norm, to that norm.
/// Shape: ids [...], weight [n, d]
/// Errors: as embedding; ShapeError when elements of weight share a place.
/// PyTorch: torch.embedding_renorm_
template <Real T>
void embedding_renorm_(const Tensor<T>& weight, const Tensor<std::int64_t>& ids, double max_norm,
                       double norm_type = 2) {
  const Tensor<std::int64_t> rows = detail::checked_ids("embedding_renorm_", ids, weight.shape());
  detail::check_no_overlap("embedding_renorm_", detail::body_of("embedding_renorm_", weight));
  std::vector<bool> done(static_cast<std::size_t>(weight.size(0)));
  bool any = false;
  for (Index i = 0; i < rows.numel(); ++i) {
    const Index id = rows.data()[i], d = weight.size(1);
    if (done[static_cast<std::size_t>(id)]) continue;
    done[static_cast<std::size_t>(id)] = true;
    T* const row = weight.data() + id * weight.strides()[0];
    const Index step = weight.strides()[1];
    double norm = 0;
    for (Index k = 0; k < d; ++k) {
      const double a = std::abs(static_cast<double>(row[k * step]));
      norm = norm_type == INFINITY ? (std::max)(norm, a) : norm + (norm_type == 2 ? a * a : std::pow(a, norm_type));
    }
    if (norm_type != INFINITY) norm = norm_type == 2 ? std::sqrt(norm) : std::pow(norm, 1 / norm_type);
    if (!(norm > max_norm)) continue;
    const T factor = static_cast<T>(max_norm / (norm + 1e-7));
    for (Index k = 0; k < d; ++k) row[k * step] *= factor;
    any = true;
  }
  if (any) weight.mark_changed("embedding_renorm_");
}

GLOSS_INSTANTIATE(Tensor<float> embedding(const Tensor<std::int64_t>&, const Tensor<float>&, double,
                                          EmbeddingGradOptions))
GLOSS_INSTANTIATE(Tensor<double> embedding(const Tensor<std::int64_t>&, const Tensor<double>&, double,
                                           EmbeddingGradOptions))

}  // namespace gloss::inline GLOSS_ABI
