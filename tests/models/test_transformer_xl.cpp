// Transformer-XL against transformers' (4.30).
#include <gloss/models/adaptive_softmax.hpp>
#include <gloss/models/transformer_xl.hpp>
#include <gloss/nn/check.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class T>
using Model = models::TransfoXLLMHeadModel<T>;

template <class T>
void check(const std::string& name) {
  INFO(name);
  ModelGolden<Model<T>> g(name);
  const auto before = g.ids("before"), ids = g.ids("input_ids");
  models::TransfoXLMemory<T> memory;
  auto* const remembered = g.model.config.mem_len > 0 ? &memory : nullptr;
  static_cast<void>(g.model.transformer(before, remembered));
  const models::TransfoXLMemory<T> after_first = memory;
  g.check("logits", g.model(ids, remembered));
  for (std::size_t i = 0; i < memory.states.size(); ++i) g.check("mems." + std::to_string(i), memory.mems(i));
  memory = after_first;
  g.check_loss(g.model.loss(ids, g.ids("labels"), remembered));
  g.check_saved();
}

models::TransfoXLConfig tiny() {
  return {.vocab_size = 20,
          .cutoffs = std::vector<Index>{4, 10},
          .d_model = 8,
          .d_embed = 8,
          .n_head = 2,
          .d_head = 3,
          .d_inner = 12,
          .div_val = 2,
          .n_layer = 2,
          .mem_len = 5,
          .clamp_len = 6};
}

}  // namespace

TEST_CASE("transformer_xl: it is transformers'") {
  for (const char* name : {"transfo_xl", "transfo_xl_one_table", "transfo_xl_untied", "transfo_xl_plain"}) {
    check<float>(name);
    check<double>(name);
  }
}

TEST_CASE("transformer_xl: config.json without cutoffs, and which projections are tied") {
  const auto plain = io::read_config<models::TransfoXLConfig>(GLOSS_TEST_DATA "/models/transfo_xl_plain/config.json");
  CHECK(plain.cutoffs->empty());
  CHECK(io::parse_config<models::TransfoXLConfig>(io::config_json(plain, "x")).cutoffs->empty());
  CHECK(io::parse_config<models::TransfoXLConfig>("{}").cutoffs->size() == 3);
  const Model<float> model(tiny());
  CHECK_FALSE(model.crit.out_projs[0].is_same(model.transformer.word_emb.emb_projs[0]));
  CHECK(model.crit.out_projs[2].is_same(model.transformer.word_emb.emb_projs[2]));
  CHECK(model.crit.out_layers[1].weight.is_same(model.transformer.word_emb.emb_layers[1].weight));
}

TEST_CASE("transformer_xl: the memory is the cache of a search, which says what transformers' generate() says") {
  for (const char* name : {"transfo_xl", "transfo_xl_one_table"}) {
    INFO(name);
    const ModelGolden<Model<double>> g(name);
    const auto prompts = g.ids("before"), wanted = g.golden.template tensor<std::int64_t>("out/said");
    for (Index row = 0; row < prompts.size(0); ++row) {
      decode::CausalStepper stepper(g.model);
      Index i = 0;
      for (const std::int64_t token : decode::generate(stepper, prompts.narrow(0, row, 1),
                                                       {.end = -1, .max_len = wanted.size(1), .temperature = 0}))
        CHECK(token == wanted.at({row, i++}));
      CHECK(i == wanted.size(1));
    }
  }
}

TEST_CASE("transformer_xl: with same_length, a text in pieces is the text as a whole") {
  const ModelGolden<Model<double>> g("transfo_xl");
  gloss_test::check_cached(g.model, randint(1, 20, {3, 19}));
}

TEST_CASE("transformer_xl: a memory is taken back, as if what came after had not been read, and its rows are chosen") {
  const ModelGolden<Model<double>> g("transfo_xl_untied");
  const NoGradGuard no_grad;
  const auto text = randint(0, 20, {2, 20});
  models::TransfoXLMemory<double> memory, other;
  const auto read = [&](auto& to, Index from, Index n) { return g.model.decode(text.narrow(1, from, n), &to); };
  static_cast<void>(read(memory, 0, 7)), static_cast<void>(read(memory, 7, 6));
  CHECK(memory.length == 13);
  memory.truncate(6);
  static_cast<void>(read(other, 0, 6));
  CHECK(allclose(read(memory, 6, 3), read(other, 6, 3), {.rtol = 1e-12, .atol = 1e-12}));
  memory.select_rows(Tensor<std::int64_t>{1, 1, 0});
  const auto next = g.model.decode(Tensor<std::int64_t>{{4}, {4}, {4}}, &memory);
  const auto one = g.model.decode(Tensor<std::int64_t>{{4}, {4}}, &other);
  CHECK(allclose(next, stack(std::vector<Tensor<double>>{one[1], one[1], one[0]}), {.rtol = 1e-12, .atol = 1e-12}));
  CHECK_ERROR(memory.truncate(11), IndexError, "TransfoXLMemory: cannot truncate 10 tokens to 11");
  memory = {};
  static_cast<void>(read(memory, 0, 20));
  CHECK_ERROR(memory.truncate(10), IndexError,
              "TransfoXLMemory: cannot truncate 20 tokens to 10: 9 states before them are needed, and 8 are kept");
  CHECK(memory.length == 20);
  memory.truncate(0);
  other = {};
  CHECK(equal(read(memory, 0, 4), read(other, 0, 4)));
}

TEST_CASE("transformer_xl: what is remembered gets no gradient, and a pass that throws remembers nothing") {
  Model<double> model(tiny());
  models::TransfoXLMemory<double> memory;
  static_cast<void>(model({{1, 2, 3}}, &memory));
  CHECK_FALSE(memory.states[1].requires_grad());
  CHECK_ERROR(model({{1, 20}}, &memory), IndexError, "AdaptiveEmbedding: id 20 is out of range for a vocabulary of 20");
  CHECK(memory.length == 3);
  CHECK_ERROR(model({{1}, {2}}, &memory), ShapeError, "TransfoXLModel: ids [2, 1] do not fit a memory of 1 rows");
}

TEST_CASE("adaptive_softmax: the loss is that of the scores, and they are the logarithms of probabilities") {
  const models::AdaptiveVocabulary words{{0, 4, 10, 20}, 6, 8, 2};
  const models::ProjectedAdaptiveLogSoftmax<double> crit(words);
  for (const auto& [name, p] : crit.named_parameters()) nn::init::normal_(p);
  const auto x = randn<double>({7, 6});
  const Tensor<std::int64_t> labels{0, 3, 4, 19, -100, 12, 9};
  const auto logs = crit(x);
  CHECK(allclose(sum(exp(logs), -1), ones<double>({7}), {.rtol = 1e-12, .atol = 0}));
  double total = 0;
  for (Index i = 0; i < 7; ++i)
    if (labels.at({i}) >= 0) total -= logs.at({i, labels.at({i})});
  CHECK(crit.loss(x, labels).item() == Approx(total / 6));
  CHECK(crit.loss(x, full<std::int64_t>({7}, 2)).item() == Approx(-mean(logs.select(1, 2)).item()));
  CHECK_ERROR(crit.loss(x, full<std::int64_t>({7}, 20)), IndexError,
              "ProjectedAdaptiveLogSoftmax: id 20 is out of range for a vocabulary of 20");
  const models::AdaptiveEmbedding<double> embed(words);
  const auto one = embed(Tensor<std::int64_t>{{3, 19}, {4, 3}});
  CHECK(one.shape() == Shape{2, 2, 6});
  CHECK(equal(one[0][0], one[1][1]));
  const auto by_hand = matmul(embed.emb_projs[2], embed.emb_layers[2].weight[9]) * std::sqrt(6.0);
  CHECK(allclose(one[0][1], by_hand, {.rtol = 1e-12, .atol = 1e-14}));
  CHECK(embed(zeros<std::int64_t>({2, 0})).shape() == Shape{2, 0, 6});
  CHECK_ERROR(embed(Tensor<std::int64_t>{-1}), IndexError,
              "AdaptiveEmbedding: id -1 is out of range for a vocabulary of 20");
}

TEST_CASE("transformer_xl: every member is visited, dropout is where it should be, what does not fit is said") {
  models::TransfoXLConfig c = tiny();
  c.untie_r = false, c.dropout = c.dropatt = 0;
  Model<float> model(c);
  nn::check(model);
  const Tensor<std::int64_t> ids{{2, 7, 5, 19, 3}};
  CHECK(equal(model(ids), model(ids)));
  for (int which = 0; which < 2; ++which) {
    models::TransfoXLConfig d = tiny();
    d.dropout = which == 0 ? 0.5 : 0, d.dropatt = which == 1 ? 0.5 : 0;
    Model<float> one(d);
    for (const auto& [name, p] : one.named_parameters())
      if (p.dim() > 1) nn::init::normal_(p);
    CHECK_FALSE(equal(one(ids), one(ids)));
    one.eval();
    CHECK(equal(one(ids), one(ids)));
  }
  CHECK_ERROR(model(zeros<std::int64_t>({3})), ShapeError, "TransfoXLModel: ids [3] must be [batch, n]");
  const auto refused = [](auto change, const std::string& text) {
    models::TransfoXLConfig wrong = tiny();
    change(wrong);
    CHECK_ERROR(Model<float>(wrong), Error, "TransfoXLConfig: " + text);
  };
  refused([](auto& w) { w.n_head = 0; }, "n_head 0 is not positive");
  refused([](auto& w) { w.vocab_size = -1; }, "vocab_size -1 is not positive");
  refused([](auto& w) { w.div_val = 0; }, "div_val 0 is not positive");
  refused([](auto& w) { w.d_model = 7; }, "d_model 7 is not positive and even");
  refused(
      [](auto& w) {
        w.cutoffs = std::vector<Index>{4, 4};
      },
      "cutoffs must go up between 0 and vocab_size 20, and 4 follows 4");
  refused([](auto& w) { w.cutoffs = std::vector<Index>{20}; },
          "cutoffs must go up between 0 and vocab_size 20, and 20 follows 20");
  refused([](auto& w) { w.div_val = 3; }, "d_embed 8 divided by div_val 3 for each of 2 cutoffs leaves nothing");
  refused([](auto& w) { w.tie_projs = {true}; }, "tie_projs has 1 entries for 3 clusters");
  refused([](auto& w) { w.mem_len = -1; }, "mem_len -1 is negative");
  refused([](auto& w) { w.mem_len = 0; }, "same_length with mem_len 0 leaves nothing to look at");
  refused([](auto& w) { w.attn_type = 2; }, "attn_type 2 is not known, 0 is");
  refused([](auto& w) { w.sample_softmax = 5; }, "sample_softmax is not known");
  refused([](auto& w) { w.init = "orthogonal"; }, "init 'orthogonal' is neither normal nor uniform");
  c = tiny();
  c.mem_len = 0, c.same_length = false;
  models::TransfoXLMemory<float> memory;
  CHECK_ERROR(Model<float>(c)(ids, &memory), Error, "TransfoXLModel: mem_len 0 remembers nothing");
  c = tiny();
  c.init = "uniform", c.init_range = 0.25;
  const Model<float> uniform(c);
  const auto& weight = uniform.transformer.layers[0].dec_attn.qkv_net.weight;
  CHECK(amax(abs(weight)).item() <= 0.25f);
  CHECK(amax(abs(weight)).item() > 0.2f);
}

namespace {

/// A text's bytes as numbers of those that there are.
struct Characters {
  Tensor<std::int64_t> ids;
  Index different;
};
Characters read_characters(const std::string& path) {
  std::vector<std::int64_t> number(256, -1), ids;
  std::int64_t different = 0;
  for (const char c : read_file(path)) {
    std::int64_t& n = number[static_cast<unsigned char>(c)];
    if (n < 0) n = different++;
    ids.push_back(n);
  }
  return {from_vector(ids), different};
}

}  // namespace

TEST_CASE("transformer_xl: with its memory a model needs fewer bits for each character of a long text") {
  const Characters text = read_characters(GLOSS_TEST_DATA "/genesis.txt");  // of the King James Bible
  const Tensor<std::int64_t> ids = text.ids;
  constexpr Index rows = 16, segment = 8, steps = 500;
  // each row is a piece of the text of its own, and each step reads the segment behind the one before
  const Index length = ids.numel() / rows / 5 * 4;
  const auto training = ids.narrow(0, 0, rows * length).view({rows, length});
  const Index held_out = (ids.numel() - rows * length) / rows;
  const auto test = ids.narrow(0, rows * length, rows * held_out).view({rows, held_out});
  const auto bits_with = [&](Index mem_len) {
    Rng rng(1);
    const RngGuard guard(rng);
    Model<float> model({.vocab_size = text.different,
                        .cutoffs = std::vector<Index>{},
                        .d_model = 48,
                        .d_embed = 48,
                        .n_head = 3,
                        .d_head = 16,
                        .d_inner = 96,
                        .div_val = 1,
                        .n_layer = 2,
                        .mem_len = mem_len,
                        .clamp_len = -1,
                        .same_length = false,
                        .dropout = 0,
                        .init_std = 0.1});
    models::TransfoXLMemory<float> memory;
    auto* const remembered = mem_len > 0 ? &memory : nullptr;
    const auto loss = [&](const Tensor<std::int64_t>& of, Index at) {
      const auto x = model.transformer(of.narrow(1, at, segment), remembered);
      return model.crit.loss(x.flatten(0, 1), of.narrow(1, at + 1, segment).flatten());
    };
    optim::Adam<float> adam(model.parameters(), {.lr = 3e-3});
    for (Index step = 0; step < steps; ++step) {
      const Index at = step % ((length - 1) / segment) * segment;
      if (at == 0) memory = {};
      loss(training, at).backward();
      adam.step();
      adam.zero_grad();
    }
    model.eval();
    const NoGradGuard no_grad;
    memory = {};
    double nats = 0;
    Index segments = 0;
    for (Index at = 0; at + segment < held_out; at += segment, ++segments)
      nats += static_cast<double>(loss(test, at).item());
    return nats / static_cast<double>(segments) / std::log(2.0);
  };
  const double without = bits_with(0), with = bits_with(32);
  INFO("bits per character: " << without << " without, " << with << " with");
  CHECK(with < without - 0.1);
}
