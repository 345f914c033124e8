// Attention of few queries to keys and values in bfloat16: rows of words that kernels/bfloat16_pairs.hpp made of an
// even number of numbers.
#pragma once

#include <gloss/kernels/attention/few.hpp>
#include <gloss/kernels/bfloat16_pairs.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

inline void attention_products_packed(const AttentionArgs<float>& a, const float* q, const AttentionKeys<float>& k,
                                      float* s) {
  const Index half = a.d_k / 2;
  attention_products_by(a, k, s, [&](const float* key) GLOSS_INLINE_LAMBDA {
    Vec<float> sum{};
    each_vector<float>(half, [&](Index c, Index m) GLOSS_INLINE_LAMBDA {
      const Bfloat16Pair pair = load_bfloat16_pair(key + c, m);
      sum = sum + load_n<float>(q + c, m) * pair.first + load_n<float>(q + half + c, m) * pair.second;
    });
    return sum;
  });
}

/// For `vectors` vectors of words from `first` on, of which the last has m: they are twice as many numbers, the second
/// half of which belongs d_v / 2 further on.
template <int vectors>
GLOSS_INLINE void attention_mix_packed(const AttentionKeys<float>& v, const float* s, Index keys, Index first, Index m,
                                       Index half, float* o) {
  constexpr Index w = lanes<float>;
  Vec<float> sum[2][vectors] = {};
  for (Index j = 0; j < keys; ++j) {
    const float* const value = v[j] + first;
    GLOSS_UNROLL for (int t = 0; t < vectors; ++t) {
      const Bfloat16Pair pair = load_bfloat16_pair(value + t * w, t + 1 < vectors ? w : m);
      sum[0][t] = sum[0][t] + pair.first * s[j];
      sum[1][t] = sum[1][t] + pair.second * s[j];
    }
  }
  GLOSS_UNROLL for (int t = 0; t < vectors; ++t) {
    store_n<float>(o + first + t * w, sum[0][t], t + 1 < vectors ? w : m);
    store_n<float>(o + half + first + t * w, sum[1][t], t + 1 < vectors ? w : m);
  }
}

inline void attention_mixes_packed(const AttentionArgs<float>& a, const float* s, const AttentionKeys<float>& v,
                                   float* o) {
  constexpr Index w = lanes<float>;
  const Index half = a.d_v / 2;
  Index c = 0;
  for (; c + 2 * w <= half; c += 2 * w) attention_mix_packed<2>(v, s, a.len_k, c, w, half, o);
  for (; c < half; c += w) attention_mix_packed<1>(v, s, a.len_k, c, half - c < w ? half - c : w, half, o);
}

/// attention_forward of up to attention_few queries to such keys and values. d_k and d_v are their numbers, strides
/// count words.
inline void attention_forward_packed(const AttentionArgs<float>& a) {
  attention_forward_few<float>(a, {attention_products_packed, attention_mixes_packed});
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
