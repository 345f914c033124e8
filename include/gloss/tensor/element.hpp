// The types that a tensor's elements can have.
#pragma once

#include <concepts>
#include <cstdint>

#include <gloss/core/bfloat16.hpp>

namespace gloss::inline GLOSS_ABI {

/// Element types that gradients flow through.
template <class T>
concept Real = std::same_as<T, float> || std::same_as<T, double>;

/// Whole numbers. Overflow wraps around.
template <class T>
concept Integer = std::same_as<T, std::int64_t> || std::same_as<T, std::int32_t> || std::same_as<T, std::uint8_t>;

/// What arithmetic is defined on.
template <class T>
concept Number = Real<T> || Integer<T>;

/// What sums and products are defined on: numbers, and truth values, where + is "or" and * is "and".
template <class T>
concept Summable = Number<T> || std::same_as<T, bool>;

/// Every element type a tensor can hold.
template <class T>
concept Element = Summable<T> || std::same_as<T, bfloat16>;

/// PyTorch's name of the type: "float32", "int64".
template <class T>
constexpr const char* dtype_name() {
  if constexpr (std::same_as<T, float>)
    return "float32";
  else if constexpr (std::same_as<T, double>)
    return "float64";
  else if constexpr (std::same_as<T, bfloat16>)
    return "bfloat16";
  else if constexpr (std::same_as<T, std::int64_t>)
    return "int64";
  else if constexpr (std::same_as<T, std::int32_t>)
    return "int32";
  else if constexpr (std::same_as<T, std::uint8_t>)
    return "uint8";
  else
    return "bool";
}

}  // namespace gloss::inline GLOSS_ABI
