// Singular values and vectors
#pragma once

#include <gloss/linalg/batch.hpp>
#include <gloss/ops/diag.hpp>

#include <Eigen/SVD>

namespace gloss::inline GLOSS_ABI::linalg {

/// a = u diag(s) vh, with s from the largest to the smallest.
template <class T>
struct Svd {
  Tensor<T> u, s, vh;
};
struct SvdOptions {
  bool full_matrices = true;  // u and vh are square; otherwise they have only the vectors that belong to s
};

namespace detail {
enum class SingularVectors { none, thin, full };

/// The singular values of a dense batch of matrices; behind them u and vh, if wanted.
template <class T>
GLOSS_NOINLINE Tensor<T> svd_dense(const Tensor<T>& a, SingularVectors wanted, const Parts& parts) {
  ProfileScope scope("linalg::svd");
  const Index m = a.size(-2), n = a.size(-1), k = (std::min)(m, n);
  const Shape batch = batch_of(a.shape());
  const bool full = wanted == SingularVectors::full, any = wanted != SingularVectors::none;
  const Index left = full ? m : k, right = full ? n : k;
  Tensor<T> packed = empty<T>({parts.numel()});
  T* const ps = parts.data(packed, 0);
  T *const pu = any ? parts.data(packed, 1) : nullptr, *const pv = any ? parts.data(packed, 2) : nullptr;
  Failures failed(batch.numel());
  const unsigned how = full  ? Eigen::ComputeFullU | Eigen::ComputeFullV
                       : any ? Eigen::ComputeThinU | Eigen::ComputeThinV
                             : 0;
  for_each_matrix(batch.numel(), 8 * (m + n) * k * k, [&, pa = a.data()](Index i, Index end) {
    Eigen::BDCSVD<ByColumns<T>> svd;
    for (; i < end; ++i) {
      if (k > 0) {
        svd.compute(matrix_at(pa, i, m, n), how);
        if (svd.info() != Eigen::Success) failed.note(i);
        matrix_at(ps, i, k, 1) = svd.singularValues();
      }
      if (any && k > 0) {
        matrix_at(pu, i, m, left) = svd.matrixU();
        transpose_at(pv, i, right, n) = svd.matrixV();
      } else if (any) {
        matrix_at(pu, i, m, left).setIdentity();
        matrix_at(pv, i, right, n).setIdentity();
      }
    }
  });
  failed.check("svd", batch, "has no singular values; are all its numbers finite?");
  return packed;
}

/// da for the singular vectors that belong to s.
template <class T>
Tensor<T> svd_backward(const Svd<T>& of, const Svd<T>& grad) {
  const Tensor<T>&u = of.u, &vh = of.vh, v = adjoint(vh), ut = adjoint(u);
  const Tensor<T> across = of.s.unsqueeze(-2), down = of.s.unsqueeze(-1);
  const Tensor<T> gaps = square(across) - square(down), gu = matmul(ut, grad.u), gv = matmul(grad.vh, v);
  const Tensor<T> core = divide_unless_zero(minus_adjoint(gu), gaps) * across -
                         down * divide_unless_zero(minus_adjoint(gv), gaps) + diag_embed(grad.s);
  Tensor<T> left = matmul(u, core);
  if (u.size(-2) > u.size(-1)) left = left + divide_unless_zero(grad.u - matmul(u, gu), across);
  Tensor<T> da = matmul(left, vh);
  if (v.size(-2) > v.size(-1)) da = da + matmul(u, divide_unless_zero(grad.vh - matmul(gv, vh), down));
  return da;
}
}  // namespace detail

/// The singular value decomposition. The vectors are determined up to their signs, and where singular values are equal,
/// only in the space that they span together: what is computed from them must not depend on more.
/// Shape: a [..., m, n], k the smaller of m and n -> u [..., m, m], s [..., k], vh [..., n, n]; where not
/// `full_matrices`, u [..., m, k] and vh [..., k, n].
/// Errors: ShapeError for fewer than two axes; Error naming the matrix that holds infinity or NaN.
/// Backward: PyTorch's; by vectors it wants distinct singular values (and those other than 0 if a is not square). Of
/// full matrices the vectors that belong to s count.
/// PyTorch: torch.linalg.svd
template <Real T>
Svd<T> svd(const Tensor<T>& a, SvdOptions options = {}) {
  detail::check_matrix("svd", a.shape());
  const Index m = a.size(-2), n = a.size(-1), k = (std::min)(m, n);
  const Shape batch = detail::batch_of(a.shape());
  const bool full = options.full_matrices;
  const detail::Parts parts{detail::behind(batch, {k}), detail::behind(batch, {m, full ? m : k}),
                            detail::behind(batch, {full ? n : k, n})};
  using detail::SingularVectors;
  Tensor<T> packed =
      detail::svd_dense(a.detach().contiguous(), full ? SingularVectors::full : SingularVectors::thin, parts);
  packed = record("linalg::svd", packed, {a}, [parts, k, saved = packed.detach()](const Tensor<T>& dy, Grads& da) {
    const auto all = [&](const Tensor<T>& from) {
      return Svd<T>{parts.view(from, 1).narrow(-1, 0, k), parts.view(from, 0), parts.view(from, 2).narrow(-2, 0, k)};
    };
    da.add(0, detail::svd_backward(all(da.result(saved)), all(dy)));
  });
  return {parts.view(packed, 1), parts.view(packed, 0), parts.view(packed, 2)};
}

/// The singular values alone.
/// Shape: [..., m, n] -> [..., min(m, n)]
/// Errors: as svd.
/// Backward: da = u diag(ds) vh.
/// PyTorch: torch.linalg.svdvals
template <Real T>
Tensor<T> svdvals(const Tensor<T>& a) {
  if (will_record({a})) return svd(a, {.full_matrices = false}).s;
  detail::check_matrix("svdvals", a.shape());
  const detail::Parts parts{detail::behind(detail::batch_of(a.shape()), {(std::min)(a.size(-2), a.size(-1))})};
  return parts.view(detail::svd_dense(a.detach().contiguous(), detail::SingularVectors::none, parts), 0);
}

}  // namespace gloss::inline GLOSS_ABI::linalg
