// The library's exceptions, and fail(), which builds their one-line text.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <initializer_list>
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
  requires(std::integral<T> && !std::same_as<T, bool>)
|| std::floating_point<T> void append_part(std::string& text, T part) {
  char digits[64];
  const auto result = std::to_chars(digits, digits + sizeof digits, part);
  text.append(digits, result.ptr);
}

namespace detail {

/// A piece of an error text, borrowed, without its type: building a text is compiled once for each kind of piece and
/// not once for every message.
class ErrorPart {
 public:
  ErrorPart(const char* text)
      : object_(text), append_([](std::string& out, const void* p) { out += static_cast<const char*>(p); }) {}
  template <class T>
  ErrorPart(const T& part)
      : object_(&part), append_([](std::string& out, const void* p) { append_part(out, *static_cast<const T*>(p)); }) {}
  void append_to(std::string& out) const { append_(out, object_); }

 private:
  const void* object_;
  void (*append_)(std::string&, const void*);
};

template <class E>
[[noreturn]] GLOSS_COLD void throw_error(std::initializer_list<ErrorPart> parts) {
  std::string text;
  for (const ErrorPart& part : parts) part.append_to(text);
  throw E(text);
}

template <std::size_t N>
const char* error_part(const char (&text)[N]) {
  return text;
}
template <class T>
const T& error_part(const T& part) {
  return part;
}

}  // namespace detail

/// Throws E with the parts joined: strings, numbers and Shapes. Text is built here only, on failure.
template <class E = Error, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  detail::throw_error<E>({detail::ErrorPart(detail::error_part(parts))...});
}

}  // namespace gloss::inline GLOSS_ABI
