// Eigenvalues and eigenvectors of symmetric matrices
#pragma once

#include <gloss/linalg/batch.hpp>
#include <gloss/ops/diag.hpp>

#include <Eigen/Eigenvalues>

namespace gloss::inline GLOSS_ABI::linalg {

/// a v = v diag(w): column i of v is the vector of length 1 that belongs to w_i.
template <class T>
struct Eigh {
  Tensor<T> eigenvalues, eigenvectors;
};
struct EighOptions {
  bool upper = false;  // which triangle of a is read; PyTorch's UPLO
};

namespace detail {
/// The eigenvalues of a dense batch of matrices, and behind them the vectors, if wanted.
template <class T>
GLOSS_NOINLINE Tensor<T> eigh_dense(const Tensor<T>& a, bool vectors, const Parts& parts) {
  ProfileScope scope("linalg::eigh");
  const Index n = a.size(-1);
  const Shape batch = batch_of(a.shape());
  Tensor<T> packed = empty<T>({parts.numel()});
  Failures failed(batch.numel());
  if (n > 0)
    for_each_matrix(batch.numel(), 8 * n * n * n, [&, pa = a.data()](Index i, Index end) {
      Eigen::SelfAdjointEigenSolver<ByColumns<T>> solver(n);
      for (; i < end; ++i) {
        solver.compute(matrix_at(pa, i, n, n), vectors ? Eigen::ComputeEigenvectors : Eigen::EigenvaluesOnly);
        if (solver.info() != Eigen::Success) {
          failed.note(i);
          continue;
        }
        matrix_at(parts.data(packed, 0), i, n, 1) = solver.eigenvalues();
        if (vectors) matrix_at(parts.data(packed, 1), i, n, n) = solver.eigenvectors();
      }
    });
  failed.check("eigh", batch, "has no eigenvalues; are all its numbers finite?");
  return packed;
}
}  // namespace detail

/// The eigenvalues of symmetric matrices, from the smallest to the largest, and eigenvectors. The vectors are
/// determined up to their signs, and where eigenvalues are equal, only in the space that they span together: what is
/// computed from them must not depend on more. The lower triangle is read, or the upper one.
/// Shape: [..., n, n] -> eigenvalues [..., n], eigenvectors [..., n, n]
/// Errors: ShapeError when a is not square; Error naming the matrix that holds infinity or NaN.
/// Backward: da = v (diag(dw) + t_ij / (w_j - w_i)) v^T with t = (v^T dv - dv^T v) / 2, which is symmetric; by vectors
/// it wants distinct eigenvalues.
/// PyTorch: torch.linalg.eigh
template <Real T>
Eigh<T> eigh(const Tensor<T>& a, EighOptions options = {}) {
  detail::check_square("eigh", a.shape());
  const Index n = a.size(-1);
  const Shape batch = detail::batch_of(a.shape());
  const detail::Parts parts{detail::behind(batch, {n}), a.shape()};
  const Tensor<T> lower = (options.upper ? detail::adjoint(a.detach()) : a.detach()).contiguous();
  Tensor<T> packed = detail::eigh_dense(lower, true, parts);
  packed = record("linalg::eigh", packed, {a}, [parts, saved = packed.detach()](const Tensor<T>& dy, Grads& da) {
    const Tensor<T> both = da.result(saved), w = parts.view(both, 0), v = parts.view(both, 1);
    const Tensor<T> turn = detail::minus_adjoint(matmul(detail::adjoint(v), parts.view(dy, 1))) / 2;
    const Tensor<T> core =
        detail::divide_unless_zero(turn, w.unsqueeze(-2) - w.unsqueeze(-1)) + diag_embed(parts.view(dy, 0));
    da.add(0, matmul(v, matmul(core, detail::adjoint(v))));
  });
  return {parts.view(packed, 0), parts.view(packed, 1)};
}

/// The eigenvalues alone.
/// Shape: [..., n, n] -> [..., n]
/// Errors: as eigh.
/// Backward: da = v diag(dw) v^T.
/// PyTorch: torch.linalg.eigvalsh
template <Real T>
Tensor<T> eigvalsh(const Tensor<T>& a, EighOptions options = {}) {
  if (will_record({a})) return eigh(a, options).eigenvalues;
  detail::check_square("eigvalsh", a.shape());
  const detail::Parts parts{Shape(a.shape().begin(), a.shape().end() - 1)};
  const Tensor<T> lower = (options.upper ? detail::adjoint(a.detach()) : a.detach()).contiguous();
  return parts.view(detail::eigh_dense(lower, false, parts), 0);
}

}  // namespace gloss::inline GLOSS_ABI::linalg
