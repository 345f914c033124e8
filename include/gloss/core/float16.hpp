// The 16-bit float of IEEE 754: 5 bits of exponent, 10 of mantissa. As files hold it; arithmetic goes by float.
#pragma once

#include <bit>
#include <cstdint>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI {

struct float16 {
  std::uint16_t bits = 0;

  constexpr float16() = default;
  /// Rounds to nearest, ties to even, subnormal numbers included; 65520 and more become infinite, NaN stays NaN.
  explicit constexpr float16(float value) {
    const std::uint32_t u = std::bit_cast<std::uint32_t>(value), sign = u >> 16 & 0x8000u, magnitude = u & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) {
      bits = static_cast<std::uint16_t>(sign | 0x7E00u | (magnitude >> 13 & 0x1FFu));
    } else if (magnitude >= 0x477FF000u) {
      bits = static_cast<std::uint16_t>(sign | 0x7C00u);
    } else {
      // The unit of the last place is 2^-24 at least, and otherwise 13 bits above that of the float.
      const std::uint32_t exponent = magnitude >> 23;
      const bool normal = exponent > 112;
      const std::uint32_t mantissa = normal ? magnitude - (112u << 23) : (magnitude & 0x7FFFFFu) | 0x800000u;
      const std::uint32_t shift = normal ? 13 : exponent > 101 ? 126 - exponent : 25;
      const std::uint32_t half = (1u << (shift - 1)) - 1u + (mantissa >> shift & 1u);
      bits = static_cast<std::uint16_t>(sign | (mantissa + half) >> shift);
    }
  }
  /// Exact.
  explicit constexpr operator float() const {
    const std::uint32_t sign = std::uint32_t{bits & 0x8000u} << 16, exponent = bits >> 10 & 31u,
                        mantissa = bits & 1023u;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | mantissa << 13);
    if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
    const float tiny = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -tiny : tiny;
  }
  static constexpr float16 from_bits(std::uint16_t bits) {
    float16 h;
    h.bits = bits;
    return h;
  }
  friend constexpr bool operator==(float16 a, float16 b) { return float(a) == float(b); }
};

}  // namespace gloss::inline GLOSS_ABI
