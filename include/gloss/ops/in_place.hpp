// Arithmetic in place: the numbers change where they stand, and every handle and view on them sees it
#pragma once

#include <gloss/ops/clamp.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/masked_fill.hpp>
#include <gloss/ops/relu.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

// In the graph, each is the op of the same name: x becomes its result, x's earlier value its input. A value that an
// earlier op saved for its backward is overwritten all the same; that backward then throws GradError.
// What shares memory with x is read before anything is written.
// Shape of all: b (mask) broadcasts to x, which keeps its shape.
// Errors: ShapeError when it does not, or when elements of x share a place (expand); GradError, while a graph is
// recorded, for a leaf that requires a gradient, and for a tensor of the graph whose memory others share.

namespace detail {
/// x = f(x, b) where it stands or, when that is to be recorded, the result of op(x before, b).
template <class T, class B, class F, class Op>
Tensor<T> change_in_place(const char* name, const Tensor<T>& x, const Tensor<B>& b, F f, Op op) {
  const TensorBody& body = body_of(name, x);
  const bool recorded = records_in_place(name, body, b.node());
  check_no_overlap(name, body);
  if (broadcast_shapes(name, x.shape(), b.shape()) != x.shape())
    fail<ShapeError>(name, ": ", b.shape(), " does not broadcast to ", x.shape());
  if constexpr (Real<T>)
    if (recorded) {
      record_in_place(name, x, op);
      return x;
    }
  ProfileScope scope(name);
  if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel()});
  if (scope) scope.bytes(sizeof(B), {b.numel()});
  Tensor<B> copy;
  const Tensor<B>& from = apart_from(x, b, copy);
  const Shape steps = broadcast_strides(from.shape(), from.strides(), x.shape());
  kernels::update(kernels::make_loop<2>(x.shape(), {x.strides(), steps}), f, x.data(),
                  static_cast<const B*>(from.data()));
  x.mark_changed(name);
  return x;
}
/// b, or what x was when b is x itself.
template <class T>
const Tensor<T>& operand(const Tensor<T>& b, const Tensor<T>& x, const Tensor<T>& old) {
  return b.is_same(x) ? old : b;
}

template <class T>
struct AddScaled {
  T alpha;
  T operator()(T p, T q) const { return kernels::Plus{}(p, kernels::Times{}(alpha, q)); }
};
}  // namespace detail

/// x += alpha * b. PyTorch: x.add_(b, alpha=alpha)
template <Summable T>
Tensor<T> add_(const Tensor<T>& x, const Tensor<T>& b, Scalar<T> alpha = 1) {
  return detail::change_in_place("add_", x, b, detail::AddScaled<T>{static_cast<T>(alpha)}, [&](const Tensor<T>& old) {
    const Tensor<T>& other = detail::operand(b, x, old);
    return old + (alpha == 1 ? other : other * alpha);
  });
}
template <Summable T>
Tensor<T> add_(const Tensor<T>& x, Scalar<T> s) {
  return detail::change_in_place("add_", x, scalar<T>(static_cast<T>(s)), detail::AddScaled<T>{T(1)},
                                 [&](const Tensor<T>& old) { return old + s; });
}
/// x -= alpha * b. PyTorch: x.sub_(b, alpha=alpha)
template <Number T>
Tensor<T> sub_(const Tensor<T>& x, const Tensor<T>& b, Scalar<T> alpha = 1) {
  return add_(x, b, detail::opposite<T>(alpha));
}
template <Number T>
Tensor<T> sub_(const Tensor<T>& x, Scalar<T> s) {
  return add_(x, detail::opposite<T>(s));
}
/// x *= b. PyTorch: x.mul_(b)
template <Summable T>
Tensor<T> mul_(const Tensor<T>& x, const Tensor<T>& b) {
  return detail::change_in_place("mul_", x, b, kernels::Times{},
                                 [&](const Tensor<T>& old) { return old * detail::operand(b, x, old); });
}
template <Summable T>
Tensor<T> mul_(const Tensor<T>& x, Scalar<T> s) {
  return detail::change_in_place("mul_", x, scalar<T>(static_cast<T>(s)), kernels::Times{},
                                 [&](const Tensor<T>& old) { return old * s; });
}
/// x /= b. PyTorch: x.div_(b)
template <Real T>
Tensor<T> div_(const Tensor<T>& x, const Tensor<T>& b) {
  return detail::change_in_place(
      "div_", x, b, [](T p, T q) { return p / q; },
      [&](const Tensor<T>& old) { return old / detail::operand(b, x, old); });
}
template <Real T>
Tensor<T> div_(const Tensor<T>& x, Scalar<T> s) {
  return detail::change_in_place(
      "div_", x, scalar<T>(static_cast<T>(s)), [](T p, T q) { return p / q; },
      [&](const Tensor<T>& old) { return old / s; });
}
/// x = min(max(x, low), high), as clamp has it. PyTorch: x.clamp_(low, high)
template <Number T>
Tensor<T> clamp_(const Tensor<T>& x, Scalar<T> low, Scalar<T> high) {
  return detail::change_in_place(
      "clamp_", x, scalar<T>(detail::bound<T>(low)),
      [hi = detail::bound<T>(high)](T v, T lo) { return kernels::Smallest{}(kernels::Largest{}(v, lo), hi); },
      [&](const Tensor<T>& old) { return clamp(old, low, high); });
}
/// x = max(x, 0). PyTorch: x.relu_()
template <Real T>
Tensor<T> relu_(const Tensor<T>& x) {
  return detail::change_in_place(
      "relu_", x, scalar<T>(0), [](T v, T zero) { return v < zero ? zero : v; },
      [](const Tensor<T>& old) { return relu(old); });
}
/// x = value where mask. PyTorch: x.masked_fill_(mask, value)
template <Element T>
Tensor<T> masked_fill_(const Tensor<T>& x, const Tensor<bool>& mask, Scalar<T> value) {
  const T v = detail::to_element<T>(value);
  return detail::change_in_place(
      "masked_fill_", x, mask, [v](T p, bool masked) { return masked ? v : p; },
      [&](const Tensor<T>& old) { return masked_fill(old, mask, value); });
}

// As operators; they also take a view that has no name: x[0] += 1.
template <Summable T>
const Tensor<T>& operator+=(const Tensor<T>& x, const Tensor<T>& b) {
  return add_(x, b), x;
}
template <Summable T>
const Tensor<T>& operator+=(const Tensor<T>& x, Scalar<T> s) {
  return add_(x, s), x;
}
template <Number T>
const Tensor<T>& operator-=(const Tensor<T>& x, const Tensor<T>& b) {
  return sub_(x, b), x;
}
template <Number T>
const Tensor<T>& operator-=(const Tensor<T>& x, Scalar<T> s) {
  return sub_(x, s), x;
}
template <Summable T>
const Tensor<T>& operator*=(const Tensor<T>& x, const Tensor<T>& b) {
  return mul_(x, b), x;
}
template <Summable T>
const Tensor<T>& operator*=(const Tensor<T>& x, Scalar<T> s) {
  return mul_(x, s), x;
}
template <Real T>
const Tensor<T>& operator/=(const Tensor<T>& x, const Tensor<T>& b) {
  return div_(x, b), x;
}
template <Real T>
const Tensor<T>& operator/=(const Tensor<T>& x, Scalar<T> s) {
  return div_(x, s), x;
}

}  // namespace gloss::inline GLOSS_ABI
