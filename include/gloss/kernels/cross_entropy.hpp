// Cross-entropy against smoothed targets straight from logits: neither probabilities nor the target matrix are stored.
#pragma once

#include <cmath>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/softmax.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// The target distribution of a row, t: `on` at the target, 0 at zero_column, `off` elsewhere; all 0 where the target
/// is `ignored`. A row's loss is constant - sum_i t_i log p_i.
struct SmoothedTarget {
  double on = 1, off = 0, constant = 0;
  double sum = 1;          // sum_i t_i
  Index zero_column = -1;  // none if negative
  std::int64_t ignored = -100;
};

/// Confidence 1 - smoothing at the target, smoothing / (n - 2) elsewhere, nothing at padding_idx, which may be outside
/// [0, n). The loss is the Kullback-Leibler divergence sum_i t_i (log t_i - log p_i).
/// AT: LabelSmoothing.
inline SmoothedTarget label_smoothing_target(Index n, std::int64_t padding_idx, double smoothing) {
  const auto t_log_t = [](double t) { return t > 0 ? t * std::log(t) : 0; };
  const bool has_padding = padding_idx >= 0 && padding_idx < n;
  SmoothedTarget t;
  t.on = 1 - smoothing;
  t.off = n > 2 ? smoothing / static_cast<double>(n - 2) : 0;
  t.sum = t.on + static_cast<double>(has_padding ? n - 2 : n - 1) * t.off;
  t.constant = t_log_t(t.on) + static_cast<double>(n - 2) * t_log_t(t.off);
  if (!has_padding) t.constant += t_log_t(t.off);  // one more shares what is spread
  if (has_padding) t.zero_column = padding_idx;
  t.ignored = padding_idx;
  return t;
}

/// Smoothing spread over all n classes, of one class nothing; rows whose target is ignore_index have no loss.
/// PyTorch: nn.functional.cross_entropy(label_smoothing=, ignore_index=)
inline SmoothedTarget cross_entropy_target(Index n, std::int64_t ignore_index, double smoothing) {
  SmoothedTarget t;
  if (n > 1) t.off = smoothing / static_cast<double>(n), t.on = 1 - smoothing + t.off;
  t.ignored = ignore_index;
  return t;
}

/// loss = constant + sum(t) lse - sum_i t_i x_i by rows, lse = log sum exp x, where what has t_i = 0 counts nothing,
/// -infinity too. The two parts of lse are for the backward pass, row_max = max_i x_i and row_log_sum = log sum exp(x -
/// max): their sum would lose digits under large logits.
/// Shape: x [rows, n]; target, loss, row_max, row_log_sum [rows]. Targets that are not ignored lie in [0, n).
template <class T>
void cross_entropy_forward(const T* x, const std::int64_t* target, T* loss, T* row_max, T* row_log_sum, Index rows,
                           Index n, SmoothedTarget t) {
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* xr = x + r * n;
      const T max = detail::row_max<T>(xr, n);
      Vec<T> exps{}, sums{};
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        const Vec<T> d = load_n<T>(xr + i, m, -std::numeric_limits<T>::infinity()) - max;
        detail::prefetch(xr + n + i);
        exps = exps + exp<T>(d);
        sums = sums + (m == lanes<T> ? d : load_n<T>(xr + i, m, max) - max);
      });
      const double log_sum = std::log(static_cast<double>(hsum<T>(exps)));  // of x - max
      row_max[r] = max;
      row_log_sum[r] = static_cast<T>(log_sum);
      if (target[r] == t.ignored) {
        loss[r] = T(0);
        continue;
      }
      const double at_target = xr[target[r]] - max;
      double value = t.constant + t.sum * log_sum;
      if (t.on != t.off) value -= (t.on - t.off) * at_target;
      if (t.off != 0) {
        double others = static_cast<double>(hsum<T>(sums));
        if (t.zero_column >= 0) {
          const T at_zero = xr[t.zero_column] - max;
          others -= at_zero;
          if (at_zero == -std::numeric_limits<T>::infinity()) {  // which cannot be taken out again
            others = 0;
            for (Index i = 0; i < n; ++i) others += i == t.zero_column ? T(0) : xr[i] - max;
          }
        }
        value -= t.off * others;
      }
      loss[r] = static_cast<T>(value);
    }
  });
}

/// dx_i = dloss (sum(t) exp(x_i - row_max - row_log_sum) - t_i); row r takes dloss[r * dloss_stride], stride 0 for one
/// number. dx may be x.
template <class T>
void cross_entropy_backward(const T* dloss, Index dloss_stride, const T* x, const std::int64_t* target,
                            const T* row_max, const T* row_log_sum, T* dx, Index rows, Index n, SmoothedTarget t) {
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* xr = x + r * n;
      T* dxr = dx + r * n;
      const bool ignored = target[r] == t.ignored;
      const T g = ignored ? T(0) : dloss[r * dloss_stride];
      const T scale = g * static_cast<T>(t.sum), off = g * static_cast<T>(t.off);
      const T max = row_max[r], log_sum = row_log_sum[r];
      if (ignored) {
        each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { store_n<T>(dxr + i, Vec<T>{}, m); });
        continue;
      }
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        store_n<T>(dxr + i, exp<T>((load_n<T>(xr + i, m) - max) - log_sum) * scale - off, m);
      });
      if (t.zero_column >= 0) dxr[t.zero_column] += off;
      dxr[target[r]] -= g * static_cast<T>(t.on - t.off);
    }
  });
}

/// What each class of a row counts, c_i = weight_i ((1 - smoothing) t_i + smoothing / n); t is 1 at the class where
/// there are no probabilities. A row whose class is `ignored` counts nothing.
template <class T>
struct WeightedTarget {
  const std::int64_t* ids;  // [rows], or null and
  const T* probabilities;   // [rows, n]
  const T* weight;          // [n]
  T keep, spread;           // 1 - smoothing, smoothing / n
  std::int64_t ignored;

  bool counts(Index r) const { return !ids || ids[r] != ignored; }
  /// c at [i, i + m) of row r, 0 beyond; without at_class().
  GLOSS_INLINE Vec<T> vector(Index r, Index n, Index i, Index m) const {
    const Vec<T> even = splat<T>(spread);
    return (ids ? even : load_n<T>(probabilities + r * n + i, m) * keep + even) * load_n<T>(weight + i, m);
  }
  T at_class(Index r) const { return ids ? keep * weight[ids[r]] : T(0); }
};

/// loss = sum_i c_i (lse - x_i) by rows, where what has c_i = 0 counts nothing; share = sum_i c_i and the two parts of
/// lse are for the backward pass.
/// Shape: x [rows, n]; loss, row_max, row_log_sum, share [rows]
template <class T>
void weighted_cross_entropy_forward(const T* x, WeightedTarget<T> t, T* loss, T* row_max, T* row_log_sum, T* share,
                                    Index rows, Index n) {
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* xr = x + r * n;
      const T max = detail::row_max<T>(xr, n);
      const bool counts = t.counts(r);
      Vec<T> exps{}, shares{}, sums{};
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        const Vec<T> d = load_n<T>(xr + i, m, -std::numeric_limits<T>::infinity()) - max;
        const Vec<T> c = t.vector(r, n, i, m);
        exps = exps + exp<T>(d);
        shares = shares + c;
        sums = sums + select<T>(c == T(0), Vec<T>{}, c * d);
      });
      const double log_sum = std::log(static_cast<double>(hsum<T>(exps)));  // of x - max
      const double at_class = counts ? t.at_class(r) : T(0), others = hsum<T>(shares);
      double value = (others + at_class) * log_sum - static_cast<double>(hsum<T>(sums));
      if (at_class != 0) value -= at_class * static_cast<double>(xr[t.ids[r]] - max);
      row_max[r] = max;
      row_log_sum[r] = static_cast<T>(log_sum);
      share[r] = counts ? static_cast<T>(others + at_class) : T(0);
      loss[r] = counts ? static_cast<T>(value) : T(0);
    }
  });
}

/// dx_i = dloss (share exp(x_i - lse) - c_i); row r takes dloss[r].
template <class T>
void weighted_cross_entropy_backward(const T* dloss, const T* x, WeightedTarget<T> t, const T* row_max,
                                     const T* row_log_sum, const T* share, T* dx, Index rows, Index n) {
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* xr = x + r * n;
      T* dxr = dx + r * n;
      if (!t.counts(r)) {
        each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { store_n<T>(dxr + i, Vec<T>{}, m); });
        continue;
      }
      const T g = dloss[r], scale = g * share[r], max = row_max[r], log_sum = row_log_sum[r];
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        const Vec<T> p = exp<T>((load_n<T>(xr + i, m) - max) - log_sum);
        store_n<T>(dxr + i, p * scale - t.vector(r, n, i, m) * g, m);
      });
      if (t.ids) dxr[t.ids[r]] -= g * t.at_class(r);
    }
  });
}

GLOSS_INSTANTIATE(void cross_entropy_forward<float>(const float*, const std::int64_t*, float*, float*, float*, Index,
                                                    Index, SmoothedTarget))
GLOSS_INSTANTIATE(void cross_entropy_forward<double>(const double*, const std::int64_t*, double*, double*, double*,
                                                     Index, Index, SmoothedTarget))
GLOSS_INSTANTIATE(void cross_entropy_backward<float>(const float*, Index, const float*, const std::int64_t*,
                                                     const float*, const float*, float*, Index, Index, SmoothedTarget))
GLOSS_INSTANTIATE(void cross_entropy_backward<double>(const double*, Index, const double*, const std::int64_t*,
                                                      const double*, const double*, double*, Index, Index,
                                                      SmoothedTarget))

}  // namespace gloss::inline GLOSS_ABI::kernels
