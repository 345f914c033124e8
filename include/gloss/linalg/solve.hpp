// Systems of linear equations
#pragma once

#include <gloss/linalg/batch.hpp>

#include <Eigen/LU>

namespace gloss::inline GLOSS_ABI::linalg {

struct SolveOptions {
  bool left = true;  // a x = b; otherwise x a = b
};

namespace detail {
/// x with a x = b for dense batches of n x n and n x k matrices.
template <class T>
GLOSS_NOINLINE Tensor<T> solve_dense(const char* op, const Tensor<T>& a, const Tensor<T>& b) {
  ProfileScope scope("linalg::solve");
  const Index n = a.size(-1), k = b.size(-1);
  const Shape batch = batch_of(a.shape());
  Tensor<T> x = empty<T>(b.shape());
  Failures singular(batch.numel());
  if (n > 0)
    for_each_matrix(batch.numel(), n * n * (n / 3 + k),
                    [&, pa = a.data(), pb = b.data(), px = x.data()](Index i, Index end) {
                      Eigen::PartialPivLU<ByColumns<T>> lu(n);
                      ByColumns<T> columns(n, k);
                      for (; i < end; ++i) {
                        lu.compute(matrix_at(pa, i, n, n));
                        if ((lu.matrixLU().diagonal().array() == T{0}).any()) singular.note(i);
                        columns = lu.permutationP() * matrix_at(pb, i, n, k);
                        lu.matrixLU().template triangularView<Eigen::UnitLower>().solveInPlace(columns);
                        lu.matrixLU().template triangularView<Eigen::Upper>().solveInPlace(columns);
                        matrix_at(px, i, n, k) = columns;
                      }
                    });
  singular.check(op, batch, "is singular");
  return x;
}

template <class T>
Tensor<T> solve_matrices(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> x = solve_dense("solve", a.detach().contiguous(), b.detach().contiguous());
  return record("linalg::solve", x, {a, b}, [a, saved = x.detach()](const Tensor<T>& dx, Grads& grads) {
    const Tensor<T> db = solve_matrices(adjoint(a), dx);
    grads.add(1, db);
    if (grads.needs(0)) grads.add(0, -matmul(db, adjoint(grads.result(saved))));
  });
}
}  // namespace detail

/// x with a x = b (with x a = b where not `left`), by an LU decomposition with partial pivoting. b is taken as a vector
/// where it has one axis, or a's without the last.
/// Shape: a [..., n, n], b [..., n, k] (or [..., k, n], or a vector [..., n]) -> as b; leading axes broadcast.
/// Errors: ShapeError when a is not square or sizes do not fit; Error naming the matrix that is singular.
/// Backward: db = solve(a^T, dx), da = -db x^T.
/// PyTorch: torch.linalg.solve
template <Real T>
Tensor<T> solve(const Tensor<T>& a, const Tensor<T>& b, SolveOptions options = {}) {
  detail::check_square("solve", a.shape());
  const bool is_vector = b.dim() == 1 || b.shape() == Shape(a.shape().begin(), a.shape().end() - 1);
  if (is_vector && !options.left) fail<ShapeError>("linalg::solve: x a = b wants matrices, b has shape ", b.shape());
  if (is_vector) return solve(a, b.unsqueeze(-1)).squeeze(-1);
  if (b.dim() < 2 || b.size(options.left ? -2 : -1) != a.size(-1))
    fail<ShapeError>("linalg::solve: a ", a.shape(), " and b ", b.shape(), " do not fit");
  if (!options.left) return detail::adjoint(solve(detail::adjoint(a), detail::adjoint(b)));
  const Shape batch = broadcast_shapes("linalg::solve", detail::batch_of(a.shape()), detail::batch_of(b.shape()));
  return detail::solve_matrices(a.expand(detail::behind(batch, {a.size(-2), a.size(-1)})),
                                b.expand(detail::behind(batch, {b.size(-2), b.size(-1)})));
}

}  // namespace gloss::inline GLOSS_ABI::linalg
