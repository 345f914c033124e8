// The backward pass of fused attention: the probabilities are computed again, tile by tile, from the scores and the two
// numbers that the forward pass kept of each row.
#pragma once

#include <vector>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/attention/block.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

/// Queries of a block going back; what it works in then lies in the second-level cache.
inline constexpr Index attention_backward_q = 64;

/// A block of queries, and the gradients of its scores with a tile of keys. With P the probabilities, M the dropout
/// factors and D = sum over a row of d_o o: dP = M (d_o v^T), dS = P (dP - D), 0 where masked.
template <class T>
class AttentionGradient {
 public:
  static constexpr Index bq = attention_backward_q, bk = attention_block_k;

  const AttentionArgs<T>& a;
  const AttentionGrads<T>& g;
  AttentionTile<T> tile;
  const AttentionKernels<T>& kernels = tile.kernels;
  const Index dk_width = kernels.padded(a.d_k), dv_width = kernels.padded(a.d_v);
  Index head = -1, i0 = 0, rows = 0, width = 0;
  T* qt;       // [d_k, width] scaled queries
  T* dot;      // [d_v, width]
  T* q_rows;   // [queries, dk_width] scaled
  T* do_rows;  // [queries, dv_width]
  T* st;       // [keys, width] scores, then P, at last M P
  T* dst;      // [keys, width] dP, then dS
  T* base;
  T* inverse;
  T* row_dot;  // D

  static Index scratch_size(const AttentionArgs<T>& a) {
    using S = Scratch<T>;
    const AttentionKernels<T> kernels = attention_kernels_in_use<T>();
    return AttentionTile<T>::scratch_size(a, bq) + 2 * S::size(kernels.padded(a.d_k) * bq) +
           2 * S::size(kernels.padded(a.d_v) * bq) + 2 * S::size(bk * bq) + 3 * S::size(bq);
  }
  AttentionGradient(const AttentionArgs<T>& args, const AttentionGrads<T>& grads, Scratch<T>& scratch)
      : a(args), g(grads), tile(args, scratch, bq) {
    qt = scratch.take(dk_width * bq), dot = scratch.take(dv_width * bq);
    q_rows = scratch.take(dk_width * bq), do_rows = scratch.take(dv_width * bq);
    st = scratch.take(bk * bq), dst = scratch.take(bk * bq);
    base = scratch.take(bq), inverse = scratch.take(bq), row_dot = scratch.take(bq);
  }

  /// Turns to the queries from `first` on, those before `end`.
  void select_queries(Index which_head, Index first, Index end) {
    if (which_head == head && first == i0) return;
    head = which_head, i0 = first, rows = end - first < bq ? end - first : bq, width = round_up(rows, kernels.lanes);
    tile.select_head(head);
    const T* const o = attention_row(a.o, a.o_strides, tile.b, tile.h, i0);
    tile.load_queries({i0, rows, width}, qt, width);
    copy_padded<T>(attention_row(a.q, a.q_strides, tile.b, tile.h, i0), a.q_strides.row, rows, a.d_k, q_rows, rows,
                   dk_width, a.scale);
    copy_padded<T>(attention_row(g.d_o, g.d_o_strides, tile.b, tile.h, i0), g.d_o_strides.row, rows, a.d_v, do_rows,
                   rows, dv_width);
    transpose<T>(do_rows, dv_width, rows, a.d_v, dot, width, width);
    const T* const stats = a.stats + head * 2 * a.len_q + i0;
    for (Index i = 0; i < width; ++i) {
      const bool real = i < rows && stats[a.len_q + i] != T(0);  // a row of no keys has no part in the gradients
      base[i] = real ? stats[i] : T(0);
      inverse[i] = real ? stats[a.len_q + i] : T(0);
      Vec<T> sum{};
      if (real)
        each_vector<T>(a.d_v, [&](Index c, Index m) GLOSS_INLINE_LAMBDA {
          sum = sum + load<T>(do_rows + i * dv_width + c) * load_n<T>(o + i * a.o_strides.row + c, m);
        });
      row_dot[i] = hsum<T>(sum);
    }
  }

  /// st = M P and dst = dS for the tile's first n keys, with zeros up to a whole panel; false if all of it is 0.
  bool meet(Index n) {
    bool any = false;
    const Index key_rows = round_up(n, panel_rows), strip = kernels.strip();
    for (Index i = 0; i < width; i += strip) {
      const AttentionStrip s{i0 + i, rows - i < strip ? rows - i : strip, width - i < strip ? width - i : strip};
      const Index seen = tile.visible_keys(s) > 0 ? tile.visible_keys(s) : 0;
      const MaskTile mask = tile.look_at_mask(s, seen);
      const bool zero = seen == 0 || tile.adds_nothing(mask, s, base + i);
      if (!zero) meet_strip(s, i, seen, mask);
      for (Index j = zero ? 0 : seen; j < key_rows; ++j)
        for (Index c = j * width + i; c < j * width + i + s.width; c += lanes<T>) {
          store<T>(st + c, Vec<T>{});
          store<T>(dst + c, Vec<T>{});
        }
      any = any || !zero;
    }
    return any;
  }

 private:
  void meet_strip(const AttentionStrip& s, Index first, Index n, MaskTile mask) {
    tile.scores(s, qt + first, st + first, width, n, mask);
    tile.load_values();
    kernels.product(round_up(n, panel_rows), s.width, a.d_v, tile.v, tile.ldv, 1, dot + first, width, dst + first,
                    width, false);
    if (a.dropout > 0) {
      tile.draw_dropout(s, width, n);
      tile.apply_dropout(s, dst + first, width, n);
    }
    kernels.gradients(st + first, dst + first, width, n, s.width, base + first, inverse + first, row_dot + first);
    if (mask != MaskTile::all_visible) tile.fill_masked(s, dst + first, width, n, T(0));
    if (a.dropout > 0) tile.apply_dropout(s, st + first, width, n);
  }
};

/// dq, and what a run of queries adds to the dk and dv of its head.
template <class T>
class AttentionBackward {
 public:
  T* dk;  // [sum_rows(len_k), dk_width]
  T* dv;  // [sum_rows(len_k), dv_width]

  /// Rows of dk and dv for so many keys: a tile may begin at any key, and reaches to the end of its last panel.
  static Index sum_rows(Index keys) { return round_up(keys, panel_rows) + panel_rows; }
  static Index sums_size(const AttentionArgs<T>& a) {
    const AttentionKernels<T> kernels = attention_kernels_in_use<T>();
    const Index k_rows = sum_rows(a.len_k);
    return Scratch<T>::size(k_rows * kernels.padded(a.d_k)) + Scratch<T>::size(k_rows * kernels.padded(a.d_v));
  }
  static Index scratch_size(const AttentionArgs<T>& a) {
    return AttentionGradient<T>::scratch_size(a) +
           Scratch<T>::size(round_up(a.d_k, panel_rows) * attention_backward_q) + sums_size(a);
  }
  AttentionBackward(const AttentionArgs<T>& args, const AttentionGrads<T>& grads, Scratch<T>& scratch)
      : a(args), g(grads), s(args, grads, scratch) {
    dqt = scratch.take(round_up(a.d_k, panel_rows) * attention_backward_q);
    const Index k_rows = sum_rows(a.len_k);
    dk = scratch.take(k_rows * s.dk_width), dv = scratch.take(k_rows * s.dv_width);
  }

  /// dq of the queries [first, end) of a head; dk and dv are overwritten.
  void operator()(Index head, Index first, Index end) {
    s.tile.select_head(head);
    key_end = s.tile.key_end(end);
    const Index k_rows = sum_rows(key_end);
    for (Index i = 0; i < k_rows * s.dk_width; i += lanes<T>) store<T>(dk + i, Vec<T>{});
    for (Index i = 0; i < k_rows * s.dv_width; i += lanes<T>) store<T>(dv + i, Vec<T>{});
    for (Index i0 = first; i0 < end; i0 += attention_backward_q) {
      s.select_queries(head, i0, end);
      const Index width = s.width, rows = s.rows, seen = s.tile.key_end(i0 + rows);
      bool fresh = true;
      Index first_visible = 0, end_visible = seen;
      s.tile.visible_range(first_visible, end_visible);
      const Index ranges[3][2] = {{first_visible, end_visible}, {0, first_visible}, {end_visible, seen}};
      for (const auto& range : ranges)
        for (Index j0 = range[0]; j0 < range[1]; j0 += attention_block_k) {
          s.tile.select_keys(j0, range[1]);
          const Index keys = s.tile.keys, key_rows = round_up(keys, panel_rows);
          if (!s.meet(keys)) continue;
          if (g.dv != nullptr)
            s.kernels.product(key_rows, s.dv_width, rows, s.st, width, 1, s.do_rows, s.dv_width, dv + j0 * s.dv_width,
                              s.dv_width, true);
          if (g.dk != nullptr)
            s.kernels.product(key_rows, s.dk_width, rows, s.dst, width, 1, s.q_rows, s.dk_width, dk + j0 * s.dk_width,
                              s.dk_width, true);
          if (g.dq != nullptr)
            s.kernels.product(round_up(a.d_k, panel_rows), width, keys, s.tile.k, 1, s.tile.ldk, s.dst, width, dqt,
                              width, !fresh);
          fresh = false;
        }
      if (g.dq == nullptr) continue;
      if (fresh)
        for (Index i = 0; i < a.d_k * width; i += lanes<T>) store<T>(dqt + i, Vec<T>{});
      transpose<T>(dqt, width, a.d_k, rows, attention_row(g.dq, g.dq_strides, s.tile.b, s.tile.h, i0), g.dq_strides.row,
                   a.d_k, a.scale);
    }
  }
  /// Writes the rows [begin, end) of dk and dv, or adds them to what is there.
  void write(Index kv_head, Index begin, Index end, bool add) const {
    write(dk, s.dk_width, a.d_k, g.dk, g.dk_strides, kv_head, begin, end, add);
    write(dv, s.dv_width, a.d_v, g.dv, g.dv_strides, kv_head, begin, end, add);
  }

 private:
  void write(const T* from, Index width, Index d, T* to, const AttentionStrides& strides, Index kv_head, Index begin,
             Index end, bool add) const {
    if (to == nullptr) return;
    const Index heads = a.heads / a.group;
    for (Index j = begin; j < end; ++j) {
      T* const row = attention_row(to, strides, kv_head / heads, kv_head % heads, j);
      if (add && j >= key_end) return;
      each_vector<T>(d, [&](Index c, Index m) GLOSS_INLINE_LAMBDA {
        const Vec<T> x = j < key_end ? load<T>(from + j * width + c) : Vec<T>{};
        store_n<T>(row + c, add ? load_n<T>(row + c, m) + x : x, m);
      });
    }
  }

  // NOLINTBEGIN(readability-identifier-naming): the names of the formulas
  const AttentionArgs<T>& a;
  const AttentionGrads<T>& g;
  AttentionGradient<T> s;
  T* dqt;             // [d_k, width]
  Index key_end = 0;  // rows of dk and dv from here on are 0
  // NOLINTEND(readability-identifier-naming)
};

}  // namespace detail

/// The gradients of attention_forward; args.o and args.stats hold what it wrote.
///   dv = (P M)^T d_o, dq = scale dS k, dk = scale dS^T q (P, M and dS: see AttentionGradient).
template <class T>
void attention_backward(const AttentionArgs<T>& a, const AttentionGrads<T>& g) {
  using Backward = detail::AttentionBackward<T>;
  constexpr Index bq = detail::attention_backward_q;
  const Index kv_heads = a.batch * a.heads / a.group;
  // What adds to a head of k and v is cut into units, the same for any number of threads, which are summed in order.
  const Index sixteenth = detail::round_up((a.len_q + 15) / 16, bq), run = sixteenth < 4 * bq ? 4 * bq : sixteenth;
  const Index runs = a.len_q > 0 ? (a.len_q + run - 1) / run : 1, units = a.group * runs;
  const auto compute = [&](Backward& backward, Index kv_head, Index unit) {
    const Index kv = a.heads / a.group, b = kv_head / kv, h = kv_head % kv * a.group + unit / runs;
    const Index first = unit % runs * run, end = a.len_q - first < run ? a.len_q : first + run;
    backward(b * a.heads + h, first, end);
  };
  const Index work = detail::attention_grain(run * a.len_k * (a.d_k + a.d_v));
  const Index threads = num_threads();
  if (threads == 1 || units == 1 || work > 1 || kv_heads % threads == 0 || kv_heads >= 4 * threads)
    return parallel_for(kv_heads, detail::attention_grain(a.len_q * a.len_k * (a.d_k + a.d_v) * a.group),
                        [&](Index begin, Index end) {
                          detail::Scratch<T> scratch(Backward::scratch_size(a));
                          Backward backward(a, g, scratch);
                          for (Index head = begin; head < end; ++head)
                            for (Index unit = 0; unit < units; ++unit) {
                              compute(backward, head, unit);
                              backward.write(head, 0, a.len_k, unit > 0);
                            }
                        });
  // Heads would leave cores idle: as many units at once as there are threads, each into sums of its own.
  detail::Scratch<T> scratch(threads * Backward::scratch_size(a));
  std::vector<Backward> teams;
  teams.reserve(static_cast<std::size_t>(threads));
  for (Index i = 0; i < threads; ++i) teams.emplace_back(a, g, scratch);
  const auto team = [&](Index i) -> Backward& { return teams[static_cast<std::size_t>(i)]; };
  for (Index done = 0; done < kv_heads * units; done += threads) {
    const Index left = kv_heads * units - done, here = left < threads ? left : threads;
    parallel_for(here, 1, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) compute(team(i), (done + i) / units, (done + i) % units);
    });
    parallel_for(a.len_k, 256, [&](Index begin, Index end) {
      for (Index i = 0; i < here; ++i) team(i).write((done + i) / units, begin, end, (done + i) % units > 0);
    });
  }
}

/// dbias = dS, summed over the axes along which dbias has no step. Scores and dP are computed once more here: every
/// element then is the sum, in one order, that one thread makes, whatever is summed.
template <class T>
void attention_bias_backward(const AttentionArgs<T>& a, const AttentionGrads<T>& g) {
  using Gradient = detail::AttentionGradient<T>;
  constexpr Index bq = Gradient::bq, bk = Gradient::bk;
  const Index* const step = g.dbias_strides;
  const bool each_query = step[2] != 0, each_key = step[3] != 0;
  const Index batch = step[0] != 0 ? a.batch : 1, heads = step[1] != 0 ? a.heads : 1;
  const Index blocks = each_query ? (a.len_q + bq - 1) / bq : 1;
  parallel_for(batch * heads * blocks, 1, [&](Index begin, Index end) {
    using S = detail::Scratch<T>;
    S scratch(Gradient::scratch_size(a) + S::size(bk * bq));
    Gradient s(a, g, scratch);
    T* const sum = scratch.take(bk * bq);  // [keys, queries]
    for (Index task = begin; task < end; ++task) {
      const Index b0 = task / (heads * blocks), h0 = task / blocks % heads, block = task % blocks;
      const Index b1 = step[0] != 0 ? b0 + 1 : a.batch, h1 = step[1] != 0 ? h0 + 1 : a.heads;
      const Index q0 = block * bq, q1 = each_query && q0 + bq < a.len_q ? q0 + bq : a.len_q;
      const auto clear = [&] {
        for (Index i = 0; i < bk * bq; i += lanes<T>) store<T>(sum + i, Vec<T>{});
      };
      // Adds up the lanes and rows that share an element.
      const auto write = [&](Index j0, Index keys) {
        if (!each_query)
          for (Index j = 0; j < bk; ++j)
            for (Index i = 1; i < bq; ++i) sum[j * bq] += sum[j * bq + i];
        if (!each_key)
          for (Index j = 1; j < bk; ++j)
            for (Index i = 0; i < bq; ++i) sum[i] += sum[j * bq + i];
        T* const to = g.dbias + b0 * g.dbias_strides[0] + h0 * g.dbias_strides[1];
        for (Index i = 0; i < (each_query ? q1 - q0 : 1); ++i)
          for (Index j = 0; j < (each_key ? keys : 1); ++j)
            to[(q0 + i) * g.dbias_strides[2] + (j0 + j) * g.dbias_strides[3]] = sum[j * bq + i];
      };
      clear();
      for (Index j0 = 0; j0 < a.len_k; j0 += bk) {
        for (Index b = b0; b < b1; ++b)
          for (Index h = h0; h < h1; ++h)
            for (Index i0 = q0; i0 < q1; i0 += bq) {
              s.select_queries(b * a.heads + h, i0, q1);
              s.tile.select_keys(j0, a.len_k);
              if (!s.meet(s.tile.keys)) continue;
              for (Index j = 0; j < s.tile.keys; ++j)
                for (Index i = 0; i < s.width; i += lanes<T>)
                  store<T>(sum + j * bq + i, load<T>(sum + j * bq + i) + load<T>(s.dst + j * s.width + i));
            }
        if (!each_key) continue;
        write(j0, a.len_k - j0 < bk ? a.len_k - j0 : bk);
        clear();
      }
      if (!each_key) write(0, 1);
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
