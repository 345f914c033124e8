// Models with weights of 8 bits: what is replaced, how far the outputs move, and what such a model refuses.
#include <cmath>
#include <string>
#include <vector>

#include <gloss/decode/beam.hpp>
#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/gloss.hpp>
#include <gloss/nn/quantize.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::relative_to_largest;
using gloss_test::same_bits;

namespace {

/// An embedding whose table is the last layer's weight, and layers that are called in every way.
struct Tied final : nn::Module<float> {
  nn::Embedding<float> words;
  nn::Linear<float> first, second, last;

  Tied() : words(50, 24), first(24, 96), second(96, 24), last(24, 50, {.bias = false}) {
    last.weight.tie(words.weight);
  }
  Tensor<float> operator()(const Tensor<std::int64_t>& ids) const {
    const Tensor<float> x = words(ids);
    return this->output(last(second.added_to(x, first.with_gelu(x))));
  }
  void visit(nn::Visitor<float>& v) override {
    v("words", words), v("first", first), v("second", second), v("last", last);
  }
};

const Tensor<std::int64_t> ids = {{3, 1, 4, 1, 5}, {9, 2, 6, 49, 0}};

}  // namespace

TEST_CASE("quantize: layers compute with bytes, near what they computed, and the report says how near") {
  manual_seed(1);
  nn::Linear<float> layer(300, 70);
  const Tensor<float> x = randn<float>({4, 9, 300});
  const Tensor<float> before = layer(x), relu_before = layer.with_relu(x);
  const nn::QuantizeReport report = nn::quantize(layer);
  CHECK(relative_to_largest(layer(x), before) < 0.02);
  CHECK(relative_to_largest(layer(x), before) > 1e-5);
  CHECK(same_bits(layer.with_relu(x), relu(layer(x))));
  CHECK(relative_to_largest(layer.with_relu(x), relu_before) < 0.02);
  REQUIRE(report.weights.size() == 1);
  const nn::QuantizedWeight& w = report.weights[0];
  CHECK(w.name == "weight");
  CHECK(w.shape == Shape{70, 300});
  CHECK((w.error > 1e-3 && w.error < 1e-2));
  CHECK(w.bytes_before == 4 * 70 * 300);
  CHECK(w.bytes_after == 128 * 300 + 8 * 128);  // in panels of 64
  CHECK(report.bytes_before == w.bytes_before + 4 * 70);
  CHECK(report.bytes_after == w.bytes_after + 4 * 70);
  CHECK(report.table() == "weight                                       0.084 MB ->    0.039 MB  error " +
                              report.table().substr(76, 8) +
                              "\nall parameters                               0.084 MB ->    0.040 MB\n");
  CHECK(layer.weight.shape() == Shape{70, 300});
  CHECK(std::isnan(layer.weight.at({69, 299})));
  CHECK(!layer.weight.requires_grad());
  CHECK(!layer.bias.requires_grad());
  CHECK(!layer.is_training());
}

TEST_CASE("quantize: weights in bfloat16 are the rounded numbers") {
  manual_seed(8);
  nn::Linear<float> layer(300, 70);
  const Tensor<float> x = randn<float>({2, 300}), rounded = cast<float>(cast<bfloat16>(x));
  const Tensor<float> expected = linear(rounded, cast<float>(cast<bfloat16>(layer.weight.detach())), layer.bias);
  const nn::QuantizeReport report = nn::quantize(layer, {.weights = nn::WeightFormat::bfloat16});
  CHECK(relative_to_largest(layer(x), expected) < 1e-5);
  CHECK((report.weights[0].error > 1e-4 && report.weights[0].error < 0x1p-8));
  CHECK(report.weights[0].bytes_after == 128 * 300 * 2);
  Tied model;
  const Tensor<float> before = model(ids);
  nn::quantize(model, {.weights = nn::WeightFormat::bfloat16});
  CHECK(relative_to_largest(model(ids), before) < 0.01);
}

TEST_CASE("quantize: blocks of 4 and of 8 bits have a scale for every 32 inputs") {
  manual_seed(9);
  const nn::Linear<float> layer(300, 70);
  const Tensor<float> x = randn<float>({4, 9, 300}), before = layer(x);
  for (const bool is_small : {true, false}) {
    nn::Linear<float> packed = layer;
    const nn::QuantizeReport report =
        nn::quantize(packed, {.weights = is_small ? nn::WeightFormat::int4 : nn::WeightFormat::int8_blocks});
    REQUIRE(report.weights.size() == 1);
    const nn::QuantizedWeight& w = report.weights[0];
    CHECK(w.name == "weight");
    CHECK((w.error > (is_small ? 0.05 : 2e-3) && w.error < (is_small ? 0.1 : 6e-3)));
    CHECK(w.bytes_after == 96 * 10 * (is_small ? 18 : 34));  // in panels of 32, blocks of 32
    CHECK(report.bytes_after == w.bytes_after + 4 * 70);
    CHECK(relative_to_largest(packed(x), before) < (is_small ? 0.1 : 0.01));
    CHECK(relative_to_largest(packed(x), before) > 1e-5);
    CHECK(same_bits(packed.with_relu(x), relu(packed(x))));
    const Tensor<float> numbers =
        embedding(Tensor<std::int64_t>{69, 0}, packed.weight);  // near, and what it computes by
    CHECK(relative_to_largest(numbers, embedding(Tensor<std::int64_t>{69, 0}, layer.weight)) <
          (is_small ? 0.13 : 0.004));
    CHECK(relative_to_largest(packed(x).narrow(-1, 69, 1),
                              linear(x, numbers.narrow(0, 0, 1), layer.bias.narrow(0, 69, 1))) < 0.01);
  }
}

TEST_CASE("quantize: blocks of numbers that are too small for scales of float16 have scales of float") {
  manual_seed(11);
  nn::Linear<float> layer(64, 32, {.bias = false});
  layer.weight.detach().copy_(layer.weight.detach() * 1e-6f);
  const Tensor<float> x = randn<float>({3, 64}), before = layer(x);
  const nn::QuantizeReport report = nn::quantize(layer, {.weights = nn::WeightFormat::int8_blocks});
  CHECK(report.bytes_after == 32 * 2 * 36);
  CHECK(relative_to_largest(layer(x), before) < 0.02);
}

TEST_CASE("quantize: a model whose layers have few inputs, in blocks of 4 bits") {
  manual_seed(10);
  Tied model;
  const Tensor<float> before = model(ids);
  const nn::QuantizeReport report = nn::quantize(model, {.weights = nn::WeightFormat::int4});
  CHECK(report.weights.size() == 3);
  CHECK(model.words.weight.is_same(model.last.weight));
  CHECK(relative_to_largest(model(ids), before) < 0.2);
}

TEST_CASE("quantize: weights of float in panels give the bits that they gave") {
  manual_seed(12);
  const nn::Linear<float> layer(300, 70), narrow(300, 5);  // 5 outputs stay in rows
  nn::Linear<float> packed = layer, packed_narrow = narrow;
  const nn::QuantizeReport report = nn::quantize(packed, {.weights = nn::WeightFormat::float32});
  nn::quantize(packed_narrow, {.weights = nn::WeightFormat::float32});
  REQUIRE(report.weights.size() == 1);
  const nn::QuantizedWeight& w = report.weights[0];
  CHECK(w.error == 0);
  const Index width = kernels::FloatWeights{.n = 70, .k = 300}.width();
  CHECK(w.bytes_after == static_cast<std::size_t>((70 + width - 1) / width * width * 300 * 4));
  CHECK(report.bytes_after == w.bytes_after + 4 * 70);
  CHECK(packed.weight.shape() == Shape{70, 300});
  CHECK(std::isnan(packed.weight.at({0, 0})));
  CHECK(!packed.bias.requires_grad());
  const NoGradGuard no_grad;
  for (const Index rows : {0, 1, 3, 4, 16, 17, 100}) {
    CAPTURE(rows);
    const Tensor<float> x = randn<float>({rows, 300}), residual = randn<float>({rows, 70});
    CHECK(same_bits(packed(x), layer(x)));
    CHECK(same_bits(packed.with_relu(x), layer.with_relu(x)));
    CHECK(same_bits(packed.with_gelu(x), layer.with_gelu(x)));
    CHECK(same_bits(packed.added_to(residual, x), layer.added_to(residual, x)));
    CHECK(same_bits(packed_narrow(x), narrow(x)));
    CHECK(same_bits(joint_linear(x, {packed.weight, packed.weight}, {packed.bias, packed.bias}),
                    joint_linear(x, {layer.weight, layer.weight}, {layer.bias, layer.bias})));
  }
  const Tensor<float> turned = randn<float>({300, 40}).t();
  CHECK(same_bits(packed(turned), layer(turned)));
  CHECK(same_bits(packed(turned.narrow(0, 0, 4)), layer(turned.narrow(0, 0, 4).contiguous())));
}

TEST_CASE("quantize: a model whose weights are panels of float, tied and one by one") {
  manual_seed(13);
  Tied model;
  const Tensor<float> before = model(ids);
  const nn::QuantizeReport report = nn::quantize(model, {.weights = nn::WeightFormat::float32});
  CHECK(report.weights.size() == 3);
  CHECK(model.words.weight.is_same(model.last.weight));
  CHECK(same_bits(model(ids), before));
  const Tied copy = model;
  CHECK(copy.first.weight.storage() == model.first.weight.storage());
  CHECK(same_bits(copy(ids), before));
  CHECK_ERROR(model.state_dict(), Error, "state_dict: words.weight is quantized: its numbers are not kept");
  CHECK_ERROR(nn::quantize(model), Error, "quantize: the model has no linear layer to quantize");
}

TEST_CASE("quantize: with panels of float a beam search finds the same tokens and scores") {
  manual_seed(14);
  auto model =
      transformer::make_model<float>({.src_vocab = 100, .tgt_vocab = 90, .N = 2, .d_model = 64, .d_ff = 128, .h = 4});
  model.eval();
  auto packed = model;
  nn::quantize(packed, {.weights = nn::WeightFormat::float32});
  const Tensor<std::int64_t> source = randint(3, 100, {3, 11});
  const Tensor<bool> mask = ones<bool>({3, 1, 11});
  for (const Index beam : {1, 4, 8}) {  // products of 3, 12 and 24 rows
    const decode::BeamOptions options{.start = 0, .end = 1, .max_len = 12, .beam = beam};
    const auto found = decode::beam_search(packed, source, mask, options),
               expected = decode::beam_search(model, source, mask, options);
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i][0].tokens == expected[i][0].tokens);
      CHECK(found[i][0].score == expected[i][0].score);
    }
  }
}

TEST_CASE("quantize: memory of a large layer falls to a quarter") {
  manual_seed(2);
  nn::Linear<float> layer(512, 2048, {.bias = false});
  empty_cache();
  const std::size_t before = memory_stats().in_use;
  const nn::QuantizeReport report = nn::quantize(layer);
  CHECK(static_cast<double>(report.bytes_after) < 0.26 * static_cast<double>(report.bytes_before));
  CHECK(before - memory_stats().in_use > report.bytes_before / 2);
}

TEST_CASE("quantize: a table that is tied to a layer is one with it") {
  manual_seed(3);
  Tied model;
  const Tensor<float> before = model(ids);
  const nn::QuantizeReport report = nn::quantize(model);
  REQUIRE(report.weights.size() == 3);
  CHECK(report.weights[2].name == "last.weight");
  CHECK(model.words.weight.is_same(model.last.weight));
  CHECK(model.named_parameters().size() == 5);
  CHECK(relative_to_largest(model(ids), before) < 0.03);
  const Tensor<float> row = model.words(Tensor<std::int64_t>{7});
  const Tensor<float> y = linear(row, model.words.weight);  // as bytes of the row's own scale
  CHECK(y.at({0, 7}) == Approx(sum(row * row).item()).epsilon(0.03));
}

TEST_CASE("quantize: what is to be kept is kept") {
  manual_seed(4);
  Tied model;
  const Tensor<float> weight = model.first.weight.detach().clone();
  const nn::QuantizeReport report = nn::quantize(model, {.keep = {"first", "last"}});
  REQUIRE(report.weights.size() == 1);
  CHECK(report.weights[0].name == "second.weight");
  CHECK(same_bits(model.first.weight.detach(), weight));
  CHECK_ERROR(nn::quantize(model, {.keep = {"first", "last"}}), Error,
              "quantize: the model has no linear layer to quantize");
  CHECK(nn::quantize(model).weights.size() == 2);
}

TEST_CASE("quantize: a copy shares the packed weights and computes the same bits, and so does an assigned model") {
  manual_seed(5);
  Tied model;
  nn::quantize(model);
  const Tensor<float> y = model(ids);
  const Tied copy = model;
  CHECK(copy.first.weight.storage() == model.first.weight.storage());
  CHECK(copy.last.weight.is_same(copy.words.weight));
  CHECK(same_bits(copy(ids), y));
  Tied assigned;
  assigned = model;
  const NoGradGuard no_grad;  // biases take numbers, and go on asking for gradients
  CHECK(same_bits(assigned(ids), y));
  const Tied other;
  const Tensor<float> other_y = other(ids);
  model = other;  // and back to numbers
  CHECK(same_bits(model(ids), other_y));
}

TEST_CASE("quantize: a model of attention, whose layers are multiplied side by side, stays near its outputs") {
  manual_seed(6);
  auto model =
      transformer::make_model<float>({.src_vocab = 100, .tgt_vocab = 90, .N = 2, .d_model = 64, .d_ff = 128, .h = 4});
  model.eval();
  const Tensor<std::int64_t> source = randint(3, 100, {3, 11}), target = randint(3, 90, {3, 7});
  const Tensor<bool> source_mask = ones<bool>({3, 1, 11}), target_mask = transformer::subsequent_mask(7);
  const NoGradGuard no_grad;
  const auto run = [&] { return model.generator(model(source, target, source_mask, target_mask)); };
  const Tensor<float> before = run();
  const nn::QuantizeReport report = nn::quantize(model);
  CHECK(report.weights.size() == 2 * (4 + 2) + 2 * (8 + 2) + 1);
  const Tensor<float> after = run();
  CHECK(relative_to_largest(after, before) < 0.02);
  CHECK(!same_bits(after, before));
}

TEST_CASE("quantize: the projections of multi-head attention, together and one by one") {
  manual_seed(8);
  const NoGradGuard no_grad;
  const Index width = 128;
  const Tensor<float> x = randn<float>({2, 9, width}), memory = randn<float>({2, 13, width}),
                      other = randn<float>({2, 13, width});
  const auto all = [&](const nn::MultiheadAttention<float>& attention) {
    nn::KeyValueCache<float> cache, source;
    attention.remember(memory, memory, source);
    return std::vector<Tensor<float>>{attention(x, x, x), attention(x, memory, memory), attention(x, memory, other),
                                      attention(x, x, x, {.cache = &cache}), attention.recall(x, source)};
  };
  for (const auto& [format, off] : {std::pair{nn::WeightFormat::int8, 0.03},
                                    {nn::WeightFormat::bfloat16, 0.02},
                                    {nn::WeightFormat::int4, 0.2},
                                    {nn::WeightFormat::int8_blocks, 0.02},
                                    {nn::WeightFormat::float32, 0.0}}) {
    CAPTURE(static_cast<int>(format));
    nn::MultiheadAttention<float> attention(width, 4, {.batch_first = true});
    attention.eval();
    const auto before = all(attention);
    const nn::QuantizeReport report = nn::quantize(attention, {.weights = format});
    REQUIRE(report.weights.size() == 2);
    CHECK(report.weights[0].name == "in_proj_weight");
    CHECK(report.weights[0].shape == Shape{3 * width, width});
    CHECK(report.weights[1].name == "out_proj.weight");
    const auto after = all(attention);
    for (std::size_t i = 0; i < before.size(); ++i) {
      CHECK(relative_to_largest(after[i], before[i]) <= off);
      CHECK(same_bits(after[i], before[i]) == (format == nn::WeightFormat::float32));
    }
    // a part is the same columns of the whole
    const Tensor<float> w = attention.in_proj_weight, rows = x.view({18, width}), whole = linear(rows, w);
    for (const auto& [from, to] : {std::pair<Index, Index>{0, width}, {width, 3 * width}, {2 * width, 3 * width}}) {
      const Tensor<float> part = gloss::detail::rows_of_weight(w, from, to);
#ifdef GLOSS_BACKEND_EIGEN  // whose products round otherwise for another number of columns
      CHECK(relative_to_largest(linear(rows, part), whole.slice(1, from, to)) < 1e-6);
#else
      CHECK(same_bits(linear(rows, part), whole.slice(1, from, to)));
#endif
      CHECK(same_bits(embedding(Tensor<std::int64_t>{0, to - from - 1}, part),
                      embedding(Tensor<std::int64_t>{from, to - 1}, w)));
    }
#ifdef GLOSS_BACKEND_EIGEN  // for which panels of float are rows
    if (format == nn::WeightFormat::float32) continue;
#endif
    CHECK_ERROR(gloss::detail::rows_of_weight(w, 1, 3), Error, "PackedWeight: rows 1 to 3 are no weight of their own");
  }
  nn::MultiheadAttention<float> apart(width, 4, {.kdim = 40, .vdim = 24, .batch_first = true}), narrow(24, 2);
  const Tensor<float> k = randn<float>({2, 13, 40}), v = randn<float>({2, 13, 24});
  const Tensor<float> before = apart(x, k, v);
  const nn::QuantizeReport report = nn::quantize(apart);
  REQUIRE(report.weights.size() == 4);
  CHECK(report.weights[2].name == "v_proj_weight");
  CHECK(relative_to_largest(apart(x, k, v), before) < 0.03);
  CHECK(nn::quantize(narrow).weights.size() == 1);  // 24 columns are no whole panel
  const nn::TransformerEncoderLayer<float> layer(64, 2, {.dim_feedforward = 64});
  auto kept = layer;
  CHECK(nn::quantize(kept, {.keep = {"self_attn"}}).weights.size() == 2);
}

TEST_CASE("quantize: what needs the numbers is refused") {
  manual_seed(7);
  Tied model;
  CHECK_ERROR(nn::quantize(model, {.keep = {"third"}}), Error, "quantize: there is no 'third' to keep");
  nn::Embedding<float> table(5, 3);
  CHECK_ERROR(nn::quantize(table), Error, "quantize: the model has no linear layer to quantize");
  nn::quantize(model);
  CHECK_ERROR(model.state_dict(), Error, "state_dict: words.weight is quantized: its numbers are not kept");
  Tensor<float> x = randn<float>({2, 24});
  x.requires_grad_();
  CHECK_ERROR(model.first(x), GradError, "linear: x requires a gradient, which a quantized weight does not give");
  CHECK_ERROR(joint_linear(x, {model.first.weight}), GradError,
              "joint_linear: x requires a gradient, which a quantized weight does not give");
  const NoGradGuard no_grad;
  CHECK(model.first(x).shape() == Shape{2, 96});
  CHECK_ERROR(model.first(randn<float>({2, 25})), ShapeError,
              "linear: x [2, 25] does not end in in_features of weight [96, 24]");
}
