// Schedule-Free AdamW in one pass over memory.
#pragma once

#include <cmath>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd/math.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// v = beta2 v + (1 - beta2) g^2; d = g / (sqrt(v / (1 - beta2^step)) + eps) + weight_decay y; y += weight (z - y) - lr
/// (1 - beta1 (1 - weight)) d; z -= lr d. That is x += weight (z - x) after z's step and y = beta1 x + (1 - beta1) z,
/// without an x in memory.
template <class T>
void schedule_free_step(T* y, const T* g, T* z, T* v, Index n, double lr, double weight, double beta1, double beta2,
                        double eps, double weight_decay, Index step) {
  const T root2 = static_cast<T>(1 / std::sqrt(1 - std::pow(beta2, static_cast<double>(step))));
  const T keep2 = static_cast<T>(beta2), take2 = static_cast<T>(1 - beta2), tiny = static_cast<T>(eps);
  const T decay = static_cast<T>(weight_decay), to_z = static_cast<T>(weight), rate_z = static_cast<T>(lr);
  const T rate_y = static_cast<T>(lr * (1 - beta1 * (1 - weight)));
  parallel_for(n, 8192, [=](Index begin, Index end) {
    each_vector<T>(end - begin, [&](Index j, Index count) GLOSS_INLINE_LAMBDA {
      const Index i = begin + j;
      const Vec<T> yi = load_n<T>(y + i, count), gi = load_n<T>(g + i, count), zi = load_n<T>(z + i, count);
      const Vec<T> vi = load_n<T>(v + i, count) * keep2 + gi * gi * take2;
      const Vec<T> d = gi / (sqrt<T>(vi) * root2 + tiny) + yi * decay;
      store_n<T>(v + i, vi, count);
      store_n<T>(y + i, yi + (zi - yi) * to_z - d * rate_y, count);
      store_n<T>(z + i, zi - d * rate_z, count);
    });
  });
}

/// x += part (to - x).
template <class T>
void towards(T* x, const T* to, Index n, T part) {
  parallel_for(n, 8192, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) x[i] += part * (to[i] - x[i]);
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
