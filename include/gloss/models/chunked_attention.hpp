// Attention within chunks of positions that are in some order: that of the text, or that of their hashes.
#pragma once

#include <utility>
#include <vector>

#include <gloss/ops/dropout.hpp>
#include <gloss/ops/embedding.hpp>
#include <gloss/ops/logsumexp.hpp>
#include <gloss/ops/masked_fill.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/optional_tensor.hpp>
#include <gloss/ops/softmax.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// Into which bucket each vector falls, in each round. A factor of 2 m buckets has m random directions r_i, and the
/// bucket is the largest of (x . r_1, ..., x . r_m, -x . r_1, ..., -x . r_m), the first of equal ones; with several
/// factors the buckets are those of all combinations, the first factor counting fastest. What does not count, as
/// padding, has a bucket of its own behind the others.
/// Shape: x [batch, heads, n, d], rotations [heads, d, rounds, sum of factors / 2], kept [batch, n] or nothing ->
/// [batch, heads, rounds, n]
/// Errors: ShapeError when they do not fit.
/// Source: Andoni et al. 2015; Kitaev et al. 2020. transformers: LSHSelfAttention._hash_vectors
template <Real T>
Tensor<std::int64_t> lsh_buckets(const Tensor<T>& x, const Tensor<T>& rotations, const std::vector<Index>& factors,
                                 const Tensor<bool>& kept = {}) {
  const NoGradGuard no_grad;
  Index sum_of_factors = 0;
  for (const Index factor : factors) sum_of_factors += factor;
  if (x.dim() != 4 || rotations.dim() != 4 || rotations.size(0) != x.size(1) || rotations.size(1) != x.size(3) ||
      2 * rotations.size(3) != sum_of_factors)
    fail<ShapeError>("lsh_buckets: rotations ", rotations.shape(), " do not fit x ", x.shape(), " and ", sum_of_factors,
                     " for the factors together");
  const Index batch = x.size(0), heads = x.size(1), n = x.size(2);
  const Index rounds = rotations.size(2), directions = rotations.size(3);
  const Tensor<T> turned = matmul(x, rotations.flatten(2, 3)).contiguous();  // [batch, heads, n, rounds directions]
  const Tensor<bool> dense = gloss::detail::dense_or_none(kept);
  const bool* const counts = gloss::detail::read_or_null(dense);
  Tensor<std::int64_t> buckets = empty<std::int64_t>({batch, heads, rounds, n});
  const auto bucket = [&](const T* scores) {
    Index found = 0, step = 1;
    for (const Index factor : factors) {
      const Index half = factor / 2;
      Index best = 0;
      T most = scores[0];
      for (Index i = 1; i < factor; ++i)
        if (const T score = i < half ? scores[i] : -scores[i - half]; score > most) most = score, best = i;
      found += step * best, step *= factor, scores += half;
    }
    return found;
  };
  Index padding = 1;
  for (const Index factor : factors) padding *= factor;
  parallel_for(batch * heads * n, 1024, [&, from = turned.data(), to = buckets.data()](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const Index row = i / n, position = i % n;
      const bool is_padding = counts && !counts[row / heads * n + position];
      for (Index r = 0; r < rounds; ++r)
        to[(row * rounds + r) * n + position] = is_padding ? padding : bucket(from + (i * rounds + r) * directions);
    }
  });
  return buckets;
}

namespace detail {
GLOSS_COLD inline void check_below(const char* who, const char* what, const Tensor<std::int64_t>& numbers, Index end) {
  for (Index i = 0; i < numbers.numel(); ++i)
    if (const std::int64_t number = numbers.data()[i]; number < 0 || number >= end)
      fail<IndexError>(who, ": ", what, " ", number, " is out of range for ", end);
}
}  // namespace detail

/// The positions round by round, in each by bucket, and within a bucket as they come.
/// Shape: buckets [batch, heads, rounds, n] -> [batch, heads, rounds n]
/// Errors: IndexError for a bucket outside [0, num_buckets).
inline Tensor<std::int64_t> bucket_order(const Tensor<std::int64_t>& buckets, Index num_buckets) {
  const Index n = buckets.size(3), rows = buckets.size(0) * buckets.size(1) * buckets.size(2);
  const Tensor<std::int64_t> dense = buckets.contiguous();
  detail::check_below("bucket_order", "bucket", dense, num_buckets);
  Tensor<std::int64_t> order = empty<std::int64_t>({buckets.size(0), buckets.size(1), buckets.size(2) * n});
  parallel_for(rows, 16384 / (n + 1) + 1, [&, from = dense.data(), to = order.data()](Index begin, Index end) {
    std::vector<Index> next;  // where the next of each bucket goes
    for (Index row = begin; row < end; ++row) {
      next.assign(static_cast<std::size_t>(num_buckets) + 1, 0);
      for (Index i = 0; i < n; ++i) ++next[static_cast<std::size_t>(from[row * n + i]) + 1];
      for (std::size_t b = 1; b < next.size(); ++b) next[b] += next[b - 1];
      for (Index i = 0; i < n; ++i) to[row * n + next[static_cast<std::size_t>(from[row * n + i])]++] = i;
    }
  });
  return order;
}

struct ChunkedAttentionOptions {
  Index chunk_length = 64, chunks_before = 1, chunks_after = 0;
  bool causal = false;
  bool shuns_itself = false;  // a position sees itself only where it sees nothing else
  double dropout = 0;         // of the weights; the caller passes 0 outside training
};

namespace detail {
/// Which rows of [batch heads n, d] the chunks are made of, and what they may see.
struct ChunkRows {
  Tensor<std::int64_t> queries, keys;     // [chunks, chunk_length], [chunks, those of all chunks that it sees]
  Tensor<bool> hidden = {}, itself = {};  // [chunks, queries, keys]; undefined where nothing is
  Tensor<std::int64_t> places;            // [batch, heads, rounds, n]: in which row behind another the chunks have it
};

inline ChunkRows chunk_rows(const Tensor<std::int64_t>& order, Index n, const Tensor<bool>& kept,
                            const ChunkedAttentionOptions& options) {
  const Index batch = order.size(0), heads = order.size(1), m = order.size(2), length = options.chunk_length;
  const Index window = (options.chunks_before + 1 + options.chunks_after) * length, chunks = batch * heads * m / length;
  ChunkRows rows{.queries = empty<std::int64_t>({chunks, length}),
                 .keys = empty<std::int64_t>({chunks, window}),
                 .places = full<std::int64_t>({batch, heads, m / n, n}, -1)};
  const Shape pairs{chunks, length, window};
  rows.hidden = gloss::detail::empty_or_none<bool>(options.causal || kept.defined(), pairs);
  rows.itself = gloss::detail::empty_or_none<bool>(options.shuns_itself, pairs);
  const Tensor<bool> dense = gloss::detail::dense_or_none(kept);
  const bool* const counts = gloss::detail::read_or_null(dense);
  bool* const hidden = gloss::detail::write_or_null(rows.hidden);
  bool* const itself = gloss::detail::write_or_null(rows.itself);
  const std::int64_t* const positions = order.data();
  parallel_for(chunks, 4096 / (length * window + 1) + 1,
               [=, queries = rows.queries.data(), keys = rows.keys.data(), places = rows.places.data(),
                before = options.chunks_before * length, causal = options.causal](Index begin, Index end) {
                 for (Index chunk = begin; chunk < end; ++chunk) {
                   // its row is that of a batch and a head, and it begins at `first` there
                   const Index row = chunk * length / m, first = chunk * length % m, base = row * n;
                   std::int64_t* const q = queries + chunk * length;
                   std::int64_t* const k = keys + chunk * window;
                   for (Index i = 0; i < length; ++i) {
                     const Index position = positions[row * m + first + i];
                     q[i] = base + position;
                     places[row * m + (first + i) / n * n + position] = chunk * length + i;
                   }
                   for (Index j = 0; j < window; ++j) {
                     const Index at = (first - before + j) % m;
                     k[j] = base + positions[row * m + (at < 0 ? at + m : at)];
                   }
                   for (Index i = 0; i < length; ++i)
                     for (Index j = 0; j < window; ++j) {
                       const Index to = (chunk * length + i) * window + j;
                       if (hidden)
                         hidden[to] = (counts && !counts[row / heads * n + k[j] - base]) || (causal && k[j] > q[i]);
                       if (itself) itself[to] = k[j] == q[i];
                     }
                 }
               });
  return rows;
}
}  // namespace detail

/// Attention of each chunk of `order` to itself and the chunks around it, around the end too: softmax(q k^T) v, where
/// scores of keys that are hidden or do not count become -1e9, and those of the position itself, where it shuns that,
/// -1e5. An order of several rounds has every position once in each; what the rounds give is weighed by how much they
/// saw, the sum of e^score. Memory grows with the length of the order times that of a window.
/// Shape: q, k, v [batch, heads, n, d], order [batch, heads, rounds n] of positions, a multiple of chunk_length; kept
/// [batch, n] or nothing -> [batch, heads, n, d]
/// Errors: ShapeError when they do not fit; IndexError for an order that has not every position once in each round.
/// Backward: made of ops.
/// Source: Kitaev et al. 2020. transformers: LSHSelfAttention._attend and LocalSelfAttention
template <Real T>
Tensor<T> chunked_attention(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v,
                            const Tensor<std::int64_t>& order, const Tensor<bool>& kept,
                            const ChunkedAttentionOptions& options) {
  const bool fits = q.dim() == 4 && k.shape() == q.shape() && v.shape() == q.shape() && order.dim() == 3 &&
                    order.size(0) == q.size(0) && order.size(1) == q.size(1);
  if (!fits || q.size(2) == 0 || options.chunk_length <= 0 || order.size(2) % q.size(2) != 0 ||
      order.size(2) % options.chunk_length != 0 || order.numel() == 0)
    fail<ShapeError>("chunked_attention: q ", q.shape(), ", k ", k.shape(), ", v ", v.shape(), " and order ",
                     order.shape(), " do not fit chunks of ", options.chunk_length);
  const Index batch = q.size(0), heads = q.size(1), n = q.size(2), d = q.size(3), m = order.size(2);
  if (kept.defined() && kept.shape() != Shape{batch, n})
    fail<ShapeError>("chunked_attention: kept ", kept.shape(), " must be ", Shape{batch, n});
  const Tensor<std::int64_t> dense = order.contiguous();
  detail::check_below("chunked_attention", "position", dense, n);
  const detail::ChunkRows rows = detail::chunk_rows(dense, n, kept, options);
  const auto picked = [&](const Tensor<std::int64_t>& which, const Tensor<T>& x) {
    return embedding(which, x.reshape({batch * heads * n, d}));
  };
  Tensor<T> scores = matmul(picked(rows.queries, q), picked(rows.keys, k).transpose(1, 2));
  if (rows.hidden.defined()) scores = masked_fill(scores, rows.hidden, -1e9);
  if (rows.itself.defined()) scores = masked_fill(scores, rows.itself, -1e5);
  const Tensor<T> weights = dropout(softmax(scores, -1), options.dropout);
  const Tensor<T> mixed = matmul(weights, picked(rows.keys, v)).view({batch * heads * m, d});
  const Tensor<T> y = embedding(rows.places, mixed);  // [batch, heads, rounds, n, d]
  if (m == n) return y.select(2, 0);
  const Tensor<T> seen = logsumexp(scores, -1).view({batch * heads * m, 1});
  return sum(y * softmax(embedding(rows.places, seen), 2), 2);
}

}  // namespace gloss::inline GLOSS_ABI::models
