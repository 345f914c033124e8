// Products that are rounded before anything is added to them, for results that must have somebody else's bits.
#pragma once

#include <concepts>

#include <gloss/core/config.hpp>

namespace gloss::inline GLOSS_ABI {

/// a b, rounded: compilers may otherwise add to the exact product where the processor can.
template <std::floating_point T>
T rounded_product(T a, T b) {
  volatile T product = a * b;
  return product;
}

}  // namespace gloss::inline GLOSS_ABI
