// The loss against smoothed targets from log-probabilities: the target matrix is never formed.
#pragma once

#include <gloss/kernels/cross_entropy.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

/// The sum of x [n] without the elements first <= second: every 16th is added to the same, these then in double.
template <class T>
GLOSS_INLINE double sum_without(const T* x, Index n, Index first, Index second) {
  constexpr Index l = lanes<T>, chains = 16 / l;
  Vec<T> sums[chains] = {};
  const auto add = [&](const T* p, Index m) GLOSS_INLINE_LAMBDA {
    Index i = 0;
    for (; i + 16 <= m; i += 16) {
      GLOSS_UNROLL for (Index j = 0; j < chains; ++j) sums[j] = sums[j] + load<T>(p + i + j * l);
    }
    GLOSS_UNROLL for (Index j = 0; j < chains; ++j, i += l) {
      if (i < m) sums[j] = sums[j] + load_n<T>(p + i, m - i < l ? m - i : l);
    }
  };
  add(x, first);
  add(x + first + 1, second - first - 1);
  add(x + second + 1, n - second - 1);
  double total = 0;
  for (const Vec<T>& s : sums)
    for (Index i = 0; i < l; ++i) total += static_cast<double>(s[i]);
  return total;
}

}  // namespace detail

/// loss = constant - sum_i t_i x_i by rows, 0 where the target is ignored; what has t_i = 0 counts nothing, -infinity
/// too.
/// Shape: x [rows, n]; target, loss [rows]. Targets lie in [0, n).
template <class T>
void label_smoothing_forward(const T* x, const std::int64_t* target, double* loss, Index rows, Index n,
                             SmoothedTarget t) {
  parallel_for(rows, detail::row_grain(n, 16384), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* xr = x + r * n;
      const Index y = target[r], zero = t.zero_column >= 0 ? t.zero_column : y;
      loss[r] = y == t.ignored ? 0 : t.constant;
      if (y == t.ignored) continue;
      if (t.on > 0) loss[r] -= t.on * static_cast<double>(xr[y]);
      if (t.off > 0) loss[r] -= t.off * detail::sum_without(xr, n, y < zero ? y : zero, y < zero ? zero : y);
    }
  });
}

/// dx_i = -t_i dloss.
template <class T>
void label_smoothing_backward(double dloss, const std::int64_t* target, T* dx, Index rows, Index n, SmoothedTarget t) {
  parallel_for(rows, detail::row_grain(n, 16384), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      T* dxr = dx + r * n;
      const bool ignored = target[r] == t.ignored;
      const Vec<T> fill = splat<T>(ignored ? T(0) : static_cast<T>(-dloss * t.off));
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { store_n<T>(dxr + i, fill, m); });
      if (ignored) continue;
      if (t.zero_column >= 0) dxr[t.zero_column] = T(0);
      dxr[target[r]] = static_cast<T>(-dloss * t.on);
    }
  });
}

GLOSS_INSTANTIATE(void label_smoothing_forward<float>(const float*, const std::int64_t*, double*, Index, Index,
                                                      SmoothedTarget))
GLOSS_INSTANTIATE(void label_smoothing_forward<double>(const double*, const std::int64_t*, double*, Index, Index,
                                                       SmoothedTarget))
GLOSS_INSTANTIATE(void label_smoothing_backward<float>(double, const std::int64_t*, float*, Index, Index,
                                                       SmoothedTarget))
GLOSS_INSTANTIATE(void label_smoothing_backward<double>(double, const std::int64_t*, double*, Index, Index,
                                                        SmoothedTarget))

}  // namespace gloss::inline GLOSS_ABI::kernels
