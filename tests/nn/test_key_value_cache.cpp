// Keys and values that decoding keeps, and attention that reads them.
#include <gloss/nn/cache_precision.hpp>
#include <gloss/nn/key_value_cache.hpp>
#include <gloss/nn/multihead_attention.hpp>
#include <gloss/nn/transformer_decoder.hpp>
#include <gloss/nn/transformer_encoder.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/transformer/multi_head_attention.hpp>

#include <random>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;

TEST_CASE("KeyValueCache: holds what was put in, whatever strides it had, and grows by doubling") {
  Rng rng(1);
  RngGuard use(rng);
  nn::KeyValueCache<double> cache;
  Tensor<double> keys = zeros<double>({2, 3, 0, 4}), values = zeros<double>({2, 3, 0, 5});
  for (const Index n : {1, 0, 7, 9, 40, 1}) {
    const auto k = randn<double>({2, n, 3, 4}).transpose(1, 2), v = randn<double>({2, 3, 5, n}).transpose(2, 3);
    keys = cat<double>({keys, k}, 2), values = cat<double>({values, v}, 2);
    const auto [all_k, all_v] = cache.append(k, v);
    CHECK(cache.length == keys.size(2));
    CHECK(difference(all_k, keys) == 0);
    CHECK(difference(all_v, values) == 0);
  }
  CHECK(cache.key.shape() == Shape{2, 3, 64, 4});  // 16, 17 <= 32, 57 <= 64
  cache.select_rows({1, 0, 1});
  CHECK(difference(cache.all().key, stack<double>({keys[1], keys[0], keys[1]}, 0)) == 0);
  CHECK(difference(cache.all().value, stack<double>({values[1], values[0], values[1]}, 0)) == 0);
  cache.truncate(5);
  CHECK(cache.all().key.shape() == Shape{3, 3, 5, 4});
}

TEST_CASE("KeyValueCache: rows that share what they have read are rows that have read the same") {
  Rng rng(7);
  RngGuard use(rng);
  NoGradGuard no_grad;
  std::mt19937 random(3);
  const auto below = [&](Index n) { return static_cast<Index>(random() % static_cast<unsigned>(n)); };
  nn::KeyValueCache<double> cache;
  Tensor<double> keys = zeros<double>({2, 3, 0, 4}), values = zeros<double>({2, 3, 0, 5});
  bool shared = false, many = false;
  for (int round = 0; round < 300; ++round) {
    const Index batch = keys.size(0), n = below(12) == 0 ? 9 : 1 + below(2);
    const auto k = randn<double>({batch, 3, n, 4}), v = randn<double>({batch, 3, n, 5}),
               q = randn<double>({batch, 3, n, 4});
    keys = cat<double>({keys, k}, 2), values = cat<double>({values, v}, 2);
    Tensor<double> weights, expected_weights;
    const AttentionOptions<double> options{.causal = true};
    const auto expected = scaled_dot_product_attention(q, keys, values, options, &expected_weights);
    many = many || (n > 7 && cache.key_rows.defined());
    CHECK(difference(cache.attend(q, k, v, options, &weights), expected) == 0);
    CHECK(difference(weights, expected_weights) == 0);
    CHECK(difference(cache.attend(q, options), expected) == 0);
    shared = shared || cache.key_rows.defined();
    if (below(3) > 0) {
      std::vector<std::int64_t> rows;
      for (Index i = 1 + below(6); i > 0; --i) rows.push_back(below(batch));
      cache.select_rows(from_vector(rows));
      std::vector<Tensor<double>> k_rows, v_rows;
      for (const std::int64_t row : rows) k_rows.push_back(keys[row]), v_rows.push_back(values[row]);
      keys = stack(k_rows, 0), values = stack(v_rows, 0);
    }
    if (below(8) == 0) {
      const Index kept = below(cache.length + 1);
      cache.truncate(kept);
      keys = keys.narrow(2, 0, kept), values = values.narrow(2, 0, kept);
    }
    CHECK(difference(cache.all().key, keys) == 0);
    CHECK(difference(cache.all().value, values) == 0);
    if (below(10) == 0) {
      const auto [all_k, all_v] = cache.append(keys.narrow(2, 0, 0), values.narrow(2, 0, 0));
      CHECK(difference(all_k, keys) == 0);
      CHECK(difference(all_v, values) == 0);
      CHECK(!cache.key_rows.defined());
    }
  }
  CHECK((shared && many));
}

TEST_CASE("KeyValueCache: in bfloat16 it is a cache of rounded keys and values, in half the memory") {
  Rng rng(11);
  RngGuard use(rng);
  NoGradGuard no_grad;
  std::mt19937 random(5);
  const auto below = [&](Index n) { return static_cast<Index>(random() % static_cast<unsigned>(n)); };
  const auto rounded = [](const Tensor<float>& x) {
    Tensor<float> y = x.contiguous().clone();
    for (Index i = 0; i < y.numel(); ++i) y.data()[i] = float(bfloat16(y.data()[i]));
    return y;
  };
  for (const Index width : {2, 6, 32, 64, 80, 130}) {
    const nn::CachePrecisionGuard guard(nn::CachePrecision::bfloat16);
    nn::KeyValueCache<float> packed;
    const Index d_v = width == 6 ? 10 : width;
    Tensor<float> keys = zeros<float>({2, 2, 0, width}), values = zeros<float>({2, 2, 0, d_v});
    for (int round = 0; round < 40; ++round) {
      const Index batch = keys.size(0), n = below(8) == 0 ? 9 : 1 + below(3);
      const auto k = randn<float>({batch, n, 2, width}).transpose(1, 2), v = randn<float>({batch, 2, n, d_v}),
                 q = randn<float>({batch, 4, n, width});  // two heads share keys
      keys = cat<float>({keys, rounded(k)}, 2), values = cat<float>({values, rounded(v)}, 2);
      AttentionOptions<float> options{.causal = true};
      if (below(2) == 0) options.bias = randn<float>({batch, 4, n, keys.size(2)});
      if (below(2) == 0) options.mask = randn<float>({batch, 1, 1, keys.size(2)}) > -1.0f, options.mask_fill = -1e9;
      Tensor<float> weights, expected_weights;
      const auto expected = scaled_dot_product_attention(q, keys, values, options, &expected_weights);
      CHECK(difference(packed.attend(q, k, v, options, &weights), expected) < 2e-5);
      CHECK(difference(weights, expected_weights) < 1e-5);
      CHECK(packed.form != nullptr);
      CHECK(packed.key.size(3) == width / 2);
      if (below(3) > 0) {
        std::vector<std::int64_t> rows;
        for (Index i = 1 + below(5); i > 0; --i) rows.push_back(below(batch));
        packed.select_rows(from_vector(rows));
        std::vector<Tensor<float>> k_rows, v_rows;
        for (const std::int64_t row : rows) k_rows.push_back(keys[row]), v_rows.push_back(values[row]);
        keys = stack(k_rows, 0), values = stack(v_rows, 0);
      }
      if (below(8) == 0) {
        const Index kept = below(packed.length + 1);
        packed.truncate(kept);
        keys = keys.narrow(2, 0, kept), values = values.narrow(2, 0, kept);
      }
      CHECK(difference(packed.all().key, keys) == 0);
      CHECK(difference(packed.all().value, values) == 0);
    }
    const Tensor<float> none = zeros<float>({keys.size(0), 2, 0, width});
    CHECK(difference(packed.append(none, zeros<float>({keys.size(0), 2, 0, d_v})).key, keys) == 0);
  }
}

TEST_CASE("KeyValueCache: what stays float, what is refused in bfloat16, and a gradient of the query") {
  nn::KeyValueCache<float> odd, early, packed;
  nn::KeyValueCache<double> twice;
  early.append(ones<float>({1, 1, 1, 4}), ones<float>({1, 1, 1, 4}));
  {
    const nn::CachePrecisionGuard guard(nn::CachePrecision::bfloat16);
    CHECK(nn::cache_precision() == nn::CachePrecision::bfloat16);
    odd.append(ones<float>({1, 1, 1, 4}), ones<float>({1, 1, 1, 3}));
    twice.append(ones<double>({1, 1, 1, 4}), ones<double>({1, 1, 1, 4}));
    early.append(full<float>({1, 1, 1, 4}, 1.001f), ones<float>({1, 1, 1, 4}));
    packed.append(full<float>({2, 1, 3, 4}, 1.001f), ones<float>({2, 1, 3, 4}));
  }
  CHECK(nn::cache_precision() == nn::CachePrecision::float32);
  nn::set_cache_precision(nn::CachePrecision::bfloat16);
  CHECK(nn::cache_precision() == nn::CachePrecision::bfloat16);
  nn::set_cache_precision(nn::CachePrecision::float32);
  CHECK(!(odd.form || twice.form || early.form));
  CHECK(early.all().key.at({0, 0, 1, 0}) == 1.001f);
  packed.append(full<float>({2, 1, 1, 4}, 1.001f), ones<float>({2, 1, 1, 4}));  // it keeps its precision
  CHECK(packed.all().key.at({1, 0, 3, 0}) == 1.0f);
  CHECK_ERROR(packed.append(zeros<float>({2, 1, 1, 5}), zeros<float>({2, 1, 1, 4})), ShapeError,
              "KeyValueCache: key [2, 1, 1, 5] does not fit those that are there, [2, 1, 16, 4]");
  CHECK_ERROR(packed.attend(zeros<float>({2, 1, 1, 5}), {}), ShapeError,
              "scaled_dot_product_attention: query [2, 1, 1, 5], key [2, 1, 4, 4] and value [2, 1, 4, 4] do not fit");
  CHECK_ERROR(packed.attend(zeros<float>({3, 1, 1, 4}), {}), ShapeError,
              "scaled_dot_product_attention: query [3, 1, 1, 4], key [2, 1, 4, 4] and value [2, 1, 4, 4] do not fit");
  CHECK(packed.length == 4);
  Tensor<float> q = randn<float>({2, 1, 1, 4});
  q.requires_grad_();
  sum(packed.attend(q, {})).backward();
  CHECK(q.grad().defined());
}

TEST_CASE("KeyValueCache: a copy has its own numbers") {
  nn::KeyValueCache<float> a;
  a.append(ones<float>({1, 1, 2, 3}), ones<float>({1, 1, 2, 3}));
  nn::KeyValueCache<float> b = a;
  a.append(zeros<float>({1, 1, 1, 3}), zeros<float>({1, 1, 1, 3}));
  b.append(full<float>({1, 1, 1, 3}, 7), full<float>({1, 1, 1, 3}, 7));
  CHECK(a.all().key.at({0, 0, 2, 0}) == 0);
  CHECK(b.all().key.at({0, 0, 2, 0}) == 7);
}

TEST_CASE("KeyValueCache: what does not fit is refused and changes nothing") {
  nn::KeyValueCache<float> cache;
  const auto put = [&](const Shape& k, const Shape& v) { cache.append(zeros<float>(k), zeros<float>(v)); };
  CHECK_ERROR(put({2, 3, 4}, {2, 1, 3, 4}), ShapeError, "KeyValueCache: key [2, 3, 4] must have four axes");
  put({2, 1, 3, 4}, {2, 1, 3, 4});
  CHECK_ERROR(put({3, 1, 1, 4}, {2, 1, 1, 4}), ShapeError,
              "KeyValueCache: key [3, 1, 1, 4] does not fit those that are there, [2, 1, 16, 4]");
  CHECK_ERROR(put({2, 1, 1, 4}, {2, 1, 1, 5}), ShapeError,
              "KeyValueCache: value [2, 1, 1, 5] does not fit those that are there, [2, 1, 16, 4]");
  CHECK_ERROR(put({2, 1, 2, 4}, {2, 1, 1, 4}), ShapeError,
              "KeyValueCache: key [2, 1, 2, 4] and value [2, 1, 1, 4] differ in length");
  CHECK_ERROR(cache.truncate(4), IndexError, "KeyValueCache: cannot truncate 3 positions to 4");
  Tensor<float> k = zeros<float>({2, 1, 1, 4});
  k.requires_grad_();
  CHECK_ERROR(cache.append(k, k), GradError,
              "KeyValueCache: no gradient goes through a cache; a NoGradGuard says that none is wanted");
  CHECK(cache.length == 3);
}

TEST_CASE("ModelCache: what a pass that threw left behind is forgotten") {
  const nn::TransformerEncoderLayer<double> layer(8, 2, {.dim_feedforward = 8, .batch_first = true});
  nn::TransformerEncoder<double> model(layer, 2);
  model.eval();
  NoGradGuard no_grad;
  const auto x = randn<double>({1, 5, 8});
  nn::TransformerEncoder<double>::Cache cache, other;
  model(x.narrow(1, 0, 3), {}, &cache);
  cache.layers[1].key =
      nn::Buffer<double>(zeros<double>({1, 2, 16, 3}));  // the second layer throws, the first has read
  CHECK_THROWS_AS(model(x.narrow(1, 3, 1), {}, &cache), ShapeError);
  CHECK(cache.length == 3);
  CHECK(cache.layers[0].length == 4);
  cache = {};
  model(x.narrow(1, 0, 3), {}, &cache);
  cache.layers[0].length = 5;  // as left behind
  const auto y = model(x.narrow(1, 3, 2), {}, &cache);
  model(x.narrow(1, 0, 3), {}, &other);
  CHECK(difference(y, model(x.narrow(1, 3, 2), {}, &other)) == 0);
  nn::TransformerEncoder<double> none(layer, 0);
  nn::TransformerEncoder<double>::Cache empty_cache;
  CHECK_ERROR(none(x, {}, &empty_cache), Error, "ModelCache: there is no layer to keep anything for");
}

TEST_CASE("MultiheadAttention: with a cache, positions that come one by one or together are those of one call") {
  Rng rng(3);
  RngGuard use(rng);
  NoGradGuard no_grad;
  for (const bool batch_first : {true, false})
    for (const Index kdim : {8, 6}) {  // one packed weight, or one for each
      nn::MultiheadAttention<double> attn(8, 2, {.kdim = kdim, .batch_first = batch_first});
      attn.eval();
      const int axis = batch_first ? 1 : 0;
      const auto shape = [&](Index d) { return batch_first ? Shape{3, 9, d} : Shape{9, 3, d}; };
      const auto x = randn<double>(shape(8)), k = kdim == 8 ? x : randn<double>(shape(6));
      const auto mask = triu(ones<bool>({9, 9}), 1);
      const auto whole = attn.with_weights(x, k, x, {.attn_mask = mask});
      nn::KeyValueCache<double> cache;
      std::vector<Tensor<double>> parts;
      for (const auto& [at, n] : {std::pair<Index, Index>{0, 4}, {4, 1}, {5, 3}, {8, 1}}) {
        const auto q = x.narrow(axis, at, n), key = kdim == 8 ? q : k.narrow(axis, at, n);
        const auto part = attn.with_weights(q, key, q, {.cache = &cache});
        parts.push_back(part.attn_output);
        CHECK(difference(part.attn_output_weights, whole.attn_output_weights.narrow(1, at, n).narrow(2, 0, at + n)) <
              1e-12);
      }
      CHECK(difference(cat(parts, axis), whole.attn_output) < 1e-12);
    }
}

TEST_CASE("MultiheadAttention: masks with a cache are over all positions") {
  Rng rng(4);
  RngGuard use(rng);
  NoGradGuard no_grad;
  nn::MultiheadAttention<double> attn(8, 2, {.batch_first = true});
  const auto x = randn<double>({2, 5, 8});
  const Tensor<bool> padding = {{false, true, false, false, false}, {false, false, false, false, true}};
  const auto hidden = randn<double>({5, 5}) > 1.0;
  nn::KeyValueCache<double> cache;
  attn(x.narrow(1, 0, 3), x.narrow(1, 0, 3), x.narrow(1, 0, 3), {.cache = &cache});
  const auto late = x.narrow(1, 3, 2);
  const auto y =
      attn(late, late, late, {.key_padding_mask = padding, .attn_mask = hidden.narrow(0, 3, 2), .cache = &cache});
  const auto whole = attn(x, x, x, {.key_padding_mask = padding, .attn_mask = hidden});
  CHECK(difference(y, whole.narrow(1, 3, 2)) < 1e-12);
  CHECK_ERROR(attn(late, late, late, {.attn_mask = ones<bool>({2, 5}), .cache = &cache}), ShapeError,
              "MultiheadAttention: attn_mask [2, 5] must be [2, 7] or [4, 2, 7]");
  CHECK(cache.length == 5);
  nn::MultiheadAttention<double> odd(8, 2, {.add_zero_attn = true, .batch_first = true});
  nn::KeyValueCache<double> empty_cache;
  CHECK_ERROR(odd(late, late, late, {.cache = &empty_cache}), Error,
              "MultiheadAttention: a cache has no place for what add_bias_kv and add_zero_attn add");
  CHECK_ERROR(odd.remember(late, late, empty_cache), Error,
              "MultiheadAttention: a cache has no place for what add_bias_kv and add_zero_attn add");
}

TEST_CASE("recall: gives what the call gives for a memory that remember() has read") {
  Rng rng(5);
  RngGuard use(rng);
  NoGradGuard no_grad;
  const auto x = randn<double>({2, 3, 8}), memory = randn<double>({2, 6, 8});
  const Tensor<bool> seen = {{{true, true, true, true, false, false}}, {{true, true, true, true, true, true}}};
  nn::KeyValueCache<double> cache;
  nn::MultiheadAttention<double> attn(8, 2, {.batch_first = true});
  attn.remember(memory, memory, cache);
  const nn::MultiheadAttentionCall<double> call{.key_padding_mask = !seen.select(1, 0)};
  CHECK(difference(attn.recall(x, cache, call), attn(x, memory, memory, call)) < 1e-12);
  CHECK_ERROR(attn.recall(x, cache, {.attn_mask = ones<bool>({3, 5})}), ShapeError,
              "MultiheadAttention: attn_mask [3, 5] must be [3, 6] or [4, 3, 6]");
  transformer::MultiHeadedAttention<double> annotated(2, 8);
  annotated.eval();
  nn::KeyValueCache<double> other;
  annotated.remember(memory, memory, other);
  Tensor<double> weights, wanted;
  CHECK(difference(annotated.recall(x, other, seen, &weights), annotated(x, memory, memory, seen, &wanted)) < 1e-12);
  CHECK(difference(weights, wanted) < 1e-12);
}
