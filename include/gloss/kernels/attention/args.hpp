// What the attention kernels read and write.
#pragma once

#include <gloss/core/rng.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Steps in elements between batch entries, heads and rows; the elements of a row are neighbours.
struct AttentionStrides {
  Index batch = 0, head = 0, row = 0;
};

/// What attention_forward and attention_backward read and write.
/// Shape: q [batch, heads, len_q, d_k], k [batch, heads / group, len_k, d_k], v [batch, heads / group, len_k, d_v],
/// o [batch, heads, len_q, d_v], each with strides, so that [batch, len, heads * d_k] is read in place.
template <class T>
struct AttentionArgs {
  Index batch = 0, heads = 0, len_q = 0, len_k = 0, d_k = 0, d_v = 0;
  Index group = 1;  // query heads [g * group, (g + 1) * group) read head g of k and v
  const T* q = nullptr;
  const T* k = nullptr;
  const T* v = nullptr;
  T* o = nullptr;
  AttentionStrides q_strides = {}, k_strides = {}, v_strides = {}, o_strides = {};
  const std::int64_t* key_rows = nullptr;  // key and value j of batch entry b are in this batch entry of k and v; in a
                                           // forward of up to attention_few queries only
  Index key_rows_strides[2] = {};          // batch, key
  T* stats = nullptr;    // [batch, heads, 2, len_q]: of each row a number c near its largest score / ln 2, and
                         // 1 / sum 2^(score / ln 2 - c)
  T* weights = nullptr;  // [batch, heads, len_q, len_k], the probabilities after dropout; null where not wanted
  T scale = T(1);
  bool causal = false;         // query i sees the keys j <= i + len_k - len_q; the others do not exist for it
  const T* bias = nullptr;     // added to the scaled scores
  Index bias_strides[4] = {};  // batch, head, query, key; 0 broadcasts
  const bool* mask = nullptr;  // true: may attend. A masked score is replaced by mask_fill
  Index mask_strides[4] = {};  // as bias_strides
  T mask_fill = T(-1e9);
  bool zero_empty_rows = false;  // a row whose scores are all -infinity is 0, and so are its gradients; else NaN
  double dropout = 0;       // probability (i, j) is dropped as element ((b * heads + head) * len_q + i) * len_k + j
  RandomBlock random = {};  // of kernels::dropout
};

/// The gradients that attention_backward reads (d_o) and overwrites; null where not wanted.
/// attention_bias_backward overwrites dbias.
template <class T>
struct AttentionGrads {
  const T* d_o = nullptr;
  T* dq = nullptr;
  T* dk = nullptr;
  T* dv = nullptr;
  T* dbias = nullptr;
  Index dbias_strides[4] = {};  // as bias_strides; 0 sums
  AttentionStrides d_o_strides = {}, dq_strides = {}, dk_strides = {}, dv_strides = {};
};

namespace detail {

template <class T>
T* attention_row(T* p, const AttentionStrides& s, Index b, Index h, Index row) {
  return p + b * s.batch + h * s.head + row * s.row;
}

/// Threads are worth it above about this many multiplications.
inline Index attention_grain(Index work_per_task) { return 1 + 50000 / (work_per_task + 1); }

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::kernels
