// AT's "Batch": source and target of a batch of sentences, with their masks.
#pragma once

#include <gloss/ops/compare.hpp>
#include <gloss/transformer/subsequent_mask.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Splits the target into what the decoder reads (all but the last token) and what it must say (all but the first).
/// Shape: src [batch, m], tgt [batch, n + 1] -> src_mask [batch, 1, m], tgt and tgt_y [batch, n], tgt_mask [batch, n,
/// n]
/// Errors: ShapeError when the batches differ or tgt is shorter than 2.
/// AT: Batch (pad 2 by default)
struct Batch {
  Tensor<std::int64_t> src, tgt, tgt_y;
  Tensor<bool> src_mask, tgt_mask;
  Index ntokens = 0;  // target tokens that are not padding

  GLOSS_LAZY Batch(const Tensor<std::int64_t>& source, const Tensor<std::int64_t>& target, std::int64_t pad = 2)
      : src(source), src_mask((source != pad).unsqueeze(-2)) {
    if (source.dim() != 2 || target.dim() != 2 || source.size(0) != target.size(0) || target.size(1) < 2)
      fail<ShapeError>("Batch: src ", source.shape(), " and tgt ", target.shape(),
                       " must be [batch, length] with one batch size, tgt at least 2 long");
    tgt = target.slice(1, 0, -1).contiguous();
    tgt_y = target.slice(1, 1).contiguous();
    tgt_mask = make_std_mask(tgt, pad);
    for (Index i = 0; i < tgt_y.numel(); ++i) ntokens += tgt_y.data()[i] != pad;
  }

  /// Hides padding and later words. AT: Batch.make_std_mask
  GLOSS_LAZY static Tensor<bool> make_std_mask(const Tensor<std::int64_t>& tgt, std::int64_t pad) {
    return (tgt != pad).unsqueeze(-2) & transformer::subsequent_mask(tgt.size(-1));
  }
};
GLOSS_INSTANTIATE(Batch::Batch(const Tensor<std::int64_t>&, const Tensor<std::int64_t>&, std::int64_t))

}  // namespace gloss::inline GLOSS_ABI::train
