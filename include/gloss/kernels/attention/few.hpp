// Attention forward for few queries, as in decoding with a cache: one query at a time, a key's or value's elements in
// the lanes, where the tiles of attention.hpp would leave most lanes empty.
#pragma once

#include <cmath>
#include <limits>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/attention/block.hpp>
#include <gloss/kernels/gemm/kernels.hpp>
#include <gloss/kernels/softmax.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Up to how many queries this is the faster way. Measured with 16 lanes, two Zen 4 cores, 128 heads of width 64, as
/// many keys as queries, in microseconds, this way and by tiles: 5 queries 29 and 52, 8 queries 57 and 55, 16 queries
/// 190 and 68.
template <class T>
inline constexpr Index attention_few = lanes<T> >= 16 ? 7 : 4;

/// The keys or the values that one head's queries read.
template <class T>
struct AttentionKeys {
  const T* first;
  Index step, batch_step;
  const std::int64_t* rows;
  Index rows_step;

  AttentionKeys(const AttentionArgs<T>& a, const T* x, const AttentionStrides& strides, Index b, Index h)
      : first(attention_row(x, strides, a.key_rows ? 0 : b, h / a.group, 0)),
        step(strides.row),
        batch_step(strides.batch),
        rows(a.key_rows ? a.key_rows + b * a.key_rows_strides[0] : nullptr),
        rows_step(a.key_rows_strides[1]) {}
  const T* operator[](Index j) const { return first + j * step + (rows ? rows[j * rows_step] * batch_step : 0); }
};

/// What reads keys and values for one query: of numbers here, of words in attention/few_packed.hpp.
template <class T>
struct AttentionReading {
  /// s[j] = q times key j, for whole vectors of keys; behind the last one 0.
  void (*products)(const AttentionArgs<T>& a, const T* q, const AttentionKeys<T>& k, T* s);
  /// o = the sum of s[j] times value j.
  void (*mix)(const AttentionArgs<T>& a, const T* s, const AttentionKeys<T>& v, T* o);
};

/// AttentionReading::products, where products_with(key) are the lanes' products of the query and a key.
template <class T, class F>
GLOSS_INLINE void attention_products_by(const AttentionArgs<T>& a, const AttentionKeys<T>& k, T* s,
                                        const F& products_with) {
  constexpr Index w = lanes<T>;
  for (Index j = 0; j < a.len_k; j += w) {
    const Index keys = a.len_k - j < w ? a.len_k - j : w;
    T square[w * w] = {};
    for (Index r = 0; r < keys; ++r) store<T>(square + r * w, products_with(k[j + r]));
    gemm_fold<T>(square, s + j);
  }
}
template <class T>
void attention_products(const AttentionArgs<T>& a, const T* q, const AttentionKeys<T>& k, T* s) {
  attention_products_by(a, k, s, [&](const T* key) GLOSS_INLINE_LAMBDA {
    Vec<T> sum{};
    each_vector<T>(
        a.d_k, [&](Index c, Index m) GLOSS_INLINE_LAMBDA { sum = sum + load_n<T>(q + c, m) * load_n<T>(key + c, m); });
    return sum;
  });
}

/// o[c] = sum of s[j] v[j][c] for `vectors` vectors of c from `first` on, of which the last has m numbers.
template <class T, int vectors>
GLOSS_INLINE void attention_mix(const AttentionKeys<T>& v, const T* s, Index keys, Index first, Index m, T* o) {
  constexpr Index w = lanes<T>;
  Vec<T> sum[vectors] = {};
  for (Index j = 0; j < keys; ++j) {
    const T* const value = v[j] + first;
    GLOSS_UNROLL for (int t = 0; t < vectors; ++t) sum[t] =
        sum[t] + load_n<T>(value + t * w, t + 1 < vectors ? w : m) * s[j];
  }
  GLOSS_UNROLL for (int t = 0; t < vectors; ++t) store_n<T>(o + first + t * w, sum[t], t + 1 < vectors ? w : m);
}

template <class T>
void attention_mixes(const AttentionArgs<T>& a, const T* s, const AttentionKeys<T>& v, T* o) {
  constexpr Index w = lanes<T>;
  Index c = 0;
  for (; c + 4 * w <= a.d_v; c += 4 * w) attention_mix<T, 4>(v, s, a.len_k, c, w, o);
  for (; c < a.d_v; c += w) attention_mix<T, 1>(v, s, a.len_k, c, a.d_v - c < w ? a.d_v - c : w, o);
}

template <class T>
inline constexpr AttentionReading<T> attention_reads_numbers = {attention_products<T>, attention_mixes<T>};

/// s[j] = the scores of query i with bias and mask, divided by ln 2; s has room for whole vectors.
template <class T>
void attention_row_scores(const AttentionArgs<T>& a, const AttentionReading<T>& reading, Index b, Index h, Index i,
                          T* s) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const T scale = static_cast<T>(a.scale * log2_e);
  constexpr Index w = lanes<T>;
  reading.products(a, attention_row(a.q, a.q_strides, b, h, i), AttentionKeys<T>(a, a.k, a.k_strides, b, h), s);
  for (Index j = 0; j < a.len_k; j += w) store<T>(s + j, load<T>(s + j) * scale);
  if (a.bias != nullptr) {
    const T* bias = a.bias + b * a.bias_strides[0] + h * a.bias_strides[1] + i * a.bias_strides[2];
    for (Index j = 0; j < a.len_k; ++j) s[j] += bias[j * a.bias_strides[3]] * static_cast<T>(log2_e);
  }
  if (a.mask != nullptr) {
    const bool* mask = a.mask + b * a.mask_strides[0] + h * a.mask_strides[1] + i * a.mask_strides[2];
    for (Index j = 0; j < a.len_k; ++j)
      if (!mask[j * a.mask_strides[3]]) s[j] = in_powers_of_2<T>(a.mask_fill);
  }
  if (a.causal)
    for (Index j = i + a.len_k - a.len_q + 1 > 0 ? i + a.len_k - a.len_q + 1 : 0; j < a.len_k; ++j) s[j] = -infinity;
}

/// See attention_forward.
template <class T>
void attention_forward_few(const AttentionArgs<T>& a, const AttentionReading<T>& reading = attention_reads_numbers<T>) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  constexpr Index w = lanes<T>;
  parallel_for(a.batch * a.heads * a.len_q, attention_grain(a.len_k * (a.d_k + a.d_v)), [&](Index begin, Index end) {
    using S = Scratch<T>;
    const Index padded = round_up(a.len_k, w);
    S scratch(S::size(padded) + S::size(a.dropout > 0 ? a.len_k + 128 : 0));
    T* const s = scratch.take(padded);
    auto* const bits = reinterpret_cast<std::uint16_t*>(scratch.take(a.dropout > 0 ? a.len_k + 128 : 0));
    const DropoutRule<T> rule(a.dropout);
    for (Index task = begin; task < end; ++task) {
      const Index head = task / a.len_q, i = task % a.len_q, b = head / a.heads, h = head % a.heads;
      attention_row_scores(a, reading, b, h, i, s);
      for (Index j = a.len_k; j < padded; ++j) s[j] = -infinity;
      const T largest = row_max<T>(s, a.len_k), base = largest == -infinity ? T(0) : largest;
      Vec<T> sums{};
      for (Index j = 0; j < padded; j += w) {
        const Vec<T> p = power_of_2<T>(load<T>(s + j) - base);
        sums = sums + p;
        store<T>(s + j, p);
      }
      const T total = hsum<T>(sums);
      const bool none = total == T(0);
      const T inverse = none && a.zero_empty_rows ? T(0) : T(1) / total;
      const auto first = static_cast<std::uint64_t>(task * a.len_k);
      if (a.dropout > 0) random16(a.random, first / 8, (static_cast<Index>(first % 8) + a.len_k + 7) / 8, bits);
      for (Index j = 0; j < padded; j += w) {
        Vec<T> p = load<T>(s + j) * inverse;
        if (a.dropout > 0) p = rule(p, bits + first % 8 + j);
        store<T>(s + j, p);
      }
      if (a.weights != nullptr)
        each_vector<T>(a.len_k, [&](Index j, Index m) GLOSS_INLINE_LAMBDA {
          store_n<T>(a.weights + task * a.len_k + j, load<T>(s + j), m);
        });
      if (a.stats != nullptr) {
        T* const stats = a.stats + head * 2 * a.len_q + i;
        stats[0] = none ? T(0) : largest, stats[a.len_q] = none ? T(0) : inverse;
      }
      reading.mix(a, s, AttentionKeys<T>(a, a.v, a.v_strides, b, h), attention_row(a.o, a.o_strides, b, h, i));
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
