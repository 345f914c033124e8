// What the goldens cannot show of MultiheadAttention and the Transformer family: initialisation, copies, dropout,
// errors, second users of one model.
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include <gloss/nn/transformer.hpp>
#include <gloss/nn/transformer_decoder_layer.hpp>
#include <gloss/nn/transformer_encoder_layer.hpp>
#include <gloss/ops/hyperbolic.hpp>
#include <gloss/ops/isclose.hpp>
#include <gloss/ops/var.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;

namespace {

double largest(const Tensor<float>& x) {
  double out = 0;
  for (const float v : gloss_test::values(x.detach())) out = std::max(out, static_cast<double>(std::abs(v)));
  return out;
}
double deviation(const Tensor<float>& x) { return std_dev(x.detach().flatten(), 0).item(); }
template <class M>
std::string names(const M& module) {
  std::string out;
  for (const auto& [name, p] : module.named_parameters()) out += (out.empty() ? "" : " ") + name;
  return out;
}
/// The elements that are 0.
double share_of_zeros(const Tensor<float>& x) {
  double zeros = 0;
  for (const float v : gloss_test::values(x.detach())) zeros += v == 0;
  return zeros / static_cast<double>(x.numel());
}

}  // namespace

TEST_CASE("MultiheadAttention: sequences one behind the other attend each within itself") {
  manual_seed(3);
  const std::vector<Index> lengths{3, 1, 0, 4};
  Tensor<bool> hidden = ones<bool>({8, 8});
  for (Index at = 0; const Index n : lengths) {
    hidden.narrow(0, at, n).narrow(1, at, n).fill_(false);
    at += n;
  }
  for (const bool batch_first : {true, false}) {
    const nn::MultiheadAttention<double> attend(8, 2, {.batch_first = batch_first});
    const Shape shape = batch_first ? Shape{1, 8, 8} : Shape{8, 1, 8};
    const auto other = randn<double>(shape), weight = randn<double>(shape);
    const auto check = [&](const auto& key_of) {
      Tensor<double> x = randn<double>(shape).requires_grad_(), x2 = x.detach().clone().requires_grad_();
      const auto packed = attend(x, key_of(x), key_of(x), {.lengths = lengths});
      const auto masked = attend(x2, key_of(x2), key_of(x2), {.attn_mask = hidden});
      CHECK(allclose(packed, masked, {.rtol = 1e-12, .atol = 1e-12}));
      sum(packed * weight).backward();
      sum(masked * weight).backward();
      CHECK(allclose(x.grad(), x2.grad(), {.rtol = 1e-12, .atol = 1e-12}));
    };
    check([](const auto& x) { return x; });
    check([&](const auto&) { return other; });
  }
}

TEST_CASE("MultiheadAttention: parameters start as PyTorch's do") {
  Rng rng(1);
  RngGuard guard(rng);
  const nn::MultiheadAttention<float> packed(64, 4, {.add_bias_kv = true});
  CHECK(names(packed) == "in_proj_weight in_proj_bias bias_k bias_v out_proj.weight out_proj.bias");
  const double bound = std::sqrt(6.0 / (64 + 192));
  CHECK(largest(packed.in_proj_weight) <= bound);
  CHECK(largest(packed.in_proj_weight) > 0.99 * bound);
  CHECK(largest(packed.out_proj.weight) <= 1.0 / 8);
  CHECK(largest(packed.out_proj.weight) > 0.99 / 8);
  CHECK(largest(packed.in_proj_bias) == 0);
  CHECK(largest(packed.out_proj.bias) == 0);
  CHECK(deviation(packed.bias_k) == Approx(std::sqrt(2.0 / 128)).epsilon(0.25));  // 64 draws
  CHECK(deviation(packed.bias_v) == Approx(std::sqrt(2.0 / 128)).epsilon(0.25));

  const nn::MultiheadAttention<float> apart(64, 4, {.bias = false, .kdim = 10, .vdim = 64});
  CHECK(names(apart) == "q_proj_weight k_proj_weight v_proj_weight out_proj.weight");
  CHECK(largest(apart.k_proj_weight) <= std::sqrt(6.0 / 74));
  CHECK(largest(apart.k_proj_weight) > 0.95 * std::sqrt(6.0 / 74));
  // a width that is given and equal is packed
  CHECK(names(nn::MultiheadAttention<float>(64, 4, {.bias = false, .kdim = 64, .vdim = 64})) ==
        "in_proj_weight out_proj.weight");
}

TEST_CASE("Transformer: by default PyTorch's base model, every matrix drawn anew by Xavier's rule") {
  Rng rng(2);
  RngGuard guard(rng);
  const nn::Transformer<float> model;
  CHECK(model.d_model == 512);
  CHECK(model.nhead == 8);
  CHECK(model.encoder.layers.size() == 6);
  CHECK(model.decoder.layers.size() == 6);
  CHECK(model.num_parameters() == 44140544);
  const auto& layer = model.encoder.layers[0];
  CHECK(layer.linear1.weight.shape() == Shape{2048, 512});
  CHECK(largest(layer.linear1.weight) > 0.999 * std::sqrt(6.0 / 2560));  // above Linear's own bound, 1 / sqrt(512)
  CHECK(largest(layer.self_attn.out_proj.weight) > 0.999 * std::sqrt(6.0 / 1024));
  CHECK(!same_bits<float>(layer.linear1.weight, model.encoder.layers[1].linear1.weight));
  CHECK(same_bits<float>(layer.linear1.bias, model.encoder.layers[1].linear1.bias));  // copies of one layer
  CHECK(largest(layer.norm1.weight) == 1);
  CHECK(layer.norm2.eps == 1e-5);
}

TEST_CASE("TransformerEncoder: layers are copies of one, with numbers of their own") {
  Rng rng(3);
  RngGuard guard(rng);
  const nn::TransformerEncoderLayer<float> layer(8, 2, {.dim_feedforward = 16});
  const nn::TransformerEncoder<float> encoder(layer, 2);
  const auto a = encoder.layers[0].parameters(), b = encoder.layers[1].parameters(), from = layer.parameters();
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(same_bits(a[i], b[i]));
    CHECK(same_bits(a[i], from[i]));
    CHECK(a[i].data() != b[i].data());
    CHECK(a[i].data() != from[i].data());
  }
  CHECK(!encoder.norm);
  const Tensor<float> x = randn<float>({5, 2, 8});
  CHECK(same_bits(nn::TransformerEncoder<float>(layer, 0)(x), x));
}

TEST_CASE("Transformer layers: dropout is where PyTorch has it, and nowhere in evaluation") {
  Rng rng(4);
  RngGuard guard(rng);
  const Tensor<float> x = randn<float>({64, 16, 32});
  nn::TransformerEncoderLayer<float> layer(32, 4, {.dim_feedforward = 64, .dropout = 0.25, .norm_first = true});
  CHECK(layer.self_attn.dropout == 0.25);
  CHECK(layer.dropout.p == 0.25);
  CHECK(layer.dropout1.p == 0.25);
  CHECK(layer.dropout2.p == 0.25);
  CHECK(!same_bits(layer(x), layer(x)));
  // Each place alone: with norm_first y - x is what the two sublayers add.
  const auto alone = [&](double weights, double inner, double first, double second) {
    nn::TransformerEncoderLayer<float> one = layer;
    one.self_attn.dropout = weights, one.dropout.p = inner, one.dropout1.p = first, one.dropout2.p = second;
    return one;
  };
  {
    auto one = alone(0, 0, 0.25, 0);
    one.linear2.weight.detach().fill_(0), one.linear2.bias.detach().fill_(0);
    CHECK(share_of_zeros(one(x) - x) == Approx(0.25).epsilon(0.05));
  }
  {
    auto one = alone(0, 0, 0, 0.25);
    one.self_attn.out_proj.weight.detach().fill_(0);
    CHECK(share_of_zeros(one(x) - x) == Approx(0.25).epsilon(0.05));
  }
  {  // hidden units: one decides one feature
    auto one = alone(0, 0.25, 0, 0);
    one.self_attn.out_proj.weight.detach().fill_(0);
    one.linear1.weight.detach().fill_(0), one.linear1.bias.detach().fill_(1);
    one.linear2.weight.detach().fill_(0), one.linear2.bias.detach().fill_(0);
    for (Index i = 0; i < 32; ++i) one.linear2.weight.detach().at({i, i}) = 3;
    const Tensor<float> added = (one(x) - x).detach();
    CHECK(share_of_zeros(added) == Approx(0.25).epsilon(0.05));
    CHECK(largest(added) == Approx(4));  // 3 / (1 - p)
  }
  {  // the weights of attention: those that come back are those used
    const auto one = alone(0.25, 0, 0, 0);
    const auto [y, weights] = one.self_attn.with_weights(x, x, x, {.average_attn_weights = false});
    CHECK(share_of_zeros(weights) == Approx(0.25).epsilon(0.05));
    NoGradGuard no_grad;
    const auto [z, fused] = one.self_attn.with_weights(x, x, x, {.average_attn_weights = false});
    CHECK(share_of_zeros(fused) == Approx(0.25).epsilon(0.05));
  }
  layer.eval();
  CHECK(same_bits(layer(x), layer(x)));
  auto none = alone(0, 0, 0, 0);
  CHECK(difference(layer(x), none(x)) < 1e-6);

  nn::TransformerDecoderLayer<float> decoder(32, 4, {.dropout = 0.25});
  CHECK(decoder.self_attn.dropout == 0.25);
  CHECK(decoder.multihead_attn.dropout == 0.25);
  CHECK(decoder.dropout.p + decoder.dropout1.p + decoder.dropout2.p + decoder.dropout3.p == 1.0);
  CHECK(!same_bits(decoder(x, x), decoder(x, x)));
  decoder.eval();
  CHECK(same_bits(decoder(x, x), decoder(x, x)));
}

TEST_CASE("Transformer layers: gradcheck by the input and every parameter, with masks and dropout") {
  Rng rng(5);
  RngGuard guard(rng);
  for (const bool norm_first : {false, true}) {
    nn::TransformerEncoderLayer<double> encoder(
        4, 2, {.dim_feedforward = 5, .dropout = 0.2, .activation = "gelu", .norm_first = norm_first});
    nn::TransformerDecoderLayer<double> decoder(4, 2,
                                                {.dim_feedforward = 5,
                                                 .dropout = norm_first ? 0.0 : 0.2,
                                                 .activation = [](const Tensor<double>& x) { return tanh(x); },
                                                 .batch_first = true,
                                                 .norm_first = norm_first});
    Tensor<bool> padding = zeros<bool>({2, 3});
    padding.at({1, 2}) = true;
    const auto inputs = [](const nn::Module<double>& module, std::vector<Tensor<double>> x) {
      for (const Tensor<double>& p : module.parameters()) x.push_back(p);
      return x;
    };
    const auto leaf = [](const Shape& shape) { return randn<double>(shape).requires_grad_(); };
    // gradcheck changes the parameters where they are
    CHECK(gradcheck(
        [&](const std::vector<Tensor<double>>& in) {
          Rng same(6);
          RngGuard inner(same);
          return encoder(in[0], {.src_key_padding_mask = padding});
        },
        inputs(encoder, {leaf({3, 2, 4})})));
    CHECK(gradcheck(
        [&](const std::vector<Tensor<double>>& in) {
          Rng same(6);
          RngGuard inner(same);
          return decoder(in[0], in[1],
                         {.tgt_mask = nn::generate_square_subsequent_mask<double>(4),
                          .memory_key_padding_mask = padding,
                          .tgt_is_causal = true});
        },
        inputs(decoder, {leaf({2, 4, 4}), leaf({2, 3, 4})})));
  }
}

TEST_CASE("MultiheadAttention: a query that may attend to nothing") {
  Rng rng(7);
  RngGuard guard(rng);
  nn::MultiheadAttention<float> attention(8, 2, {.batch_first = true});
  nn::init::normal_(attention.out_proj.bias);
  const Tensor<float> x = randn<float>({2, 4, 8}).requires_grad_();
  Tensor<bool> mask = zeros<bool>({4, 4});
  mask.select(0, 1).fill_(true);
  const Tensor<float> y = attention(x, x, x, {.attn_mask = mask});
  CHECK(difference(y[0][1].detach(), attention.out_proj.bias.detach()) == 0);
  sum(y).backward();
  for (const Tensor<float>& p : attention.parameters())
    for (const float g : gloss_test::values(p.grad())) CHECK(std::isfinite(g));
  const auto [z, weights] = attention.with_weights(x, x, x, {.attn_mask = mask});
  CHECK(std::isnan(z.at({1, 1, 3})));
  CHECK(std::isnan(weights.at({1, 1, 0})));
  CHECK(difference(z[0][2].detach(), y[0][2].detach()) < 1e-6);
  // no keys at all
  nn::MultiheadAttention<float> any(8, 2);
  nn::init::normal_(any.out_proj.bias);
  const Tensor<float> nothing = zeros<float>({0, 2, 8});
  CHECK(difference(any(x.transpose(0, 1), nothing, nothing)[3][1].detach(), any.out_proj.bias.detach()) == 0);
  CHECK(any(nothing, nothing, nothing).shape() == Shape{0, 2, 8});
}

TEST_CASE("MultiheadAttention: heads are read from the projections in place, and kept once for the backward") {
  for (const bool batch_first : {true, false}) {
    const nn::MultiheadAttention<float> attention(64, 4, {.batch_first = batch_first});
    const Tensor<float> x = randn<float>({8, 64, 64}), memory = randn<float>({8, 64, 64});
    for (const Tensor<float>& key : {x, memory}) {
      const std::size_t before = memory_stats().in_use;
      const Tensor<float> y = attention(x, key, key);
      const auto kept = static_cast<double>(memory_stats().in_use - before) / static_cast<double>(x.numel() * 4);
      CHECK(kept >= 5);    // q, k, v, heads, output
      CHECK(kept <= 6.4);  // and two numbers a row; blocks may be a quarter larger than asked for
    }
  }
}

TEST_CASE("Transformer: one model, two threads, the same bits") {
  Rng rng(8);
  RngGuard guard(rng);
  nn::Transformer<float> model(32, 4, {.num_encoder_layers = 2, .num_decoder_layers = 2, .dim_feedforward = 64});
  model.eval();
  const nn::Transformer<float>& shared = model;
  const Tensor<float> src = randn<float>({9, 3, 32}), tgt = randn<float>({7, 3, 32});
  const Tensor<float> mask = nn::generate_square_subsequent_mask(7), expected = shared(src, tgt, {.tgt_mask = mask});
  std::vector<Tensor<float>> found(2);
  std::vector<std::thread> threads;
  for (Tensor<float>& y : found)
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) y = shared(src, tgt, {.tgt_mask = mask});
    });
  for (std::thread& t : threads) t.join();
  for (const Tensor<float>& y : found) CHECK(same_bits(y, expected));
}

TEST_CASE("Transformer: a position sees nothing after it under generate_square_subsequent_mask") {
  Rng rng(9);
  RngGuard guard(rng);
  const Tensor<float> mask = nn::generate_square_subsequent_mask(3);
  constexpr float never = -std::numeric_limits<float>::infinity();
  CHECK(same_bits(mask, Tensor<float>{{0, never, never}, {0, 0, never}, {0, 0, 0}}));
  CHECK(nn::generate_square_subsequent_mask<double>(0).shape() == Shape{0, 0});
  nn::TransformerEncoder<float> encoder(nn::TransformerEncoderLayer<float>(16, 2, {.batch_first = true}), 2);
  encoder.eval();
  const Tensor<float> x = randn<float>({2, 20, 16}), y = encoder(x, {.mask = nn::generate_square_subsequent_mask(20)});
  Tensor<float> changed = x.clone();
  changed.slice(1, 12).fill_(3);
  const Tensor<float> z = encoder(changed, {.mask = nn::generate_square_subsequent_mask(20)});
  CHECK(difference(y.slice(1, 0, 12).detach(), z.slice(1, 0, 12).detach()) < 1e-6);
  CHECK(difference(y.slice(1, 12).detach(), z.slice(1, 12).detach()) > 0.1);
}

TEST_CASE("Transformer family: a wrong size says what and where") {
  using Attention = nn::MultiheadAttention<float>;
  CHECK_ERROR(Attention(0, 8), ShapeError, "MultiheadAttention: embed_dim and num_heads must be positive: 0 and 8");
  CHECK_ERROR(Attention(8, 0), ShapeError, "MultiheadAttention: embed_dim and num_heads must be positive: 8 and 0");
  CHECK_ERROR(Attention(8, 3), ShapeError, "MultiheadAttention: embed_dim 8 is not a multiple of num_heads 3");
  CHECK_ERROR(Attention(8, 2, {.kdim = -1}), ShapeError, "MultiheadAttention: negative size: kdim -1, vdim 0");
  CHECK_ERROR(Attention(8, 2, {.dropout = 1.5}), Error, "MultiheadAttention: dropout 1.5 is not in [0, 1]");

  const Attention attend(8, 2, {.kdim = 5, .vdim = 3, .batch_first = true});
  const auto x = [](const Shape& shape) { return zeros<float>(shape); };
  const auto hides = [](const Shape& shape) { return zeros<bool>(shape); };
  const Tensor<float> q = x({2, 4, 8}), k = x({2, 6, 5}), v = x({2, 6, 3});
  CHECK_ERROR(attend(x({8}), k, v), ShapeError, "MultiheadAttention: query [8] must have 3 axes, or 2 without a batch");
  CHECK_ERROR(attend(x({1, 2, 4, 8}), k, v), ShapeError,
              "MultiheadAttention: query [1, 2, 4, 8] must have 3 axes, or 2 without a batch");
  CHECK_ERROR(attend(q, x({6, 5}), v), ShapeError,
              "MultiheadAttention: key [6, 5] and value [2, 6, 3] must have 3 axes as query [2, 4, 8] has");
  CHECK_ERROR(attend(x({4, 8}), k, x({6, 3})), ShapeError,
              "MultiheadAttention: key [2, 6, 5] and value [6, 3] must have 2 axes as query [4, 8] has");
  CHECK_ERROR(attend(x({2, 4, 7}), k, v), ShapeError,
              "MultiheadAttention: query [2, 4, 7] does not end in embed_dim 8");
  CHECK_ERROR(attend(q, x({2, 6, 8}), v), ShapeError, "MultiheadAttention: key [2, 6, 8] does not end in kdim 5");
  CHECK_ERROR(attend(q, k, x({2, 6, 8})), ShapeError, "MultiheadAttention: value [2, 6, 8] does not end in vdim 3");
  CHECK_ERROR(attend(q, k, x({2, 7, 3})), ShapeError,
              "MultiheadAttention: key [2, 6, 5] and value [2, 7, 3] differ in length or batch");
  CHECK_ERROR(attend(q, k, x({1, 6, 3})), ShapeError,
              "MultiheadAttention: key [2, 6, 5] and value [1, 6, 3] differ in length or batch");
  CHECK_ERROR(attend(x({3, 4, 8}), k, v), ShapeError,
              "MultiheadAttention: query [3, 4, 8] and key [2, 6, 5] differ in batch");
  CHECK_ERROR(attend(q, k, v, {.key_padding_mask = hides({6})}), ShapeError,
              "MultiheadAttention: key_padding_mask [6] must be [2, 6]");
  CHECK_ERROR(attend(x({4, 8}), x({6, 5}), x({6, 3}), {.key_padding_mask = hides({1, 6})}), ShapeError,
              "MultiheadAttention: key_padding_mask [1, 6] must be [6]");
  CHECK_ERROR(attend(q, k, v, {.attn_mask = hides({6, 4})}), ShapeError,
              "MultiheadAttention: attn_mask [6, 4] must be [4, 6] or [4, 4, 6]");
  CHECK_ERROR(attend(q, k, v, {.attn_mask = x({2, 4, 6})}), ShapeError,
              "MultiheadAttention: attn_mask [2, 4, 6] must be [4, 6] or [4, 4, 6]");
  CHECK_ERROR(attend(q, k, v, {.is_causal = true}), Error,
              "MultiheadAttention: is_causal is a hint about attn_mask, which is missing; "
              "generate_square_subsequent_mask makes one");
  const std::vector<Index> two{1, 3}, negative{-1, 5}, none{};
  const Tensor<float> one = x({1, 4, 8});
  const nn::MultiheadAttention<float> own(8, 2, {.batch_first = true}), with_keys(8, 2, {.add_bias_kv = true});
  CHECK_ERROR(own(q, q, q, {.lengths = two}), ShapeError,
              "MultiheadAttention: lengths add up to 4; there are 4 queries and 4 keys in a batch of 2");
  CHECK_ERROR(own(x({1, 5, 8}), one, one, {.lengths = two}), ShapeError,
              "MultiheadAttention: lengths add up to 4; there are 5 queries and 4 keys in a batch of 1");
  CHECK_ERROR(own(one, one, one, {.lengths = negative}), ShapeError, "MultiheadAttention: a length is -1");
  CHECK_ERROR(own(one, one, one, {.key_padding_mask = hides({1, 4}), .lengths = two}), Error,
              "MultiheadAttention: with lengths there is no mask, no cache and no added key");
  CHECK_ERROR(with_keys(x({4, 1, 8}), x({4, 1, 8}), x({4, 1, 8}), {.lengths = two}), Error,
              "MultiheadAttention: with lengths there is no mask, no cache and no added key");
  CHECK_ERROR(own.with_weights(one, one, one, {.lengths = two}), Error,
              "MultiheadAttention: with lengths there are no weights to return");
  nn::KeyValueCache<float> remembered;
  const NoGradGuard no_grad;
  own.remember(one, one, remembered);
  CHECK_ERROR(own.recall(one, remembered, {.lengths = two}), Error,
              "MultiheadAttention: with lengths there is no mask, no cache and no added key");
  CHECK(own(one, one, one, {.lengths = none}).shape() == Shape{1, 4, 8});

  using Layer = nn::TransformerEncoderLayer<float>;
  CHECK_ERROR(Layer(8, 2, {.activation = "swish"}), Error,
              "FeedForwardActivation: activation must be relu, gelu or a callable, not swish");
  CHECK_ERROR(Layer(8, 2, {.dim_feedforward = -1}), ShapeError,
              "Linear: negative size: in_features 8, out_features -1");
  CHECK_ERROR(Layer(8, 2, {.dropout = -0.1}), Error, "MultiheadAttention: dropout -0.1 is not in [0, 1]");
  CHECK_ERROR(nn::TransformerEncoder<float>(Layer(8, 2), -1), Error, "clones: -1 copies asked for");
  CHECK_ERROR(Layer(8, 2)(x({4, 2, 7})), ShapeError, "MultiheadAttention: query [4, 2, 7] does not end in embed_dim 8");

  const nn::Transformer<float> model(8, 2, {.num_encoder_layers = 1, .num_decoder_layers = 1, .dim_feedforward = 4});
  CHECK_ERROR(model(x({5, 2, 8}), x({4, 3, 8})), ShapeError,
              "Transformer: src [5, 2, 8] and tgt [4, 3, 8] differ in batch");
  CHECK_ERROR(model(x({5, 2, 8}), x({4, 2, 6})), ShapeError,
              "Transformer: src [5, 2, 8] and tgt [4, 2, 6] must end in d_model 8");
  CHECK_ERROR(model(x({5, 8}), x({4, 2, 8})), ShapeError,
              "Transformer: src [5, 8] and tgt [4, 2, 8] must have 3 axes, or 2 without a batch");
}
