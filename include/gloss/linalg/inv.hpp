// Inverse matrices
#pragma once

#include <gloss/linalg/solve.hpp>

namespace gloss::inline GLOSS_ABI::linalg {

namespace detail {
template <class T>
Tensor<T> inverse(const char* op, const Tensor<T>& a) {
  check_square(op, a.shape());
  Tensor<T> y = solve_dense(op, a.detach().contiguous(), eye<T>(a.size(-1)).expand(a.shape()).contiguous());
  return record("linalg::inv", y, {a}, [saved = y.detach()](const Tensor<T>& dy, Grads& da) {
    const Tensor<T> t = adjoint(da.result(saved));
    da.add(0, -matmul(t, matmul(dy, t)));
  });
}
}  // namespace detail

/// y = a^-1. To solve equations, solve() takes a third of the time and is more exact.
/// Shape: [..., n, n] -> the same.
/// Errors: ShapeError when a is not square; Error naming the matrix that is singular.
/// Backward: da = -y^T dy y^T.
/// PyTorch: torch.linalg.inv
template <Real T>
Tensor<T> inv(const Tensor<T>& a) {
  return detail::inverse("inv", a);
}

}  // namespace gloss::inline GLOSS_ABI::linalg
