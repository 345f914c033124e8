// RMSprop and Adagrad in one pass over memory, with PyTorch's formulas.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd/math.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// g += weight_decay p; v = alpha v + (1 - alpha) g^2; with an average a of the gradients a += (1 - alpha) (g - a), and
/// v - a^2 takes v's place; u = g / (sqrt(v) + eps); with a buffer b = momentum b + u, and u = b; p -= lr u. To climb g
/// is to descend -g: all but v is linear in g, so it is the same bits with the signs of decay and lr turned.
/// PyTorch: optim.RMSprop.
template <class T>
void rmsprop_step(T* p, const T* g, T* v, T* average, T* buffer, Index n, double lr, double alpha, double eps,
                  double weight_decay, double momentum, bool maximize) {
  const double sign = maximize ? -1 : 1;
  const T rate = static_cast<T>(sign * lr), decay = static_cast<T>(sign * weight_decay);
  const T keep = static_cast<T>(alpha), take = static_cast<T>(1 - alpha), tiny = static_cast<T>(eps);
  const T go_on = static_cast<T>(momentum);
  parallel_for(n, 8192, [=](Index begin, Index end) {
    each_vector<T>(end - begin, [&](Index j, Index count) GLOSS_INLINE_LAMBDA {
      const Index i = begin + j;
      const Vec<T> pi = load_n<T>(p + i, count), gi = load_n<T>(g + i, count) + pi * decay;
      Vec<T> vi = load_n<T>(v + i, count) * keep + gi * gi * take;
      store_n<T>(v + i, vi, count);
      if (average != nullptr) {
        Vec<T> ai = load_n<T>(average + i, count);
        ai = ai + (gi - ai) * take;
        store_n<T>(average + i, ai, count);
        vi = vi - ai * ai;
      }
      Vec<T> u = gi / (sqrt<T>(vi) + tiny);
      if (buffer != nullptr) {
        u = load_n<T>(buffer + i, count) * go_on + u;
        store_n<T>(buffer + i, u, count);
      }
      store_n<T>(p + i, pi - u * rate, count);
    });
  });
}

/// g += weight_decay p; sum += g^2; p -= lr g / (sqrt(sum) + eps). maximize as in rmsprop_step.
/// PyTorch: optim.Adagrad.
template <class T>
void adagrad_step(T* p, const T* g, T* sum, Index n, double lr, double eps, double weight_decay, bool maximize) {
  const double sign = maximize ? -1 : 1;
  const T rate = static_cast<T>(sign * lr), decay = static_cast<T>(sign * weight_decay), tiny = static_cast<T>(eps);
  parallel_for(n, 8192, [=](Index begin, Index end) {
    each_vector<T>(end - begin, [&](Index j, Index count) GLOSS_INLINE_LAMBDA {
      const Index i = begin + j;
      const Vec<T> pi = load_n<T>(p + i, count), gi = load_n<T>(g + i, count) + pi * decay;
      const Vec<T> total = load_n<T>(sum + i, count) + gi * gi;
      store_n<T>(sum + i, total, count);
      store_n<T>(p + i, pi - gi / (sqrt<T>(total) + tiny) * rate, count);
    });
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
