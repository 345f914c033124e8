// The library's exceptions, and fail(), which builds their one-line text.
#pragma once

#include <charconv>
#include <concepts>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI {

/// Base of everything gloss throws.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Sizes that do not fit an operation.
struct ShapeError : Error {
  using Error::Error;
};
/// An axis, position or token id out of range.
struct IndexError : Error {
  using Error::Error;
};
/// A backward pass that cannot be done.
struct GradError : Error {
  using Error::Error;
};
/// A file or a state dict that cannot be used.
struct LoadError : Error {
  using Error::Error;
};

inline void append_part(std::string& text, std::string_view part) { text += part; }
inline void append_part(std::string& text, char part) { text += part; }
template <std::same_as<bool> T>  // a template, or every pointer would convert to it
void append_part(std::string& text, T part) {
  text += part ? "true" : "false";
}
template <class T>
  requires(std::integral<T> && !std::same_as<T, bool>) || std::floating_point<T>
void append_part(std::string& text, T part) {
  char digits[64];
  const auto result = std::to_chars(digits, digits + sizeof digits, part);
  text.append(digits, result.ptr);
}

/// Throws E with the parts joined: strings, numbers and Shapes. Text is built here only, on failure.
template <class E = Error, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::string text;
  (append_part(text, parts), ...);
  throw E(text);
}

}  // namespace gloss::inline GLOSS_ABI
