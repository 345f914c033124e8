// Numbers that stand beside a tensor.
#pragma once

#include <limits>

#include <gloss/tensor/overwrite.hpp>

namespace gloss::inline GLOSS_ABI {

/// A whole number beside a tensor of whole numbers. It does not convert from floating point: where ids is a tensor of
/// integers, `ids * 0.5` does not compile instead of being ids * 0; say cast<float>(ids) * 0.5.
class WholeNumber {
 public:
  template <std::integral Int>
  constexpr WholeNumber(Int value) : value_(static_cast<std::int64_t>(value)) {}
  constexpr operator std::int64_t() const { return value_; }

 private:
  std::int64_t value_;
};

/// A number beside a tensor of floating point, in double. It takes any number without a warning of the compiler, which
/// with -Wconversion has one for an Index that becomes a double.
class RealNumber {
 public:
  template <std::convertible_to<double> N>
  constexpr RealNumber(N value) : value_(static_cast<double>(value)) {}
  constexpr operator double() const { return value_; }

 private:
  double value_;
};

template <std::same_as<RealNumber> T>
void append_part(std::string& text, T part) {
  append_part(text, static_cast<double>(part));
}

/// The type of a number that stands beside a tensor: wide, so that `x * 2` and `x * 0.5` are both exact and silent.
template <class T>
using Scalar = std::conditional_t<std::integral<T>, WholeNumber, RealNumber>;

namespace detail {
template <class T>
constexpr T to_element(Scalar<T> s) {
  if constexpr (std::same_as<T, bfloat16>)
    return bfloat16(static_cast<float>(s));
  else
    return static_cast<T>(s);
}
/// -s, without overflow.
template <class T>
constexpr Scalar<T> opposite(Scalar<T> s) {
  if constexpr (std::integral<T>)
    return kernels::Minus{}(std::int64_t{0}, std::int64_t{s});
  else
    return -s;
}
/// What every other T is above, and below: the infinities, where there are any.
template <class T>
constexpr T lowest() {
  using L = std::numeric_limits<T>;
  return L::has_infinity ? static_cast<T>(-L::infinity()) : L::lowest();
}
template <class T>
constexpr T highest() {
  using L = std::numeric_limits<T>;
  return L::has_infinity ? L::infinity() : (L::max)();
}
}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI
