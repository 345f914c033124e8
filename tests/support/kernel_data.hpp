// What the kernel tests share: random arrays, the largest difference, and one run per number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

#include <gloss/core/shape.hpp>

namespace test {

using gloss::Index;

template <class T>
std::vector<T> random_values(Index n, unsigned seed, double low = -3, double high = 3) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> pick(low, high);
  std::vector<T> x(static_cast<std::size_t>(n));
  for (T& value : x) value = static_cast<T>(pick(engine));
  return x;
}

/// Largest |a - b| / (1 + |b|); infinite where only one is NaN or the lengths differ.
template <class T, class U>
double difference(const std::vector<T>& a, const std::vector<U>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    if (std::isnan(x) && std::isnan(y)) continue;
    if (x == y) continue;
    const double d = std::fabs(x - y) / (1 + std::fabs(y));
    worst = std::isnan(d) ? std::numeric_limits<double>::infinity() : std::max(worst, d);
  }
  return worst;
}

template <class T>
constexpr double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-14;

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// sqrt(sum of squares of y - x w^T) / sqrt(sum of squares of x w^T), with x [rows, k] and w [n, k], in double.
inline double share_of_error(const std::vector<float>& y, const std::vector<float>& x, const std::vector<float>& w,
                             Index rows, Index n, Index k) {
  const auto at = [](const std::vector<float>& values, Index i) {
    return static_cast<double>(values[static_cast<std::size_t>(i)]);
  };
  double wrong = 0, squares = 0;
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < n; ++j) {
      double exact = 0;
      for (Index p = 0; p < k; ++p) exact += at(x, i * k + p) * at(w, j * k + p);
      const double off = at(y, i * n + j) - exact;
      wrong += off * off, squares += exact * exact;
    }
  return std::sqrt(wrong / squares);
}

/// Whether run(), which gives a vector, gives the same bits on 1, 2, 3, 4 and 8 threads.
template <class F>
bool same_for_any_threads(F run) {
#ifdef _OPENMP
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto first = run();
  bool same = true;
  for (const int threads : {2, 3, 4, 8}) {
    omp_set_num_threads(threads);
    same = same && same_bits(run(), first);
  }
  omp_set_num_threads(before);
  return same;
#else
  return same_bits(run(), run());
#endif
}

}  // namespace test
