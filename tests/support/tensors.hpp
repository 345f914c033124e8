// Helpers for tests on tensors: exact error texts and element-wise comparison.
#pragma once

#include <cmath>
#include <string>

#include <gloss/tensor/tensor.hpp>

#include "support/catch.hpp"

/// The expression throws exactly this type with exactly this text.
#define CHECK_ERROR(expression, type, text)     \
  do {                                          \
    std::string got_ = "nothing was thrown";    \
    try {                                       \
      static_cast<void>(expression);            \
    } catch (const type& error_) {              \
      got_ = error_.what();                     \
    }                                           \
    CHECK(got_ == std::string(text));           \
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

}  // namespace gloss_test
