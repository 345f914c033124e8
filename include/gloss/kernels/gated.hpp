// Gated units, a value times a function of a gate: the sigmoid linear unit of the gate, or its logistic function.
#pragma once

#include <gloss/kernels/softmax.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// What the gate goes through: g(z) = z sigmoid(z), or sigmoid(z).
enum class Gate { silu, sigmoid };

namespace detail {
/// f(where in y, where in value and gate, m) for the vectors of rows of n elements that begin `stride` apart.
template <class T, class F>
GLOSS_INLINE void each_gated(Index rows, Index n, Index stride, F f) {
  constexpr Index most = 4096;  // of one row at a time, so that few long rows are work for many threads
  const Index pieces = (n + most - 1) / most;
  parallel_for(rows * pieces, row_grain(n < most ? n : most), [=](Index begin, Index end) {
    for (Index k = begin; k < end; ++k) {
      const Index r = k / pieces, first = k % pieces * most, size = n - first < most ? n - first : most;
      each_vector<T>(size,
                     [&](Index i, Index m) GLOSS_INLINE_LAMBDA { f(r * n + first + i, r * stride + first + i, m); });
    }
  });
}
}  // namespace detail

/// y = value g(gate) by rows of n elements, whose beginnings stand `stride` apart in value and gate, and n in y.
template <class T>
void gated_forward(const T* value, const T* gate, T* y, Index rows, Index n, Index stride, Gate kind) {
  detail::each_gated<T>(rows, n, stride, [=](Index to, Index from, Index m) GLOSS_INLINE_LAMBDA {
    const Vec<T> z = load_n<T>(gate + from, m), s = sigmoid<T>(z);
    store_n<T>(y + to, load_n<T>(value + from, m) * (kind == Gate::silu ? z * s : s), m);
  });
}

/// dvalue = dy g(gate), dgate = dy value g'(gate), laid out as value and gate are; each may be null.
template <class T>
void gated_backward(const T* value, const T* gate, const T* dy, T* dvalue, T* dgate, Index rows, Index n, Index stride,
                    Gate kind) {
  detail::each_gated<T>(rows, n, stride, [=](Index from, Index to, Index m) GLOSS_INLINE_LAMBDA {
    const Vec<T> z = load_n<T>(gate + to, m), s = sigmoid<T>(z), d = load_n<T>(dy + from, m);
    if (dvalue != nullptr) store_n<T>(dvalue + to, d * (kind == Gate::silu ? z * s : s), m);
    if (dgate != nullptr) {
      const Vec<T> slope = kind == Gate::silu ? s * (z * (T(1) - s) + T(1)) : s * (T(1) - s);
      store_n<T>(dgate + to, d * load_n<T>(value + to, m) * slope, m);
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
