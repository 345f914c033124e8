// Decoding with the cache against the uncached reference; beam search against enumeration.
#include <cmath>
#include <limits>
#include <map>

#include <gloss/decode/greedy.hpp>
#include <gloss/decode/search.hpp>
#include <gloss/train/batch.hpp>
#include <gloss/transformer/make_model.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::values;
using Ids = Tensor<std::int64_t>;
using Model = transformer::EncoderDecoder<double>;
using Tokens = std::vector<std::int64_t>;

namespace {

constexpr std::int64_t start = 0, end = 1, pad = 2;

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
  for (std::size_t i = 0; i < lengths.size(); ++i) src.select(0, static_cast<Index>(i)).slice(0, lengths[i]).fill_(pad);
  return {src, (src != pad).unsqueeze(-2)};
}
Source one_of(const Source& all, Index i, Index length) {
  const Ids src = all.src.narrow(0, i, 1).narrow(1, 0, length).contiguous();
  return {src, (src != pad).unsqueeze(-2)};
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
    "CachedDecoder: log-probabilities are the uncached model's to 1e-10, also beyond the first growth of the cache") {
  const auto model = toy_model(1);
  const Source s = sources({7, 3, 5, 1});
  Rng rng(2);
  RngGuard use(rng);
  const Ids said = randint(0, 12, {4, 40});
  decode::CachedDecoder<double> state(model, s.src, s.mask);
  CHECK(state.batch() == 4);
  for (Index i = 0; i < 40; ++i) {
    CHECK(state.length() == i);
    const auto logp = state.step(said.select(1, i).contiguous());
    CHECK(difference(logp, uncached(model, s, said.narrow(1, 0, i + 1).contiguous())) < 1e-10);
  }
}

TEST_CASE("CachedDecoder: the attention it reports is over the source and leaves out padding") {
  const auto model = toy_model(1);
  const Source s = sources({4, 2});
  decode::CachedDecoder<double> state(model, s.src, s.mask);
  Tensor<double> weights;
  state.step({start, start}, &weights);
  state.step({3, 4}, &weights);
  CHECK(weights.shape() == Shape{2, 4, 1, 4});
  CHECK(difference(sum(weights, -1), ones<double>({2, 4, 1})) < 1e-14);
  CHECK(weights.at({1, 0, 0, 2}) == 0);
  CHECK(weights.at({1, 3, 0, 3}) == 0);
}

TEST_CASE("CachedDecoder: rows can be dropped, repeated and reordered") {
  const auto model = toy_model(3);
  const Source s = sources({6, 2, 4});
  const Ids said = {{0, 5, 7}, {0, 3, 9}, {0, 8, 4}};
  decode::CachedDecoder<double> state(model, s.src, s.mask);
  state.step({0, 0, 0});
  state.step(said.select(1, 1).contiguous());
  state.select_rows({2, 0, 0, 2, 1});
  CHECK(state.batch() == 5);
  const auto logp = state.step({4, 7, 6, 4, 9});
  const std::vector<Index> rows = {2, 0, 0, 2, 1};
  const Ids next = {4, 7, 6, 4, 9};
  for (Index i = 0; i < 5; ++i) {
    const Index from = rows[static_cast<std::size_t>(i)];
    const Source one{s.src.narrow(0, from, 1), s.mask.narrow(0, from, 1)};
    const Ids prefix = {{0, said.at({from, 1}), next.at({i})}};
    CHECK(difference(logp.narrow(0, i, 1), uncached(model, one, prefix)) < 1e-10);
  }
  state.select_rows(Ids{1});
  CHECK(state.step({3}).shape() == Shape{1, 12});
  CHECK_ERROR(state.select_rows(Ids{1}), IndexError,
              "CachedDecoder::select_rows: row 1 is out of range for a batch of 1");
  CHECK_ERROR(state.select_rows({0, -1}), IndexError,
              "CachedDecoder::select_rows: row -1 is out of range for a batch of 1");
  CHECK(state.batch() == 1);
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
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  CHECK_ERROR(decode::beam_search(model, s.src, s.mask, {.length_penalty = nan}), Error,
              "beam_search: length_penalty nan is not a finite number");
  CHECK_ERROR(decode::beam_search(model, s.src, s.mask, {.length_penalty = -inf}), Error,
              "beam_search: length_penalty -inf is not a finite number");
  model.generator.proj.weight.detach().fill_(nan);
  CHECK_ERROR(decode::greedy_search(model, s.src, s.mask, {}), Error, "search: the probability of a token is NaN");
  CHECK_ERROR(decode::beam_search(model, s.src, s.mask, {}), Error, "search: the probability of a token is NaN");
}
