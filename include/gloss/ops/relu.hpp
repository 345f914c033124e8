// Rectifier
#pragma once

#include <cmath>

#include <gloss/ops/mul.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = max(x, 0); NaN stays NaN.
/// Backward: dx = 0 where y <= 0, else dy, at NaN too; y is saved.
/// PyTorch: torch.relu
template <Real T>
Tensor<T> relu(const Tensor<T>& x) {
  Tensor<T> y = map_unary<T>(x, [](T v) { return v < T{0} ? T{0} : v; });
  const auto saved = detail::SavedInput<T>::own(y.detach(), will_record({x}));
  record("relu", y, {x}, [saved](const Tensor<T>& dy, Grads& dx) {
    const Tensor<T> result = saved.value("relu");
    if (is_grad_enabled())
      dx.add(0, detail::weigh(dy, map_unary<T>(result, [](T v) { return static_cast<T>(!(v <= T{0})); })));
    else
      dx.add(0, map_binary<T>("relu", dy, result, [](T g, T v) { return v <= T{0} ? T{0} : g; }));
  });
  saved.share_with(y);
  return y;
}

GLOSS_INSTANTIATE(Tensor<float> relu(const Tensor<float>&))
GLOSS_INSTANTIATE(Tensor<double> relu(const Tensor<double>&))

}  // namespace gloss::inline GLOSS_ABI
