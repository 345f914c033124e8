// Refuses to compute where the compiler breaks the rules of arithmetic that gloss counts on. config.hpp refuses the
// flags that a macro tells of; Clang has none for the parts of -ffast-math, so there the first tensor finds out.
#pragma once

#include <gloss/core/config.hpp>

#ifdef __clang__
#include <limits>
#include <string_view>

#include <gloss/core/error.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// The flag under which this function was compiled, by what it does to numbers that the compiler cannot see: x is
/// {1/3, infinity, NaN, 49, 98, 147, 245}. Empty where all is well.
GLOSS_COLD inline std::string_view broken_float_rule(const volatile double* x) {
  const double third = x[0], infinity = x[1], nan = x[2], n = x[3], n2 = x[4], n3 = x[5], n5 = x[6];
  constexpr double round_magic = 0x1.8p52;
  if ((third + round_magic) - round_magic != 0) return "-fassociative-math";
  if (!(nan != nan)) return "-fno-honor-nans";
  if (!__builtin_isinf(infinity) || !(infinity == __builtin_huge_val())) return "-fno-honor-infinities";
  const double one = n / n, two = n2 / n, three = n3 / n, five = n5 / n;  // 1 / n, once, would be cheaper
  if ((one != 1) | (two != 2) | (three != 3) | (five != 5)) return "-freciprocal-math";
  return {};
}

/// Errors: Error that names the flag. Called once in a process, when the first tensor asks for memory.
GLOSS_COLD inline void require_float_rules() {
  using L = std::numeric_limits<double>;
  const volatile double x[] = {1.0 / 3, L::infinity(), L::quiet_NaN(), 49, 98, 147, 245};
  const std::string_view flag = broken_float_rule(x);
  if (!flag.empty())
    fail("gloss counts on IEEE arithmetic: build without ", flag,
         " and what else -ffast-math is made of, or write -fno-fast-math behind it");
}

}  // namespace gloss::inline GLOSS_ABI::detail
#else
namespace gloss::inline GLOSS_ABI::detail {
inline void require_float_rules() {}
}  // namespace gloss::inline GLOSS_ABI::detail
#endif
