// Systems of linear equations whose matrix is a triangle
#pragma once

#include <gloss/linalg/batch.hpp>
#include <gloss/ops/tri.hpp>

namespace gloss::inline GLOSS_ABI::linalg {

struct SolveTriangularOptions {
  bool upper = false;          // which triangle of a is read
  bool left = true;            // a x = b; otherwise x a = b
  bool unitriangular = false;  // a's diagonal counts as ones and is not read
};

namespace detail {
template <unsigned mode, class T>
GLOSS_NOINLINE void solve_triangle(const EigenMatrixMap<T>& a, EigenMatrixMap<T> x) {
  a.template triangularView<mode>().solveInPlace(x);
}

template <class T>
GLOSS_NOINLINE Tensor<T> solve_triangular_dense(const Tensor<T>& a, const Tensor<T>& b, SolveTriangularOptions how) {
  ProfileScope scope("linalg::solve_triangular");
  const Index n = a.size(-1), k = b.size(-1);
  Tensor<T> x = b.clone();
  const auto solve = how.upper
                         ? how.unitriangular ? solve_triangle<Eigen::UnitUpper, T> : solve_triangle<Eigen::Upper, T>
                     : how.unitriangular ? solve_triangle<Eigen::UnitLower, T>
                                         : solve_triangle<Eigen::Lower, T>;
  if (x.numel() > 0)
    for_each_matrix(batch_of(a.shape()).numel(), n * n * k, [&, pa = a.data(), px = x.data()](Index i, Index end) {
      for (; i < end; ++i) solve(matrix_at(pa, i, n, n), matrix_at(px, i, n, k));
    });
  return x;
}

template <class T>
Tensor<T> solve_triangular_matrices(const Tensor<T>& a, const Tensor<T>& b, SolveTriangularOptions how) {
  Tensor<T> x = solve_triangular_dense(a.detach().contiguous(), b.detach(), how);
  return record("linalg::solve_triangular", x, {a, b}, [a, how, saved = x.detach()](const Tensor<T>& dx, Grads& grads) {
    const SolveTriangularOptions back{.upper = !how.upper, .unitriangular = how.unitriangular};
    const Tensor<T> db = solve_triangular_matrices(adjoint(a), dx, back);
    grads.add(1, db);
    if (!grads.needs(0)) return;
    const Tensor<T> da = -matmul(db, adjoint(grads.result(saved)));
    const Index diagonal = how.unitriangular ? 1 : 0;
    grads.add(0, how.upper ? triu(da, diagonal) : tril(da, -diagonal));
  });
}
}  // namespace detail

/// x with a x = b (with x a = b where not `left`), of which the lower triangle is read, or the upper one.
/// A zero on the diagonal gives infinity or NaN.
/// Shape: a [..., n, n], b [..., n, k] (or [..., k, n]) -> as b; leading axes broadcast.
/// Errors: ShapeError when a is not square or sizes do not fit.
/// Backward: db = solve(a^T, dx), da = that triangle of -db x^T.
/// PyTorch: torch.linalg.solve_triangular, where `upper` has no default
template <Real T>
Tensor<T> solve_triangular(const Tensor<T>& a, const Tensor<T>& b, SolveTriangularOptions options = {}) {
  detail::check_square("solve_triangular", a.shape());
  if (b.dim() < 2 || b.size(options.left ? -2 : -1) != a.size(-1))
    fail<ShapeError>("linalg::solve_triangular: a ", a.shape(), " and b ", b.shape(), " do not fit");
  if (!options.left) {
    const SolveTriangularOptions turned{.upper = !options.upper, .unitriangular = options.unitriangular};
    return detail::adjoint(solve_triangular(detail::adjoint(a), detail::adjoint(b), turned));
  }
  const Shape batch =
      broadcast_shapes("linalg::solve_triangular", detail::batch_of(a.shape()), detail::batch_of(b.shape()));
  return detail::solve_triangular_matrices(a.expand(detail::behind(batch, {a.size(-2), a.size(-1)})),
                                           b.expand(detail::behind(batch, {b.size(-2), b.size(-1)})), options);
}

}  // namespace gloss::inline GLOSS_ABI::linalg
