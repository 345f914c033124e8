// Reformer against transformers', and what its parts promise.
#include <gloss/models/chunked_attention.hpp>
#include <gloss/models/reformer.hpp>
#include <gloss/models/reformer_heads.hpp>
#include <gloss/models/reversible.hpp>
#include <gloss/nn/check.hpp>

#include "support/model_golden.hpp"
#include "support/reformer.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class T>
using Causal = models::ReformerModelWithLMHead<T>;
template <class T>
using Masked = models::ReformerForMaskedLM<T>;

template <class M>
ModelGolden<M> read(const std::string& name) {
  ModelGolden<M> g(name);
  g.model.reformer.rotations = g.numbers("rotations");
  return g;
}

template <class M>
void check(const std::string& name) {
  INFO(name);
  auto g = read<M>(name);
  const auto ids = g.ids("input_ids"), mask = g.ids("attention_mask");
  g.check("logits", g.model(ids, mask));
  g.check_loss(g.model.loss(ids, g.ids("labels"), mask));
  g.check_saved();
}

template <class T>
void check_lengths() {
  const auto g = read<Causal<T>>("reformer");
  const auto ids = g.ids("input_ids");
  g.check("short", g.model(ids.narrow(1, 0, 3)));
  g.check("padded", g.model(ids.narrow(1, 0, 7)));
  g.check("masked", g.model(ids.narrow(1, 0, 14), cast<std::int64_t>(ids.narrow(1, 0, 14) != 0)));
}

models::ReformerConfig tiny() {
  return {.vocab_size = 20,
          .hidden_size = 8,
          .attention_head_size = 3,
          .num_attention_heads = 2,
          .feed_forward_size = 12,
          .attn_layers = {"local", "lsh"},
          .local_attn_chunk_length = 4,
          .lsh_attn_chunk_length = 4,
          .num_buckets = {4},
          .axial_pos_shape = {4, 4},
          .axial_pos_embds_dim = {3, 5},
          .is_decoder = true};
}

/// What the layers compute, with all of their activations in the graph.
template <class T>
Tensor<T> kept_activations(const std::vector<models::ReformerLayer<T>>& layers, Tensor<T> x1, Tensor<T> x2) {
  const models::ReformerText<T> text;
  for (const auto& layer : layers) {
    const auto plan = layer.plan(x2, text);
    x1 = x1 + layer.f(x2, plan);
    x2 = x2 + layer.g(x1);
  }
  return stack(std::vector<Tensor<T>>{x1, x2});
}

}  // namespace

TEST_CASE("reformer: it is transformers'") {
  for (const char* name : {"reformer", "reformer_factors", "reformer_unsaid", "reformer_one_chunk"}) {
    check<Causal<float>>(name);
    check<Causal<double>>(name);
  }
  check<Masked<float>>("reformer_masked");
  check<Masked<double>>("reformer_masked");
}

TEST_CASE("reformer: a text that fits into a chunk, and one that is padded to a multiple of them") {
  check_lengths<float>();
  check_lengths<double>();
}

TEST_CASE("reformer: greedy search says what transformers' generate() says without its cache") {
  const auto g = read<Causal<double>>("reformer");
  const auto prompts = g.ids("input_ids").narrow(1, 0, 5), wanted = g.golden.tensor<std::int64_t>("out/said");
  for (Index row = 0; row < 2; ++row) {
    decode::CausalStepper stepper(g.model);
    Index i = 0;
    for (const std::int64_t token :
         decode::generate(stepper, prompts.narrow(0, row, 1), {.end = -1, .max_len = wanted.size(1), .temperature = 0}))
      CHECK(token == wanted.at({row, i++}));
    CHECK(i == wanted.size(1));
  }
}

TEST_CASE("reformer: a stepper's rows are chosen and its tokens taken back") {
  const auto g = read<Causal<double>>("reformer");
  decode::CausalStepper stepper(g.model), other(g.model);
  stepper.step({{1, 2, 3}, {4, 5, 6}});
  stepper.select_rows(Tensor<std::int64_t>{1});
  stepper.truncate(2);
  CHECK(stepper.length() == 2);
  CHECK(equal(stepper.step(Tensor<std::int64_t>{{9}}), other.step(Tensor<std::int64_t>{{4, 5, 9}})));
  models::ReformerCache<double> cache;
  CHECK_ERROR(cache.truncate(1), IndexError, "ReformerCache: cannot truncate 0 tokens to 1");
}

TEST_CASE("reversible: values and gradients are those of layers that keep everything, the same draws of dropout too") {
  models::ReformerConfig c = tiny();
  c.hidden_dropout_prob = 0.3, c.local_attention_probs_dropout_prob = 0.3, c.lsh_attention_probs_dropout_prob = 0.3;
  c.attn_layers = {"lsh", "local", "lsh"};
  c.hidden_act = "gelu";
  const models::ReformerModel<double> model(c);
  for (const auto& [name, p] : model.named_parameters()) nn::init::normal_(p, 0, 0.5);
  const auto weights = randn<double>({2, 2, 16, 8});
  const auto run = [&](bool reversible) {
    Rng rng(5);
    const RngGuard guard(rng);
    model.zero_grad();
    Tensor<double> x1 = randn<double>({2, 16, 8}), x2 = randn<double>({2, 16, 8});
    x1.requires_grad_(), x2.requires_grad_();
    const models::ReformerText<double> text;
    const auto y = reversible ? models::reversible(model.layers, stack(std::vector<Tensor<double>>{x1, x2}), text)
                              : kept_activations(model.layers, x1, x2);
    sum(y * weights).backward();
    std::vector<Tensor<double>> all = {y.detach(), x1.grad(), x2.grad()};
    for (const auto& layer : model.layers)
      for (const auto& [name, p] : layer.named_parameters()) all.push_back(p.grad());
    all.push_back(randn<double>({1}));  // the stream stands where it should
    return all;
  };
  const auto kept = run(false), again = run(true);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    INFO(i);
    CHECK(allclose(again[i], kept[i], {.rtol = 1e-9, .atol = 1e-11}));
  }
}

TEST_CASE("reversible: backward twice, gradients that are asked for, frozen weights, and what cannot be done") {
  models::ReformerConfig c = tiny();
  c.hidden_dropout_prob = c.local_attention_probs_dropout_prob = 0;
  models::ReformerModel<double> model(c);
  model.rotations = randn<double>({2, 3, 1, 2});
  const auto x = randn<double>({2, 1, 16, 8});
  x.requires_grad_();
  const models::ReformerText<double> text{.rotations = model.rotations};
  const auto loss = [&] { return sum(square(models::reversible(model.layers, x, text))); };
  const Tensor<double> once = loss();
  once.backward({.retain_graph = true});
  const Tensor<double> dx = x.grad().clone(), dw = model.layers[0].up.weight.grad().clone();
  once.backward();
  CHECK(allclose(x.grad(), dx * 2.0, {.rtol = 1e-12, .atol = 0}));
  CHECK(allclose(model.layers[0].up.weight.grad(), dw * 2.0, {.rtol = 1e-12, .atol = 0}));

  const auto asked = grad(loss(), {model.layers[0].up.weight});
  CHECK(allclose(asked[0], dw, {.rtol = 1e-9, .atol = 1e-12}));
  CHECK(allclose(model.layers[0].up.weight.grad(), dw * 2.0, {.rtol = 1e-12, .atol = 0}));  // left alone

  model.zero_grad();
  model.layers[0].up.weight.requires_grad_(false);
  loss().backward();
  CHECK_FALSE(model.layers[0].up.weight.grad().defined());
  CHECK(model.layers[0].down.weight.grad().defined());

  CHECK_ERROR(grad(loss(), {x}, {.create_graph = true}), GradError,
              "reversible: a backward that is itself recorded does not go through reversible layers");
  const NoGradGuard no_grad;
  CHECK_FALSE(loss().requires_grad());
}

TEST_CASE("reversible: what a training step keeps does not grow with the number of layers") {
  const auto peak_of = [](std::size_t layers) {
    models::ReformerConfig c = gloss_test::long_reformer(512);
    c.attn_layers.assign(layers, "local");
    return gloss_test::step_memory(c, 512);
  };
  const std::size_t few = peak_of(2), many = peak_of(8);
  INFO(few << " bytes, " << many << " bytes");
  CHECK(many < few + few / 4);
}

TEST_CASE("chunked_attention: where one bucket holds all and the chunks see each other, it is full attention") {
  const Index n = 24;
  for (const bool causal : {false, true})
    for (const Index rounds : {1, 2}) {
      INFO(causal << " " << rounds);
      const auto q = randn<double>({2, 2, n, 5}), k = randn<double>(q.shape()), v = randn<double>(q.shape());
      const auto buckets = models::lsh_buckets(q, zeros<double>({2, 5, rounds, 2}), {4});
      CHECK(equal(buckets, zeros<std::int64_t>(buckets.shape())));
      const auto order = models::bucket_order(buckets, 5);
      const auto all = models::chunked_attention(
          q, k, v, order, {},
          {.chunk_length = 8, .chunks_before = 1, .chunks_after = 1, .causal = causal, .shuns_itself = true});
      const auto scores = matmul(q, k.transpose(2, 3));
      const auto lower = tril(ones<bool>({n, n}));
      auto masked = causal ? masked_fill(scores, !lower, -1e9) : scores;
      masked = masked_fill(masked, tril(triu(ones<bool>({n, n}))), -1e5);
      CHECK(allclose(all, matmul(softmax(masked, -1), v), {.rtol = 1e-10, .atol = 1e-12}));
    }
}

TEST_CASE("chunked_attention: gradients, with several rounds, padding and chunks around the end") {
  const auto order = models::bucket_order(randint(0, 3, {1, 2, 2, 8}), 3);
  const Tensor<bool> kept{{true, true, true, false, true, true, false, true}};
  const auto f = [&](const std::vector<Tensor<double>>& x) {
    return models::chunked_attention(x[0], x[1], x[2], order, kept,
                                     {.chunk_length = 2, .causal = true, .shuns_itself = true});
  };
  const Shape shape{1, 2, 8, 3};
  std::vector<Tensor<double>> inputs;
  for (int i = 0; i < 3; ++i) inputs.push_back(randn<double>(shape)), inputs.back().requires_grad_();
  CHECK(gradcheck(f, inputs));
}

TEST_CASE("chunked_attention: buckets, by hand") {
  const auto x = from_vector<double>({1, 0, 0, 1, -1, 0, 0, -3, 2, 2}, {1, 1, 5, 2});
  const auto axes = from_vector<double>({1, 0, 0, 1}, {1, 2, 1, 2});  // the directions are the axes
  const Tensor<bool> kept{{true, true, true, true, false}};
  CHECK(equal(models::lsh_buckets(x, axes, {4}), from_vector<std::int64_t>({0, 1, 2, 3, 0}, {1, 1, 1, 5})));
  const auto padded = models::lsh_buckets(x, axes, {4}, kept);
  CHECK(equal(padded, from_vector<std::int64_t>({0, 1, 2, 3, 4}, {1, 1, 1, 5})));
  // two factors of two buckets: the sign along each axis, 0 counting as positive
  CHECK(equal(models::lsh_buckets(x, axes, {2, 2}), from_vector<std::int64_t>({0, 0, 1, 2, 0}, {1, 1, 1, 5})));
  CHECK(equal(models::bucket_order(from_vector<std::int64_t>({2, 0, 2, 1, 0}, {1, 1, 1, 5}), 3),
              from_vector<std::int64_t>({1, 4, 3, 0, 2}, {1, 1, 5})));
  CHECK_ERROR(models::bucket_order(padded, 4), IndexError, "bucket_order: bucket 4 is out of range for 4");
  CHECK_ERROR(models::lsh_buckets(x, axes, {6}), ShapeError,
              "lsh_buckets: rotations [1, 2, 1, 2] do not fit x [1, 1, 5, 2] and 6 for the factors together");
  const auto order = arange<std::int64_t>(5).view({1, 1, 5});
  CHECK_ERROR(models::chunked_attention(x, x, x, order, {}, {.chunk_length = 2}), ShapeError,
              "chunked_attention: q [1, 1, 5, 2], k [1, 1, 5, 2], v [1, 1, 5, 2] and order [1, 1, 5] do not fit chunks "
              "of 2");
  CHECK_ERROR(models::chunked_attention(x, x, x, order, ones<bool>({1, 4}), {.chunk_length = 5}), ShapeError,
              "chunked_attention: kept [1, 4] must be [1, 5]");
  CHECK_ERROR(models::chunked_attention(x, x, x, order + 1, {}, {.chunk_length = 5}), IndexError,
              "chunked_attention: position 5 is out of range for 5");
}

TEST_CASE("reformer: how many buckets, and to what length a text is padded") {
  models::ReformerConfig c;
  CHECK(c.buckets_for(1024) == std::vector<Index>{32});
  CHECK(c.buckets_for(4096) == std::vector<Index>{128});
  CHECK(c.buckets_for(16384) == std::vector<Index>{16, 32});
  c.num_buckets = {6};
  CHECK(c.buckets_for(16384) == std::vector<Index>{6});
  c.lsh_attn_chunk_length = 4, c.local_attn_chunk_length = 6;
  CHECK(c.padded(4) == 4);
  CHECK(c.padded(5) == 12);
  CHECK(c.padded(24) == 24);
  c.attn_layers = {"lsh"};
  CHECK(c.padded(5) == 8);
}

TEST_CASE("reformer: what is random is drawn anew, unless hash_seed says otherwise") {
  models::ReformerConfig c = tiny();
  c.hidden_dropout_prob = c.local_attention_probs_dropout_prob = 0, c.axial_norm_std = 2;
  const auto ids = randint(0, 20, {4, 16});
  models::ReformerModel<float> model(c);
  for (const auto& [name, p] : model.named_parameters())
    if (p.dim() > 1) nn::init::normal_(p);
  CHECK_FALSE(equal(model(ids), model(ids)));
  model.config.hash_seed = 1;
  c.hash_seed = 1;
  models::ReformerModel<float> seeded(c);
  CHECK(equal(seeded(ids), seeded(ids)));
  for (int which = 0; which < 3; ++which) {
    models::ReformerConfig d = c;
    d.hidden_dropout_prob = which == 0 ? 0.5 : 0, d.local_attention_probs_dropout_prob = which == 1 ? 0.5 : 0;
    d.lsh_attention_probs_dropout_prob = which == 2 ? 0.5 : 0;
    models::ReformerModel<float> one(d);
    for (const auto& [name, p] : one.named_parameters())
      if (p.dim() > 1) nn::init::normal_(p);
    CHECK_FALSE(equal(one(ids), one(ids)));
    one.eval();
    CHECK(equal(one(ids), one(ids)));
  }
}

TEST_CASE("reformer: every member is visited, and what does not fit is said") {
  Causal<float> model(tiny());
  nn::check(model);
  models::ReformerConfig plain = tiny();
  plain.axial_pos_embds = false, plain.max_position_embeddings = 12;
  const Causal<float> other(plain);
  nn::check(other);
  CHECK_ERROR(model(zeros<std::int64_t>({3})), ShapeError, "ReformerModel: ids [3] must be [batch, n]");
  CHECK_ERROR(model(zeros<std::int64_t>({2, 0})), ShapeError, "ReformerModel: ids [2, 0] have no positions");
  CHECK_ERROR(model(zeros<std::int64_t>({1, 5}), ones<std::int64_t>({1, 4})), ShapeError,
              "ReformerModel: attention_mask [1, 4] must be [1, 5]");
  CHECK_ERROR(model(zeros<std::int64_t>({1, 17})), ShapeError,
              "ReformerModel: 20 positions go beyond axial_pos_shape 4 x 4");
  CHECK_ERROR(other(zeros<std::int64_t>({1, 13})), ShapeError,
              "ReformerModel: 16 positions go beyond max_position_embeddings 12");
  CHECK_ERROR(model(full<std::int64_t>({1, 2}, 20)), IndexError, "embedding: id 20 is out of range for weight [20, 8]");
  model.reformer.rotations = zeros<float>({2, 3, 1, 3});
  CHECK_ERROR(model(zeros<std::int64_t>({1, 16})), ShapeError,
              "ReformerModel: rotations [2, 3, 1, 3] must be [2, 3, 1, 2]");
  const auto refused = [](auto change, const std::string& text) {
    models::ReformerConfig wrong = tiny();
    change(wrong);
    CHECK_ERROR(Causal<float>(wrong), Error, text);
  };
  refused([](auto& w) { w.num_attention_heads = 0; }, "ReformerConfig: num_attention_heads 0 is less than 1");
  refused([](auto& w) { w.vocab_size = -4; }, "ReformerConfig: vocab_size -4 is less than 1");
  refused([](auto& w) { w.lsh_num_chunks_before = -1; }, "ReformerConfig: lsh_num_chunks_before -1 is less than 0");
  refused([](auto& w) { w.attn_layers = {}; }, "ReformerConfig: attn_layers is empty");
  refused(
      [](auto& w) {
        w.attn_layers = {"lsh", "full"};
      },
      "ReformerConfig: attn_layers: 'full' is neither lsh nor local");
  refused([](auto& w) { w.num_buckets = {4, 3}; }, "ReformerConfig: num_buckets 3 is not positive and even");
  refused([](auto& w) { w.axial_pos_shape = {16}; },
          "ReformerConfig: axial_pos_shape and axial_pos_embds_dim must have two numbers each");
  refused(
      [](auto& w) {
        w.axial_pos_embds_dim = {4, 5};
      },
      "ReformerConfig: axial_pos_embds_dim 4 + 5 is not hidden_size 8");
  refused([](auto& w) { w.is_decoder = false; }, "ReformerModelWithLMHead: is_decoder must be true");
  refused([](auto& w) { w.local_num_chunks_after = 1; }, "ReformerModelWithLMHead: num_chunks_after must be 0");
  CHECK_ERROR(Masked<float>(tiny()), Error, "ReformerForMaskedLM: is_decoder must be false");
}

TEST_CASE("reformer: the memory of a training step grows no faster than the text") {
  const auto peaks = gloss_test::memory_of_lengths({1024, 2048, 4096});
  INFO(peaks[0] << ", " << peaks[1] << ", " << peaks[2] << " bytes");
  CHECK(peaks[1] <= 2 * peaks[0]);
  CHECK(peaks[2] <= 4 * peaks[0]);
}

TEST_CASE("reformer: it learns to copy across 256 positions") { CHECK(gloss_test::learn_to_copy(256, 80) > 0.99); }
