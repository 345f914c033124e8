// Comparisons and logic: boolean tensors from numbers, and of booleans
#pragma once

#include <gloss/ops/elementwise.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
struct Equal {
  template <class T>
  constexpr bool operator()(T a, T b) const {
    return a == b;
  }
};
struct Unequal {
  template <class T>
  constexpr bool operator()(T a, T b) const {
    return !(a == b);
  }
};
struct Less {
  template <class T>
  constexpr bool operator()(T a, T b) const {
    return a < b;
  }
};
struct LessEqual {
  template <class T>
  constexpr bool operator()(T a, T b) const {
    return a <= b;
  }
};
struct Greater {
  template <class T>
  constexpr bool operator()(T a, T b) const {
    return a > b;
  }
};
struct GreaterEqual {
  template <class T>
  constexpr bool operator()(T a, T b) const {
    return a >= b;
  }
};
struct NotZero {
  template <class T>
  constexpr bool operator()(T a) const {
    return !(a == T{});
  }
};

template <class Compare, class T>
Tensor<bool> compare(const char* op, const Tensor<T>& a, const Tensor<T>& b) {
  return map_binary<bool>(op, a, b, Compare{});
}
template <class Compare, class T>
Tensor<bool> compare(const Tensor<T>& a, Scalar<T> s) {
  return map_unary<bool>(a, [q = to_element<T>(s)](T p) { return Compare{}(p, q); });
}
template <class Compare, class T>
Tensor<bool> compare(Scalar<T> s, const Tensor<T>& b) {
  return map_unary<bool>(b, [p = to_element<T>(s)](T q) { return Compare{}(p, q); });
}
}  // namespace detail

// Shape of all: a, b broadcast. Errors: ShapeError when they do not. No gradient flows through a truth value. A
// comparison with NaN is false, but for !=.

/// a == b. PyTorch: torch.eq
template <Element T>
Tensor<bool> operator==(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::compare<detail::Equal>("eq", a, b);
}
template <Element T>
Tensor<bool> operator==(const Tensor<T>& a, Scalar<T> s) {
  return detail::compare<detail::Equal>(a, s);
}
template <Element T>
Tensor<bool> operator==(Scalar<T> s, const Tensor<T>& b) {
  return detail::compare<detail::Equal>(s, b);
}
/// a != b. PyTorch: torch.ne
template <Element T>
Tensor<bool> operator!=(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::compare<detail::Unequal>("ne", a, b);
}
template <Element T>
Tensor<bool> operator!=(const Tensor<T>& a, Scalar<T> s) {
  return detail::compare<detail::Unequal>(a, s);
}
template <Element T>
Tensor<bool> operator!=(Scalar<T> s, const Tensor<T>& b) {
  return detail::compare<detail::Unequal>(s, b);
}
/// a < b. PyTorch: torch.lt
template <Element T>
Tensor<bool> operator<(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::compare<detail::Less>("lt", a, b);
}
template <Element T>
Tensor<bool> operator<(const Tensor<T>& a, Scalar<T> s) {
  return detail::compare<detail::Less>(a, s);
}
template <Element T>
Tensor<bool> operator<(Scalar<T> s, const Tensor<T>& b) {
  return detail::compare<detail::Less>(s, b);
}
/// a <= b. PyTorch: torch.le
template <Element T>
Tensor<bool> operator<=(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::compare<detail::LessEqual>("le", a, b);
}
template <Element T>
Tensor<bool> operator<=(const Tensor<T>& a, Scalar<T> s) {
  return detail::compare<detail::LessEqual>(a, s);
}
template <Element T>
Tensor<bool> operator<=(Scalar<T> s, const Tensor<T>& b) {
  return detail::compare<detail::LessEqual>(s, b);
}
/// a > b. PyTorch: torch.gt
template <Element T>
Tensor<bool> operator>(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::compare<detail::Greater>("gt", a, b);
}
template <Element T>
Tensor<bool> operator>(const Tensor<T>& a, Scalar<T> s) {
  return detail::compare<detail::Greater>(a, s);
}
template <Element T>
Tensor<bool> operator>(Scalar<T> s, const Tensor<T>& b) {
  return detail::compare<detail::Greater>(s, b);
}
/// a >= b. PyTorch: torch.ge
template <Element T>
Tensor<bool> operator>=(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::compare<detail::GreaterEqual>("ge", a, b);
}
template <Element T>
Tensor<bool> operator>=(const Tensor<T>& a, Scalar<T> s) {
  return detail::compare<detail::GreaterEqual>(a, s);
}
template <Element T>
Tensor<bool> operator>=(Scalar<T> s, const Tensor<T>& b) {
  return detail::compare<detail::GreaterEqual>(s, b);
}

/// Whether both are not 0. PyTorch: torch.logical_and
template <Element T>
Tensor<bool> logical_and(const Tensor<T>& a, const Tensor<T>& b) {
  constexpr detail::NotZero is;
  return map_binary<bool>("logical_and", a, b, [is](T p, T q) { return is(p) && is(q); });
}
/// Whether one or both are not 0. PyTorch: torch.logical_or
template <Element T>
Tensor<bool> logical_or(const Tensor<T>& a, const Tensor<T>& b) {
  constexpr detail::NotZero is;
  return map_binary<bool>("logical_or", a, b, [is](T p, T q) { return is(p) || is(q); });
}
/// Whether just one is not 0. PyTorch: torch.logical_xor
template <Element T>
Tensor<bool> logical_xor(const Tensor<T>& a, const Tensor<T>& b) {
  constexpr detail::NotZero is;
  return map_binary<bool>("logical_xor", a, b, [is](T p, T q) { return is(p) != is(q); });
}
/// Whether x is 0. PyTorch: torch.logical_not
template <Element T>
Tensor<bool> logical_not(const Tensor<T>& x) {
  return map_unary<bool>(x, [](T v) { return v == T{}; });
}
GLOSS_LAZY Tensor<bool> operator!(const Tensor<bool>& x) { return logical_not(x); }

/// Bit by bit; for booleans the same as the logic.
/// Shape: a, b broadcast.
/// Errors: ShapeError when they do not.
/// PyTorch: torch.bitwise_and
template <std::integral T>
Tensor<T> operator&(const Tensor<T>& a, const Tensor<T>& b) {
  return map_binary<T>("bitwise_and", a, b, kernels::And{});
}
/// PyTorch: torch.bitwise_or
template <std::integral T>
Tensor<T> operator|(const Tensor<T>& a, const Tensor<T>& b) {
  return map_binary<T>("bitwise_or", a, b, kernels::Or{});
}
/// PyTorch: torch.bitwise_xor
template <std::integral T>
Tensor<T> operator^(const Tensor<T>& a, const Tensor<T>& b) {
  return map_binary<T>("bitwise_xor", a, b, kernels::Xor{});
}
/// PyTorch: torch.bitwise_not
template <std::integral T>
Tensor<T> operator~(const Tensor<T>& x) {
  if constexpr (std::same_as<T, bool>)
    return logical_not(x);
  else
    return map_unary<T>(x, [](T v) { return static_cast<T>(~v); });
}

GLOSS_INSTANTIATE(Tensor<bool> operator==(const Tensor<std::int64_t>&, const Tensor<std::int64_t>&))
GLOSS_INSTANTIATE(Tensor<bool> operator==(const Tensor<std::int64_t>&, Scalar<std::int64_t>))
GLOSS_INSTANTIATE(Tensor<bool> operator!=(const Tensor<std::int64_t>&, const Tensor<std::int64_t>&))
GLOSS_INSTANTIATE(Tensor<bool> operator!=(const Tensor<std::int64_t>&, Scalar<std::int64_t>))
GLOSS_INSTANTIATE(Tensor<bool> operator&(const Tensor<bool>&, const Tensor<bool>&))

}  // namespace gloss::inline GLOSS_ABI
