// Comparisons and logic: boolean tensors from numbers, and of booleans
#pragma once

#include <gloss/ops/elementwise.hpp>

namespace gloss::inline GLOSS_ABI {

// Shape of all: a, b broadcast. Errors: ShapeError when they do not. No gradient flows through a truth value.
// PyTorch: torch.eq, ne, lt, le, gt, ge, logical_and, logical_or, logical_not
template <Element T>
Tensor<bool> operator==(const Tensor<T>& a, const Tensor<T>& b) {
  return map_binary<bool>("eq", a, b, [](T p, T q) { return p == q; });
}
template <Element T>
Tensor<bool> operator==(const Tensor<T>& a, Scalar<T> s) {
  const T q = static_cast<T>(s);
  return map_unary<bool>(a, [q](T p) { return p == q; });
}
template <Element T>
Tensor<bool> operator!=(const Tensor<T>& a, const Tensor<T>& b) {
  return map_binary<bool>("ne", a, b, [](T p, T q) { return p != q; });
}
template <Element T>
Tensor<bool> operator!=(const Tensor<T>& a, Scalar<T> s) {
  const T q = static_cast<T>(s);
  return map_unary<bool>(a, [q](T p) { return p != q; });
}
template <Element T>
Tensor<bool> operator<(const Tensor<T>& a, const Tensor<T>& b) {
  return map_binary<bool>("lt", a, b, [](T p, T q) { return p < q; });
}
template <Element T>
Tensor<bool> operator<(const Tensor<T>& a, Scalar<T> s) {
  const T q = static_cast<T>(s);
  return map_unary<bool>(a, [q](T p) { return p < q; });
}
template <Element T>
Tensor<bool> operator<=(const Tensor<T>& a, const Tensor<T>& b) {
  return map_binary<bool>("le", a, b, [](T p, T q) { return p <= q; });
}
template <Element T>
Tensor<bool> operator<=(const Tensor<T>& a, Scalar<T> s) {
  const T q = static_cast<T>(s);
  return map_unary<bool>(a, [q](T p) { return p <= q; });
}
template <Element T>
Tensor<bool> operator>(const Tensor<T>& a, const Tensor<T>& b) {
  return map_binary<bool>("gt", a, b, [](T p, T q) { return p > q; });
}
template <Element T>
Tensor<bool> operator>(const Tensor<T>& a, Scalar<T> s) {
  const T q = static_cast<T>(s);
  return map_unary<bool>(a, [q](T p) { return p > q; });
}
template <Element T>
Tensor<bool> operator>=(const Tensor<T>& a, const Tensor<T>& b) {
  return map_binary<bool>("ge", a, b, [](T p, T q) { return p >= q; });
}
template <Element T>
Tensor<bool> operator>=(const Tensor<T>& a, Scalar<T> s) {
  const T q = static_cast<T>(s);
  return map_unary<bool>(a, [q](T p) { return p >= q; });
}

inline Tensor<bool> operator&(const Tensor<bool>& a, const Tensor<bool>& b) {
  return map_binary<bool>("logical_and", a, b, [](bool p, bool q) { return p && q; });
}
inline Tensor<bool> operator|(const Tensor<bool>& a, const Tensor<bool>& b) {
  return map_binary<bool>("logical_or", a, b, [](bool p, bool q) { return p || q; });
}
inline Tensor<bool> operator!(const Tensor<bool>& a) {
  return map_unary<bool>(a, [](bool p) { return !p; });
}

}  // namespace gloss::inline GLOSS_ABI
