// The 16-bit brain float: float32's sign and exponent, 7 bits of mantissa. A storage type; arithmetic goes by float.
#pragma once

#include <bit>
#include <cstdint>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI {

struct bfloat16 {
  std::uint16_t bits = 0;

  constexpr bfloat16() = default;
  /// Rounds to nearest, ties to even; NaN stays NaN.
  explicit constexpr bfloat16(float value) {
    const std::uint32_t u = std::bit_cast<std::uint32_t>(value);
    bits = (u & 0x7FFFFFFFu) > 0x7F800000u ? static_cast<std::uint16_t>((u >> 16) | 0x40u)
                                           : static_cast<std::uint16_t>((u + 0x7FFFu + ((u >> 16) & 1u)) >> 16);
  }
  explicit constexpr operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
  static constexpr bfloat16 from_bits(std::uint16_t bits) {
    bfloat16 b;
    b.bits = bits;
    return b;
  }
  friend constexpr bool operator==(bfloat16 a, bfloat16 b) { return float(a) == float(b); }
  friend constexpr bool operator<(bfloat16 a, bfloat16 b) { return float(a) < float(b); }
  friend constexpr bool operator>(bfloat16 a, bfloat16 b) { return float(a) > float(b); }
  friend constexpr bool operator<=(bfloat16 a, bfloat16 b) { return float(a) <= float(b); }
  friend constexpr bool operator>=(bfloat16 a, bfloat16 b) { return float(a) >= float(b); }
};

}  // namespace gloss::inline GLOSS_ABI
