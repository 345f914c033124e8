// Lexical shortlists: what they hold, against NLTK's IBM model 1 (tests/golden/decode/shortlist.txt), and searches that
// say nothing else.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/decode/shortlist.hpp>
#include <gloss/nn/quantize.hpp>
#include <gloss/transformer/make_model.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using decode::Shortlist;
using decode::Shortlisted;
using decode::Tokens;
using gloss_test::difference;
using gloss_test::values;
using Ids = Tensor<std::int64_t>;
using Model = transformer::EncoderDecoder<float>;

namespace {

constexpr Index vocab = 37;
constexpr std::int64_t start = 0, end = 1;

Model translator(std::uint64_t seed) {
  Rng rng(seed);
  const RngGuard use(rng);
  auto model = transformer::make_model<float>(
      {.src_vocab = vocab, .tgt_vocab = vocab, .N = 1, .d_model = 32, .d_ff = 48, .h = 4, .max_len = 64});
  const auto& proj = model.generator.proj.weight;
  proj.detach().copy_(proj.detach() * 4.0f);  // so that sentences differ, and some end
  model.eval();
  return model;
}
Tensor<bool> all_of(const Ids& src) { return ones<bool>({src.size(0), 1, src.size(1)}); }
Shortlisted<Model> shortlisted(const Model& model, const Tokens& candidates) {
  return {model, model.generator.proj.weight, model.generator.proj.bias, candidates};
}
Tokens all_tokens() {
  Tokens all;
  for (std::int64_t token = 0; token < vocab; ++token) all.push_back(token);
  return all;
}
bool holds(const Tokens& tokens, std::int64_t token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

}  // namespace

TEST_CASE("Shortlist: the likeliest translations are those of NLTK's IBM model 1") {
  std::ifstream file(GLOSS_TEST_DATA "/decode/shortlist.txt");
  REQUIRE(file);
  std::vector<Tokens> sources, targets;
  Index compared = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind, word;
    Tokens sides[2];
    words >> kind;
    for (int side = 0; words >> word;)
      if (word == "|")
        ++side;
      else
        sides[side].push_back(std::stoll(word));
    if (kind == "pair") {
      sources.push_back(sides[0]), targets.push_back(sides[1]);
      continue;
    }
    for (std::size_t k = 1; k <= sides[1].size(); ++k, ++compared) {
      const Shortlist list(sources, targets, {.most_frequent = 0, .per_source_token = static_cast<Index>(k)});
      Tokens wanted(sides[1].begin(), sides[1].begin() + static_cast<std::ptrdiff_t>(k));
      std::sort(wanted.begin(), wanted.end());
      CHECK(list({sides[0]}) == wanted);
    }
  }
  CHECK(sources.size() > 50);
  CHECK(compared > 30);
}

TEST_CASE("Shortlist: candidates are those of all sources, the frequent ones and those that always are") {
  const std::vector<Tokens> sources = {{2, 3}, {2, 4}, {5}}, targets = {{12, 13, 9}, {12, 14, 9}, {15, 15, 15, 15}};
  const Shortlist list(sources, targets,
                       {.most_frequent = 1, .per_source_token = 1, .always = {end}, .iterations = 20});
  CHECK(list({}) == Tokens{end, 15});
  CHECK(list({{5}}) == Tokens{end, 15});
  CHECK(list({{3}}) == Tokens{end, 13, 15});
  CHECK(list({{4}, {3, 3}}) == Tokens{end, 13, 14, 15});
  CHECK(list({{99, -1, 0}}) == Tokens{end, 15});  // words that no pair has
  CHECK(Shortlist({}, {}, {.always = {3, 2, 3}})({{4}}) == Tokens{2, 3});
  CHECK(Shortlist(sources, targets, {})({{2, 3, 4, 5}}) == Tokens{9, 12, 13, 14, 15});  // there are no more
  CHECK(Shortlist(sources, targets, {.most_frequent = 2, .per_source_token = 0})({{3}}) ==
        Tokens{9, 15});  // 9 before 12
}

TEST_CASE("Shortlisted: with the whole vocabulary searches say what the model says") {
  Rng rng(1);
  const RngGuard use(rng);
  Index ended = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const Model model = translator(seed);
    const auto few = shortlisted(model, all_tokens());
    const Ids src = randint(2, vocab, {6, 7});
    const auto wanted = decode::greedy_search(model, src, all_of(src), {.start = start, .end = end, .max_len = 20});
    const auto said = decode::greedy_search(few, src, all_of(src), {.start = start, .end = end, .max_len = 20});
    const auto beams = decode::beam_search(model, src, all_of(src), {.start = start, .end = end, .max_len = 20});
    const auto said_beams = decode::beam_search(few, src, all_of(src), {.start = start, .end = end, .max_len = 20});
    for (std::size_t i = 0; i < 6; ++i) {
      CHECK(said[i].tokens == wanted[i].tokens);
      CHECK(said[i].score == Approx(wanted[i].score).epsilon(1e-5));
      CHECK(said_beams[i][0].tokens == beams[i][0].tokens);
      ended += wanted[i].finished;
    }
  }
  CHECK(ended > 0);
}

TEST_CASE("Shortlisted: scores are the model's for candidates, and searches say nothing else") {
  const Model model = translator(5);
  const Tokens candidates = {end, 4, 5, 9, 20, 36};
  const auto few = shortlisted(model, candidates);
  NoGradGuard no_grad;
  const auto x = randn<float>({3, 32}), scores = few.generator(x), all = model.generator.proj(x);
  CHECK(scores.shape() == Shape{3, vocab});
  for (Index row = 0; row < 3; ++row)
    for (std::int64_t token = 0; token < vocab; ++token) {
      if (holds(candidates, token))
        CHECK(scores.at({row, token}) == Approx(all.at({row, token})).epsilon(1e-5));
      else
        CHECK(scores.at({row, token}) == -INFINITY);
    }
  const Ids src = randint(2, vocab, {8, 6});
  bool other = false;
  const auto wanted = decode::greedy_search(model, src, all_of(src), {.end = end, .max_len = 15});
  const auto said = decode::greedy_search(few, src, all_of(src), {.end = end, .max_len = 15});
  for (std::size_t i = 0; i < 8; ++i) {
    for (const std::int64_t token : said[i].tokens) CHECK(holds(candidates, token));
    other = other || said[i].tokens != wanted[i].tokens;
  }
  CHECK(other);
}

TEST_CASE("Shortlisted: a model without a bias, and one whose weights are quantized") {
  Model model = translator(6);
  const auto x = randn<float>({2, 32});
  NoGradGuard no_grad;
  const Shortlisted<Model> plain(model, model.generator.proj.weight, {}, {3, 8});
  CHECK(difference(plain.generator(x).select(1, 8), linear(x, model.generator.proj.weight).select(1, 8)) < 1e-5);
  const auto before = shortlisted(model, {3, 8}).generator(x).select(1, 3);
  nn::quantize(model, {.weights = nn::WeightFormat::bfloat16});
  CHECK(difference(shortlisted(model, {3, 8}).generator(x).select(1, 3), before) < 0.05);
}

TEST_CASE("Shortlist: errors") {
  CHECK_ERROR(Shortlist({{1}}, {}), ShapeError, "Shortlist: 1 sources, 0 targets");
  CHECK_ERROR(Shortlist({{1}}, {{-2}}), Error, "Shortlist: token -2 is negative");
  CHECK_ERROR(Shortlist({{-1}}, {{2}}), Error, "Shortlist: token -1 is negative");
  CHECK_ERROR(Shortlist({}, {}, {.most_frequent = -1}), Error,
              "Shortlist: most_frequent -1 and per_source_token 50 must not be negative, iterations 5 positive");
  CHECK_ERROR(Shortlist({}, {}, {.iterations = 0}), Error,
              "Shortlist: most_frequent 100 and per_source_token 50 must not be negative, iterations 0 positive");
  const Model model = translator(7);
  CHECK_ERROR(shortlisted(model, {}), Error, "Shortlisted: no candidates");
  CHECK_THROWS_AS(shortlisted(model, {vocab}), IndexError);
  CHECK_THROWS_AS(shortlisted(model, {-1}), IndexError);
  const Tensor<float>& weight = model.generator.proj.weight;
  CHECK_ERROR(Shortlisted<Model>(model, weight, zeros<float>({3}), {2}), ShapeError,
              "Shortlisted: bias [3] does not fit weight [37, 32]");
}
