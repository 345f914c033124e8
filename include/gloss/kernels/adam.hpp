// Optimizer updates in one pass over memory.
#pragma once

#include <cmath>

#include <gloss/core/parallel_for.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, p -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), t = step from 1.
/// weight_decay is added to g, or, when decoupled, shrinks p by lr * weight_decay first.
template <class T>
void adam_step(T* p, const T* g, T* m, T* v, Index n, double lr, double beta1, double beta2, double eps,
               double weight_decay, bool decoupled, Index step) {
  const double correction1 = 1 - std::pow(beta1, static_cast<double>(step));
  const double correction2 = 1 - std::pow(beta2, static_cast<double>(step));
  const T b1 = static_cast<T>(beta1), b2 = static_cast<T>(beta2), c1 = static_cast<T>(1 - beta1), c2 = static_cast<T>(1 - beta2);
  const T rate = static_cast<T>(lr / correction1), root = static_cast<T>(1 / std::sqrt(correction2)), e = static_cast<T>(eps);
  const T decay = static_cast<T>(decoupled ? 0 : weight_decay), shrink = static_cast<T>(decoupled ? 1 - lr * weight_decay : 1);
  parallel_for(n, 16384, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const T grad = g[i] + decay * p[i];
      m[i] = b1 * m[i] + c1 * grad;
      v[i] = b2 * v[i] + c2 * grad * grad;
      p[i] = shrink * p[i] - rate * m[i] / (std::sqrt(v[i]) * root + e);
    }
  });
}

/// b = momentum b + (1 - dampening) g (b = g on step 1), p -= lr b, or with nesterov p -= lr (g + momentum b). A null b
/// means no momentum. weight_decay is added to g.
template <class T>
void sgd_step(T* p, const T* g, T* b, Index n, double lr, double momentum, double dampening, double weight_decay,
              bool nesterov, Index step) {
  const T rate = static_cast<T>(lr), mu = static_cast<T>(momentum), keep = static_cast<T>(1 - dampening), decay = static_cast<T>(weight_decay);
  parallel_for(n, 16384, [=](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const T grad = g[i] + decay * p[i];
      T update = grad;
      if (b) {
        b[i] = step == 1 ? grad : mu * b[i] + keep * grad;
        update = nesterov ? grad + mu * b[i] : b[i];
      }
      p[i] -= rate * update;
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
