// Every class of the Annotated Transformer: shapes, masks, ties, errors; one const model on many threads.
#include <cmath>
#include <thread>

#include <gloss/nn/taps.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/relu.hpp>
#include <gloss/ops/var.hpp>
#include <gloss/train/annotated/batch.hpp>
#include <gloss/transformer/attention.hpp>
#include <gloss/transformer/decoder.hpp>
#include <gloss/transformer/decoder_layer.hpp>
#include <gloss/transformer/embeddings.hpp>
#include <gloss/transformer/encoder.hpp>
#include <gloss/transformer/encoder_decoder.hpp>
#include <gloss/transformer/encoder_layer.hpp>
#include <gloss/transformer/feed_forward.hpp>
#include <gloss/transformer/generator.hpp>
#include <gloss/transformer/layer_norm.hpp>
#include <gloss/transformer/make_model.hpp>
#include <gloss/transformer/multi_head_attention.hpp>
#include <gloss/transformer/positional_encoding.hpp>
#include <gloss/transformer/residual.hpp>
#include <gloss/transformer/sublayer_connection.hpp>
#include <gloss/transformer/subsequent_mask.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using namespace gloss::transformer;
using gloss_test::difference;
using gloss_test::same_bits;
using gloss_test::values;
using Ids = Tensor<std::int64_t>;

namespace {

EncoderDecoder<double> small_model(bool share = false) {
  auto model = make_model<double>({.src_vocab = 12,
                                   .tgt_vocab = share ? 12 : 15,
                                   .N = 2,
                                   .d_model = 16,
                                   .d_ff = 24,
                                   .h = 4,
                                   .max_len = 20,
                                   .share_embeddings = share});
  model.eval();
  return model;
}

train::Batch small_batch() { return {Ids{{3, 4, 5, 6, 2}, {7, 8, 2, 2, 2}}, Ids{{0, 9, 8, 7, 1}, {0, 3, 1, 2, 2}}}; }

Tensor<double> run(const EncoderDecoder<double>& model, const train::Batch& b) {
  return model.generator(model(b.src, b.tgt, b.src_mask, b.tgt_mask));
}

}  // namespace

TEST_CASE("transformer: the names that others use stand for the same classes") {
  STATIC_REQUIRE(std::is_same_v<transformer::MultiHeadAttention<float>, MultiHeadedAttention<float>>);
  STATIC_REQUIRE(std::is_same_v<transformer::FeedForward<double>, PositionwiseFeedForward<double>>);
  STATIC_REQUIRE(std::is_same_v<transformer::Embedding<float>, Embeddings<float>>);
  STATIC_REQUIRE(!std::is_same_v<transformer::Embedding<float>, nn::Embedding<float>>);
}

TEST_CASE("subsequent_mask: a position sees itself and what came before") {
  CHECK(values(subsequent_mask(3)) == std::vector<bool>{true, false, false, true, true, false, true, true, true});
  CHECK(subsequent_mask(3).shape() == Shape{1, 3, 3});
  CHECK(subsequent_mask(0).shape() == Shape{1, 0, 0});
}

TEST_CASE("attention: weights sum to one, masked positions weigh nothing, a row without any is uniform") {
  const auto q = randn<double>({2, 3, 4}), k = randn<double>({2, 5, 4}), v = randn<double>({2, 5, 6});
  Tensor<bool> mask = ones<bool>({2, 3, 5});
  mask.select(2, 4).fill_(false);
  mask[1][2].fill_(false);
  const auto [x, p] = attention(q, k, v, mask);
  CHECK(x.shape() == Shape{2, 3, 6});
  CHECK(p.shape() == Shape{2, 3, 5});
  CHECK(difference(sum(p, -1), ones<double>({2, 3})) < 1e-14);
  for (Index i = 0; i < 3; ++i) CHECK(p.at({0, i, 4}) == 0);
  CHECK(difference(p[1][2], full<double>({5}, 0.2)) < 1e-14);
  CHECK(difference(x[1][2], mean(v[1], 0)) < 1e-14);
  CHECK(difference(x, matmul(p, v)) < 1e-14);
}

TEST_CASE("MultiHeadedAttention: is AT's attention head by head, with its weights") {
  MultiHeadedAttention<double> attn(4, 16);
  attn.eval();
  const auto x = randn<double>({2, 3, 16}), memory = randn<double>({2, 5, 16});
  Tensor<bool> mask = ones<bool>({2, 1, 5});
  mask.at({1, 0, 3}) = false;
  Tensor<double> weights;
  const auto y = attn(x, memory, memory, mask, &weights);
  CHECK(y.shape() == Shape{2, 3, 16});
  std::vector<Tensor<double>> heads;
  const auto q = attn.linears[0](x), k = attn.linears[1](memory), v = attn.linears[2](memory);
  for (Index h = 0; h < 4; ++h) {
    const auto [o, p] = attention(q.narrow(2, 4 * h, 4), k.narrow(2, 4 * h, 4), v.narrow(2, 4 * h, 4), mask);
    CHECK(difference(weights.select(1, h), p) < 1e-13);
    heads.push_back(o);
  }
  CHECK(difference(y, attn.linears[3](cat(heads, -1))) < 1e-13);
}

TEST_CASE("MultiHeadedAttention: one product for inputs that are one tensor gives what three products give") {
  Rng rng(41);
  const RngGuard use(rng);
  const MultiHeadedAttention<double> attn(4, 16);
  const auto x = randn<double>({2, 5, 16}).requires_grad_(), m = randn<double>({2, 7, 16}).requires_grad_();
  const Tensor<bool> mask = {{{true, true, true, false, true}}};
  const auto compare = [&](auto jointly, auto apart, const std::vector<Tensor<double>>& inputs) {
    const auto run = [&](auto f) {
      Rng draws(5);  // the weights are dropped alike
      const RngGuard guard(draws);
      std::vector<Tensor<double>> all = {f()};
      std::vector<Tensor<double>> leaves = inputs;
      for (const auto& p : attn.parameters()) leaves.push_back(p);
      for (const auto& g : grad(all[0], leaves, {}, all[0].detach())) all.push_back(g);
      return all;
    };
    const auto have = run(jointly), want = run(apart);
    CHECK(same_bits(have[0].detach(), want[0].detach()));
    for (std::size_t i = 1; i < have.size(); ++i) CHECK(difference(have[i], want[i]) < 1e-13);
  };
  compare([&] { return attn(x, x, x, mask); }, [&] { return attn(x * 1, x * 1, x * 1, mask); }, {x});
  compare([&] { return attn(x, m, m); }, [&] { return attn(x, m * 1, m * 1); }, {x, m});
}

TEST_CASE(
    "layers: where nothing is dropped and nobody listens the last product adds the residual, with the same bits") {
  Rng rng(42);
  const RngGuard use(rng);
  const auto model = small_model();
  const auto x = randn<double>({2, 5, 16}), memory = randn<double>({2, 7, 16});
  const auto& encoder = model.encoder.layers[0];
  const auto& decoder = model.decoder.layers[0];
  const auto both = [&] { return cat(std::vector{encoder(x, {}), decoder(x, memory, {}, {})}, 0); };
  const Tensor<double> fused = both();
  const nn::Taps heard_encoder(encoder), heard_decoder(decoder);
  CHECK(same_bits(both(), fused));
  for (const char* name : {"self_attn", "self_attn.linears.1", "feed_forward", "sublayer.0", "sublayer.1.norm"})
    CHECK(heard_encoder[name].shape() == x.shape());
  CHECK(heard_decoder["src_attn"].shape() == x.shape());
  CHECK(same_bits(heard_encoder["sublayer.0"], x + heard_encoder["self_attn"]));
}

TEST_CASE("MultiHeadedAttention: sizes that do not fit are named") {
  CHECK_ERROR(MultiHeadedAttention<float>(3, 16), ShapeError,
              "MultiHeadedAttention: d_model 16 is not a multiple of h 3");
  CHECK_ERROR(MultiHeadedAttention<float>(0, 16), ShapeError,
              "MultiHeadedAttention: d_model 16 is not a multiple of h 0");
  const MultiHeadedAttention<float> attn(2, 4);
  const auto x = zeros<float>({1, 3, 4});
  CHECK_ERROR(attn(x[0], x, x), ShapeError,
              "MultiHeadedAttention: three axes wanted: query [3, 4], key [1, 3, 4], value [1, 3, 4]");
  CHECK_ERROR(attn(x, x, zeros<float>({1, 2, 4})), ShapeError,
              "multi_head_attention: 2 heads do not fit [1, 3, 4], [1, 3, 4], [1, 2, 4]");
  CHECK_ERROR(attn(x, x, x, ones<bool>({1, 1, 2})), ShapeError,
              "scaled_dot_product_attention: mask [1, 1, 1, 2] does not stretch to [1, 2, 3, 3]");
  CHECK_ERROR(attn(x, x, x, ones<bool>({2, 2})), ShapeError,  // whose first axis would become the heads
              "MultiHeadedAttention: mask [2, 2] has not three axes, [batch or 1, n or 1, m]");
  CHECK_ERROR(attn(zeros<float>({1, 3, 5}), x, x), ShapeError,
              "linear: x [1, 3, 5] does not end in in_features of weight [4, 4]");
}

TEST_CASE("LayerNorm: AT's, with the unbiased deviation and eps outside the root") {
  const LayerNorm<double> norm(7, 0.5);
  norm.a_2.detach().copy_(arange<double>(7));
  norm.b_2.detach().fill_(3);
  const auto x = randn<double>({2, 4, 7});
  const auto composed =
      norm.a_2 * (x - mean(x, -1, {.keepdim = true})) / (std_dev(x, -1, {.keepdim = true}) + 0.5) + norm.b_2;
  CHECK(difference(norm(x), composed) < 1e-13);
  CHECK_ERROR(norm(zeros<double>({2, 6})), ShapeError,
              "layer_norm: gamma [7] does not match the last axis of x [2, 6]");
}

TEST_CASE("SublayerConnection: x + sublayer(norm(x)), for modules and callables; a changed shape is named") {
  SublayerConnection<double> connection(6, 0.3);
  connection.eval();
  const auto x = randn<double>({2, 3, 6});
  const auto twice = [](const Tensor<double>& z) { return z * 2; };
  CHECK(difference(connection(x, twice), x + connection.norm(x) * 2) < 1e-14);
  const nn::Linear<double> layer(6, 6), narrow(6, 5);
  CHECK(difference(connection(x, layer), x + layer(connection.norm(x))) < 1e-14);
  CHECK_ERROR(connection(x, narrow), ShapeError, "add_dropout: residual [2, 3, 6] and x [2, 3, 5] differ");
}

TEST_CASE("PositionwiseFeedForward: max(0, x W_1 + b_1) W_2 + b_2") {
  PositionwiseFeedForward<double> ff(6, 10);
  ff.eval();
  const auto x = randn<double>({2, 3, 6});
  CHECK(difference(ff(x), ff.w_2(relu(ff.w_1(x)))) < 1e-14);
  CHECK(difference(ff(x)[1], ff(x[1])) < 1e-14);
}

TEST_CASE("Embeddings: rows times sqrt(d_model)") {
  const Embeddings<double> embed(9, 5);
  const Ids ids = {{4, 0}, {1, 1}};
  CHECK(difference(embed(ids), embed.lut(ids) * 3) < 1e-14);
  CHECK_ERROR(embed(full<std::int64_t>({1, 1}, 5)), IndexError, "embedding: id 5 is out of range for weight [5, 9]");
}

TEST_CASE("PositionalEncoding: the paper's sines and cosines, from any position, within max_len") {
  PositionalEncoding<double> position(5, 0.1, 12);  // an odd width too
  position.eval();
  const auto y = position(zeros<double>({2, 4, 5}), 3);
  for (Index pos = 0; pos < 4; ++pos)
    for (Index i = 0; i < 5; ++i) {
      const double angle = static_cast<double>(pos + 3) / std::pow(10000.0, static_cast<double>(i - i % 2) / 5);
      CHECK(y.at({1, pos, i}) == Approx(i % 2 == 0 ? std::sin(angle) : std::cos(angle)).margin(1e-13));
    }
  CHECK(position(zeros<double>({1, 12, 5})).shape() == Shape{1, 12, 5});
  CHECK_ERROR(position(zeros<double>({1, 13, 5})), ShapeError,
              "PositionalEncoding: x [1, 13, 5] from position 0 does not fit max_len 12 and d_model 5");
  CHECK_ERROR(position(zeros<double>({1, 2, 5}), 11), ShapeError,
              "PositionalEncoding: x [1, 2, 5] from position 11 does not fit max_len 12 and d_model 5");
  CHECK_ERROR(position(zeros<double>({1, 2, 4})), ShapeError,
              "PositionalEncoding: x [1, 2, 4] from position 0 does not fit max_len 12 and d_model 5");
}

TEST_CASE("model: shapes of every stage") {
  const auto model = small_model();
  const auto b = small_batch();
  const auto memory = model.encode(b.src, b.src_mask);
  CHECK(memory.shape() == Shape{2, 5, 16});
  const auto out = model.decode(memory, b.src_mask, b.tgt, b.tgt_mask);
  CHECK(out.shape() == Shape{2, 4, 16});
  const auto logp = model.generator(out);
  CHECK(logp.shape() == Shape{2, 4, 15});
  CHECK(difference(sum(exp(logp), -1), ones<double>({2, 4})) < 1e-13);
  CHECK(model.encoder.layers.size() == 2);
  CHECK(same_bits(run(model, b), logp));
}

TEST_CASE("model: what stands at a padded source position changes nothing, nor does more padding") {
  const auto model = small_model();
  const auto b = small_batch();
  const auto before = run(model, b);
  train::Batch other = b;
  other.src = b.src.clone();
  other.src.at({0, 4}) = 9;
  other.src.at({1, 2}) = 11;
  CHECK(same_bits(run(model, other), before));
  other.src.at({1, 1}) = 11;  // not padded
  CHECK(difference(run(model, other), before) > 1e-3);
  const train::Batch longer(cat<std::int64_t>({b.src, full<std::int64_t>({2, 3}, 2)}, 1),
                            Ids{{0, 9, 8, 7, 1}, {0, 3, 1, 2, 2}});
  CHECK(difference(run(model, longer), before) < 1e-12);
}

TEST_CASE("model: a later target token changes nothing before it, and later ones see it") {
  const auto model = small_model();
  const auto b = small_batch();
  const auto before = run(model, b);
  train::Batch other = b;
  other.tgt = b.tgt.clone();
  other.tgt.at({0, 2}) = 4;
  const auto after = run(model, other);
  CHECK(same_bits(after[0].narrow(0, 0, 2), before[0].narrow(0, 0, 2)));
  CHECK(same_bits(after[1], before[1]));
  CHECK(difference(after[0][2], before[0][2]) > 1e-3);
  CHECK(difference(after[0][3], before[0][3]) > 1e-6);
}

TEST_CASE("make_model: draws matrices by Xavier's rule, embeddings too") {
  Rng rng(61);
  RngGuard use(rng);
  const auto model =
      make_model<float>({.src_vocab = 100, .tgt_vocab = 50, .N = 1, .d_model = 60, .d_ff = 20, .h = 2, .max_len = 5});
  for (const auto& [name, p] : model.named_parameters()) {
    INFO(name);
    double most = 0;
    for (const float v : values(p)) most = std::max(most, static_cast<double>(std::abs(v)));
    if (p.dim() == 1) continue;
    const double bound = std::sqrt(6.0 / static_cast<double>(p.size(0) + p.size(1)));
    CHECK(most <= bound * (1 + 1e-6));
    CHECK(most > 0.95 * bound);
  }
  CHECK_FALSE(same_bits(model.decoder.layers[0].self_attn.linears[0].weight.detach(),
                        model.decoder.layers[0].src_attn.linears[0].weight.detach()));
}

TEST_CASE("make_model: shared embeddings are one matrix three ways, through clone and into the gradient") {
  const auto apart =
      make_model<double>({.src_vocab = 12, .tgt_vocab = 12, .N = 1, .d_model = 16, .d_ff = 8, .h = 2, .max_len = 8});
  const auto shared = make_model<double>({.src_vocab = 12,
                                          .tgt_vocab = 12,
                                          .N = 1,
                                          .d_model = 16,
                                          .d_ff = 8,
                                          .h = 2,
                                          .max_len = 8,
                                          .share_embeddings = true});
  CHECK(apart.num_parameters() - shared.num_parameters() == 2 * 12 * 16);
  const auto check_tied = [](const auto& m) {
    const auto& lut = m.src_embed.template get<0>().lut.weight;
    CHECK(m.tgt_embed.template get<0>().lut.weight.is_same(lut));
    CHECK(m.generator.proj.weight.is_same(lut));
  };
  check_tied(shared);
  check_tied(nn::clone(shared));
  auto tied = shared, untied = shared;
  check_tied(tied);
  // The same numbers untied: their three gradients add up to the tied one's.
  untied.tgt_embed.get<0>().lut.weight = nn::Parameter<double>(shared.generator.proj.weight.detach().clone());
  untied.generator.proj.weight = nn::Parameter<double>(shared.generator.proj.weight.detach().clone());
  CHECK(untied.num_parameters() == apart.num_parameters());
  const auto b = small_batch();
  for (auto* model : {&tied, &untied}) {
    model->eval();
    sum(run(*model, b) * run(*model, b)).backward();
  }
  const auto three = untied.src_embed.get<0>().lut.weight.grad() + untied.tgt_embed.get<0>().lut.weight.grad() +
                     untied.generator.proj.weight.grad();
  CHECK(difference(tied.generator.proj.weight.grad(), three) < 1e-12);
}

TEST_CASE("make_model: impossible options are named") {
  CHECK_ERROR(make_model<float>({.src_vocab = 0, .tgt_vocab = 5}), Error,
              "make_model: empty vocabulary: src_vocab 0, tgt_vocab 5");
  CHECK_ERROR(make_model<float>({.src_vocab = 5, .tgt_vocab = 5, .N = 1, .d_model = 10, .d_ff = 4, .h = 4}), ShapeError,
              "MultiHeadedAttention: d_model 10 is not a multiple of h 4");
  CHECK_ERROR(make_model<float>({.src_vocab = 5, .tgt_vocab = 5, .N = 1, .d_model = 8, .d_ff = 0, .h = 4}), Error,
              "make_model: sizes must be positive: N 1, d_model 8, d_ff 0, max_len 5000");
  CHECK_ERROR(make_model<float>({.src_vocab = 5,
                                 .tgt_vocab = 6,
                                 .N = 1,
                                 .d_model = 8,
                                 .d_ff = 4,
                                 .h = 4,
                                 .max_len = 4,
                                 .share_embeddings = true}),
              ShapeError, "tie: shape [6, 8] cannot be tied to [5, 8]");
  const auto model = small_model();
  CHECK_ERROR(model.encode(full<std::int64_t>({1, 1}, 12), ones<bool>({1, 1, 1})), IndexError,
              "embedding: id 12 is out of range for weight [12, 16]");
}

TEST_CASE("model: the state dict holds the parameters under their names, and both position tables") {
  const auto model = small_model();
  const auto parameters = model.named_parameters();
  std::vector<std::string> tables;
  std::size_t next = 0;
  for (const auto& [name, tensor] : model.state_dict()) {
    if (name.ends_with(".pe")) {
      tables.push_back(name);
    } else {
      REQUIRE(next < parameters.size());
      CHECK(name == parameters[next].first);
      CHECK(tensor.data() == parameters[next++].second.data());
    }
  }
  CHECK(next == parameters.size());
  CHECK(tables == std::vector<std::string>{"src_embed.1.pe", "tgt_embed.1.pe"});
}

TEST_CASE("model: in training attention drops its weights at the given rate, and scales the rest") {
  Rng rng(62);
  RngGuard use(rng);
  MultiHeadedAttention<double> attn(4, 16, 0.3);
  const auto x = randn<double>({8, 40, 16});
  Tensor<double> dropped, whole;
  attn(x, x, x, {}, &dropped);
  attn.eval();
  attn(x, x, x, {}, &whole);
  Index zero = 0, wrong = 0;
  const auto a = values(dropped), b = values(whole);
  for (std::size_t i = 0; i < a.size(); ++i) {
    zero += a[i] == 0;
    wrong += a[i] != 0 && std::abs(a[i] * 0.7 / b[i] - 1) > 1e-4;  // the rate is a multiple of 1 / 65536
  }
  CHECK(static_cast<double>(zero) / static_cast<double>(a.size()) == Approx(0.3).margin(0.01));
  CHECK(wrong == 0);
}

TEST_CASE("model: in training every place of dropout acts, in evaluation none") {
  const auto b = small_batch();
  auto model = small_model();
  const auto still = run(model, b);
  CHECK(same_bits(run(model, b), still));
  model.train();
  CHECK(difference(run(model, b), still) > 1e-3);
  const auto embedded = model.src_embed(full<std::int64_t>({50, 20}, 3));
  Index zero = 0;
  for (const double v : values(embedded)) zero += v == 0;
  CHECK(static_cast<double>(zero) / static_cast<double>(embedded.numel()) == Approx(0.1).margin(0.02));
}

TEST_CASE("model: a const model gives the same bits on four threads at once, with and without a graph") {
  const auto model = small_model();
  const auto b = small_batch();
  const auto alone = run(model, b);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 20; ++round) {
        const GradGuard mode(round % 2 == 0);
        wrong[t] += !same_bits(run(model, b).detach(), alone.detach());
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>{0, 0, 0, 0});
}

TEST_CASE("model: backward on four threads into shared parameters adds all gradients") {
  const auto model = small_model();
  const auto b = small_batch();
  const auto backward = [&] { sum(run(model, b) * 0.25).backward(); };
  backward();
  const auto once = model.generator.proj.weight.grad().clone();
  const auto first = model.encoder.layers[0].self_attn.linears[0].weight.grad().clone();
  model.zero_grad();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) threads.emplace_back(backward);
  for (auto& thread : threads) thread.join();
  CHECK(difference(model.generator.proj.weight.grad(), once * 4) < 1e-12);
  CHECK(difference(model.encoder.layers[0].self_attn.linears[0].weight.grad(), first * 4) < 1e-12);
}

TEST_CASE("make_model: one seed makes one model, whatever order the compiler evaluates arguments in") {
  manual_seed(1);
  const auto model = make_model<double>({.src_vocab = 5, .tgt_vocab = 7, .N = 1, .d_model = 4, .d_ff = 8, .h = 2});
  CHECK(std::abs(model.generator.proj.bias.at({0}) - 0.213614) < 1e-6);
  CHECK(std::abs(model.src_embed.get<0>().lut.weight.at({0, 0}) - 0.514281) < 1e-6);
}
