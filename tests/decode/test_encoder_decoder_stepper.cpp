// Decoding through a model's own layers with a cache against the uncached reference; beam search against enumeration;
// both against what they said before (tests/golden/decode/searches.txt).
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/decode/greedy.hpp>
#include <gloss/nn/positions/sinusoidal.hpp>
#include <gloss/nn/taps.hpp>
#include <gloss/nn/transformer.hpp>
#include <gloss/train/annotated/batch.hpp>
#include <gloss/transformer/make_model.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::values;
using Ids = Tensor<std::int64_t>;
using Model = transformer::EncoderDecoder<double>;
using Stepper = decode::EncoderDecoderStepper<Model>;
using decode::Tokens;

namespace {

constexpr std::int64_t start = 0, end = 1, padding = 2;

/// An untrained model in evaluation; `sharp` spreads its choices, so that sentences differ and some end.
Model toy_model(std::uint64_t seed, Index vocab = 12, double sharp = 4) {
  Rng rng(seed);
  RngGuard use(rng);
  auto model = transformer::make_model<double>(
      {.src_vocab = 12, .tgt_vocab = vocab, .N = 2, .d_model = 16, .d_ff = 24, .h = 4, .max_len = 64});
  model.generator.proj.weight.detach().copy_(model.generator.proj.weight.detach() * sharp);
  model.eval();
  return model;
}

struct Source {
  Ids src;
  Tensor<bool> mask;
};
/// Sentences of different lengths, padded.
Source sources(const std::vector<Index>& lengths) {
  Rng rng(9);
  RngGuard use(rng);
  const Index longest = *std::max_element(lengths.begin(), lengths.end());
  Ids src = randint(3, 12, {static_cast<Index>(lengths.size()), longest});
  for (std::size_t i = 0; i < lengths.size(); ++i)
    src.select(0, static_cast<Index>(i)).slice(0, lengths[i]).fill_(padding);
  return {src, (src != padding).unsqueeze(-2)};
}
Source one_of(const Source& all, Index i, Index length) {
  const Ids src = all.src.narrow(0, i, 1).narrow(1, 0, length).contiguous();
  return {src, (src != padding).unsqueeze(-2)};
}

/// log P(next | prefix) without a cache.
Tensor<double> uncached(const Model& model, const Source& s, const Ids& prefix) {
  NoGradGuard no_grad;
  const auto out =
      model.decode(model.encode(s.src, s.mask), s.mask, prefix, transformer::subsequent_mask(prefix.size(1)));
  return model.generator(out.select(1, -1));
}

}  // namespace

TEST_CASE(
    "EncoderDecoderStepper: scores are the uncached model's to 1e-10, also beyond the first growth of the cache") {
  const auto model = toy_model(1);
  const Source s = sources({7, 3, 5, 1});
  Rng rng(2);
  RngGuard use(rng);
  const Ids said = randint(0, 12, {4, 40});
  Stepper stepper(model, s.src, s.mask);
  CHECK(stepper.rows() == 4);
  for (Index i = 0; i < 40; ++i) {
    CHECK(stepper.length() == i);
    const auto scores = stepper.step(said.narrow(1, i, 1));
    CHECK(difference(scores, uncached(model, s, said.narrow(1, 0, i + 1).contiguous())) < 1e-10);
  }
}

TEST_CASE("EncoderDecoderStepper: tokens may come several at a time, and be taken back") {
  const auto model = toy_model(1);
  const Source s = sources({7, 3});
  Rng rng(3);
  RngGuard use(rng);
  const Ids said = randint(0, 12, {2, 30});
  Stepper stepper(model, s.src, s.mask);
  Index at = 0;
  for (const Index n : {5, 1, 17, 2}) {
    const auto scores = stepper.step(said.narrow(1, at, n));
    at += n;
    CHECK(difference(scores, uncached(model, s, said.narrow(1, 0, at).contiguous())) < 1e-10);
  }
  stepper.truncate(4);
  CHECK(stepper.length() == 4);
  const Ids other = randint(0, 12, {2, 6});
  CHECK(difference(stepper.step(other), uncached(model, s, cat<std::int64_t>({said.narrow(1, 0, 4), other}, 1))) <
        1e-10);
  stepper.truncate(0);
  CHECK(difference(stepper.step(other), uncached(model, s, other)) < 1e-10);
  CHECK_ERROR(stepper.truncate(7), IndexError, "ModelCache: cannot truncate 6 positions to 7");
  CHECK_ERROR(stepper.truncate(-1), IndexError, "ModelCache: cannot truncate 6 positions to -1");
  CHECK(stepper.length() == 6);
}

TEST_CASE("EncoderDecoder: with a cache it reports the last layer's weights over the source, without padding") {
  const auto model = toy_model(1);
  const Source s = sources({4, 2});
  NoGradGuard no_grad;
  const auto memory = model.encode(s.src, s.mask);
  const Ids said = {{start, 3, 5}, {start, 4, 6}};
  Tensor<double> all, weights;
  model.decode(memory, s.mask, said, transformer::subsequent_mask(3), nullptr, &all);
  CHECK(all.shape() == Shape{2, 4, 3, 4});
  CHECK(difference(sum(all, -1), ones<double>({2, 4, 3})) < 1e-14);
  CHECK(all.at({1, 0, 2, 2}) == 0);
  CHECK(all.at({1, 3, 0, 3}) == 0);
  Model::Cache cache;
  for (Index i = 0; i < 3; ++i) {
    model.decode(memory, s.mask, said.narrow(1, i, 1), {}, &cache, &weights);
    CHECK(weights.shape() == Shape{2, 4, 1, 4});
    CHECK(difference(weights, all.narrow(2, i, 1)) < 1e-14);
  }
}

TEST_CASE("EncoderDecoderStepper: rows can be dropped, repeated and reordered") {
  const auto model = toy_model(3);
  const Source s = sources({6, 2, 4});
  const Ids said = {{0, 5, 7}, {0, 3, 9}, {0, 8, 4}};
  for (const bool before_the_first_step : {false, true}) {
    Stepper stepper(model, s.src, s.mask);
    const Ids order = {2, 0, 0, 2, 1};
    if (before_the_first_step) {
      stepper.select_rows(order);
      stepper.step({{0, 8}, {0, 5}, {0, 5}, {0, 8}, {0, 3}});
    } else {
      stepper.step(said.narrow(1, 0, 2));
      stepper.select_rows(order);
    }
    CHECK(stepper.rows() == 5);
    const Ids next = {{4}, {7}, {6}, {4}, {9}};
    const auto scores = stepper.step(next);
    for (Index i = 0; i < 5; ++i) {
      const Index from = order.at({i});
      const Source one{s.src.narrow(0, from, 1), s.mask.narrow(0, from, 1)};
      const Ids prefix = {{0, said.at({from, 1}), next.at({i, 0})}};
      CHECK(difference(scores.narrow(0, i, 1), uncached(model, one, prefix)) < 1e-10);
    }
    stepper.select_rows(Ids{1});
    CHECK(stepper.step({{3}}).shape() == Shape{1, 12});
    CHECK_ERROR(stepper.select_rows(Ids{1}), IndexError, "Stepper::select_rows: row 1 is out of range for 1 rows");
    CHECK_ERROR(stepper.select_rows({0, -1}), IndexError, "Stepper::select_rows: row -1 is out of range for 1 rows");
    CHECK(stepper.rows() == 1);
  }
}

TEST_CASE("EncoderDecoderStepper: wrong tokens change nothing") {
  const auto model = toy_model(3);
  const Source s = sources({6, 2});
  Stepper stepper(model, s.src, s.mask);
  stepper.step({{0}, {0}});
  CHECK_ERROR(stepper.step({{1}}), ShapeError, "Stepper::step: tokens [1, 1] are not [2, n] with n at least 1");
  CHECK_ERROR(stepper.step(Ids{1, 2}), ShapeError, "Stepper::step: tokens [2] are not [2, n] with n at least 1");
  CHECK_THROWS_AS(stepper.step({{1}, {12}}), IndexError);
  CHECK(stepper.length() == 1);
  CHECK(difference(stepper.step({{4}, {5}}), uncached(model, s, {{0, 4}, {0, 5}})) < 1e-10);
}

TEST_CASE("Taps: a cached step is heard as any forward is, layer by layer") {
  const auto model = toy_model(2);
  const Source s = sources({5, 3});
  const Ids said = {{0, 5, 7}, {0, 3, 9}};
  NoGradGuard no_grad;
  std::vector<std::string> names;
  std::map<std::string, Tensor<double>> last;
  {
    const auto memory = model.encode(s.src, s.mask);
    nn::Taps taps(model);
    model.generator(model.decode(memory, s.mask, said, transformer::subsequent_mask(3)).select(1, -1));
    for (const auto& call : taps.calls()) {
      names.push_back(call.name);
      if (call.y.dim() == 3) last[call.name] = call.y.narrow(1, -1, 1);
    }
  }
  Stepper stepper(model, s.src, s.mask);
  stepper.step(said.narrow(1, 0, 2));
  nn::Taps taps(model);
  stepper.step(said.narrow(1, 2, 1));
  std::vector<std::string> heard;
  for (const auto& call : taps.calls()) {
    heard.push_back(call.name);
    if (call.name.find("src_attn.linears.1") == std::string::npos && call.y.dim() == 3)
      CHECK(difference(call.y, last.at(call.name)) < 1e-12);
  }
  std::erase_if(names, [](const std::string& name) {  // the memory's keys and values are in the cache
    return name.ends_with("src_attn.linears.1") || name.ends_with("src_attn.linears.2");
  });
  CHECK(heard == names);
  CHECK(heard.size() > 40);
}

TEST_CASE("EncoderDecoderStepper: PyTorch's Transformer decodes through it, too") {
  struct Translator final : nn::Module<double> {
    using Cache = nn::TransformerDecoder<double>::Cache;
    nn::Embedding<double> embed;
    nn::Transformer<double> transformer;
    nn::Linear<double> generator;
    Tensor<double> positions = nn::sinusoidal_positions<double>(64, 16);

    Translator()
        : embed(12, 16),
          transformer(16, 4,
                      {.num_encoder_layers = 2, .num_decoder_layers = 2, .dim_feedforward = 24, .batch_first = true}),
          generator(16, 12) {}
    Tensor<double> embedded(const Ids& ids, Index from) const {
      return embed(ids) + positions.narrow(0, from, ids.size(1));
    }
    Tensor<double> encode(const Ids& src, const Tensor<bool>& mask) const {
      return transformer.encoder(embedded(src, 0), {.src_key_padding_mask = !mask.select(1, 0)});
    }
    Tensor<double> decode(const Tensor<double>& memory, const Tensor<bool>& mask, const Ids& tgt,
                          const Tensor<bool>& hidden, Cache* cache = nullptr) const {
      return transformer.decoder(embedded(tgt, cache ? cache->length : 0), memory,
                                 {.tgt_mask = hidden, .memory_key_padding_mask = !mask.select(1, 0)}, cache);
    }
    void visit(nn::Visitor<double>& v) override {
      v("embed", embed);
      v("transformer", transformer);
      v("generator", generator);
    }
  };
  Rng rng(4);
  RngGuard use(rng);
  Translator model;
  model.eval();
  const Source s = sources({6, 3});
  const Ids said = randint(0, 12, {2, 20});
  decode::EncoderDecoderStepper stepper(model, s.src, s.mask);
  NoGradGuard no_grad;
  const auto memory = model.encode(s.src, s.mask);
  Index at = 0;
  for (const Index n : {1, 4, 1, 12, 2}) {
    const auto scores = stepper.step(said.narrow(1, at, n));
    at += n;
    const auto causal = triu(ones<bool>({at, at}), 1);
    const auto whole = model.decode(memory, s.mask, said.narrow(1, 0, at).contiguous(), causal);
    CHECK(difference(scores, model.generator(whole.select(1, -1))) < 1e-10);
  }
  CHECK(decode::beam_search(model, s.src, s.mask, {.max_len = 8}).size() == 2);
}

TEST_CASE("greedy and beam search: tokens and scores are those of before there was one forward") {
  std::ifstream file(GLOSS_TEST_DATA "/decode/searches.txt");
  REQUIRE(file);
  std::string line;
  Index compared = 0;
  while (std::getline(file, line)) {
    if (line[0] == '#') continue;
    std::istringstream header(line);
    std::string search;
    std::uint64_t seed = 0;
    decode::BeamOptions beam{.max_len = 20};
    header >> search >> seed;
    if (search == "beam") header >> beam.beam >> beam.length_penalty >> beam.n_best;
    REQUIRE((header && (search == "beam" || search == "greedy")));
    Rng rng(seed);
    RngGuard use(rng);
    auto model = transformer::make_model<double>(
        {.src_vocab = 12, .tgt_vocab = 12, .N = 2, .d_model = 16, .d_ff = 24, .h = 4, .max_len = 64});
    model.generator.proj.weight.detach().copy_(model.generator.proj.weight.detach() * 4.0);
    model.eval();
    Ids src = randint(3, 12, {4, 7});
    const Index lengths[] = {7, 3, 5, 1};
    for (Index i = 0; i < 4; ++i) src.select(0, i).slice(0, lengths[i]).fill_(padding);
    const Tensor<bool> mask = (src != padding).unsqueeze(-2);
    std::vector<std::vector<decode::Hypothesis>> found;
    if (search == "beam")
      found = decode::beam_search(model, src, mask, beam);
    else
      for (auto& h : decode::greedy_search(model, src, mask, {.max_len = 20})) found.push_back({h});
    for (const auto& list : found) {
      std::size_t count = 0;
      std::getline(file, line);
      std::istringstream(line) >> count;
      REQUIRE(list.size() == count);
      for (const auto& h : list) {
        std::getline(file, line);
        std::istringstream said(line);
        double score = 0;
        bool finished = false;
        said >> score >> finished >> count;
        Tokens tokens(count);
        for (auto& token : tokens) said >> token;
        REQUIRE(said);
        CHECK(h.tokens == tokens);
        CHECK(h.finished == finished);
        CHECK(h.score == Approx(score).epsilon(1e-12));
        ++compared;
      }
    }
  }
  CHECK(compared == 6 * 4 * (1 + 1 + 2 + 3));
}

TEST_CASE("greedy_search: says what greedy_decode says, token for token, up to the end of each sentence") {
  Index ended = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const auto model = toy_model(seed);
    const Source s = sources({7, 3, 5, 1, 6});
    const Ids reference = decode::greedy_decode(model, s.src, s.mask, 21, start);
    const auto got = decode::greedy_search(model, s.src, s.mask, {.start = start, .end = end, .max_len = 20});
    REQUIRE(got.size() == 5);
    for (Index i = 0; i < 5; ++i) {
      Tokens wanted = values(reference.select(0, i).slice(0, 1));
      const auto stop = std::find(wanted.begin(), wanted.end(), end);
      const auto& h = got[static_cast<std::size_t>(i)];
      CHECK(h.finished == (stop != wanted.end()));
      ended += h.finished;
      wanted.erase(stop, wanted.end());
      CHECK(h.tokens == wanted);
    }
  }
  CHECK((ended > 0 && ended < 30));  // both kinds of ending were there
}

TEST_CASE("greedy_search: the score is the log-probability of what is said") {
  const auto model = toy_model(2);
  const Source s = sources({5});
  const auto h = decode::greedy_search(model, s.src, s.mask, {.max_len = 6})[0];
  Tokens prefix = {start};
  double logp = 0;
  Tokens said = h.tokens;
  if (h.finished) said.push_back(end);
  for (const auto token : said) {
    logp += uncached(model, s, from_vector(prefix, {1, static_cast<Index>(prefix.size())})).at({0, token});
    prefix.push_back(token);
  }
  CHECK(h.score == Approx(logp).epsilon(1e-10));
}

TEST_CASE("search: a sentence gives the same result alone and inside a batch") {
  const auto model = toy_model(4);
  const std::vector<Index> lengths = {7, 2, 5, 3};
  const Source all = sources(lengths);
  const auto greedy = decode::greedy_search(model, all.src, all.mask, {.max_len = 12});
  const auto beams = decode::beam_search(model, all.src, all.mask, {.max_len = 12, .beam = 3, .n_best = 2});
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const Source one = one_of(all, static_cast<Index>(i), lengths[i]);
    const auto g = decode::greedy_search(model, one.src, one.mask, {.max_len = 12})[0];
    CHECK(g.tokens == greedy[i].tokens);
    CHECK(g.score == Approx(greedy[i].score).epsilon(1e-10));
    const auto b = decode::beam_search(model, one.src, one.mask, {.max_len = 12, .beam = 3, .n_best = 2})[0];
    REQUIRE(b.size() == beams[i].size());
    for (std::size_t k = 0; k < b.size(); ++k) {
      CHECK(b[k].tokens == beams[i][k].tokens);
      CHECK(b[k].score == Approx(beams[i][k].score).epsilon(1e-10));
    }
  }
}

TEST_CASE("beam_search: one beam without length penalty is greedy search") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const auto model = toy_model(seed);
    const Source s = sources({7, 3, 5, 1});
    const auto greedy = decode::greedy_search(model, s.src, s.mask, {.max_len = 15});
    const auto beam = decode::beam_search(model, s.src, s.mask, {.max_len = 15, .beam = 1, .length_penalty = 0});
    for (std::size_t i = 0; i < greedy.size(); ++i) {
      REQUIRE(beam[i].size() == 1);
      CHECK(beam[i][0].tokens == greedy[i].tokens);
      CHECK(beam[i][0].score == Approx(greedy[i].score).epsilon(1e-12));
      CHECK(beam[i][0].finished == greedy[i].finished);
    }
  }
}

TEST_CASE("beam_search: with room for every prefix it finds the best of all sentences, in order") {
  constexpr Index vocab = 4, longest = 4;
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    for (const double length_penalty : {0.0, 0.6, 1.5}) {
      const auto model = toy_model(seed, vocab, 2);
      const Source s = sources({4});
      struct Scored {
        double score;
        Tokens tokens;
        bool finished;
      };
      std::vector<Scored> everything;
      const auto penalty = [&](std::size_t n) { return std::pow((5.0 + static_cast<double>(n)) / 6, length_penalty); };
      std::vector<std::pair<Tokens, double>> open = {{{}, 0.0}};
      for (Index length = 0; length < longest; ++length) {
        std::vector<std::pair<Tokens, double>> next;
        for (const auto& [said, logp] : open) {
          Tokens prefix = {start};
          prefix.insert(prefix.end(), said.begin(), said.end());
          const auto p = uncached(model, s, from_vector(prefix, {1, static_cast<Index>(prefix.size())}));
          for (std::int64_t token = 0; token < vocab; ++token) {
            const double total = logp + p.at({0, token});
            if (token == end) {
              everything.push_back({total / penalty(said.size() + 1), said, true});
            } else {
              next.emplace_back(said, total);
              next.back().first.push_back(token);
            }
          }
        }
        open = next;
      }
      for (const auto& [said, logp] : open) everything.push_back({logp / penalty(said.size()), said, false});
      std::sort(everything.begin(), everything.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
      const auto got = decode::beam_search(model, s.src, s.mask,
                                           {.start = start,
                                            .end = end,
                                            .max_len = longest,
                                            .beam = 81,
                                            .length_penalty = length_penalty,
                                            .n_best = 5})[0];
      REQUIRE(got.size() == 5);
      for (std::size_t k = 0; k < 5; ++k) {
        CHECK(got[k].tokens == everything[k].tokens);
        CHECK(got[k].score == Approx(everything[k].score).epsilon(1e-10));
        CHECK(got[k].finished == everything[k].finished);
      }
    }
}

TEST_CASE("beam_search: a wider beam's hypotheses are sorted, distinct and scored as said") {
  const auto model = toy_model(5);
  const Source s = sources({6, 4});
  for (const auto& list : decode::beam_search(model, s.src, s.mask, {.max_len = 10, .beam = 5, .n_best = 4})) {
    REQUIRE(!list.empty());
    std::map<Tokens, int> seen;
    for (std::size_t k = 0; k < list.size(); ++k) {
      if (k > 0) CHECK(list[k - 1].score >= list[k].score);
      CHECK(++seen[list[k].tokens] == 1);
      CHECK(list[k].tokens.size() <= 10);
    }
  }
}

TEST_CASE("search: no sentences, no room and wrong options") {
  const auto model = toy_model(1);
  const Source s = sources({3, 2});
  const Source none{s.src.narrow(0, 0, 0), s.mask.narrow(0, 0, 0)};
  CHECK(decode::greedy_search(model, none.src, none.mask, {}).empty());
  CHECK(decode::beam_search(model, none.src, none.mask, {}).empty());
  const auto nothing = decode::greedy_search(model, s.src, s.mask, {.max_len = 0});
  CHECK((nothing.size() == 2 && nothing[0].tokens.empty() && !nothing[0].finished));
  CHECK(decode::beam_search(model, s.src, s.mask, {.max_len = 0})[1][0].tokens.empty());
  CHECK(decode::beam_search(model, s.src, s.mask, {.max_len = 3, .beam = 50, .n_best = 50})[0].size() > 10);
  CHECK_ERROR(decode::greedy_search(model, s.src, s.mask, {.max_len = -1}), Error,
              "greedy_search: max_len -1 is negative");
  CHECK_ERROR(decode::beam_search(model, s.src, s.mask, {.beam = 0}), Error,
              "beam_search: beam 0 and n_best 1 must be positive, max_len 64 not negative");
  CHECK_ERROR(decode::beam_search(model, s.src, s.mask, {.length_penalty = -std::numeric_limits<double>::infinity()}),
              Error, "beam_search: length_penalty -inf is not a finite number");
  model.generator.proj.weight.detach().fill_(std::nan(""));
  CHECK_ERROR(decode::greedy_search(model, s.src, s.mask, {}), Error,
              "greedy_search: row 0: no token is possible: the scores are -infinity or NaN");
  CHECK_ERROR(decode::beam_search(model, s.src, s.mask, {}), Error,
              "beam_search: row 0: no token is possible: the scores are -infinity or NaN");
}
