// Lion in one pass over memory.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// p -= lr (sign(beta1 m + (1 - beta1) g) + weight_decay p); then m = beta2 m + (1 - beta2) g.
template <class T>
void lion_step(T* p, const T* g, T* m, Index n, double lr, double beta1, double beta2, double weight_decay) {
  const T rate = static_cast<T>(lr), shrink = static_cast<T>(1 - lr * weight_decay);
  const T keep1 = static_cast<T>(beta1), take1 = static_cast<T>(1 - beta1), take2 = static_cast<T>(1 - beta2);
  parallel_for(n, 8192, [=](Index begin, Index end) {
    const Vec<T> zero = splat<T>(0), up = splat<T>(rate), down = splat<T>(-rate);
    each_vector<T>(end - begin, [&](Index j, Index count) GLOSS_INLINE_LAMBDA {
      const Index i = begin + j;
      const Vec<T> gi = load_n<T>(g + i, count), mi = load_n<T>(m + i, count);
      const Vec<T> c = mi * keep1 + gi * take1;
      const Vec<T> step = select<T>(c > zero, up, select<T>(c < zero, down, c * rate));  // 0 stays, and NaN
      store_n<T>(p + i, load_n<T>(p + i, count) * shrink - step, count);
      store_n<T>(m + i, mi + (gi - mi) * take2, count);
    });
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
