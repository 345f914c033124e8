// Conversion of the element type
#pragma once

#include <gloss/ops/elementwise.hpp>

namespace gloss::inline GLOSS_ABI {

/// x in another element type: floating point to integer truncates, anything but 0 is true.
/// Backward: dx = dy in x's type; only between float and double.
/// PyTorch: x.to(dtype)
template <Element To, Element From>
Tensor<To> cast(const Tensor<From>& x) {
  if constexpr (std::same_as<To, From>) {
    return x;
  } else {
    auto convert = [](From v) {
      if constexpr (std::same_as<From, bfloat16>)
        return static_cast<To>(static_cast<float>(v));
      else if constexpr (std::same_as<To, bfloat16>)
        return bfloat16(static_cast<float>(v));
      else
        return static_cast<To>(v);
    };
    Tensor<To> y = map_unary<To>(x, convert);
    if constexpr (Real<To> && Real<From>)
      return record("cast", y, {x}, [](const Tensor<To>& dy, Grads& dx) { dx.add(0, cast<From>(dy)); });
    else
      return y;
  }
}

}  // namespace gloss::inline GLOSS_ABI
