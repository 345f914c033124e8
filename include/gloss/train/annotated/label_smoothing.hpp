// AT's "LabelSmoothing" (paper 5.4).
#pragma once

#include <gloss/ops/label_smoothing_loss.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// label_smoothing_loss with its numbers kept, and the size of the vocabulary, which x must have.
/// Shape: x [..., size] log-probabilities, target [...] -> []
/// Errors: ShapeError when x does not end in size or target does not fit, IndexError for a target outside [0, size),
/// Error for a smoothing outside [0, 1] or size < 3; GradError from a recorded backward (the op is fused).
/// Source: paper 5.4. AT: LabelSmoothing
template <Real T>
struct LabelSmoothing {
  Index size;
  std::int64_t padding_idx;
  double smoothing;

  LabelSmoothing(Index vocab, std::int64_t padding, double smooth = 0.0)
      : size(vocab), padding_idx(padding), smoothing(smooth) {
    gloss::detail::check_smoothing("LabelSmoothing", size, smoothing);
  }

  Tensor<T> operator()(const Tensor<T>& x, const Tensor<std::int64_t>& target) const {
    if (x.dim() == 0 || x.size(-1) != size)
      fail<ShapeError>("LabelSmoothing: x ", x.shape(), " does not end in size ", size);
    return gloss::detail::smoothed_loss("LabelSmoothing", x, target, padding_idx, smoothing);
  }
};

GLOSS_INSTANTIATE(struct LabelSmoothing<float>)
GLOSS_INSTANTIATE(struct LabelSmoothing<double>)

}  // namespace gloss::inline GLOSS_ABI::train
