// NaN and the infinities: found and replaced
#pragma once

#include <cmath>
#include <limits>

#include <gloss/ops/mul.hpp>

namespace gloss::inline GLOSS_ABI {

/// Whether x is NaN. PyTorch: torch.isnan
template <Number T>
Tensor<bool> isnan(const Tensor<T>& x) {
  return map_unary<bool>(x, [](T v) { return v != v; });
}
/// Whether x is infinite. PyTorch: torch.isinf
template <Number T>
Tensor<bool> isinf(const Tensor<T>& x) {
  return map_unary<bool>(x, [](T v) {
    if constexpr (Real<T>)
      return std::isinf(v);
    else
      return false;
  });
}
/// Whether x is neither NaN nor infinite. PyTorch: torch.isfinite
template <Number T>
Tensor<bool> isfinite(const Tensor<T>& x) {
  return map_unary<bool>(x, [](T v) { return v - v == T{0}; });
}

/// What stands in for what is not finite; without a value of its own, an infinity becomes the largest number of its
/// sign.
template <Real T>
struct NanToNumOptions {
  T nan = 0;
  T posinf = (std::numeric_limits<T>::max)();
  T neginf = std::numeric_limits<T>::lowest();
};
/// y = x, with NaN and the infinities replaced.
/// Backward: dx = dy where x is finite, else 0.
/// PyTorch: torch.nan_to_num
template <Real T>
Tensor<T> nan_to_num(const Tensor<T>& x, NanToNumOptions<std::type_identity_t<T>> options = {}) {
  Tensor<T> y = map_unary<T>(x, [options](T v) {
    if (v != v) return options.nan;
    return std::isinf(v) ? (v > 0 ? options.posinf : options.neginf) : v;
  });
  return record("nan_to_num", y, {x}, [x](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, detail::weigh(dy, map_unary<T>(x, [](T v) { return static_cast<T>(v - v == T{0}); })));
  });
}

}  // namespace gloss::inline GLOSS_ABI
