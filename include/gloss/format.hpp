// Tensors and shapes for fmt: fmt::print("{}\n", x). For those who have fmt; the umbrella does not include it.
#pragma once

#include <concepts>

#include <fmt/core.h>

#include <gloss/tensor/print.hpp>

namespace gloss::inline GLOSS_ABI::detail {
template <class T>
void takes_tensor(const Tensor<T>&);
template <class X>
concept Printable = std::same_as<X, Shape> || requires(const X& x) {
  takes_tensor(x);
};
}  // namespace gloss::inline GLOSS_ABI::detail

namespace fmt {
/// Writes gloss::to_string(x); takes the width and alignment that a string takes. Parameters and buffers are tensors
/// too.
template <gloss::detail::Printable X>
struct formatter<X, char> : formatter<string_view, char> {
  template <class Context>
  auto format(const X& x, Context& context) const {
    return formatter<string_view, char>::format(gloss::to_string(x), context);
  }
};
}  // namespace fmt
