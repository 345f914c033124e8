// Pairs of a row's elements turned by an angle each.
#pragma once

#include <utility>

#include <gloss/kernels/simd/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

/// The even and the odd elements of two vectors that stand one behind the other, and back.
template <class T>
struct EvenOdd {
  Vec<T> even, odd;
};
template <class T, std::size_t... i>
GLOSS_INLINE EvenOdd<T> take_apart(Vec<T> a, Vec<T> b, std::index_sequence<i...>) {
  return {shuffle<T, static_cast<int>(2 * i)...>(a, b), shuffle<T, static_cast<int>(2 * i + 1)...>(a, b)};
}
template <class T, std::size_t... i>
GLOSS_INLINE EvenOdd<T> put_together(Vec<T> a, Vec<T> b, std::index_sequence<i...>) {
  constexpr std::size_t n = sizeof...(i), half = n / 2;
  return {shuffle<T, static_cast<int>(i / 2 + i % 2 * n)...>(a, b),
          shuffle<T, static_cast<int>(half + i / 2 + i % 2 * n)...>(a, b)};
}

}  // namespace detail

/// y_a = c x_a - s x_b, y_b = c x_b + s x_a for each pair (a, b) of a row, with s = sign * sine: (2i, 2i + 1) if
/// interleaved, else (i, i + pairs).
/// Shape: x, y [2 pairs], cosine, sine [pairs]; y may be x.
template <class T>
GLOSS_INLINE void rotate_pairs(const T* x, const T* cosine, const T* sine, T* y, Index pairs, bool interleaved,
                               T sign) {
  if (!interleaved)
    return each_vector<T>(pairs, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
      const Vec<T> a = load_n<T>(x + i, m), b = load_n<T>(x + pairs + i, m);
      const Vec<T> c = load_n<T>(cosine + i, m), s = load_n<T>(sine + i, m) * sign;
      store_n<T>(y + i, c * a - s * b, m);
      store_n<T>(y + pairs + i, c * b + s * a, m);
    });
  constexpr auto order = std::make_index_sequence<static_cast<std::size_t>(lanes<T>)>{};
  Index i = 0;
  for (; i + lanes<T> <= pairs; i += lanes<T>) {
    const auto [a, b] = detail::take_apart<T>(load<T>(x + 2 * i), load<T>(x + 2 * i + lanes<T>), order);
    const Vec<T> c = load<T>(cosine + i), s = load<T>(sine + i) * sign;
    const auto [first, second] = detail::put_together<T>(c * a - s * b, c * b + s * a, order);
    store<T>(y + 2 * i, first);
    store<T>(y + 2 * i + lanes<T>, second);
  }
  for (; i < pairs; ++i) {
    const T a = x[2 * i], b = x[2 * i + 1], c = cosine[i], s = sine[i] * sign;
    y[2 * i] = c * a - s * b;
    y[2 * i + 1] = c * b + s * a;
  }
}

}  // namespace gloss::inline GLOSS_ABI::kernels
