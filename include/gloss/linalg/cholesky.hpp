// The Cholesky decomposition
#pragma once

#include <gloss/linalg/solve_triangular.hpp>
#include <gloss/ops/diag.hpp>

#include <Eigen/Cholesky>

namespace gloss::inline GLOSS_ABI::linalg {

struct CholeskyOptions {
  bool upper = false;  // the transposed result, from the upper triangle
};

namespace detail {
template <class T>
GLOSS_NOINLINE Tensor<T> cholesky_dense(const Tensor<T>& a) {
  ProfileScope scope("linalg::cholesky");
  const Index n = a.size(-1);
  const Shape batch = batch_of(a.shape());
  Tensor<T> l = empty<T>(a.shape());
  Failures failed(batch.numel());
  for_each_matrix(batch.numel(), n * n * n / 3, [&, pa = a.data(), pl = l.data()](Index i, Index end) {
    Eigen::LLT<ByColumns<T>> llt(n);
    for (; i < end; ++i) {
      llt.compute(matrix_at(pa, i, n, n));
      if (llt.info() != Eigen::Success || !(llt.matrixLLT().diagonal().array() > T{0}).all()) failed.note(i);
      matrix_at(pl, i, n, n) = llt.matrixL();
    }
  });
  failed.check("cholesky", batch, "is not positive definite");
  return l;
}
}  // namespace detail

/// The lower triangle l with a = l l^T, for a symmetric and positive definite, of which the lower triangle is read.
/// Shape: [..., n, n] -> the same.
/// Errors: ShapeError when a is not square; Error naming the matrix that is not positive definite.
/// Backward: da = l^-T s l^-1, where s is symmetric, its lower triangle half of l^T dl's.
/// PyTorch: torch.linalg.cholesky
template <Real T>
Tensor<T> cholesky(const Tensor<T>& a, CholeskyOptions options = {}) {
  detail::check_square("cholesky", a.shape());
  if (options.upper) return detail::adjoint(cholesky(detail::adjoint(a)));
  Tensor<T> y = detail::cholesky_dense(a.detach().contiguous());
  return record("linalg::cholesky", y, {a}, [saved = y.detach()](const Tensor<T>& dl, Grads& da) {
    const Tensor<T> l = da.result(saved), product = matmul(detail::adjoint(l), dl) / 2;
    const Tensor<T> s = tril(product) + detail::adjoint(tril(product, -1));
    da.add(0, solve_triangular(l, solve_triangular(detail::adjoint(l), s, {.upper = true}), {.left = false}));
  });
}

}  // namespace gloss::inline GLOSS_ABI::linalg
