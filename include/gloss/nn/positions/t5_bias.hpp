// T5's relative position bias: a trained number for each range of distances.
#pragma once

#include <cmath>

#include <gloss/nn/module.hpp>
#include <gloss/ops/embedding.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct T5BucketOptions {
  bool bidirectional = true;  ///< half of the buckets are for keys behind the query; false: those share bucket 0
  Index num_buckets = 32;
  Index max_distance = 128;  ///< from here on all distances share the last bucket
};

/// The bucket of each distance key - query. Of the buckets of one direction, half are for a distance each; the rest
/// grow in geometric steps up to max_distance: with e the number of the former and k that of all, e + floor((k - e)
/// ln(distance / e) / ln(max_distance / e)), at most k - 1, in float as T5 computes it.
/// Shape: any.
/// Errors: Error when the options leave no room for buckets or growth.
/// Source: Raffel et al. 2020, 2.1. PyTorch: transformers' T5Attention._relative_position_bucket
GLOSS_LAZY Tensor<std::int64_t> t5_buckets(const Tensor<std::int64_t>& distance, T5BucketOptions options = {}) {
  const Index each = options.bidirectional ? options.num_buckets / 2 : options.num_buckets, exact = each / 2;
  if (exact < 1 || options.max_distance <= exact)
    fail("t5_buckets: ", options.num_buckets, " buckets ", options.bidirectional ? "for two directions" : "for one",
         " do not suit max_distance ", options.max_distance);
  const float octaves =
      static_cast<float>(std::log(static_cast<double>(options.max_distance) / static_cast<double>(exact)));
  const Tensor<std::int64_t> from = distance.contiguous();
  Tensor<std::int64_t> bucket = empty<std::int64_t>(distance.shape());
  for (Index i = 0; i < from.numel(); ++i) {
    const std::int64_t d = from.data()[i];
    const bool behind = d > 0;
    // the magnitude, as an unsigned number: that of the smallest integer has no sign
    const std::uint64_t size = behind ? static_cast<std::uint64_t>(d) : 0 - static_cast<std::uint64_t>(d);
    const std::uint64_t apart = behind && !options.bidirectional ? 0 : size;
    Index b = static_cast<Index>(apart);
    if (apart >= static_cast<std::uint64_t>(exact)) {
      const float ratio = static_cast<float>(apart) / static_cast<float>(exact);
      b = exact + static_cast<Index>(std::log(ratio) / octaves * static_cast<float>(each - exact));
      if (b > each - 1) b = each - 1;
    }
    bucket.data()[i] = b + (behind && options.bidirectional ? each : 0);
  }
  return bucket;
}

/// B[head, i, j] = weight[bucket(j - i), head], which T5 adds to the scores (it does not scale them). Made once and
/// used by all layers of a stack.
/// Shape: n queries, the first at position `first` of m keys -> [num_heads, n, m]
/// Errors: ShapeError for a negative size; Error when the options do not suit each other.
/// Source: Raffel et al. 2020, 2.1.
/// PyTorch: transformers' T5Attention.compute_bias with its Embedding relative_attention_bias; initialised N(0, 1)
/// Keys: weight [num_buckets, num_heads]
template <Real T>
struct T5PositionBias final : Module<T> {
  Parameter<T> weight;
  T5BucketOptions options;

  explicit T5PositionBias(Index num_heads, T5BucketOptions opts = {}) : options(opts) {
    t5_buckets(empty<std::int64_t>({0}), options);  // for its check
    if (num_heads < 0) fail<ShapeError>("T5PositionBias: negative size: num_heads ", num_heads);
    weight = Parameter<T>(randn<T>({opts.num_buckets, num_heads}));
  }
  Tensor<T> operator()(Index n, Index m, Index first = 0) const {
    if (n < 0 || m < 0) fail<ShapeError>("T5PositionBias: negative size: n ", n, ", m ", m);
    Tensor<std::int64_t> distance = empty<std::int64_t>({n, m});
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < m; ++j) distance.data()[i * m + j] = j - (first + i);
    return this->output(embedding(t5_buckets(distance, options), weight).permute({2, 0, 1}).contiguous());
  }
  void visit(Visitor<T>& v) override { v("weight", weight); }
};

}  // namespace gloss::inline GLOSS_ABI::nn
