// The library's exceptions, and fail(), which builds their one-line text.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
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
template <std::same_as<char> T>  // a template, or every number would convert to it
void append_part(std::string& text, T part) {
  text += part;
}
template <std::same_as<bool> T>  // and every pointer to this
void append_part(std::string& text, T part) {
  text += part ? "true" : "false";
}
template <std::floating_point T>
void append_part(std::string& text, T part) {
  char digits[64];
  const char* const end = std::to_chars(digits, digits + sizeof digits, part).ptr;
  text.append(digits, static_cast<std::size_t>(end - digits));
}

namespace detail {

/// A piece of an error text, borrowed, without its type: building a text is compiled once, not for every message nor
/// for every kind of number.
class ErrorPart {
 public:
  ErrorPart(const char* text) : ErrorPart(std::string_view(text)) {}
  ErrorPart(const std::string& text) : ErrorPart(std::string_view(text)) {}
  ErrorPart(std::string_view text) : object_(text.data()), number_(text.size()) {}
  template <class T>
  ErrorPart(const T& part) {
    if constexpr (std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>) {
      const auto bits = static_cast<std::uint64_t>(part);
      kind_ = part < 0 ? Kind::negative : Kind::whole;
      number_ = part < 0 ? 0 - bits : bits;
    } else {
      kind_ = Kind::other;
      object_ = &part;
      append_ = [](std::string& out, const void* p) { append_part(out, *static_cast<const T*>(p)); };
    }
  }
  GLOSS_COLD void append_to(std::string& out) const {
    if (kind_ == Kind::text)
      out.append(static_cast<const char*>(object_), number_);
    else if (kind_ == Kind::other)
      append_(out, object_);
    else
      append_number(out);
  }

 private:
  void append_number(std::string& out) const {
    char digits[24] = "-";
    const char* const begin = kind_ == Kind::negative ? digits : digits + 1;
    const char* const end = std::to_chars(digits + 1, digits + sizeof digits, number_).ptr;
    out.append(begin, static_cast<std::size_t>(end - begin));
  }

  enum class Kind : unsigned char { text, whole, negative, other } kind_ = Kind::text;
  const void* object_ = nullptr;
  std::uint64_t number_ = 0;  // length of the text; magnitude of the number
  void (*append_)(std::string&, const void*) = nullptr;
};

GLOSS_COLD inline std::string join(std::initializer_list<ErrorPart> parts) {
  std::string text;
  for (const ErrorPart& part : parts) part.append_to(text);
  return text;
}

template <class E>
[[noreturn]] GLOSS_COLD void throw_error(std::initializer_list<ErrorPart> parts) {
  throw E(join(parts));
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

template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>)
void append_part(std::string& text, T part) { detail::ErrorPart(part).append_to(text); }

/// Throws E with the parts joined: strings, numbers and Shapes. Text is built here only, on failure.
template <class E = Error, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  detail::throw_error<E>({detail::ErrorPart(detail::error_part(parts))...});
}

}  // namespace gloss::inline GLOSS_ABI
