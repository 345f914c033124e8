// Layer normalisation over the last axis, PyTorch's and the Annotated Transformer's, and by the root mean square alone;
// forward beside backward.
#pragma once

#include <cmath>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/dropout.hpp>
#include <gloss/kernels/large_moments.hpp>
#include <gloss/kernels/softmax.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// How a row is scaled, d = x - mean.
/// torch: rscale = 1 / sqrt(sum d^2 / n + eps); annotated: rscale = 1 / (sqrt(sum d^2 / (n - 1)) + eps), NaN for n
/// == 1; rms: as torch, with 0 in the place of the mean.
enum class LayerNormKind { torch, annotated, rms };

namespace detail {
template <class T>
struct RowMoments {
  T mean, rscale;
};

/// What a row is normalised with where the plain way leaves the range of T; `plain` in a row that is not finite.
template <class T>
GLOSS_NOINLINE RowMoments<T> layer_norm_large(const T* x, Index n, double eps, LayerNormKind kind,
                                              RowMoments<T> plain) {
  const LargeMoments m = large_moments(x, 1, n, n, kind != LayerNormKind::rms);
  if (m.unit == 0) return plain;
  const bool annotated = kind == LayerNormKind::annotated;
  const double deviation = m.unit * std::sqrt(m.square / static_cast<double>(annotated ? n - 1 : n));
  return {static_cast<T>(m.unit * m.mean),
          static_cast<T>(1 / (annotated ? deviation + eps : std::hypot(deviation, std::sqrt(eps))))};
}
}  // namespace detail

/// y = gamma (x - mean) rscale + beta by rows; a null gamma is 1, a null beta 0; y may be x.
/// Rows whose squares overflow are normalised all the same.
/// mean and rscale are for the backward pass.
/// Shape: x, y [rows, n]; gamma, beta [n]; mean, rscale [rows].
template <class T>
void layer_norm_forward(const T* x, const T* gamma, const T* beta, T* y, T* mean, T* rscale, Index rows, Index n,
                        double eps, LayerNormKind kind) {
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* xr = x + r * n;
      T* yr = y + r * n;
      T plain_mean = 0;
      if (kind != LayerNormKind::rms)
        plain_mean = detail::sum_of<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { return load_n<T>(xr + i, m); }) /
                     static_cast<T>(n);
      const T square = detail::sum_of<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        const Vec<T> d = load_n<T>(xr + i, m, plain_mean) - plain_mean;
        return d * d;
      });
      const T plain_scale = kind == LayerNormKind::annotated
                                ? T(1) / (std::sqrt(square / static_cast<T>(n - 1)) + static_cast<T>(eps))
                                : T(1) / std::sqrt(square / static_cast<T>(n) + static_cast<T>(eps));
      detail::RowMoments<T> row{plain_mean, plain_scale};
      if (!(square < std::numeric_limits<T>::infinity())) row = detail::layer_norm_large(xr, n, eps, kind, row);
      const T mu = row.mean, scale = row.rscale;
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        Vec<T> v = (load_n<T>(xr + i, m) - mu) * scale;
        if (gamma != nullptr) v = v * load_n<T>(gamma + i, m);
        if (beta != nullptr) v = v + load_n<T>(beta + i, m);
        store_n<T>(yr + i, v, m);
      });
      mean[r] = mu;
      rscale[r] = scale;
    }
  });
}

namespace detail {
/// Into how many parts rows are cut, without regard to threads, for sums over them.
inline Index layer_norm_parts(Index rows) {
  constexpr Index max_parts = 32, min_rows = 32;
  const Index wanted = (rows + min_rows - 1) / min_rows;
  return wanted < max_parts ? wanted : max_parts;
}
}  // namespace detail

/// How many numbers layer_norm_backward wants as a workspace, when dgamma or dbeta is wanted.
inline Index layer_norm_workspace(Index rows, Index n) { return 2 * detail::layer_norm_parts(rows) * n; }

/// What layer_norm_backward does besides where x was a residual + dropout of z: dz = dx / (1 - p) where the mask has a
/// bit, else 0, row by row, while dx is in cache.
template <class T>
struct DropoutBefore {
  const std::int64_t* mask;
  double p;
  T* dz;
};

/// With d = x - mean, g = dy gamma, s = rscale:
///   dx = s (g - sum(g) / n - d c), c = s^2 sum(g d) / n (torch) or s sum(g d) / ((n - 1) std) (annotated, 0 at std 0);
///   the sum of g is left out for rms;
///   dgamma = sum over rows of dy d s; dbeta = sum over rows of dy.
/// dx, dgamma, dbeta are overwritten; null where not wanted; dx may be dy. workspace [layer_norm_workspace(rows, n)]
/// may be null when neither dgamma nor dbeta is wanted.
template <class T>
void layer_norm_backward(const T* dy, const T* x, const T* gamma, const T* mean, const T* rscale, T* dx, T* dgamma,
                         T* dbeta, T* workspace, Index rows, Index n, LayerNormKind kind,
                         const DropoutBefore<T>* before = nullptr) {
  // Each part of the rows sums into its own arrays, and these are added in order.
  const Index parts = detail::layer_norm_parts(rows);
  const bool sums = dgamma != nullptr || dbeta != nullptr;
  const Index work = parts > 0 ? rows * n / parts : 0;
  parallel_for(parts, detail::row_grain(work), [=](Index begin, Index end) {
    for (Index part = begin; part < end; ++part) {
      T* const pg = workspace + 2 * part * n;
      T* const pb = pg + n;
      if (sums) each_vector<T>(2 * n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { store_n<T>(pg + i, Vec<T>{}, m); });
      for (Index r = rows * part / parts; r < rows * (part + 1) / parts; ++r) {
        const T* xr = x + r * n;
        const T* dyr = dy + r * n;
        const T mu = mean[r], s = rscale[r];
        Vec<T> g_sums{}, gd_sums{}, squares{};
        if (dx != nullptr) {
          each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
            Vec<T> g = load_n<T>(dyr + i, m);
            if (gamma != nullptr) g = g * load_n<T>(gamma + i, m);
            const Vec<T> d = load_n<T>(xr + i, m, mu) - mu;
            g_sums = g_sums + g;
            gd_sums = gd_sums + g * d;
            squares = squares + d * d;
          });
        }
        const T g_mean = kind == LayerNormKind::rms ? T(0) : hsum<T>(g_sums) / static_cast<T>(n), gd = hsum<T>(gd_sums);
        T c = s * (s * gd) / static_cast<T>(n);  // s * s may be 0
        if (kind == LayerNormKind::annotated) {
          const T square = hsum<T>(squares);
          if (!(square < std::numeric_limits<T>::infinity()))  // then eps is as good as 0
            c = s * (s * gd) / static_cast<T>(n - 1);
          else
            c = square == T(0) ? T(0) : s * gd / std::sqrt(square * static_cast<T>(n - 1));  // (n - 1) std
        }
        each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
          const Vec<T> dyi = load_n<T>(dyr + i, m);
          const Vec<T> d = load_n<T>(xr + i, m) - mu;
          if (sums) {
            store_n<T>(pg + i, load_n<T>(pg + i, m) + dyi * (d * s), m);
            if (dbeta != nullptr) store_n<T>(pb + i, load_n<T>(pb + i, m) + dyi, m);
          }
          if (dx != nullptr) {
            const Vec<T> g = gamma != nullptr ? dyi * load_n<T>(gamma + i, m) : dyi;
            store_n<T>(dx + r * n + i, (g - g_mean - d * c) * s, m);
          }
        });
        if (before != nullptr)
          dropout_backward_from<T>(r * n, dx + r * n, before->mask, before->dz + r * n, n, before->p);
      }
    }
  });
  if (!sums) return;
  parallel_for(n, 1024, [=](Index begin, Index end) {
    each_vector<T>(end - begin, [&](Index j, Index m) GLOSS_INLINE_LAMBDA {
      const Index i = begin + j;
      Vec<T> g{}, b{};
      for (Index part = 0; part < parts; ++part) {
        g = g + load_n<T>(workspace + 2 * part * n + i, m);
        b = b + load_n<T>(workspace + (2 * part + 1) * n + i, m);
      }
      if (dgamma != nullptr) store_n<T>(dgamma + i, g, m);
      if (dbeta != nullptr) store_n<T>(dbeta + i, b, m);
    });
  });
}

GLOSS_INSTANTIATE(void layer_norm_forward<float>(const float*, const float*, const float*, float*, float*, float*,
                                                 Index, Index, double, LayerNormKind))
GLOSS_INSTANTIATE(void layer_norm_forward<double>(const double*, const double*, const double*, double*, double*,
                                                  double*, Index, Index, double, LayerNormKind))
GLOSS_INSTANTIATE(void layer_norm_backward<float>(const float*, const float*, const float*, const float*, const float*,
                                                  float*, float*, float*, float*, Index, Index, LayerNormKind,
                                                  const DropoutBefore<float>*))
GLOSS_INSTANTIATE(void layer_norm_backward<double>(const double*, const double*, const double*, const double*,
                                                   const double*, double*, double*, double*, double*, Index, Index,
                                                   LayerNormKind, const DropoutBefore<double>*))

}  // namespace gloss::inline GLOSS_ABI::kernels
