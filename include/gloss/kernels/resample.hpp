// Axes of another size: every element of the result is a weighted sum of neighbours.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <type_traits>
#include <vector>

#include <gloss/core/parallel_for.hpp>
#include <gloss/core/rounded_product.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// What each of `out` places reads of an axis of `in`: y[i] = sum over k < count[i] of weights[i * most + k] *
/// x[first[i] + k].
template <class W>
struct Taps {
  Index in = 0, out = 0, most = 0;
  std::vector<Index> first, count;
  std::vector<W> weights;

  Taps(Index in_size, Index out_size, Index most_taps)
      : in(in_size),
        out(out_size),
        most(most_taps),
        first(static_cast<std::size_t>(out)),
        count(static_cast<std::size_t>(out)),
        weights(static_cast<std::size_t>(out * most)) {}
};

/// The weight of what is x away, and how far away it becomes 0.
struct ResampleFilter {
  double (*weight)(double x);
  double support;
};
inline double box_weight(double x) { return x > -0.5 && x <= 0.5 ? 1 : 0; }
inline double triangle_weight(double x) { return (std::max)(1 - std::abs(x), 0.0); }
/// Source: Keys 1981, "Cubic convolution interpolation for digital image processing".
inline double cubic_weight(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}
inline double lanczos_weight(double x) {
  const auto sinc = [](double v) { return v == 0 ? 1 : std::sin(v * std::numbers::pi) / (v * std::numbers::pi); };
  return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
}
inline constexpr ResampleFilter box_filter{box_weight, 0.5}, triangle_filter{triangle_weight, 1},
    cubic_filter{[](double x) { return cubic_weight(x, -0.5); }, 2}, lanczos_filter{lanczos_weight, 3};

/// The filter laid over x, wider where the axis shrinks, so that all of x counts: antialiased. `scale` is how many
/// places of x one of y stands for.
inline Taps<double> filtered_taps(Index in, Index out, double scale, ResampleFilter filter) {
  const double stretch = (std::max)(scale, 1.0), support = filter.support * stretch, narrow = 1 / stretch;
  Taps<double> taps(in, out, 2 * static_cast<Index>(std::ceil(support)) + 1);
  for (Index i = 0; i < out; ++i) {
    const double center = rounded_product(static_cast<double>(i) + 0.5, scale);
    const auto at = static_cast<std::size_t>(i);
    const Index first = (std::max)(static_cast<Index>(center - support + 0.5), Index{0});
    const Index end = (std::min)(static_cast<Index>(center + support + 0.5), in);
    taps.first[at] = first;
    taps.count[at] = end - first;
    double* const weights = taps.weights.data() + i * taps.most;
    double sum = 0;
    for (Index k = 0; k < end - first; ++k) {
      weights[k] = filter.weight((static_cast<double>(first + k) - center + 0.5) * narrow);
      sum += weights[k];
    }
    for (Index k = 0; k < end - first && sum != 0; ++k) weights[k] /= sum;
  }
  return taps;
}

/// One place of x for each of y: place(i), cut off behind the point and at the end of x.
template <class Place>
Taps<double> nearest_taps(Index in, Index out, Place place) {
  Taps<double> taps(in, out, 1);
  for (Index i = 0; i < out; ++i) {
    const auto at = static_cast<std::size_t>(i);
    taps.first[at] = (std::min)(static_cast<Index>(place(i)), in - 1);
    taps.count[at] = 1;
    taps.weights[at] = 1;
  }
  return taps;
}

/// The curve through the points of x, read at places `scale` apart of which the first is at `start`: not antialiased.
/// A line between two neighbours, or a cubic through four; beyond the ends x goes on with its last number.
inline Taps<double> curve_taps(Index in, Index out, double start, double scale, bool cubic) {
  Taps<double> taps(in, out, cubic ? 4 : 2);
  for (Index i = 0; i < out; ++i) {
    double x = start + static_cast<double>(i) * scale;
    if (!cubic) x = (std::max)(x, 0.0);
    const double left = (std::min)(std::floor(x), static_cast<double>(in - 1)), share = (std::min)(x - left, 1.0);
    const Index from = static_cast<Index>(left) - (cubic ? 1 : 0);
    const auto inside = [in](Index p) { return std::clamp(p, Index{0}, in - 1); };
    const auto at = static_cast<std::size_t>(i);
    taps.first[at] = inside(from);
    taps.count[at] = inside(from + taps.most - 1) - taps.first[at] + 1;
    for (Index k = 0; k < taps.most; ++k) {
      const double distance = share - static_cast<double>(cubic ? k - 1 : k);
      taps.weights[static_cast<std::size_t>(i * taps.most + inside(from + k) - taps.first[at])] +=
          cubic ? cubic_weight(distance, -0.75) : triangle_weight(distance);
    }
  }
  return taps;
}

/// The same sums read the other way: what of y each place of x goes into, as the gradient asks for it.
inline Taps<double> transposed(const Taps<double>& taps) {
  std::vector<Index> first(static_cast<std::size_t>(taps.in), taps.out), end(static_cast<std::size_t>(taps.in), 0);
  const auto each = [&](const auto& f) {
    for (Index i = 0; i < taps.out; ++i)
      for (Index k = 0; k < taps.count[static_cast<std::size_t>(i)]; ++k)
        f(i, static_cast<std::size_t>(taps.first[static_cast<std::size_t>(i)] + k),
          taps.weights[static_cast<std::size_t>(i * taps.most + k)]);
  };
  each([&](Index i, std::size_t from, double) {
    first[from] = (std::min)(first[from], i);
    end[from] = (std::max)(end[from], i + 1);
  });
  Index most = 0;
  for (std::size_t j = 0; j < first.size(); ++j) most = (std::max)(most, end[j] - first[j]);
  Taps<double> y(taps.out, taps.in, most);
  for (std::size_t j = 0; j < first.size(); ++j) {
    y.first[j] = (std::min)(first[j], end[j]);  // 0 where nothing reads it
    y.count[j] = end[j] - y.first[j];
  }
  each([&](Index i, std::size_t from, double weight) {
    y.weights[from * static_cast<std::size_t>(most) + static_cast<std::size_t>(i - y.first[from])] += weight;
  });
  return y;
}

/// The same weights as numbers of another type.
template <class W>
Taps<W> taps_as(const Taps<double>& taps) {
  Taps<W> y(taps.in, taps.out, taps.most);
  y.first = taps.first;
  y.count = taps.count;
  for (std::size_t i = 0; i < y.weights.size(); ++i) y.weights[i] = static_cast<W>(taps.weights[i]);
  return y;
}

/// Weights of bytes are whole numbers, of which this many bits are behind the point.
inline constexpr int byte_weight_bits = 22;
inline Taps<std::int32_t> byte_taps(const Taps<double>& taps) {
  Taps<double> scaled = taps;
  for (double& w : scaled.weights) w = std::round(w * (1 << byte_weight_bits));
  return taps_as<std::int32_t>(scaled);
}

/// Resamples the middle axis. Bytes are summed as whole numbers, rounded and cut to [0, 255].
/// Shape: x [outer, taps.in, inner] -> y [outer, taps.out, inner]
template <class T, class W>
GLOSS_NOINLINE void resample(const Taps<W>& taps, Index outer, Index inner, const T* x, T* y) {
  constexpr bool bytes = std::is_same_v<T, std::uint8_t>;
  constexpr Index block = 256;
  const Index cost = taps.most * inner;  // of a place
  parallel_for(outer * taps.out, 30'000 / (cost + 1) + 1, [&](Index begin, Index end) {
    W sums[block];
    for (Index place = begin; place < end; ++place) {
      const Index i = place % taps.out;
      const auto at = static_cast<std::size_t>(i);
      const W* const weights = taps.weights.data() + i * taps.most;
      const T* const from = x + (place / taps.out * taps.in + taps.first[at]) * inner;
      T* const to = y + place * inner;
      const auto finish = [&](Index j, W sum) {
        if constexpr (bytes)
          to[j] = static_cast<T>(std::clamp(sum >> byte_weight_bits, 0, 255));
        else
          to[j] = sum;
      };
      constexpr auto start = static_cast<W>(bytes ? 1 << (byte_weight_bits - 1) : 0);
      const auto few = [&](auto width) {  // whose sums stay in registers
        constexpr Index n = decltype(width)::value;
        W sum[n];
        for (Index j = 0; j < n; ++j) sum[j] = start;
        for (Index k = 0; k < taps.count[at]; ++k)
          for (Index j = 0; j < n; ++j) sum[j] += weights[k] * static_cast<W>(from[k * n + j]);
        for (Index j = 0; j < n; ++j) finish(j, sum[j]);
      };
      if (inner == 1) {
        few(std::integral_constant<Index, 1>{});
      } else if (inner == 3) {
        few(std::integral_constant<Index, 3>{});
      } else {
        for (Index j0 = 0; j0 < inner; j0 += block) {
          const Index n = (std::min)(block, inner - j0);
          std::fill(sums, sums + n, start);
          for (Index k = 0; k < taps.count[at]; ++k) {
            const T* const line = from + k * inner + j0;
            for (Index j = 0; j < n; ++j) sums[j] += weights[k] * static_cast<W>(line[j]);
          }
          for (Index j = 0; j < n; ++j) finish(j0 + j, sums[j]);
        }
      }
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
