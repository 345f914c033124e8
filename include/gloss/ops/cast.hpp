// Conversion of the element type
#pragma once

#include <limits>

#include <gloss/ops/elementwise.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// static_cast, with a result where C++ leaves it undefined: floating point outside the range of the integer.
template <class To, class From>
To to_number(From v) {
  if constexpr (std::floating_point<From> && Integer<To>) {
    using Whole = std::conditional_t<std::same_as<To, std::uint8_t>, std::int64_t, To>;
    constexpr Whole low = (std::numeric_limits<Whole>::min)();
    return static_cast<To>(v >= static_cast<From>(low) && v < -static_cast<From>(low) ? static_cast<Whole>(v) : low);
  } else {
    return static_cast<To>(v);
  }
}
}  // namespace detail

/// x in another element type: floating point to integer truncates, anything but 0 is true. What no int32 or int64 can
/// hold, NaN included, becomes the smallest one; for uint8 the whole part is taken modulo 256.
/// Backward: dx = dy in x's type; only between float and double.
/// PyTorch: x.to(dtype)
template <Element To, Element From>
Tensor<To> cast(const Tensor<From>& x) {
  if constexpr (std::same_as<To, From>) {
    return x;
  } else {
    auto convert = [](From v) {
      if constexpr (std::same_as<From, bfloat16> && std::same_as<To, bool>)
        return static_cast<float>(v) != 0.0f;
      else if constexpr (std::same_as<From, bfloat16>)
        return detail::to_number<To>(static_cast<float>(v));
      else if constexpr (std::same_as<To, bfloat16>)
        return bfloat16(static_cast<float>(v));
      else
        return detail::to_number<To>(v);
    };
    Tensor<To> y = map_unary<To>(x, convert);
    if constexpr (Real<To> && Real<From>)
      return record("cast", y, {x}, [](const Tensor<To>& dy, Grads& dx) { dx.add(0, cast<From>(dy)); });
    else
      return y;
  }
}

GLOSS_INSTANTIATE(Tensor<std::int64_t> cast(const Tensor<bool>&))

}  // namespace gloss::inline GLOSS_ABI
