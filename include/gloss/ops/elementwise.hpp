// The shared part of every element-wise op: allocates the result and walks the operands. Op headers add the calculus.
#pragma once

#include <gloss/tensor/saved_input.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// A function of elements without its type, and what walks over tensors with it: allocating the result is compiled once
/// for types of elements and not for every function.
template <class... Ts>
struct Walk {
  const void* function;
  void (*walk)(const void* function, const kernels::Loop<sizeof...(Ts)>& loop, Ts*... data);
};
template <class F, class... Ts>
Walk<Ts...> walk_with(const F& f) {
  return {&f, [](const void* function, const kernels::Loop<sizeof...(Ts)>& loop, Ts*... data) {
            kernels::map(loop, *static_cast<const F*>(function), data...);
          }};
}

template <class Y, class X>
GLOSS_NOINLINE Tensor<Y> walk_unary(const Tensor<X>& x, Walk<Y, const X> f) {
  ProfileScope scope("map");
  Tensor<Y> y = empty<Y>(x.shape());
  scope.makes(y.data());
  if (scope) scope.bytes(sizeof(X), {x.numel()});
  if (scope) scope.bytes(sizeof(Y), {x.numel()});
  f.walk(f.function, kernels::make_loop<2>(x.shape(), {y.strides(), x.strides()}), y.data(), x.data());
  return y;
}

/// How two operands broadcast: the walk over (y, a, b) and, through `shape`, the size of y.
GLOSS_NOINLINE inline kernels::Loop<3> binary_loop(const char* op, const Shape& a, const Shape& a_strides,
                                                   const Shape& b, const Shape& b_strides, Shape& shape) {
  shape = a == b ? a : broadcast_shapes(op, a, b);
  return kernels::make_loop<3>(shape, {contiguous_strides(shape), broadcast_strides(a, a_strides, shape),
                                       broadcast_strides(b, b_strides, shape)});
}

template <class Y, class A, class B>
GLOSS_NOINLINE Tensor<Y> walk_binary(const char* op, const Tensor<A>& a, const Tensor<B>& b,
                                     Walk<Y, const A, const B> f) {
  ProfileScope scope(op);
  Shape shape;
  const kernels::Loop<3> loop = binary_loop(op, a.shape(), a.strides(), b.shape(), b.strides(), shape);
  Tensor<Y> y = empty<Y>(shape);
  if (scope) scope.bytes(sizeof(A), {a.numel()});
  if (scope) scope.bytes(sizeof(B), {b.numel()});
  if (scope) scope.bytes(sizeof(Y), {y.numel()});
  f.walk(f.function, loop, y.data(), a.data(), b.data());
  return y;
}
}  // namespace detail

/// y_i = f(x_i), unrecorded.
template <Element Y, class X, class F>
Tensor<Y> map_unary(const Tensor<X>& x, F f) {
  return detail::walk_unary<Y, X>(x, detail::walk_with<F, Y, const X>(f));
}

/// y_i = f(a_i, b_i) on broadcast operands, unrecorded.
/// Errors: ShapeError naming op when the shapes do not broadcast.
template <Element Y, class A, class B, class F>
Tensor<Y> map_binary(const char* op, const Tensor<A>& a, const Tensor<B>& b, F f) {
  return detail::walk_binary<Y, A, B>(op, a, b, detail::walk_with<F, Y, const A, const B>(f));
}

/// y from a kernel that reads dense memory, f(x, y, n), unrecorded.
template <Real T, class F>
Tensor<T> map_dense(const Tensor<T>& x, F f) {
  ProfileScope scope("map");
  const Tensor<T> in = x.detach().contiguous();
  Tensor<T> y = empty<T>(x.shape());
  scope.makes(y.data());
  if (scope) scope.bytes(sizeof(T), {in.numel(), in.numel()});
  f(static_cast<const T*>(in.data()), y.data(), in.numel());
  return y;
}
/// The same of two tensors of one shape, f(a, b, y, n).
template <Real T, class F>
Tensor<T> map_dense(const Tensor<T>& a, const Tensor<T>& b, F f) {
  const Tensor<T> second = b.detach().contiguous();
  return map_dense(a, [&](const T* x, T* y, Index n) { f(x, static_cast<const T*>(second.data()), y, n); });
}

/// y from a kernel for dense memory, forward(x, y, n), recorded with the kernel backward(x, dy, dx, n); x is saved, and
/// y made from it again where a product would save it.
/// A backward that is itself recorded is dy * slope(x), made of ops.
template <Real T, class Forward, class Backward, class Slope>
Tensor<T> map_smooth(const char* op, const Tensor<T>& x, Forward forward, Backward backward, Slope slope) {
  const Tensor<T> y = map_dense(x, forward);
  const detail::SavedInput<T> saved(x, will_record({x}));
  record(op, y, {x}, [saved, backward, slope](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> in = saved.get(dx, 0);
    dx.add(0, is_grad_enabled() ? dy * slope(in) : map_dense(in, dy, backward));
  });
  if (y.requires_grad()) detail::offer_rebuild(y, [op, saved, forward] { return map_dense(saved.value(op), forward); });
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
