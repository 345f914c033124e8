// Optimiser steps in one pass over memory, with PyTorch's formulas.
#pragma once

#include <cmath>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd/math.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Of one step of Adam's what all elements share.
template <class T>
struct AdamFactors {
  T step_size, root2, take1, keep2, take2, tiny, decay, shrink;

  AdamFactors(double lr, double beta1, double beta2, double eps, double weight_decay, bool decoupled, Index step,
              bool maximize) {
    const double correction1 = 1 - std::pow(beta1, static_cast<double>(step));
    const double correction2 = 1 - std::pow(beta2, static_cast<double>(step));
    const double sign = maximize ? -1 : 1;
    step_size = static_cast<T>(sign * lr / correction1), root2 = static_cast<T>(1 / std::sqrt(correction2));
    take1 = static_cast<T>(1 - beta1), keep2 = static_cast<T>(beta2);
    take2 = static_cast<T>(1 - beta2), tiny = static_cast<T>(eps);
    decay = decoupled ? T(0) : static_cast<T>(sign * weight_decay);
    shrink = decoupled ? static_cast<T>(1 - lr * weight_decay) : T(1);
  }
};

/// The step of n elements, on one thread.
template <class T>
GLOSS_INLINE void adam_elements(const AdamFactors<T>& f, T* p, const T* g, T* m, T* v, T* max_v, Index n) {
  each_vector<T>(n, [&](Index i, Index count) GLOSS_INLINE_LAMBDA {
    const Vec<T> pi = load_n<T>(p + i, count) * f.shrink;
    const Vec<T> gi = load_n<T>(g + i, count) + pi * f.decay;
    Vec<T> mi = load_n<T>(m + i, count), vi = load_n<T>(v + i, count);
    mi = mi + (gi - mi) * f.take1;
    vi = vi * f.keep2 + gi * gi * f.take2;
    store_n<T>(m + i, mi, count);
    store_n<T>(v + i, vi, count);
    if (max_v != nullptr) {
      vi = vmax<T>(load_n<T>(max_v + i, count), vi);
      store_n<T>(max_v + i, vi, count);
    }
    store_n<T>(p + i, pi - mi / (sqrt<T>(vi) * f.root2 + f.tiny) * f.step_size, count);
  });
}

/// Step counts from 1. g += weight_decay p (or p *= 1 - lr weight_decay when decoupled: AdamW); m = beta1 m + (1 -
/// beta1) g; v = beta2 v + (1 - beta2) g^2; p -= lr / (1 - beta1^step) m / (sqrt(v) / sqrt(1 - beta2^step) + eps).
/// With max_v (amsgrad) it holds the largest v so far, which takes its place in the last formula. To climb g is to
/// descend -g: as m is linear in g and v does not see its sign, it is the same bits with the signs of decay and step
/// turned.
/// PyTorch: optim.Adam, optim.AdamW.
template <class T>
void adam_step(T* p, const T* g, T* m, T* v, Index n, double lr, double beta1, double beta2, double eps,
               double weight_decay, bool decoupled, Index step, bool maximize = false, T* max_v = nullptr) {
  const AdamFactors<T> f(lr, beta1, beta2, eps, weight_decay, decoupled, step, maximize);
  parallel_for(n, 8192, [=](Index begin, Index end) {
    adam_elements(f, p + begin, g + begin, m + begin, v + begin, max_v ? max_v + begin : nullptr, end - begin);
  });
}

/// g += weight_decay p; buffer = momentum buffer + (1 - dampening) g; p -= lr (g + momentum buffer if nesterov, else
/// buffer). On step 1 buffer becomes g. A null buffer means no momentum.
/// PyTorch: optim.SGD.
template <class T>
void sgd_step(T* p, const T* g, T* buffer, Index n, double lr, double momentum, double dampening, double weight_decay,
              bool nesterov, Index step, bool maximize = false) {
  const double sign = maximize ? -1 : 1;  // as in adam_step: b is linear in g
  const T rate = static_cast<T>(sign * lr), keep = static_cast<T>(momentum), take = static_cast<T>(1 - dampening);
  const T decay = static_cast<T>(sign * weight_decay);
  parallel_for(n, 8192, [=](Index begin, Index end) {
    each_vector<T>(end - begin, [&](Index j, Index count) GLOSS_INLINE_LAMBDA {
      const Index i = begin + j;
      const Vec<T> pi = load_n<T>(p + i, count);
      Vec<T> gi = load_n<T>(g + i, count) + pi * decay;
      if (buffer != nullptr) {
        const Vec<T> b = step == 1 ? gi : load_n<T>(buffer + i, count) * keep + gi * take;
        store_n<T>(buffer + i, b, count);
        gi = nesterov ? gi + b * keep : b;
      }
      store_n<T>(p + i, pi - gi * rate, count);
    });
  });
}

GLOSS_INSTANTIATE(void adam_step<float>(float*, const float*, float*, float*, Index, double, double, double, double,
                                        double, bool, Index, bool, float*))
GLOSS_INSTANTIATE(void adam_step<double>(double*, const double*, double*, double*, Index, double, double, double,
                                         double, double, bool, Index, bool, double*))
GLOSS_INSTANTIATE(void sgd_step<float>(float*, const float*, float*, Index, double, double, double, double, bool, Index,
                                       bool))
GLOSS_INSTANTIATE(void sgd_step<double>(double*, const double*, double*, Index, double, double, double, double, bool,
                                        Index, bool))

}  // namespace gloss::inline GLOSS_ABI::kernels
