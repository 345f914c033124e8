// Fused scaled dot-product attention: softmax(scale q k^T) v by tiles with a running softmax, so that memory grows with
// the length and not with its square. Scores are kept transposed, a query per lane: the softmax needs no horizontal
// sums, and k and v are used as they lie.
#pragma once

#include <cmath>
#include <limits>

#include <gloss/kernels/attention_few.hpp>
#include <gloss/kernels/attention_tile.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

/// Queries of a block and keys of a tile.
template <class T>
inline constexpr Index attention_block_q = lanes<T>*(GLOSS_VECTOR_BYTES == 64 ? 4 : 8);
inline constexpr Index attention_block_k = 64;

/// What a tile's part of the mask looks like.
enum class MaskTile { all_visible, mixed, all_masked };

/// One block of queries on its way past the tiles of keys: where it is, and the arrays it works in.
template <class T>
struct AttentionBlock {
  const AttentionArgs<T>& args;
  Index b = 0, h = 0;
  Index i0 = 0, rows = 0, width = 0;  // queries [i0, i0 + rows), one per lane of `width`
  Index j0 = 0, keys = 0;             // keys [j0, j0 + keys)
  T* qt;                              // [d_k, width] scaled queries
  T* st;                              // [keys, width] scores, then probabilities
  T* k_tile;
  T* v_tile;
  T* drop = nullptr;       // [keys, width] 0 or 1 / (1 - dropout)
  T* drop_rows = nullptr;  // the same before transposition
  const T* k = nullptr;    // the tile's keys, [keys rounded up to panel_rows, ldk]
  const T* v = nullptr;
  Index ldk = 0, ldv = 0;

  static Index scratch_size(const AttentionArgs<T>& a) {
    constexpr Index bq = attention_block_q<T>, bk = attention_block_k;
    using S = Scratch<T>;
    return S::size(a.d_k * bq) + S::size(bk * bq) + S::size(bk * round_up(a.d_k, panel_rows)) +
           S::size(bk * round_up(a.d_v, panel_rows)) + (a.dropout > 0 ? 2 * S::size(bk * bq) : 0);
  }
  AttentionBlock(const AttentionArgs<T>& a, Scratch<T>& scratch) : args(a) {
    constexpr Index bq = attention_block_q<T>, bk = attention_block_k;
    qt = scratch.take(a.d_k * bq);
    st = scratch.take(bk * bq);
    k_tile = scratch.take(bk * round_up(a.d_k, panel_rows));
    v_tile = scratch.take(bk * round_up(a.d_v, panel_rows));
    if (a.dropout > 0) {
      drop = scratch.take(bk * bq);
      drop_rows = scratch.take(bk * bq);
    }
  }

  void start(Index head, Index first_query) {
    b = head / args.heads;
    h = head % args.heads;
    i0 = first_query;
    rows = args.len_q - i0 < attention_block_q<T> ? args.len_q - i0 : attention_block_q<T>;
    width = round_up(rows, lanes<T>);
    transpose<T>(attention_row(args.q, args.q_strides, b, h, i0), args.q_strides.row, rows, args.d_k, qt, width, width,
                 args.scale);
  }
  /// How many keys the block's last query sees.
  Index key_end() const {
    if (!args.causal) return args.len_k;
    const Index end = i0 + rows + args.len_k - args.len_q;
    return end < 0 ? 0 : end < args.len_k ? end : args.len_k;
  }
  void select_keys(Index first_key, Index end) {
    j0 = first_key;
    keys = end - j0 < attention_block_k ? end - j0 : attention_block_k;
  }

  /// Rows of a tile: in place where a whole number of panels lies in memory, else copied and filled up with zeros.
  const T* rows_of(const T* p, const AttentionStrides& s, Index d, T* tile, Index& ld) const {
    const T* from = attention_row(p, s, b, h, j0);
    if (keys % panel_rows == 0 && d % panel_rows == 0 && s.row == d) {
      ld = d;
      return from;
    }
    ld = round_up(d, panel_rows);
    copy_padded<T>(from, s.row, keys, d, tile, round_up(keys, panel_rows), ld);
    return tile;
  }
  void load_keys() { k = rows_of(args.k, args.k_strides, args.d_k, k_tile, ldk); }
  void load_values() { v = rows_of(args.v, args.v_strides, args.d_v, v_tile, ldv); }

  const bool* mask_at(Index i, Index j) const {
    const Index* s = args.mask_strides;
    return args.mask + b * s[0] + h * s[1] + (i0 + i) * s[2] + (j0 + j) * s[3];
  }
  MaskTile look_at_mask() const {
    if (args.mask == nullptr) return MaskTile::all_visible;
    bool any = false, all = true;
    for (Index i = 0; i < (args.mask_strides[2] == 0 ? 1 : rows); ++i) {
      const bool* m = mask_at(i, 0);
      Index j = 0;
      if (args.mask_strides[3] == 1) {
        for (; j + 8 <= keys; j += 8) {
          std::uint64_t eight;
          std::memcpy(&eight, m + j, 8);
          any = any || eight != 0;
          all = all && eight == 0x0101010101010101u;
        }
      }
      for (; j < keys; ++j) {
        const bool visible = m[j * args.mask_strides[3]];
        any = any || visible;
        all = all && visible;
      }
    }
    return all ? MaskTile::all_visible : any ? MaskTile::mixed : MaskTile::all_masked;
  }
  /// x[j][i] = value where (i, j) is masked.
  void fill_masked(T* x, T value) const {
    const Index step = args.mask_strides[3];
    if (args.mask_strides[2] == 0) {
      const bool* m = mask_at(0, 0);
      for (Index j = 0; j < keys; ++j)
        if (!m[j * step])
          for (Index i = 0; i < width; i += lanes<T>) store<T>(x + j * width + i, splat<T>(value));
      return;
    }
    for (Index i = 0; i < rows; ++i) {
      const bool* m = mask_at(i, 0);
      for (Index j = 0; j < keys; ++j) {
        if (step == 1 && j % 8 == 0) {
          std::uint64_t eight = 0;
          while (j + 8 <= keys && (std::memcpy(&eight, m + j, 8), eight == 0x0101010101010101u)) j += 8;
          if (j >= keys) break;
        }
        if (!m[j * step]) x[j * width + i] = value;
      }
    }
  }
  /// x[j][i] = value where key j comes after what query i sees.
  void fill_future(T* x, T value) const {
    const Index offset = args.len_k - args.len_q;
    for (Index j = i0 + offset + 1 - j0 > 0 ? i0 + offset + 1 - j0 : 0; j < keys; ++j) {
      const Index hidden = j0 + j - offset - i0;  // the lanes below see nothing of j
      for (Index i = 0; i < width && i < hidden; i += lanes<T>) {
        T* p = x + j * width + i;
        const IntVec<T> lane = iota<IntOf<T>>() + static_cast<IntOf<T>>(i);
        store<T>(p, select<T>(lane < static_cast<IntOf<T>>(hidden), splat<T>(value), load<T>(p)));
      }
    }
  }
  /// st = the tile's scores, masked.
  void scores(MaskTile mask) {
    panel_product<T>(round_up(keys, panel_rows), width, args.d_k, k, ldk, 1, qt, width, st, width, false);
    if (mask != MaskTile::all_visible) fill_masked(st, args.mask_fill);
    if (args.causal) fill_future(st, -std::numeric_limits<T>::infinity());
  }
  /// Whether a wholly masked tile adds exactly nothing, given each row's largest score so far.
  bool adds_nothing(MaskTile mask, const T* largest) const {
    if (mask != MaskTile::all_masked) return false;
    for (Index i = 0; i < rows; ++i)
      if (!(largest[i] > args.mask_fill + T(800))) return false;
    return true;
  }

  /// drop = what the tile's probabilities are multiplied by.
  void draw_dropout() {
    const DropoutRule<T> rule(args.dropout);
    std::uint16_t bits[attention_block_q<T> * attention_block_k + 128];
    const bool whole_rows = keys == args.len_k;  // then the block's elements follow each other: one draw for all
    const Index first = ((b * args.heads + h) * args.len_q + i0) * args.len_k + j0;
    if (whole_rows)
      random16(args.random, static_cast<std::uint64_t>(first / 8), (first % 8 + rows * keys + 7) / 8, bits);
    for (Index i = 0; i < rows; ++i) {
      const Index at = first + i * args.len_k;
      const std::uint16_t* row = bits + (whole_rows ? first % 8 + i * keys : at % 8);
      if (!whole_rows) random16(args.random, static_cast<std::uint64_t>(at / 8), (at % 8 + keys + 7) / 8, bits);
      for (Index j = 0; j < keys; j += lanes<T>)
        store<T>(drop_rows + i * attention_block_k + j, rule(splat<T>(T(1)), row + j));
    }
    transpose<T>(drop_rows, attention_block_k, rows, keys, drop, width, width);
  }
  void apply_dropout(T* x) const {
    for (Index n = 0; n < keys * width; n += lanes<T>) store<T>(x + n, load<T>(x + n) * load<T>(drop + n));
  }
};

}  // namespace detail

/// o = dropout(softmax(scale q k^T, masked)) v; stats and weights where wanted.
/// A row that sees no key, or only -infinity, is NaN.
template <class T>
void attention_forward(const AttentionArgs<T>& a) {
  if (a.len_q <= detail::attention_few) return detail::attention_forward_few(a);
  constexpr Index bq = detail::attention_block_q<T>;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const Index blocks = (a.len_q + bq - 1) / bq, o_rows = detail::round_up(a.d_v, detail::panel_rows);
  const Index work = (a.len_q < bq ? a.len_q : bq) * a.len_k * (a.d_k + a.d_v);
  parallel_for(a.batch * a.heads * blocks, detail::attention_grain(work), [&](Index begin, Index end) {
    using S = detail::Scratch<T>;
    S scratch(detail::AttentionBlock<T>::scratch_size(a) + S::size(o_rows * bq) + 2 * S::size(bq));
    detail::AttentionBlock<T> block(a, scratch);
    T* const ot = scratch.take(o_rows * bq);  // [d_v, width]
    T* const largest = scratch.take(bq);
    T* const sum = scratch.take(bq);
    for (Index task = begin; task < end; ++task) {
      block.start(task / blocks, task % blocks * bq);
      const Index width = block.width, key_end = block.key_end();
      for (Index i = 0; i < o_rows * width; i += lanes<T>) store<T>(ot + i, Vec<T>{});
      for (Index i = 0; i < width; ++i) largest[i] = -infinity, sum[i] = T(0);
      for (Index j0 = 0; j0 < key_end; j0 += detail::attention_block_k) {
        block.select_keys(j0, key_end);
        const detail::MaskTile mask = block.look_at_mask();
        if (block.adds_nothing(mask, largest)) continue;
        block.load_keys();
        block.scores(mask);
        for (Index i = 0; i < width; i += lanes<T>) {
          T* const s = block.st + i;
          const Vec<T> before = load<T>(largest + i);
          Vec<T> max = before, max1 = before;
          Index j = 0;
          for (; j + 2 <= block.keys; j += 2) {
            max = vmax<T>(max, load<T>(s + j * width));
            max1 = vmax<T>(max1, load<T>(s + (j + 1) * width));
          }
          if (j < block.keys) max = vmax<T>(max, load<T>(s + j * width));
          max = vmax<T>(max, max1);
          const Vec<T> base = select<T>(max == -infinity, Vec<T>{}, max);
          const Vec<T> shrink = exp<T>(before - base);
          Vec<T> total = load<T>(sum + i) * shrink;
          for (j = 0; j < block.keys; ++j) {
            const Vec<T> p = exp<T>(load<T>(s + j * width) - base);
            total = total + p;
            store<T>(s + j * width, p);
          }
          store<T>(largest + i, max);
          store<T>(sum + i, total);
          if (j0 > 0)
            for (Index r = 0; r < a.d_v; ++r) store<T>(ot + r * width + i, load<T>(ot + r * width + i) * shrink);
        }
        if (a.dropout > 0) {
          block.draw_dropout();
          block.apply_dropout(block.st);
        }
        block.load_values();
        detail::panel_product<T>(o_rows, width, block.keys, block.v, 1, block.ldv, block.st, width, ot, width, true);
      }
      for (Index i = 0; i < width; i += lanes<T>) {
        const Vec<T> inverse = a.len_k > 0 ? T(1) / load<T>(sum + i) : Vec<T>{};
        store<T>(sum + i, inverse);
        for (Index r = 0; r < a.d_v; ++r) store<T>(ot + r * width + i, load<T>(ot + r * width + i) * inverse);
      }
      detail::transpose<T>(ot, width, a.d_v, block.rows,
                           detail::attention_row(a.o, a.o_strides, block.b, block.h, block.i0), a.o_strides.row, a.d_v);
      if (a.stats != nullptr) {
        T* const stats = a.stats + (block.b * a.heads + block.h) * 2 * a.len_q + block.i0;
        for (Index i = 0; i < block.rows; ++i) stats[i] = largest[i], stats[a.len_q + i] = sum[i];
      }
      if (a.weights == nullptr) continue;
      T* const weights = a.weights + ((block.b * a.heads + block.h) * a.len_q + block.i0) * a.len_k;
      for (Index j0 = 0; j0 < a.len_k; j0 += detail::attention_block_k) {  // again, now that the sums are known
        block.select_keys(j0, a.len_k);
        block.load_keys();
        block.scores(block.look_at_mask());
        for (Index i = 0; i < width; i += lanes<T>) {
          const Vec<T> max = load<T>(largest + i), inverse = load<T>(sum + i);
          for (Index j = 0; j < block.keys; ++j) {
            T* const s = block.st + j * width + i;
            store<T>(s, exp<T>(load<T>(s) - max) * inverse);
          }
        }
        if (a.dropout > 0) {
          block.draw_dropout();
          block.apply_dropout(block.st);
        }
        detail::transpose<T>(block.st, width, block.keys, block.rows, weights + j0, a.len_k, block.keys);
      }
    }
  });
}

/// The gradients of attention_forward; args.o and args.stats hold what it wrote.
/// With P the probabilities, M the dropout factors and D = sum over a row of d_o o:
///   dv = (P M)^T d_o, dP = M (d_o v^T), dS = P (dP - D), 0 where masked, dq = scale dS k, dk = scale dS^T q.
/// P is computed again from the scores. One thread takes a whole head, so the sums have one order.
template <class T>
void attention_backward(const AttentionArgs<T>& a, const AttentionGrads<T>& g) {
  constexpr Index bq = detail::attention_block_q<T>, bk = detail::attention_block_k, panel = detail::panel_rows;
  constexpr Index pad = lanes < T >> panel ? lanes<T> : panel;
  const Index dk_width = detail::round_up(a.d_k, pad), dv_width = detail::round_up(a.d_v, pad);
  const Index k_rows = detail::round_up(a.len_k, panel);
  parallel_for(
      a.batch * a.heads, detail::attention_grain(a.len_q * a.len_k * (a.d_k + a.d_v)), [&](Index begin, Index end) {
        using S = detail::Scratch<T>;
        S scratch(detail::AttentionBlock<T>::scratch_size(a) + S::size(bq * dk_width) + 2 * S::size(bq * dv_width) +
                  S::size(bk * bq) + S::size(dk_width * bq) + 3 * S::size(bq) + S::size(k_rows * dk_width) +
                  S::size(k_rows * dv_width));
        detail::AttentionBlock<T> block(a, scratch);
        T* const q_rows = scratch.take(bq * dk_width);   // [queries, d_k] scaled
        T* const do_rows = scratch.take(bq * dv_width);  // [queries, d_v]
        T* const dot = scratch.take(dv_width * bq);      // [d_v, width]
        T* const dst = scratch.take(bk * bq);            // [keys, width] dP, then dS
        T* const dqt = scratch.take(dk_width * bq);      // [d_k, width]
        T* const largest = scratch.take(bq);
        T* const inverse = scratch.take(bq);
        T* const row_dot = scratch.take(bq);  // D
        T* const dk = scratch.take(k_rows * dk_width);
        T* const dv = scratch.take(k_rows * dv_width);
        for (Index head = begin; head < end; ++head) {
          for (Index i = 0; i < k_rows * dk_width; i += lanes<T>) store<T>(dk + i, Vec<T>{});
          for (Index i = 0; i < k_rows * dv_width; i += lanes<T>) store<T>(dv + i, Vec<T>{});
          for (Index i0 = 0; i0 < a.len_q; i0 += bq) {
            block.start(head, i0);
            const Index width = block.width, rows = block.rows, key_end = block.key_end();
            const T* const d_o = detail::attention_row(g.d_o, g.d_o_strides, block.b, block.h, i0);
            const T* const o = detail::attention_row(a.o, a.o_strides, block.b, block.h, i0);
            detail::copy_padded<T>(detail::attention_row(a.q, a.q_strides, block.b, block.h, i0), a.q_strides.row, rows,
                                   a.d_k, q_rows, rows, dk_width, a.scale);
            detail::copy_padded<T>(d_o, g.d_o_strides.row, rows, a.d_v, do_rows, rows, dv_width);
            detail::transpose<T>(do_rows, dv_width, rows, a.d_v, dot, width, width);
            const T* const stats = a.stats + head * 2 * a.len_q + i0;
            for (Index i = 0; i < width; ++i) {
              const bool real = i < rows;
              largest[i] = real ? stats[i] : T(0);
              inverse[i] = real ? stats[a.len_q + i] : T(0);
              Vec<T> sum{};
              if (real)
                each_vector<T>(a.d_v, [&](Index c, Index m) GLOSS_INLINE_LAMBDA {
                  sum = sum + load<T>(do_rows + i * dv_width + c) * load_n<T>(o + i * a.o_strides.row + c, m);
                });
              row_dot[i] = hsum<T>(sum);
            }
            for (Index i = 0; i < dk_width * width; i += lanes<T>) store<T>(dqt + i, Vec<T>{});
            for (Index j0 = 0; j0 < key_end; j0 += bk) {
              block.select_keys(j0, key_end);
              const detail::MaskTile mask = block.look_at_mask();
              if (block.adds_nothing(mask, largest)) continue;
              const Index keys = block.keys, key_rows = detail::round_up(keys, panel);
              block.load_keys();
              block.load_values();
              block.scores(mask);
              detail::panel_product<T>(key_rows, width, a.d_v, block.v, block.ldv, 1, dot, width, dst, width, false);
              if (a.dropout > 0) {
                block.draw_dropout();
                block.apply_dropout(dst);
              }
              for (Index i = 0; i < width; i += lanes<T>) {
                const Vec<T> max = load<T>(largest + i), scale = load<T>(inverse + i), d = load<T>(row_dot + i);
                for (Index j = 0; j < keys; ++j) {
                  T* const s = block.st + j * width + i;
                  T* const ds = dst + j * width + i;
                  const Vec<T> p = exp<T>(load<T>(s) - max) * scale;
                  store<T>(ds, p * (load<T>(ds) - d));
                  store<T>(s, p);
                }
              }
              if (mask != detail::MaskTile::all_visible) block.fill_masked(dst, T(0));
              if (a.dropout > 0) block.apply_dropout(block.st);
              for (Index i = keys * width; i < key_rows * width; i += lanes<T>) {
                store<T>(block.st + i, Vec<T>{});
                store<T>(dst + i, Vec<T>{});
              }
              if (g.dv != nullptr)
                detail::panel_product<T>(key_rows, dv_width, rows, block.st, width, 1, do_rows, dv_width,
                                         dv + j0 * dv_width, dv_width, true);
              if (g.dk != nullptr)
                detail::panel_product<T>(key_rows, dk_width, rows, dst, width, 1, q_rows, dk_width, dk + j0 * dk_width,
                                         dk_width, true);
              if (g.dq != nullptr)
                detail::panel_product<T>(detail::round_up(a.d_k, panel), width, keys, block.k, 1, block.ldk, dst, width,
                                         dqt, width, true);
            }
            if (g.dq != nullptr)
              detail::transpose<T>(dqt, width, a.d_k, rows,
                                   detail::attention_row(g.dq, g.dq_strides, block.b, block.h, i0), g.dq_strides.row,
                                   a.d_k, a.scale);
          }
          const auto write = [&](const T* from, Index width, Index d, T* to, const AttentionStrides& s) {
            if (to == nullptr) return;
            T* const first = detail::attention_row(to, s, head / a.heads, head % a.heads, 0);
            for (Index j = 0; j < a.len_k; ++j)
              each_vector<T>(d, [&](Index c, Index m) GLOSS_INLINE_LAMBDA {
                store_n<T>(first + j * s.row + c, load<T>(from + j * width + c), m);
              });
          };
          write(dk, dk_width, a.d_k, g.dk, g.dk_strides);
          write(dv, dv_width, a.d_v, g.dv, g.dv_strides);
        }
      });
}

GLOSS_INSTANTIATE(void attention_forward<float>(const AttentionArgs<float>&))
GLOSS_INSTANTIATE(void attention_forward<double>(const AttentionArgs<double>&))
GLOSS_INSTANTIATE(void attention_backward<float>(const AttentionArgs<float>&, const AttentionGrads<float>&))
GLOSS_INSTANTIATE(void attention_backward<double>(const AttentionArgs<double>&, const AttentionGrads<double>&))

}  // namespace gloss::inline GLOSS_ABI::kernels
