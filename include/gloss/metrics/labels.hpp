// The shared part of the metrics of classes: what was predicted, beside what is true.
#pragma once

#include <gloss/ops/max.hpp>
#include <gloss/ops/reduce_loss.hpp>

namespace gloss::inline GLOSS_ABI::metrics::detail {

/// The class of the largest score along axis 1, in [n] along axis 0.
template <Real T>
Tensor<std::int64_t> best_class(const char* metric, const Tensor<T>& scores) {
  return argmax(scores.detach(), gloss::detail::class_axis(metric, scores, 1));
}

/// Calls f(predicted, target) for each pair whose target is not ignored.
/// Errors: ShapeError when the shapes differ.
template <class F>
void for_each_pair(const char* metric, const Tensor<std::int64_t>& predicted, const Tensor<std::int64_t>& target,
                   std::int64_t ignore_index, const F& f) {
  if (predicted.shape() != target.shape())
    fail<ShapeError>(metric, ": predicted ", predicted.shape(), " and target ", target.shape(), " differ in shape");
  const Tensor<std::int64_t> p = predicted.contiguous(), t = target.contiguous();
  for (Index i = 0; i < t.numel(); ++i)
    if (t.data()[i] != ignore_index) f(p.data()[i], t.data()[i]);
}

inline double ratio(Index part, Index whole) { return static_cast<double>(part) / static_cast<double>(whole); }

}  // namespace gloss::inline GLOSS_ABI::metrics::detail
