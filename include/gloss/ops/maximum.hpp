// The larger and the smaller of two
#pragma once

#include <gloss/ops/mul.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
// y = pick(a, b); the gradient is weighed with share_a(a, b) and share_b(a, b).
template <class T, class Pick, class A, class B>
Tensor<T> choose(const char* op, const Tensor<T>& a, const Tensor<T>& b, Pick pick, [[maybe_unused]] A share_a,
                 [[maybe_unused]] B share_b) {
  Tensor<T> y = map_binary<T>(op, a, b, pick);
  if constexpr (Real<T>)
    return record(op, y, {a, b}, [op, a, b, share_a, share_b](const Tensor<T>& dy, Grads& dx) {
      if (dx.needs(0)) dx.add(0, sum_to(weigh(dy, map_binary<T>(op, a, b, share_a)), a.shape()));
      if (dx.needs(1)) dx.add(1, sum_to(weigh(dy, map_binary<T>(op, a, b, share_b)), b.shape()));
    });
  return y;
}
}  // namespace detail

// Shape of all: a, b broadcast. Errors of all: ShapeError when they do not.

/// y = max(a, b); NaN wins.
/// Backward: dy goes to the larger, half to each of two equals, summed over stretched axes.
/// PyTorch: torch.maximum
template <Summable T>
Tensor<T> maximum(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::choose(
      "maximum", a, b, kernels::Largest{}, [](T p, T q) { return p == q ? T(0.5) : static_cast<T>(!(p < q)); },
      [](T p, T q) { return p == q ? T(0.5) : static_cast<T>(!(q < p)); });
}
/// y = min(a, b); NaN wins.
/// Backward: dy goes to the smaller, half to each of two equals, summed over stretched axes.
/// PyTorch: torch.minimum
template <Summable T>
Tensor<T> minimum(const Tensor<T>& a, const Tensor<T>& b) {
  return detail::choose(
      "minimum", a, b, kernels::Smallest{}, [](T p, T q) { return p == q ? T(0.5) : static_cast<T>(!(p > q)); },
      [](T p, T q) { return p == q ? T(0.5) : static_cast<T>(!(q > p)); });
}
/// y = max(a, b); of NaN and a number, the number.
/// Backward: dy goes to the chosen one, to a of two equals, summed over stretched axes.
/// PyTorch: torch.fmax
template <Real T>
Tensor<T> fmax(const Tensor<T>& a, const Tensor<T>& b) {
  auto takes_a = [](T p, T q) { return p >= q || q != q; };
  return detail::choose(
      "fmax", a, b, [takes_a](T p, T q) { return takes_a(p, q) ? p : q; },
      [takes_a](T p, T q) { return static_cast<T>(takes_a(p, q)); },
      [takes_a](T p, T q) { return static_cast<T>(!takes_a(p, q)); });
}
/// y = min(a, b); of NaN and a number, the number.
/// Backward: dy goes to the chosen one, to a of two equals, summed over stretched axes.
/// PyTorch: torch.fmin
template <Real T>
Tensor<T> fmin(const Tensor<T>& a, const Tensor<T>& b) {
  auto takes_a = [](T p, T q) { return p <= q || q != q; };
  return detail::choose(
      "fmin", a, b, [takes_a](T p, T q) { return takes_a(p, q) ? p : q; },
      [takes_a](T p, T q) { return static_cast<T>(takes_a(p, q)); },
      [takes_a](T p, T q) { return static_cast<T>(!takes_a(p, q)); });
}

}  // namespace gloss::inline GLOSS_ABI
