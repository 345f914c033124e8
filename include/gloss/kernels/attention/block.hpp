// What the forward and the backward pass of fused attention share: where a strip of queries stands among the keys, its
// scores with bias, mask and causality. Scores are kept transposed, a query per lane:
// the softmax needs no horizontal sums, and k and v are used as they lie. They are kept divided by ln 2, so that the
// softmax is made of powers of 2.
#pragma once

#include <cmath>
#include <limits>

#include <gloss/kernels/attention/args.hpp>
#include <gloss/kernels/attention/kernels.hpp>
#include <gloss/kernels/dropout.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Queries of the largest block; keys of a tile.
inline constexpr Index attention_block_q = 128;
inline constexpr Index attention_block_k = 64;

inline constexpr double log2_e = 1.44269504088896340736;

/// x / ln 2 for a score that is given and not computed; what is finite stays finite.
template <class T>
T in_powers_of_2(T score) {
  constexpr T least = std::numeric_limits<T>::lowest();
  const T x = score * static_cast<T>(log2_e);
  return score >= least && x < least ? least : x;
}

/// What a part of the mask looks like.
enum class MaskTile { all_visible, mixed, all_masked };

/// Queries [i0, i0 + rows) of a head, one per lane; width is rows filled up to whole vectors.
struct AttentionStrip {
  Index i0, rows, width;
};

/// A head, a tile of its keys, and the arrays to work in.
template <class T>
struct AttentionTile {
  const AttentionArgs<T>& args;
  const AttentionKernels<T> kernels = attention_kernels_in_use<T>();
  Index b = 0, h = 0;
  Index j0 = 0, keys = 0;  // keys [j0, j0 + keys)
  T* k_tile;
  T* v_tile;
  T* drop = nullptr;       // [keys, width] 0 or 1 / (1 - dropout)
  T* drop_rows = nullptr;  // the same before transposition
  const T* k = nullptr;    // the tile's keys, [keys rounded up to panel_rows, ldk]; null until they are loaded
  const T* v = nullptr;
  Index ldk = 0, ldv = 0;

  static Index scratch_size(const AttentionArgs<T>& a, Index width) {
    constexpr Index bk = attention_block_k;
    using S = Scratch<T>;
    return S::size(bk * round_up(a.d_k, panel_rows)) + S::size(bk * round_up(a.d_v, panel_rows)) +
           (a.dropout > 0 ? 2 * S::size(bk * width) : 0);
  }
  AttentionTile(const AttentionArgs<T>& a, Scratch<T>& scratch, Index width) : args(a) {
    constexpr Index bk = attention_block_k;
    k_tile = scratch.take(bk * round_up(a.d_k, panel_rows));
    v_tile = scratch.take(bk * round_up(a.d_v, panel_rows));
    if (a.dropout > 0) {
      drop = scratch.take(bk * width);
      drop_rows = scratch.take(bk * width);
    }
  }

  void select_head(Index head) { b = head / args.heads, h = head % args.heads; }
  void select_keys(Index first_key, Index end) {
    j0 = first_key;
    keys = end - j0 < attention_block_k ? end - j0 : attention_block_k;
    k = v = nullptr;
  }
  /// [first, end): from the first to behind the last key that the mask shows, where it is the same for all queries.
  void visible_range(Index& first, Index& end) const {
    if (args.mask == nullptr || args.mask_strides[2] != 0) return;
    const bool* m = args.mask + b * args.mask_strides[0] + h * args.mask_strides[1];
    const Index step = args.mask_strides[3], all = end;
    while (end > first && !m[(end - 1) * step]) --end;
    while (first < end && !m[first * step]) ++first;
    if (first == end) end = all;
  }
  /// How many keys the queries before `query` see.
  Index key_end(Index query) const {
    if (!args.causal) return args.len_k;
    const Index end = query + args.len_k - args.len_q;
    return end < 0 ? 0 : end < args.len_k ? end : args.len_k;
  }
  /// How many of the tile's keys the strip sees.
  Index visible_keys(const AttentionStrip& s) const {
    const Index n = key_end(s.i0 + s.rows) - j0;
    return n < keys ? n : keys;
  }

  /// qt [d_k, width] = the strip's queries, scaled.
  void load_queries(const AttentionStrip& s, T* qt, Index ld) const {
    transpose<T>(attention_row(args.q, args.q_strides, b, h, s.i0), args.q_strides.row, s.rows, args.d_k, qt, ld,
                 s.width, static_cast<T>(args.scale * log2_e));
  }
  /// Rows of a tile: in place where a whole number of panels lies in memory, else copied and filled up with zeros.
  const T* rows_of(const T* p, const AttentionStrides& s, Index d, T* tile, Index& ld) const {
    const T* from = attention_row(p, s, b, h / args.group, j0);
    if (keys % panel_rows == 0 && d % panel_rows == 0 && s.row == d) {
      ld = d;
      return from;
    }
    ld = round_up(d, panel_rows);
    copy_padded<T>(from, s.row, keys, d, tile, round_up(keys, panel_rows), ld);
    return tile;
  }
  void load_keys() {
    if (k == nullptr) k = rows_of(args.k, args.k_strides, args.d_k, k_tile, ldk);
  }
  void load_values() {
    if (v == nullptr) v = rows_of(args.v, args.v_strides, args.d_v, v_tile, ldv);
  }

  template <class E>
  const E* element(const E* p, const Index* strides, Index i, Index j) const {
    return p + b * strides[0] + h * strides[1] + i * strides[2] + (j0 + j) * strides[3];
  }
  MaskTile look_at_mask(const AttentionStrip& s, Index n) const {
    if (args.mask == nullptr) return MaskTile::all_visible;
    bool any = false, all = true;
    for (Index i = 0; i < (args.mask_strides[2] == 0 ? 1 : s.rows); ++i) {
      const bool* m = element(args.mask, args.mask_strides, s.i0 + i, 0);
      Index j = 0;
      if (args.mask_strides[3] == 1) {
        for (; j + 8 <= n; j += 8) {
          std::uint64_t eight;
          std::memcpy(&eight, m + j, 8);
          any = any || eight != 0;
          all = all && eight == 0x0101010101010101u;
        }
      }
      for (; j < n; ++j) {
        const bool visible = m[j * args.mask_strides[3]];
        any = any || visible;
        all = all && visible;
      }
    }
    return all ? MaskTile::all_visible : any ? MaskTile::mixed : MaskTile::all_masked;
  }
  /// x[j][i] = value where (i, j) is masked.
  void fill_masked(const AttentionStrip& s, T* x, Index ld, Index n, T value) const {
    const Index step = args.mask_strides[3];
    if (args.mask_strides[2] == 0) {
      const bool* m = element(args.mask, args.mask_strides, s.i0, 0);
      for (Index j = 0; j < n; ++j)
        if (!m[j * step])
          for (Index i = 0; i < s.width; i += lanes<T>) store<T>(x + j * ld + i, splat<T>(value));
      return;
    }
    for (Index i = 0; i < s.rows; ++i) {
      const bool* m = element(args.mask, args.mask_strides, s.i0 + i, 0);
      for (Index j = 0; j < n; ++j) {
        if (step == 1 && j % 8 == 0) {
          std::uint64_t eight = 0;
          while (j + 8 <= n && (std::memcpy(&eight, m + j, 8), eight == 0x0101010101010101u)) j += 8;
          if (j >= n) break;
        }
        if (!m[j * step]) x[j * ld + i] = value;
      }
    }
  }
  /// x[j][i] = -infinity where key j comes after what query i sees.
  void fill_future(const AttentionStrip& s, T* x, Index ld, Index n) const {
    const Vec<T> value = splat<T>(-std::numeric_limits<T>::infinity());
    const Index seen = s.i0 + 1 + args.len_k - args.len_q - j0;  // of the tile's keys by the strip's first query
    for (Index j = seen > 0 ? seen : 0; j < n; ++j) {
      const Index hidden = j - seen + 1;  // the lanes below see nothing of j
      for (Index i = 0; i < s.width && i < hidden; i += lanes<T>) {
        T* p = x + j * ld + i;
        const IntVec<T> lane = iota<IntOf<T>>() + static_cast<IntOf<T>>(i);
        store<T>(p, select<T>(lane < static_cast<IntOf<T>>(hidden), value, load<T>(p)));
      }
    }
  }
  /// x[j][i] = bias(i, j) / ln 2.
  void fill_bias(const AttentionStrip& s, T* x, Index ld, Index n) const {
    const Index* step = args.bias_strides;
    const T factor = static_cast<T>(log2_e);
    const T* from = element(args.bias, step, s.i0, 0);
    if (step[2] != 0 && step[3] == 1) return transpose<T>(from, step[2], s.rows, n, x, ld, s.width, factor);
    for (Index j = 0; j < n; ++j)
      for (Index i = 0; i < s.width; ++i) x[j * ld + i] = from[(i < s.rows ? i : 0) * step[2] + j * step[3]] * factor;
  }
  /// st [n, width] = the strip's scores for the tile's first n keys, masked; qt and st have the same row length.
  void scores(const AttentionStrip& s, const T* qt, T* st, Index ld, Index n, MaskTile mask) {
    load_keys();
    const Index key_rows = round_up(n, panel_rows);
    if (args.bias != nullptr) {
      fill_bias(s, st, ld, n);
      for (Index j = n; j < key_rows; ++j)
        for (Index i = 0; i < s.width; i += lanes<T>) store<T>(st + j * ld + i, Vec<T>{});
    }
    kernels.product(key_rows, s.width, args.d_k, k, ldk, 1, qt, ld, st, ld, args.bias != nullptr);
    if (mask != MaskTile::all_visible) fill_masked(s, st, ld, n, in_powers_of_2<T>(args.mask_fill));
    if (args.causal) fill_future(s, st, ld, n);
  }
  /// Whether a wholly masked tile adds exactly nothing, given a number not above each row's largest score.
  bool adds_nothing(MaskTile mask, const AttentionStrip& s, const T* base) const {
    if (mask != MaskTile::all_masked) return false;
    for (Index i = 0; i < s.rows; ++i)
      if (!(base[i] > in_powers_of_2<T>(args.mask_fill) + T(1200))) return false;
    return true;
  }

  /// drop = what the probabilities of the strip and the tile's first n keys are multiplied by.
  void draw_dropout(const AttentionStrip& s, Index ld, Index n) {
    const DropoutRule<T> rule(args.dropout);
    std::uint16_t bits[attention_strip_most * attention_block_k + 128];
    const bool whole_rows = keys == args.len_k;  // then the strip's elements follow each other: one draw for all
    const Index first = ((b * args.heads + h) * args.len_q + s.i0) * args.len_k + j0;
    if (whole_rows)
      random16(args.random, static_cast<std::uint64_t>(first / 8), (first % 8 + s.rows * keys + 7) / 8, bits);
    for (Index i = 0; i < s.rows; ++i) {
      const Index at = first + i * args.len_k;
      const std::uint16_t* row = bits + (whole_rows ? first % 8 + i * keys : at % 8);
      if (!whole_rows) random16(args.random, static_cast<std::uint64_t>(at / 8), (at % 8 + n + 7) / 8, bits);
      for (Index j = 0; j < n; j += lanes<T>)
        store<T>(drop_rows + i * attention_block_k + j, rule(splat<T>(T(1)), row + j));
    }
    transpose<T>(drop_rows, attention_block_k, s.rows, n, drop, ld, s.width);
  }
  void apply_dropout(const AttentionStrip& s, T* x, Index ld, Index n) const {
    for (Index j = 0; j < n; ++j)
      for (Index i = j * ld; i < j * ld + s.width; i += lanes<T>) store<T>(x + i, load<T>(x + i) * load<T>(drop + i));
  }
};

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
