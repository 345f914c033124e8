// Norms of vectors
#pragma once

#include <gloss/ops/abs.hpp>
#include <gloss/ops/amax.hpp>
#include <gloss/ops/any.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/ops/pow.hpp>
#include <gloss/ops/where.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// The Euclidean length over the axes of `plan`; where the squares overflow and x is finite, right all the same.
template <class T>
Tensor<T> euclidean_norm(const Tensor<T>& x, const Axes& axes, const ReducePlan& plan, ReduceOptions options) {
  const Tensor<T> in = x.detach();
  Tensor<T> y = sqrt(sum(square(in), axes, options));
  bool overflows = false;
  for (Index i = 0; i < y.numel(); ++i) overflows = overflows || std::isinf(y.data()[i]);
  if (overflows) {
    const auto larger = [](auto a, auto b) { return std::hypot(a, b); };
    y = map_binary<T>("norm", y, plan.run(in, T{}, larger, options), [](T a, T b) { return std::isinf(a) ? b : a; });
  }
  return record("norm", y, {x}, [x, kept = plan.kept, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
    // infinity there makes the slope x / y zero
    const Tensor<T> edge =
        map_unary<T>(saved, [](T v) { return v == T{0} ? std::numeric_limits<T>::infinity() : T{0}; });
    dx.add(0, dy.view(kept) * (x / (dx.result(saved) + edge).view(kept)));
  });
}
}  // namespace detail

/// y = (sum |x|^p)^(1/p) over axes (all by default). p = 2 is the Euclidean length, whose squares may overflow;
/// p = infinity the largest |x|, p = -infinity the smallest, p = 0 counts what is not 0.
/// Shape: x without the axes, or with them as 1 (keepdim).
/// Errors: IndexError for a wrong axis, ShapeError when an infinite or negative p finds no element.
/// Backward: dx = dy sign(x) (|x| / y)^(p - 1); 0 where x is 0; for an infinite p shared evenly among equals.
/// PyTorch: torch.linalg.vector_norm, torch.norm
template <Real T>
Tensor<T> norm(const Tensor<T>& x, RealNumber power = 2, const Axes& axes = {}, ReduceOptions options = {}) {
  const double p = power;
  const ReducePlan plan("norm", x.shape(), axes);
  if (std::isinf(p) || p < 0) plan.require_elements("norm", x.shape());
  if (p == 2) return detail::euclidean_norm(x, axes, plan, options);
  if (p == 1) return sum(abs(x), axes, options);
  if (p == 0) return cast<T>(count_nonzero(x, axes, options));
  if (std::isinf(p)) return p > 0 ? amax(abs(x), axes, options) : amin(abs(x), axes, options);
  // 0 has no slope of its own: it is a constant of the sum, so that 0^(p - 1) is never met on the way back
  const Tensor<bool> at_zero = x == 0;
  const Tensor<T> size = abs(where(at_zero, scalar<T>(1), x));
  const Tensor<T> total =
      sum(where(at_zero, scalar<T>(p > 0 ? T{0} : detail::highest<T>()), pow(size, p)), axes, options);
  const Tensor<bool> none = total == 0;
  return where(none, scalar<T>(0), pow(where(none, scalar<T>(1), total), 1 / p));
}

}  // namespace gloss::inline GLOSS_ABI
