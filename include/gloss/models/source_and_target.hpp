// What models from a text to a text share: which of a source's tokens count, and what a decoder reads in training.
#pragma once

#include <vector>

#include <gloss/ops/cat.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/masked_fill.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// The mask of a source as decode::EncoderDecoderStepper takes it, true counts; undefined, and so all, without one.
/// Shape: input_ids [batch, m], attention_mask the same, 0 for padding -> [batch, 1, m]
/// Errors: ShapeError in the name of the model for another shape.
GLOSS_COLD inline Tensor<bool> source_mask(const char* model, const Tensor<std::int64_t>& input_ids,
                                           const Tensor<std::int64_t>& attention_mask) {
  if (!attention_mask.defined()) return {};
  if (attention_mask.shape() != input_ids.shape())
    fail<ShapeError>(model, ": attention_mask ", attention_mask.shape(), " must be ", input_ids.shape(),
                     " as input_ids");
  return (attention_mask != 0).unsqueeze(1);
}

/// What a decoder reads so that it says these labels: `start`, and all but the last; `padding` for -100.
/// Shape: [batch, n] -> the same
/// Errors: ShapeError in the name of the model for labels of another shape.
/// transformers: shift_tokens_right
GLOSS_COLD inline Tensor<std::int64_t> shifted_right(const char* model, const Tensor<std::int64_t>& labels,
                                                     std::int64_t start, std::int64_t padding) {
  if (labels.dim() != 2) fail<ShapeError>(model, ": labels ", labels.shape(), " must be [batch, n]");
  const auto behind = labels.narrow(1, 0, labels.size(1) - 1);
  return cat(std::vector<Tensor<std::int64_t>>{full<std::int64_t>({labels.size(0), 1}, start),
                                               masked_fill(behind, behind == -100, padding)},
             1);
}

}  // namespace gloss::inline GLOSS_ABI::models
