// Helpers for tests on tensors: exact error texts and element-wise comparison.
#pragma once

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <gloss/tensor/tensor.hpp>

#include "support/catch.hpp"

/// The expression throws exactly this type with exactly this text.
#define CHECK_ERROR(expression, type, text)  \
  do {                                       \
    std::string got_ = "nothing was thrown"; \
    try {                                    \
      static_cast<void>(expression);         \
    } catch (const type& error_) {           \
      got_ = error_.what();                  \
    }                                        \
    CHECK(got_ == std::string(text));        \
  } while (false)

namespace gloss_test {

/// The largest |a - b| / (1 + |b|) over all elements, or infinity when shapes differ or one side alone is NaN.
template <class T, class U>
double difference(const gloss::Tensor<T>& a, const gloss::Tensor<U>& b) {
  if (a.shape() != b.shape()) return INFINITY;
  const auto x = a.contiguous();
  const auto y = b.contiguous();
  double worst = 0;
  for (gloss::Index i = 0; i < x.numel(); ++i) {
    const double p = static_cast<double>(x.data()[i]), q = static_cast<double>(y.data()[i]);
    if (p == q || (std::isnan(p) && std::isnan(q))) continue;
    const double d = std::abs(p - q) / (1 + std::abs(q));
    if (!(d <= worst)) worst = std::isnan(d) ? INFINITY : d;
  }
  return worst;
}

/// The largest |a - b| over the largest |b| (0 when both are all zero or empty); infinity when shapes differ or one
/// side alone is NaN. The measure for tensors whose small elements are sums of large terms.
template <class T, class U>
double relative_to_largest(const gloss::Tensor<T>& a, const gloss::Tensor<U>& b) {
  if (a.shape() != b.shape()) return INFINITY;
  const auto x = a.contiguous();
  const auto y = b.contiguous();
  double worst = 0, largest = 0;
  for (gloss::Index i = 0; i < x.numel(); ++i) {
    const double p = static_cast<double>(x.data()[i]), q = static_cast<double>(y.data()[i]);
    if (!std::isnan(q) && std::abs(q) > largest) largest = std::abs(q);
    if (p == q || (std::isnan(p) && std::isnan(q))) continue;
    const double d = std::abs(p - q);
    if (!(d <= worst)) worst = std::isnan(d) ? INFINITY : d;
  }
  return worst == 0 ? 0 : worst / largest;
}

/// Same shape and same bits, NaNs included.
template <class T>
bool same_bits(const gloss::Tensor<T>& a, const gloss::Tensor<T>& b) {
  if (a.shape() != b.shape()) return false;
  const auto x = a.contiguous();
  const auto y = b.contiguous();
  return x.numel() == 0 || std::memcmp(x.data(), y.data(), static_cast<std::size_t>(x.numel()) * sizeof(T)) == 0;
}

/// A tensor's elements in row-major order.
template <class T>
std::vector<T> values(const gloss::Tensor<T>& x) {
  const auto dense = x.contiguous();
  std::vector<T> out;
  for (gloss::Index i = 0; i < dense.numel(); ++i) out.push_back(dense.data()[i]);
  return out;
}

}  // namespace gloss_test
