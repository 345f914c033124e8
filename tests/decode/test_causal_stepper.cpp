// Decoding with a causal model of PyTorch's layers, with a cache, against the whole text read again for each token.
#include <gloss/decode/beam.hpp>
#include <gloss/decode/causal_stepper.hpp>
#include <gloss/decode/sampling.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/taps.hpp>
#include <gloss/nn/transformer_encoder.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/isclose.hpp>
#include <gloss/ops/max.hpp>
#include <gloss/ops/tri.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using Ids = Tensor<std::int64_t>;
using decode::Tokens;

namespace {

struct Causal final : nn::Module<double> {
  using Cache = nn::TransformerEncoder<double>::Cache;
  nn::Embedding<double> tokens, positions;
  nn::TransformerEncoder<double> layers;
  nn::Linear<double> generator;

  explicit Causal(bool norm_first, bool batch_first = true)
      : tokens(11, 16),
        positions(64, 16),
        layers(nn::TransformerEncoderLayer<double>(
                   16, 4, {.dim_feedforward = 24, .batch_first = batch_first, .norm_first = norm_first}),
               3),
        generator(16, 11),
        batch_first_(batch_first) {
    eval();
  }
  Tensor<double> decode(const Ids& ids, Cache* cache = nullptr) const {
    const Index start = cache ? cache->length : 0, n = ids.size(1);
    const Tensor<double> x = turned(tokens(ids) + positions(arange<std::int64_t>(start, start + n)));
    if (cache) return turned(layers(x, {}, cache));
    return turned(layers(x, {.mask = triu(ones<bool>({n, n}), 1)}));
  }
  Tensor<double> next(const Ids& ids) const {
    NoGradGuard no_grad;
    return generator(decode(ids).select(1, -1));
  }
  void visit(nn::Visitor<double>& v) override {
    v("tokens", tokens);
    v("positions", positions);
    v("layers", layers);
    v("generator", generator);
  }

 private:
  Tensor<double> turned(const Tensor<double>& x) const { return batch_first_ ? x : x.transpose(0, 1); }
  bool batch_first_;
};

}  // namespace

TEST_CASE("CausalStepper: scores are those of the whole text, however it is cut, for all kinds of layers") {
  for (const bool norm_first : {false, true})
    for (const bool batch_first : {false, true}) {
      Rng rng(1);
      RngGuard use(rng);
      const Causal model(norm_first, batch_first);
      const Ids text = randint(0, 11, {3, 40});
      decode::CausalStepper stepper(model);
      Index at = 0;
      for (const Index n : {7, 1, 1, 20, 3, 1}) {
        const auto scores = stepper.step(text.narrow(1, at, n));
        at += n;
        CHECK(stepper.rows() == 3);
        CHECK(stepper.length() == at);
        CHECK(difference(scores, model.next(text.narrow(1, 0, at).contiguous())) < 1e-12);
      }
      stepper.truncate(5);
      stepper.select_rows({2, 2, 0, 1});
      const Ids more = randint(0, 11, {4, 2}), before = text.narrow(1, 0, 5);
      const Ids whole =
          cat<std::int64_t>({stack<std::int64_t>({before[2], before[2], before[0], before[1]}, 0), more}, 1);
      CHECK(difference(stepper.step(more), model.next(whole)) < 1e-12);
      stepper.truncate(0);
      CHECK(difference(stepper.step(text.narrow(0, 0, 1)), model.next(text.narrow(0, 0, 1))) < 1e-12);
      CHECK(stepper.rows() == 1);
    }
}

TEST_CASE("CausalStepper: searches say what the whole text read again says") {
  Rng rng(2);
  RngGuard use(rng);
  const Causal model(true);
  const Ids prompt = randint(0, 11, {4, 6});
  Ids text = prompt;
  for (int i = 0; i < 25; ++i) text = cat<std::int64_t>({text, argmax(model.next(text), -1, {.keepdim = true})}, 1);
  decode::CausalStepper stepper(model);
  const auto greedy = decode::greedy_search(stepper, prompt, {.end = -1, .max_len = 25});
  for (Index row = 0; row < 4; ++row)
    CHECK(greedy[static_cast<std::size_t>(row)].tokens == gloss_test::values(text.select(0, row).slice(0, 6)));
  // A beam that has room for all prefixes finds the best text of two tokens.
  decode::CausalStepper again(model);
  const auto best = decode::beam_search(again, prompt, {.end = -1, .max_len = 2, .beam = 121, .length_penalty = 0});
  for (Index row = 0; row < 4; ++row) {
    const Ids one = prompt.narrow(0, row, 1);
    double score = -1e9;
    Tokens tokens;
    const auto first = log_softmax(model.next(one), -1);
    for (std::int64_t a = 0; a < 11; ++a) {
      const auto second = log_softmax(model.next(cat<std::int64_t>({one, Ids{{a}}}, 1)), -1);
      for (std::int64_t b = 0; b < 11; ++b)
        if (const double both = first.at({0, a}) + second.at({0, b}); both > score) score = both, tokens = {a, b};
    }
    CHECK(best[static_cast<std::size_t>(row)][0].tokens == tokens);
    CHECK(best[static_cast<std::size_t>(row)][0].score == Approx(score).epsilon(1e-10));
  }
}

namespace {

/// The same, which notes the masks that it is given.
struct Padded final : nn::Module<double> {
  using Cache = nn::TransformerEncoder<double>::Cache;
  Causal inner{true};
  nn::Linear<double>& generator = inner.generator;
  mutable std::vector<Ids> masks;

  Tensor<double> decode(const Ids& ids, Cache* cache, const Ids& mask = {}) const {
    masks.push_back(mask.defined() ? mask.clone() : Ids());
    for (const std::int64_t id : gloss_test::values(ids)) CHECK(id >= 0);
    return inner.decode(ids, cache);
  }
  void visit(nn::Visitor<double>& v) override { v("inner", inner); }
};

}  // namespace

TEST_CASE("CausalStepper: padding before prompts is masked from the first step on, in the rows that are left") {
  const Padded model;
  decode::CausalStepper stepper(model);
  const Ids prompt = decode::padded_prompt({{3, 4}, {5}, {6, 7, 8}});
  CHECK(equal(prompt, Ids{{-1, 3, 4}, {-1, -1, 5}, {6, 7, 8}}));
  stepper.step(prompt);
  CHECK(equal(model.masks.back(), Ids{{0, 1, 1}, {0, 0, 1}, {1, 1, 1}}));
  stepper.select_rows({2, 1});
  stepper.step(Ids{{1}, {2}});
  CHECK(equal(model.masks.back(), Ids{{1, 1, 1, 1}, {0, 0, 1, 1}}));
  stepper.truncate(1);
  stepper.step(Ids{{1}, {2}});
  CHECK(equal(model.masks.back(), Ids{{1, 1}, {0, 0}}));
  stepper.truncate(0);
  stepper.step(Ids{{1, 2}, {3, 4}});
  CHECK_FALSE(model.masks.back().defined());
  stepper.step(Ids{{1}, {2}});
  CHECK_FALSE(model.masks.back().defined());
}

TEST_CASE("CausalStepper: padding for a model that takes none, and in the wrong place") {
  const Causal model(true);
  decode::CausalStepper stepper(model);
  const Ids prompt = decode::padded_prompt({{3, 4}, {5}});
  CHECK_ERROR(stepper.step(prompt), Error,
              "CausalStepper: the prompts are of unequal lengths, and the model takes no padding");
  const auto greedy = [&](const Ids& ids) { decode::greedy_search(stepper, ids, {.max_len = 1}); };
  CHECK_ERROR(greedy({{3, 4}, {5, -1}}), Error,
              "greedy_search: row 1 of the prompt has no_token where a token is wanted, at 1");
  CHECK_ERROR(greedy({{3, -1, 4}}), Error,
              "greedy_search: row 0 of the prompt has no_token where a token is wanted, at 1");
  CHECK_ERROR(greedy({{-1, -1}}), Error,
              "greedy_search: row 0 of the prompt has no_token where a token is wanted, at 1");
  CHECK(decode::padded_prompt({}).shape() == Shape{0, 0});
}

TEST_CASE("Taps: hear every layer of a cached step") {
  const Causal model(false);
  decode::CausalStepper stepper(model);
  stepper.step(Ids{{1, 2, 3}});
  nn::Taps taps(model);
  stepper.step(Ids{{4}});
  for (const char* name :
       {"tokens", "layers", "layers.layers.0", "layers.layers.2.self_attn", "layers.layers.1.linear2", "generator"})
    CHECK(taps.all(name).size() == 1);
}
