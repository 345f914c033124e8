// GELU and the dropout after it in one pass, forward beside backward.
#pragma once

#include <gloss/kernels/activation.hpp>
#include <gloss/kernels/dropout.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// y = dropout(gelu(x)), by tanh where `by_tanh`; the mask as in dropout().
template <class T>
void gelu_dropout(const T* x, T* y, std::int64_t* mask, Index n, double p, RandomBlock random, bool by_tanh) {
  const T scale = detail::dropout_scale<T>(p);
  detail::draw_kept<T>(n, p, random, mask, [=](Index i, Index m, IntVec<T> keep) GLOSS_INLINE_LAMBDA {
    const Vec<T> v = load_n<T>(x + i, m);
    store_n<T>(y + i, select<T>(keep, (by_tanh ? detail::gelu_tanh<T>(v) : detail::gelu<T>(v)) * scale, Vec<T>{}), m);
  });
}
/// dx = dy gelu'(x) / (1 - p) where the mask has a bit, else 0; dx may be dy.
template <class T>
void gelu_dropout_backward(const T* x, const T* dy, const std::int64_t* mask, T* dx, Index n, double p, bool by_tanh) {
  const T scale = detail::dropout_scale<T>(p);
  detail::read_kept<T>(n, mask, [=](Index i, Index m, IntVec<T> keep) GLOSS_INLINE_LAMBDA {
    const Vec<T> v = load_n<T>(x + i, m);
    const Vec<T> slope = by_tanh ? detail::gelu_tanh_slope<T>(v) : detail::gelu_slope<T>(v);
    store_n<T>(dx + i, select<T>(keep, load_n<T>(dy + i, m) * scale * slope, Vec<T>{}), m);
  });
}

GLOSS_INSTANTIATE(void gelu_dropout<float>(const float*, float*, std::int64_t*, Index, double, RandomBlock, bool))
GLOSS_INSTANTIATE(void gelu_dropout<double>(const double*, double*, std::int64_t*, Index, double, RandomBlock, bool))
GLOSS_INSTANTIATE(void gelu_dropout_backward<float>(const float*, const float*, const std::int64_t*, float*, Index,
                                                    double, bool))
GLOSS_INSTANTIATE(void gelu_dropout_backward<double>(const double*, const double*, const std::int64_t*, double*, Index,
                                                     double, bool))

}  // namespace gloss::inline GLOSS_ABI::kernels
