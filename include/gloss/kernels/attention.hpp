// Fused scaled dot-product attention: softmax(scale q k^T + bias) v by tiles with a running softmax, so that memory
// grows with the length and not with its square.
#pragma once

#include <cmath>
#include <limits>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/attention/backward.hpp>
#include <gloss/kernels/attention/block.hpp>
#include <gloss/kernels/attention/few.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

/// Queries on their way past the tiles of keys: what the softmax knows of a strip so far.
template <class T>
struct AttentionState {
  T* base = nullptr;  // [width] what scores are taken relative to; -infinity before the first
  T* sum = nullptr;   // [width] sum of 2^(score - base)
  T* ot = nullptr;    // [d_v rounded up, width] sum of 2^(score - base) v
  bool fresh = true;  // ot is not written yet
};

/// Takes blocks of queries past the keys.
template <class T>
class AttentionForward {
 public:
  static constexpr Index block_k = attention_block_k;

  static Index scratch_size(const AttentionArgs<T>& a, Index queries) {
    using S = Scratch<T>;
    const Index strip = attention_kernels_in_use<T>().strip();
    return AttentionTile<T>::scratch_size(a, strip) + S::size(queries * a.d_k) + S::size(block_k * strip) +
           queries / strip * (2 * S::size(strip) + S::size(round_up(a.d_v, panel_rows) * strip));
  }
  AttentionForward(const AttentionArgs<T>& args, Scratch<T>& scratch, Index queries)
      : a(args), tile(args, scratch, strip), qt(scratch.take(queries * a.d_k)), st(scratch.take(block_k * strip)) {
    for (Index n = 0; n < queries / strip; ++n)
      states[n] = {scratch.take(strip), scratch.take(strip), scratch.take(o_rows * strip)};
  }

  /// The queries [i0, i0 + rows) of a head.
  void operator()(Index head, Index i0, Index rows) {
    tile.select_head(head);
    const Index strips = (rows + strip - 1) / strip;
    const auto strip_of = [&](Index n) {
      const Index left = rows - n * strip, have = left < strip ? left : strip;
      return AttentionStrip{i0 + n * strip, have, round_up(have, tile.kernels.lanes)};
    };
    for (Index n = 0; n < strips; ++n) {
      const AttentionStrip s = strip_of(n);
      tile.load_queries(s, qt + n * a.d_k * strip, s.width);
      for (Index i = 0; i < s.width; i += lanes<T>) {
        store<T>(states[n].base + i, splat<T>(-std::numeric_limits<T>::infinity()));
        store<T>(states[n].sum + i, Vec<T>{});
      }
      states[n].fresh = true;
    }
    const Index end = tile.key_end(i0 + rows);
    Index first_visible = 0, end_visible = end;
    tile.visible_range(first_visible, end_visible);
    // What all queries see comes first: after that most masked tiles are known to add nothing.
    const Index ranges[3][2] = {{first_visible, end_visible}, {0, first_visible}, {end_visible, end}};
    for (const auto& range : ranges)
      for (Index j0 = range[0]; j0 < range[1]; j0 += block_k) {
        tile.select_keys(j0, range[1]);
        for (Index n = 0; n < strips; ++n) meet(strip_of(n), states[n], qt + n * a.d_k * strip);
      }
    for (Index n = 0; n < strips; ++n) {
      finish(strip_of(n), states[n]);
      if (a.weights != nullptr) write_weights(strip_of(n), states[n], qt + n * a.d_k * strip);
    }
  }

 private:
  /// A strip meets the tile of keys.
  void meet(const AttentionStrip& s, AttentionState<T>& state, const T* q) {
    const Index keys = tile.visible_keys(s);
    if (keys <= 0) return;
    const MaskTile mask = tile.look_at_mask(s, keys);
    if (tile.adds_nothing(mask, s, state.base)) return;
    tile.scores(s, q, st, s.width, keys, mask);
    tile.kernels.exponentials(st, keys, s.width, state.base, state.sum, state.ot, state.fresh ? 0 : a.d_v);
    if (a.dropout > 0) {
      tile.draw_dropout(s, s.width, keys);
      tile.apply_dropout(s, st, s.width, keys);
    }
    tile.load_values();
    tile.kernels.product(o_rows, s.width, keys, tile.v, 1, tile.ldv, st, s.width, state.ot, s.width, !state.fresh);
    state.fresh = false;
  }
  void finish(const AttentionStrip& s, AttentionState<T>& state) {
    for (Index i = 0; i < s.width; i += lanes<T>) {
      const Vec<T> sum = load<T>(state.sum + i);
      Vec<T> inverse = a.len_k > 0 ? T(1) / sum : Vec<T>{};
      if (a.zero_empty_rows) {
        inverse = select<T>(sum == T(0), Vec<T>{}, inverse);
        store<T>(state.base + i, select<T>(sum == T(0), Vec<T>{}, load<T>(state.base + i)));
      }
      store<T>(state.sum + i, inverse);
      for (Index r = 0; r < a.d_v; ++r) {
        T* const o = state.ot + r * s.width + i;
        store<T>(o, state.fresh ? inverse * T(0) : load<T>(o) * inverse);
      }
    }
    transpose<T>(state.ot, s.width, a.d_v, s.rows, attention_row(a.o, a.o_strides, tile.b, tile.h, s.i0),
                 a.o_strides.row, a.d_v);
    if (a.stats == nullptr) return;
    T* const stats = a.stats + (tile.b * a.heads + tile.h) * 2 * a.len_q + s.i0;
    for (Index i = 0; i < s.rows; ++i) {
      const bool none = state.sum[i] == std::numeric_limits<T>::infinity();
      stats[i] = none ? T(0) : state.base[i], stats[a.len_q + i] = none ? T(0) : state.sum[i];
    }
  }
  /// Scores once more, now that the sums are known.
  void write_weights(const AttentionStrip& s, const AttentionState<T>& state, const T* q) {
    T* const weights = a.weights + ((tile.b * a.heads + tile.h) * a.len_q + s.i0) * a.len_k;
    for (Index j0 = 0; j0 < a.len_k; j0 += block_k) {
      tile.select_keys(j0, a.len_k);
      tile.scores(s, q, st, s.width, tile.keys, tile.look_at_mask(s, tile.keys));
      for (Index i = 0; i < s.width; i += lanes<T>) {
        const Vec<T> base = load<T>(state.base + i), inverse = load<T>(state.sum + i);
        for (Index j = 0; j < tile.keys; ++j) {
          T* const x = st + j * s.width + i;
          store<T>(x, power_of_2<T>(load<T>(x) - base) * inverse);
        }
      }
      if (a.dropout > 0) {
        tile.draw_dropout(s, s.width, tile.keys);
        tile.apply_dropout(s, st, s.width, tile.keys);
      }
      transpose<T>(st, s.width, tile.keys, s.rows, weights + j0, a.len_k, tile.keys);
    }
  }

  // NOLINTBEGIN(readability-identifier-naming): the names of the formulas
  const AttentionArgs<T>& a;
  const Index strip = attention_kernels_in_use<T>().strip();
  const Index o_rows = round_up(a.d_v, panel_rows);
  AttentionTile<T> tile;
  T* qt;                                                         // of each strip [d_k, width]
  T* st;                                                         // [keys, width] scores, then probabilities
  AttentionState<T> states[attention_block_q / (2 * lanes<T>)];  // as many as the narrowest vectors need
  // NOLINTEND(readability-identifier-naming)
};

}  // namespace detail

/// o = dropout(softmax(scale q k^T + bias, masked)) v; stats and weights where wanted.
/// A row that sees no key, or only -infinity, is NaN, or 0 if zero_empty_rows says so; its stats are 0, by which it
/// adds nothing to a gradient.
/// There is no third way with an explicit matrix of scores: products and softmax of their own lose to the tiles at
/// every length. Measured as in attention/few.hpp (math/plain in bench_attention), in microseconds, plain and tiles:
/// length 8 73 and 55, 16 116 and 68, 32 242 and 213, 64 878 and 764, 128 3230 and 3190, 512 54000 and 45200.
template <class T>
void attention_forward(const AttentionArgs<T>& a) {
  if (a.len_q <= detail::attention_few<T>) return detail::attention_forward_few(a);
  const Index strip = detail::attention_kernels_in_use<T>().strip();
  // Blocks as large as leaves some for every core: a block reads the keys once.
  Index bq = detail::attention_block_q;
  while (bq > strip && a.batch * a.heads * ((a.len_q + bq - 1) / bq) < 16) bq /= 2;
  const Index blocks = (a.len_q + bq - 1) / bq;
  const Index work = (a.len_q < bq ? a.len_q : bq) * a.len_k * (a.d_k + a.d_v);
  parallel_for(a.batch * a.heads * blocks, detail::attention_grain(work), [&](Index begin, Index end) {
    using Forward = detail::AttentionForward<T>;
    detail::Scratch<T> scratch(Forward::scratch_size(a, bq));
    Forward forward(a, scratch, bq);
    for (Index task = begin; task < end; ++task) {
      // First, last, second, last but one, ...: with causality late blocks see more keys, and threads take runs.
      const Index n = task % blocks, i0 = (n % 2 == 0 ? n / 2 : blocks - 1 - n / 2) * bq;
      forward(task / blocks, i0, a.len_q - i0 < bq ? a.len_q - i0 : bq);
    }
  });
}

GLOSS_INSTANTIATE(void attention_forward<float>(const AttentionArgs<float>&))
GLOSS_INSTANTIATE(void attention_forward<double>(const AttentionArgs<double>&))
GLOSS_INSTANTIATE(void attention_backward<float>(const AttentionArgs<float>&, const AttentionGrads<float>&))
GLOSS_INSTANTIATE(void attention_backward<double>(const AttentionArgs<double>&, const AttentionGrads<double>&))
GLOSS_INSTANTIATE(void attention_bias_backward<float>(const AttentionArgs<float>&, const AttentionGrads<float>&))
GLOSS_INSTANTIATE(void attention_bias_backward<double>(const AttentionArgs<double>&, const AttentionGrads<double>&))

}  // namespace gloss::inline GLOSS_ABI::kernels
