// Pseudo-inverse matrices, and the rank
#pragma once

#include <limits>
#include <optional>

#include <gloss/linalg/svd.hpp>
#include <gloss/ops/any.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/where.hpp>

namespace gloss::inline GLOSS_ABI::linalg {

/// Which singular values count as zero: those up to the larger of atol and rtol times the largest one. Without an rtol
/// it is epsilon times the larger of rows and columns if atol is 0, else 0.
struct RankOptions {
  double atol = 0;
  std::optional<double> rtol = {};
};

namespace detail {
/// Whether each singular value of m x n matrices counts.
template <class T>
Tensor<bool> counts(const Tensor<T>& s, Index m, Index n, RankOptions options) {
  const double default_rtol =
      options.atol > 0 ? 0 : std::numeric_limits<T>::epsilon() * static_cast<double>((std::max)(m, n));
  const double rtol = options.rtol.value_or(default_rtol);
  if (s.size(-1) == 0) return empty<bool>(s.shape());
  const Tensor<T> limit = map_unary<T>(s.narrow(-1, 0, 1), [&](T largest) {
    return static_cast<T>((std::max)(options.atol, rtol * static_cast<double>(largest)));
  });
  return s > limit;
}

/// da of p, the pseudo-inverse of a.
template <class T>
Tensor<T> pinv_backward(const Tensor<T>& a, const Tensor<T>& p, const Tensor<T>& dp) {
  const Tensor<T> pt = adjoint(p), g = adjoint(dp);
  const Tensor<T> inside = matmul(pt, matmul(dp, pt)), left = matmul(g, matmul(p, pt)),
                  right = matmul(matmul(pt, p), g);
  return left - matmul(a, matmul(p, left)) + right - matmul(matmul(right, p), a) - inside;
}
}  // namespace detail

/// y = the pseudo-inverse of Moore and Penrose, by singular values.
/// Shape: [..., m, n] -> [..., n, m]
/// Errors: as svd.
/// Backward: da = (1 - a y) dy^T y y^T + y^T y dy^T (1 - y a) - y^T dy y^T, for matrices of constant rank.
/// PyTorch: torch.linalg.pinv
/// Source: Golub, Pereyra 1973.
template <Real T>
Tensor<T> pinv(const Tensor<T>& a, RankOptions options = {}) {
  detail::check_matrix("pinv", a.shape());
  const auto [u, s, vh] = svd(a.detach(), {.full_matrices = false});
  const Tensor<T> inverse = where(detail::counts(s, a.size(-2), a.size(-1), options), 1 / s, 0);
  Tensor<T> y = matmul(detail::adjoint(vh) * inverse.unsqueeze(-2), detail::adjoint(u));
  return record("linalg::pinv", y, {a}, [a, saved = y.detach()](const Tensor<T>& dy, Grads& da) {
    da.add(0, detail::pinv_backward(a, da.result(saved), dy));
  });
}

/// How many singular values count.
/// Shape: [..., m, n] -> [...]
/// Errors: as svd.
/// PyTorch: torch.linalg.matrix_rank
template <Real T>
Tensor<std::int64_t> matrix_rank(const Tensor<T>& a, RankOptions options = {}) {
  detail::check_matrix("matrix_rank", a.shape());
  return count_nonzero(detail::counts(svdvals(a.detach()), a.size(-2), a.size(-1), options), -1);
}

}  // namespace gloss::inline GLOSS_ABI::linalg
