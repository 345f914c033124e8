// Least squares
#pragma once

#include <gloss/linalg/pinv.hpp>
#include <gloss/ops/pow.hpp>
#include <gloss/ops/sum.hpp>

#include <Eigen/QR>

namespace gloss::inline GLOSS_ABI::linalg {

/// solution: [..., n, k]. residuals: the squared lengths of a x - b by columns, [..., k] where m > n and all matrices
/// have rank n, else [0]. rank: [...].
template <class T>
struct Lstsq {
  Tensor<T> solution, residuals;
  Tensor<std::int64_t> rank;
};
struct LstsqOptions {
  std::optional<double> rcond =
      {};  // what counts as zero beside the largest pivot; epsilon times the larger of m and n
};

namespace detail {
template <class T>
GLOSS_NOINLINE Tensor<T> lstsq_dense(const Tensor<T>& a, const Tensor<T>& b, std::optional<double> rcond,
                                     const Tensor<std::int64_t>& rank) {
  ProfileScope scope("linalg::lstsq");
  const Index m = a.size(-2), n = a.size(-1), k = b.size(-1);
  const Shape batch = batch_of(a.shape());
  const double limit = rcond.value_or(std::numeric_limits<T>::epsilon() * static_cast<double>((std::max)(m, n)));
  Tensor<T> x = zeros<T>(behind(batch, {n, k}));
  rank.fill_(0);
  if (m == 0 || n == 0) return x;
  for_each_matrix(batch.numel(), 4 * m * n * (std::min)(m, n),
                  [&, pa = a.data(), pb = b.data(), px = x.data()](Index i, Index end) {
                    Eigen::CompleteOrthogonalDecomposition<ByColumns<T>> cod(m, n);
                    for (; i < end; ++i) {
                      cod.setThreshold(static_cast<T>(limit));
                      cod.compute(matrix_at(pa, i, m, n));
                      rank.data()[i] = cod.rank();
                      matrix_at(px, i, n, k) = cod.solve(ByColumns<T>(matrix_at(pb, i, m, k)));
                    }
                  });
  return x;
}
}  // namespace detail

/// The shortest of the x for which the length of a x - b is smallest, by an orthogonal decomposition that finds a's
/// rank.
/// Shape: a [..., m, n], b [..., m, k] or a vector [..., m]; leading axes broadcast. See Lstsq.
/// Errors: ShapeError when sizes do not fit.
/// Backward: those of x = pinv(a) b, for matrices of constant rank; residuals go through x.
/// PyTorch: torch.linalg.lstsq, whose default driver on CPUs leaves the residuals out
template <Real T>
Lstsq<T> lstsq(const Tensor<T>& a, const Tensor<T>& b, LstsqOptions options = {}) {
  detail::check_matrix("lstsq", a.shape());
  if (b.dim() > 0 && b.shape() == Shape(a.shape().begin(), a.shape().end() - 1)) {
    const Lstsq<T> all = lstsq(a, b.unsqueeze(-1), options);
    return {all.solution.squeeze(-1), all.residuals.dim() > 1 ? all.residuals.squeeze(-1) : all.residuals, all.rank};
  }
  const Index m = a.size(-2), n = a.size(-1);
  if (b.dim() < 2 || b.size(-2) != m)
    fail<ShapeError>("linalg::lstsq: a ", a.shape(), " and b ", b.shape(), " do not fit");
  const Shape batch = broadcast_shapes("linalg::lstsq", detail::batch_of(a.shape()), detail::batch_of(b.shape()));
  const Tensor<T> left = a.expand(detail::behind(batch, {m, n})),
                  right = b.expand(detail::behind(batch, {m, b.size(-1)}));
  const Tensor<std::int64_t> rank = empty<std::int64_t>(batch);
  Tensor<T> x = detail::lstsq_dense(left.detach().contiguous(), right.detach().contiguous(), options.rcond, rank);
  x = record("linalg::lstsq", x, {left, right}, [left, right](const Tensor<T>& dx, Grads& grads) {
    const Tensor<T> p = pinv(left);
    if (grads.needs(0)) grads.add(0, detail::pinv_backward(left, p, matmul(dx, detail::adjoint(right))));
    grads.add(1, matmul(detail::adjoint(p), dx));
  });
  const bool has_residuals = m > n && all(rank == n).item();
  return {x, has_residuals ? sum(square(matmul(left, x) - right), -2) : empty<T>({0}), rank};
}

}  // namespace gloss::inline GLOSS_ABI::linalg
