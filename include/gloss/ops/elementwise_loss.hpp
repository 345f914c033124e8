// The shared part of the losses that go element by element: a value for each in one pass, their gradient in another.
#pragma once

#include <gloss/kernels/loss.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/reduce_loss.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI::detail {

GLOSS_LAZY void require_shape_of_x(const char* op, const Shape& x, const Shape& target) {
  if (target != x) fail<ShapeError>(op, ": target ", target, " does not have the shape of x ", x);
}

/// The losses value(i, m) of dense elements [i, i + m), or their sum or mean, unrecorded.
template <class T, class Value>
Tensor<T> elementwise_loss(const char* op, const Shape& shape, LossReduction reduction, const Value& value) {
  ProfileScope scope(op);
  const Index n = shape.numel();
  if (scope) scope.bytes(sizeof(T), {n, n});
  if (reduction == LossReduction::none) {
    Tensor<T> y = empty<T>(shape);
    kernels::fill_vectors<T>(y.data(), n, value);
    return y;
  }
  const double count = loss_divisor(reduction, static_cast<double>(n));
  return full<T>({}, kernels::sum_vectors<T>(n, value) / static_cast<T>(count));
}

/// dy slope(i, m) in the same elements, where dy is theirs or one number, unrecorded.
template <class T, class Slope>
Tensor<T> elementwise_loss_gradient(const Shape& shape, LossReduction reduction, const Tensor<T>& dy,
                                    const Slope& slope) {
  Tensor<T> g = empty<T>(shape);
  if (reduction == LossReduction::none) {
    const Tensor<T> by_element = dy.contiguous();
    const T* const each = by_element.data();
    kernels::fill_vectors<T>(g.data(), g.numel(), [=, &slope](Index i, Index m) GLOSS_INLINE_LAMBDA {
      return slope(i, m) * kernels::load_n<T>(each + i, m);
    });
  } else if (g.numel() > 0) {
    const T all = dy.item() / static_cast<T>(loss_divisor(reduction, static_cast<double>(g.numel())));
    kernels::fill_vectors<T>(g.data(), g.numel(),
                             [=, &slope](Index i, Index m) GLOSS_INLINE_LAMBDA { return slope(i, m) * all; });
  }
  return g;
}

/// A loss of d = x - target alone, a function of kernels/loss.hpp; slope(d) is its derivative made of ops.
template <class T, class F, class Slope>
Tensor<T> difference_loss(const char* op, const Tensor<T>& x, const Tensor<T>& target, LossReduction reduction, F f,
                          Slope slope) {
  require_shape_of_x(op, x.shape(), target.shape());
  const auto each = [](const Tensor<T>& a, const Tensor<T>& b, const auto& use) {
    return [p = static_cast<const T*>(a.data()), q = static_cast<const T*>(b.data()), use](Index i, Index m)
               GLOSS_INLINE_LAMBDA { return use(kernels::load_n<T>(p + i, m) - kernels::load_n<T>(q + i, m)); };
  };
  const Tensor<T> in = x.detach().contiguous(), to = target.detach().contiguous();
  Tensor<T> y = elementwise_loss<T>(op, x.shape(), reduction,
                                    each(in, to, [f](kernels::Vec<T> d) GLOSS_INLINE_LAMBDA { return f.value(d); }));
  return record(op, y, {x, target}, [x, target, reduction, f, slope, each](const Tensor<T>& dy, Grads& dx) {
    Tensor<T> g;
    if (is_grad_enabled()) {
      g = dy / loss_divisor(reduction, static_cast<double>(x.numel())) * slope(x - target);
    } else {
      const Tensor<T> a = x.contiguous(), b = target.contiguous();
      g = elementwise_loss_gradient<T>(a.shape(), reduction, dy,
                                       each(a, b, [f](kernels::Vec<T> d) GLOSS_INLINE_LAMBDA { return f.slope(d); }));
    }
    if (dx.needs(1)) dx.add(1, -g);
    dx.add(0, std::move(g));
  });
}

}  // namespace gloss::inline GLOSS_ABI::detail
