// Determinants
#pragma once

#include <gloss/linalg/inv.hpp>
#include <gloss/linalg/svd.hpp>
#include <gloss/ops/abs.hpp>
#include <gloss/ops/any.hpp>
#include <gloss/ops/log.hpp>
#include <gloss/ops/prod.hpp>
#include <gloss/ops/sign.hpp>

namespace gloss::inline GLOSS_ABI::linalg {

/// A determinant as sign * e^logabsdet, which does not overflow.
template <class T>
struct Slogdet {
  Tensor<T> sign, logabsdet;
};

namespace detail {
/// Numbers whose product is the determinant: U's diagonal in P a = L U, the first one times the sign of P.
template <class T>
GLOSS_NOINLINE Tensor<T> lu_diagonal(const Tensor<T>& a) {
  ProfileScope scope("linalg::det");
  const Index n = a.size(-1);
  const Shape batch = batch_of(a.shape());
  Tensor<T> y = empty<T>(behind(batch, {n}));
  if (n > 0)
    for_each_matrix(batch.numel(), n * n * n / 3, [&, pa = a.data(), py = y.data()](Index i, Index end) {
      Eigen::PartialPivLU<ByColumns<T>> lu(n);
      for (; i < end; ++i) {
        lu.compute(matrix_at(pa, i, n, n));
        auto diagonal = matrix_at(py, i, n, 1);
        diagonal = lu.matrixLU().diagonal();
        diagonal(0) *= static_cast<T>(lu.permutationP().determinant());
      }
    });
  return y;
}

/// det(a) a^-T, also for singular matrices: det(u) det(v) u diag(product of the other singular values) v^T.
template <class T>
Tensor<T> cofactors(const Tensor<T>& a) {
  const auto [u, s, vh] = svd(a, {.full_matrices = false});
  const Tensor<T> others = gloss::detail::product_of_others(s);
  const auto sign = [](const Tensor<T>& x) { return prod(lu_diagonal(x.detach().contiguous()), -1).unsqueeze(-1); };
  return matmul(u * (sign(u) * sign(vh) * others).unsqueeze(-2), vh);
}
}  // namespace detail

/// y = the determinant, by an LU decomposition.
/// Shape: [..., n, n] -> [...]
/// Errors: ShapeError when a is not square.
/// Backward: da = dy y a^-T; for a batch with a singular matrix by singular values, where all of them take part.
/// PyTorch: torch.linalg.det
template <Real T>
Tensor<T> det(const Tensor<T>& a) {
  detail::check_square("det", a.shape());
  Tensor<T> y = prod(detail::lu_diagonal(a.detach().contiguous()), -1);
  return record("linalg::det", y, {a}, [a, saved = y.detach()](const Tensor<T>& dy, Grads& da) {
    const Tensor<T> g = dy.unsqueeze(-1).unsqueeze(-1);
    if (all(saved).item())
      da.add(0, g * da.result(saved).unsqueeze(-1).unsqueeze(-1) * detail::adjoint(inv(a)));
    else
      da.add(0, g * detail::cofactors(a));
  });
}

/// The sign of the determinant (0 for a singular matrix) and the logarithm of its absolute value (there -infinity).
/// Shape: [..., n, n] -> [...]
/// Errors: ShapeError when a is not square; in the backward Error naming the matrix that is singular.
/// Backward: da = dlogabsdet a^-T; the sign has none.
/// PyTorch: torch.linalg.slogdet
template <Real T>
Slogdet<T> slogdet(const Tensor<T>& a) {
  detail::check_square("slogdet", a.shape());
  const Tensor<T> factors = detail::lu_diagonal(a.detach().contiguous());
  Tensor<T> y = sum(log(abs(factors)), -1);
  return {prod(sign(factors), -1), record("linalg::slogdet", y, {a}, [a](const Tensor<T>& dy, Grads& da) {
            da.add(0, dy.unsqueeze(-1).unsqueeze(-1) * detail::adjoint(detail::inverse("slogdet", a)));
          })};
}

}  // namespace gloss::inline GLOSS_ABI::linalg
