// Numbers as text, the same in every locale: for people, and for programs.
#pragma once

#include <charconv>
#include <cmath>
#include <string>

#include <gloss/core/error.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Four digits, for a table or a bar: "0.8921", "0.0003", "12346", "1.5e-07", "nan".
GLOSS_COLD inline std::string short_number(double number) {
  if (std::isnan(number)) return "nan";
  number += 0.0;  // no "-0"
  const bool whole = std::abs(number) >= 999.95 && std::abs(number) < 1e9;
  char digits[32];
  const auto end = whole ? std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed, 0).ptr
                         : std::to_chars(digits, digits + sizeof digits, number, std::chars_format::general, 4).ptr;
  return std::string(digits, end);
}

/// As few digits as give the number again when they are read: "0.1", "1e-07", "nan", "-inf".
GLOSS_COLD inline std::string exact_number(double number) {
  if (std::isnan(number)) return "nan";  // of either sign
  std::string text;
  append_part(text, number);
  return text;
}

}  // namespace gloss::inline GLOSS_ABI::train
