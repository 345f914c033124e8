// Greedy search, sampling and streams of tokens over a Stepper.
#include <cmath>
#include <limits>
#include <map>

#include <gloss/decode/sampling.hpp>
#include <gloss/ops/softmax.hpp>

#include "support/catch.hpp"
#include "support/markov.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::Markov;
using Ids = Tensor<std::int64_t>;
using decode::Tokens;

namespace {

/// Token 1 is the end; behind 0 come 2 or 3, behind 3 comes 4, then the end.
Tensor<double> table() {
  return {{-9, -9, 1, 0.5, -9}, {0, 0, 0, 0, 0}, {-9, -1, -9, 2, -9}, {-9, -9, -9, -9, 3}, {-9, 4, -9, -9, -9}};
}
double log_p(Index from, Index to) { return log_softmax(table(), -1).at({from, to}); }

}  // namespace

TEST_CASE("greedy_search: reads the prompt at once, then a token at a time; rows that say the end leave") {
  Markov stepper(table());
  const auto found = decode::greedy_search(stepper, Ids{{2, 0}, {0, 3}, {2, 2}}, {});
  CHECK(found[0].tokens == Tokens{2, 3, 4});
  CHECK(found[1].tokens == Tokens{4});
  CHECK(found[2].tokens == Tokens{3, 4});
  for (const auto& h : found) CHECK(h.finished);
  CHECK(found[1].score == Approx(log_p(3, 4) + log_p(4, 1)));
  CHECK(stepper.steps == 4);
  CHECK(stepper.read == std::vector<Tokens>{{2, 0, 2, 3, 4}});
}

TEST_CASE("sample: the share of each token is its probability; the score is log P of what was said") {
  Markov stepper(table());
  manual_seed(5);
  const Index n = 4000;
  const auto found = decode::sample(stepper, zeros<std::int64_t>({n, 1}), {.max_len = 1});
  std::map<std::int64_t, double> share;
  for (const auto& h : found) {
    const std::int64_t token = h.finished ? 1 : h.tokens[0];
    share[token] += 1.0 / static_cast<double>(n);
    CHECK(h.score == Approx(log_p(0, token)));
  }
  for (Index token = 0; token < 5; ++token) CHECK(std::abs(share[token] - std::exp(log_p(0, token))) < 0.03);
}

TEST_CASE("sample: one seed says the same again, and a row the same whoever is beside it") {
  const auto say = [](const Ids& prompt) {
    Markov stepper(table() * 0.3);
    manual_seed(11);
    return decode::sample(stepper, prompt, {.max_len = 12});
  };
  const auto three = say({{0}, {0}, {2}}), again = say({{0}, {0}, {2}}), one = say(Ids{{0}});
  for (std::size_t i = 0; i < 3; ++i) CHECK(three[i].tokens == again[i].tokens);
  CHECK(three[0].tokens == one[0].tokens);
  CHECK(three[0].tokens != three[1].tokens);
}

TEST_CASE("sample: temperature 0, top_k 1 and a tiny top_p are greedy search") {
  const Ids prompt = {{0}, {2}, {3}};
  Markov greedy(table());
  const auto wanted = decode::greedy_search(greedy, prompt, {});
  for (const decode::SampleOptions& options :
       {decode::SampleOptions{.temperature = 0}, {.top_k = 1}, {.top_p = 1e-9}, {.min_p = 1}, {.temperature = 1e-3}}) {
    Markov stepper(table());
    const auto found = decode::sample(stepper, prompt, options);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(found[i].tokens == wanted[i].tokens);
      CHECK(found[i].score == Approx(wanted[i].score));
    }
  }
}

TEST_CASE("greedy_search, sample: rules bind both") {
  Markov stepper(table());
  const auto found = decode::greedy_search(stepper, Ids{{0}}, {.logits = {.forbidden = {2}}})[0];
  CHECK(found.tokens == Tokens{3, 4});
  CHECK(found.score == Approx(log_p(0, 3) + log_p(3, 4) + log_p(4, 1)));  // log P, whatever the rules
  Markov again(table());
  CHECK(decode::greedy_search(again, Ids{{0}}, {.max_len = 4, .logits = {.forced_prefix = {{4, 0}}}})[0].tokens ==
        Tokens{4, 0, 2, 3});
  Markov third(table());
  const auto longer = decode::sample(third, Ids{{4}}, {.max_len = 9, .temperature = 0, .logits = {.min_len = 3}})[0];
  CHECK(longer.tokens.size() >= 3);
  Markov nothing(full<double>({3, 3}, -std::numeric_limits<double>::infinity()));
  CHECK_ERROR(decode::greedy_search(nothing, Ids{{0}}, {}), Error,
              "greedy_search: row 0: no token is possible: the scores are -infinity or NaN");
  Markov broken(full<double>({3, 3}, std::nan("")));
  CHECK_ERROR(decode::sample(broken, Ids{{0}}, {}), Error,
              "sample: row 0: no token is possible: the scores are -infinity or NaN");
}

TEST_CASE("generate: yields what sample says, one token for each step, and no more than is asked for") {
  for (const double temperature : {0.0, 1.0}) {
    const decode::SampleOptions options{.max_len = 7, .temperature = temperature};
    Markov whole(table() * 0.5), stepper(table() * 0.5);
    manual_seed(3);
    const auto wanted = decode::sample(whole, Ids{{0}}, options)[0];
    manual_seed(3);
    auto stream = decode::generate(stepper, Ids{{0}}, options);
    Tokens said;
    for (const std::int64_t token : stream) {
      said.push_back(token);
      CHECK(stepper.steps == static_cast<Index>(said.size()));
    }
    CHECK(said == wanted.tokens);
    CHECK(stream.result().score == Approx(wanted.score));
    CHECK(stream.result().finished == wanted.finished);
  }
  Markov stepper(table());
  for (const std::int64_t token : decode::generate(stepper, Ids{{0}}, {.temperature = 0})) {
    CHECK(token == 2);
    break;
  }
  CHECK(stepper.steps == 1);
}

TEST_CASE("sample, generate: wrong options and prompts") {
  Markov stepper(table());
  const auto say = [&](const decode::SampleOptions& options) { return decode::sample(stepper, Ids{{0}}, options); };
  CHECK_ERROR(say({.temperature = -1}), Error, "sample: temperature -1 must be a number that is not negative");
  CHECK_ERROR(say({.temperature = std::nan("")}), Error,
              "sample: temperature nan must be a number that is not negative");
  CHECK_ERROR(say({.top_k = -2}), Error, "sample: top_k -2 must not be negative, top_p 1 in (0, 1], min_p 0 in [0, 1]");
  CHECK_ERROR(say({.top_p = 0}), Error, "sample: top_k 0 must not be negative, top_p 0 in (0, 1], min_p 0 in [0, 1]");
  CHECK_ERROR(say({.min_p = 1.5}), Error,
              "sample: top_k 0 must not be negative, top_p 1 in (0, 1], min_p 1.5 in [0, 1]");
  CHECK_ERROR(say({.max_len = -3}), Error, "sample: max_len -3 is negative");
  CHECK_ERROR(decode::sample(stepper, Ids{0, 1}, {}), ShapeError,
              "sample: prompt [2] must be [rows, n] with n at least 1");
  CHECK_ERROR(decode::greedy_search(stepper, zeros<std::int64_t>({2, 0}), {}), ShapeError,
              "greedy_search: prompt [2, 0] must be [rows, n] with n at least 1");
  CHECK_ERROR(decode::generate(stepper, Ids{{0}, {0}}), ShapeError, "generate: prompt [2, 1] must have one row");
  CHECK(stepper.steps == 0);
  CHECK(decode::sample(stepper, zeros<std::int64_t>({0, 1}), {}).empty());
  CHECK(decode::sample(stepper, Ids{{0}}, {.max_len = 0})[0].tokens.empty());
}
