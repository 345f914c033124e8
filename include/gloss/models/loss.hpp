// The losses of models that score tokens.
#pragma once

#include <gloss/ops/cross_entropy.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// The mean over labels of -log P(label), where a label is -100 at the places that do not count.
/// Shape: logits [..., vocab_size], labels [...] -> []
template <Real T>
Tensor<T> token_loss(const Tensor<T>& logits, const Tensor<std::int64_t>& labels) {
  return cross_entropy(logits.flatten(0, -2), labels.flatten());
}

/// The same of a causal model, whose scores at a place are for the label behind it.
/// Shape: logits [batch, n, vocab_size], labels [batch, n] -> []
template <Real T>
Tensor<T> next_token_loss(const Tensor<T>& logits, const Tensor<std::int64_t>& labels) {
  const Index n = labels.size(1);
  return token_loss(logits.narrow(1, 0, n - 1), labels.narrow(1, 1, n - 1));
}

}  // namespace gloss::inline GLOSS_ABI::models
