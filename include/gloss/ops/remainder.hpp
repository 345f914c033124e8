// Division with a whole quotient, and what it leaves
#pragma once

#include <cmath>
#include <type_traits>

#include <gloss/ops/any.hpp>
#include <gloss/ops/mul.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
// Whole numbers: a / 0 would trap, and so would the smallest one over -1, whose quotient wraps around to itself.
template <class T>
constexpr T quotient(T a, T b) {
  if constexpr (std::is_signed_v<T>)
    if (b == T(-1)) return kernels::Minus{}(T{0}, a);
  return static_cast<T>(a / b);
}

struct TruncDivide {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (Real<T>)
      return std::trunc(a / b);
    else
      return quotient(a, b);
  }
};
struct Fmod {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (Real<T>)
      return std::fmod(a, b);
    else
      return static_cast<T>(kernels::Minus{}(a, kernels::Times{}(quotient(a, b), b)));
  }
};
struct Remainder {
  template <class T>
  T operator()(T a, T b) const {
    const T r = Fmod{}(a, b);
    return r != T{0} && (r < T{0}) != (b < T{0}) ? static_cast<T>(r + b) : r;
  }
};
struct FloorDivide {
  template <class T>
  T operator()(T a, T b) const {
    const bool apart = (a < T{0}) != (b < T{0});
    if constexpr (Real<T>) {
      if (b == T{0}) return a / b;
      const T rest = std::fmod(a, b);
      const T whole = std::nearbyint((a - rest) / b) - static_cast<T>(rest != T{0} && apart);
      return whole == T{0} ? std::copysign(T{0}, a / b) : whole;
    } else {
      return static_cast<T>(quotient(a, b) - (Fmod{}(a, b) != T{0} && apart));
    }
  }
};

template <class F, class T>
Tensor<T> divide_whole(const char* op, const Tensor<T>& a, const Tensor<T>& b) {
  if constexpr (!Real<T>)
    if (broadcast_shapes(op, a.shape(), b.shape()).numel() > 0 && any(b == 0).item()) fail(op, ": division by zero");
  return map_binary<T>(op, a, b, F{});
}

// With da = dy and db = -dy * Quotient(a, b).
template <class F, class Quotient, class T>
Tensor<T> remainder_by(const char* op, const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = divide_whole<F>(op, a, b);
  if constexpr (Real<T>)
    return record(op, y, {a, b}, [op, a, b](const Tensor<T>& dy, Grads& dx) {
      if (dx.needs(0)) dx.add(0, sum_to(dy, a.shape()));
      if (dx.needs(1)) dx.add(1, -sum_to(dy * map_binary<T>(op, a, b, Quotient{}), b.shape()));
    });
  return y;
}
// Without a gradient but 0.
template <class F, class T>
Tensor<T> quotient_by(const char* op, const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = divide_whole<F>(op, a, b);
  if constexpr (Real<T>)
    return record(op, y, {a, b}, [sa = a.shape(), sb = b.shape()](const Tensor<T>&, Grads& dx) {
      if (dx.needs(0)) dx.add(0, zeros<T>(sa));
      if (dx.needs(1)) dx.add(1, zeros<T>(sb));
    });
  return y;
}
}  // namespace detail

// Shape of all: a, b broadcast. Errors of all: ShapeError when they do not, Error when a whole number is divided by 0;
// floating point gives infinity or NaN.

/// y = floor(a / b).
/// Backward: 0.
/// PyTorch: torch.floor_divide, torch.div(a, b, rounding_mode="floor")
template <Number T>
Tensor<T> floor_divide(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::quotient_by<detail::FloorDivide>("floor_divide", a, b);
}
template <Number T>
Tensor<T> floor_divide(const Tensor<T>& a, Scalar<T> s) {
  return floor_divide(a, scalar<T>(static_cast<T>(s)));
}
/// y = trunc(a / b), as / is in C++ on whole numbers.
/// Backward: 0.
/// PyTorch: torch.div(a, b, rounding_mode="trunc")
template <Number T>
Tensor<T> trunc_divide(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::quotient_by<detail::TruncDivide>("trunc_divide", a, b);
}
template <Number T>
Tensor<T> trunc_divide(const Tensor<T>& a, Scalar<T> s) {
  return trunc_divide(a, scalar<T>(static_cast<T>(s)));
}
/// y = a - b floor(a / b), with the sign of b: what % is in Python.
/// Backward: da = dy, db = -dy floor(a / b), summed over stretched axes.
/// PyTorch: torch.remainder
template <Number T>
Tensor<T> remainder(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::remainder_by<detail::Remainder, detail::FloorDivide>("remainder", a, b);
}
template <Number T>
Tensor<T> remainder(const Tensor<T>& a, Scalar<T> s) {
  return remainder(a, scalar<T>(static_cast<T>(s)));
}
template <Number T>
Tensor<T> operator%(const Tensor<T>& a, const Tensor<T>& b) {
  return remainder(a, b);
}
template <Number T>
Tensor<T> operator%(const Tensor<T>& a, Scalar<T> s) {
  return remainder(a, s);
}
/// y = a - b trunc(a / b), with the sign of a: what % is in C++.
/// Backward: da = dy, db = -dy trunc(a / b), summed over stretched axes.
/// PyTorch: torch.fmod
template <Number T>
Tensor<T> fmod(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::remainder_by<detail::Fmod, detail::TruncDivide>("fmod", a, b);
}
template <Number T>
Tensor<T> fmod(const Tensor<T>& a, Scalar<T> s) {
  return fmod(a, scalar<T>(static_cast<T>(s)));
}

}  // namespace gloss::inline GLOSS_ABI
