// AT's "greedy_decode": the likeliest next word, again and again, on the whole prefix each time.
#pragma once

#include <gloss/ops/cat.hpp>
#include <gloss/ops/max.hpp>
#include <gloss/transformer/encoder_decoder.hpp>
#include <gloss/transformer/subsequent_mask.hpp>

namespace gloss::inline GLOSS_ABI::decode {

/// Decodes a batch of sources to exactly max_len tokens, the start symbol included, without a cache: the reference for
/// decode::greedy_search, and AT's own form.
/// Shape: src [batch, m], src_mask [batch or 1, 1, m] -> [batch, max_len]
/// AT: greedy_decode
template <Real T>
Tensor<std::int64_t> greedy_decode(const transformer::EncoderDecoder<T>& model, const Tensor<std::int64_t>& src,
                                   const Tensor<bool>& src_mask, Index max_len, std::int64_t start_symbol) {
  NoGradGuard no_grad;
  const Tensor<T> memory = model.encode(src, src_mask);
  Tensor<std::int64_t> ys = full<std::int64_t>({src.size(0), 1}, start_symbol);
  for (Index i = 1; i < max_len; ++i) {
    const Tensor<T> out = model.decode(memory, src_mask, ys, transformer::subsequent_mask(ys.size(1)));
    const Tensor<T> prob = model.generator(out.select(1, -1));
    ys = cat<std::int64_t>({ys, argmax(prob, -1, {.keepdim = true})}, 1);
  }
  return ys;
}

GLOSS_INSTANTIATE(Tensor<std::int64_t> greedy_decode(const transformer::EncoderDecoder<float>&,
                                                     const Tensor<std::int64_t>&, const Tensor<bool>&, Index,
                                                     std::int64_t))
GLOSS_INSTANTIATE(Tensor<std::int64_t> greedy_decode(const transformer::EncoderDecoder<double>&,
                                                     const Tensor<std::int64_t>&, const Tensor<bool>&, Index,
                                                     std::int64_t))

}  // namespace gloss::inline GLOSS_ABI::decode
