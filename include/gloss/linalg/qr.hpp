// The QR decomposition
#pragma once

#include <gloss/linalg/solve_triangular.hpp>
#include <gloss/ops/cat.hpp>

#include <Eigen/QR>

namespace gloss::inline GLOSS_ABI::linalg {

/// a = q r, with orthonormal columns in q and an upper triangle r.
template <class T>
struct Qr {
  Tensor<T> q, r;
};
enum class QrMode {
  reduced,   // q [m, k] and r [k, n], k the smaller of m and n
  complete,  // q [m, m] and r [m, n]
  r          // r as reduced, q of shape [0]
};

namespace detail {
/// r, and q behind it if there is room, for a dense batch of matrices.
template <class T>
GLOSS_NOINLINE Tensor<T> qr_dense(const Tensor<T>& a, QrMode mode, const Parts& parts) {
  ProfileScope scope("linalg::qr");
  const Index m = a.size(-2), n = a.size(-1), columns = mode == QrMode::complete ? m : (std::min)(m, n);
  Tensor<T> packed = empty<T>({parts.numel()});
  T *const pr = parts.data(packed, 0), *const pq = mode == QrMode::r ? nullptr : parts.data(packed, 1);
  for_each_matrix(batch_of(a.shape()).numel(), 2 * m * n * columns, [&, pa = a.data()](Index i, Index end) {
    Eigen::HouseholderQR<ByColumns<T>> qr(m, n);
    ByColumns<T> q(m, columns);
    for (; i < end; ++i) {
      if (n == 0) {
        if (pq) matrix_at(pq, i, m, columns).setIdentity();
        continue;
      }
      qr.compute(matrix_at(pa, i, m, n));
      matrix_at(pr, i, columns, n) = qr.matrixQR().topRows(columns).template triangularView<Eigen::Upper>();
      if (!pq) continue;
      q.setIdentity();
      q.applyOnTheLeft(qr.householderQ());
      matrix_at(pq, i, m, columns) = q;
    }
  });
  return packed;
}

/// da for q of size [m, k] and r of size [k, n], k the smaller of m and n.
template <class T>
Tensor<T> qr_backward(const Tensor<T>& q, const Tensor<T>& r, Tensor<T> dq, const Tensor<T>& dr) {
  const Index k = q.size(-1), rest = r.size(-1) - k;
  const Tensor<T> square = r.narrow(-1, 0, k), dsquare = dr.narrow(-1, 0, k), drest = dr.narrow(-1, k, rest);
  if (rest > 0) dq = dq + matmul(matmul(q, r.narrow(-1, k, rest)), adjoint(drest));
  const Tensor<T> inner = matmul(dsquare, adjoint(square)) - matmul(adjoint(q), dq);
  const Tensor<T> symmetric = triu(inner) + adjoint(triu(inner, 1));
  const Tensor<T> da = solve_triangular(adjoint(square), dq + matmul(q, symmetric), {.left = false});
  return rest > 0 ? cat(std::vector{da, matmul(q, drest)}, -1) : da;
}
}  // namespace detail

/// The QR decomposition by Householder's reflections. The diagonal of r has the signs that these give, as in LAPACK: a
/// positive diagonal element gets a negative one.
/// Shape: a [..., m, n], k the smaller of m and n -> q [..., m, k], r [..., k, n]; see QrMode for the others.
/// Errors: ShapeError for fewer than two axes. In the backward GradError for QrMode::r, and for QrMode::complete when
/// a has more rows than columns.
/// Backward: PyTorch's; it wants the first k columns of a to be independent.
/// PyTorch: torch.linalg.qr
template <Real T>
Qr<T> qr(const Tensor<T>& a, QrMode mode = QrMode::reduced) {
  detail::check_matrix("qr", a.shape());
  const Index m = a.size(-2), n = a.size(-1), columns = mode == QrMode::complete ? m : (std::min)(m, n);
  const Shape batch = detail::batch_of(a.shape());
  const detail::Parts parts{detail::behind(batch, {columns, n}),
                            mode == QrMode::r ? Shape{0} : detail::behind(batch, {m, columns})};
  Tensor<T> packed = detail::qr_dense(a.detach().contiguous(), mode, parts);
  packed = record("linalg::qr", packed, {a}, [parts, mode, saved = packed.detach()](const Tensor<T>& dy, Grads& da) {
    if (mode == QrMode::r) fail<GradError>("linalg::qr: without q there is no gradient");
    const Tensor<T> both = da.result(saved), q = parts.view(both, 1), r = parts.view(both, 0);
    if (q.size(-1) > r.size(-1))
      fail<GradError>("linalg::qr: a complete q [", q.size(-2), ", ", q.size(-1), "] of ", r.size(-1),
                      " columns has no gradient");
    da.add(0, detail::qr_backward(q, r, parts.view(dy, 1), parts.view(dy, 0)));
  });
  return {parts.view(packed, 1), parts.view(packed, 0)};
}

}  // namespace gloss::inline GLOSS_ABI::linalg
