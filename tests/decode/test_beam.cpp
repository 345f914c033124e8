// Beam search over a Stepper: its rules. What it finds is compared in test_encoder_decoder_stepper.
#include <cmath>
#include <limits>

#include <gloss/decode/beam.hpp>
#include <gloss/decode/sampling.hpp>
#include <gloss/decode/stepper.hpp>

#include "support/catch.hpp"
#include "support/markov.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::Markov;
using Ids = Tensor<std::int64_t>;
using decode::Tokens;

TEST_CASE("beam_search: the likeliest first word is not that of the likeliest sentence, and it finds that") {
  const double n = -20;
  // 0 -> 2 (0.6), 3 (0.4); 2 -> 4, 5, 6 alike; 3 -> the end.
  const Tensor<double> table = {{n, n, std::log(0.6), std::log(0.4), n, n, n},
                                {0, 0, 0, 0, 0, 0, 0},
                                {n, n, n, n, 0, 0, 0},
                                {n, 0, n, n, n, n, n},
                                {n, 0, n, n, n, n, n},
                                {n, 0, n, n, n, n, n},
                                {n, 0, n, n, n, n, n}};
  Markov stepper(table);
  const auto best = decode::beam_search(stepper, Ids{{0}}, {.length_penalty = 0, .n_best = 4})[0];
  REQUIRE(best.size() == 4);
  CHECK(best[0].tokens == Tokens{3});
  CHECK(best[0].score == Approx(std::log(0.4)).epsilon(1e-6));
  CHECK(best[1].tokens == Tokens{2, 4});
  CHECK(best[3].tokens == Tokens{2, 6});
  Markov greedy(table);
  CHECK(decode::greedy_search(greedy, Ids{{0}}, {})[0].tokens == Tokens{2, 4});
}

TEST_CASE("beam_search: a score is log P over ((length_base + length) / (length_base + 1))^length_penalty") {
  const double n = -20;
  Markov stepper(
      {{n, n, 0, n}, {0, 0, 0, 0}, {n, n, n, 0}, {n, std::log(0.5), n, std::log(0.5)}});  // 0 -> 2 -> 3 -> 1 or 3
  for (const double base : {5.0, 0.0, 2.5})
    for (const double penalty : {0.0, 0.6, 2.0}) {
      stepper.truncate(0);
      const auto best = decode::beam_search(
          stepper, Ids{{0}}, {.max_len = 3, .beam = 1, .length_penalty = penalty, .length_base = base})[0][0];
      CHECK(best.tokens == Tokens{2, 3});
      CHECK(best.score == Approx(std::log(0.5) / std::pow((base + 3) / (base + 1), penalty)).epsilon(1e-6));
    }
  stepper.truncate(0);
  CHECK(decode::beam_search(stepper, Ids{{0}}, {.max_len = 0, .length_base = 0})[0][0].score == 0);
}

TEST_CASE("beam_search: rules hold in every beam") {
  Rng rng(1);
  RngGuard use(rng);
  const Tensor<double> table = randn<double>({8, 8});
  Markov stepper(table);
  const auto found = decode::beam_search(
      stepper, Ids{{0}, {4}},
      {.max_len = 9,
       .n_best = 3,
       .logits = {.no_repeat_ngram_size = 2, .forbidden = {6}, .min_len = 3, .forced_prefix = {{5}, {2, 3}}}});
  for (std::size_t row = 0; row < 2; ++row)
    for (const auto& h : found[row]) {
      CHECK(h.tokens.size() >= 3);
      CHECK(h.tokens[0] == (row == 0 ? 5 : 2));
      if (row == 1) CHECK(h.tokens[1] == 3);
      Tokens all = {row == 0 ? 0 : 4};
      all.insert(all.end(), h.tokens.begin(), h.tokens.end());
      for (std::size_t i = 0; i + 1 < all.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) CHECK(!(all[i] == all[j] && all[i + 1] == all[j + 1]));
      for (const auto token : h.tokens) CHECK(token != 6);
    }
}

TEST_CASE("beam_search: a row for which no token is possible, and options that are no numbers") {
  const double n = -std::numeric_limits<double>::infinity();
  Markov stepper({{n, n, 0}, {n, n, n}, {n, n, n}});
  CHECK_ERROR(decode::beam_search(stepper, Ids{{1}}, {}), Error,
              "beam_search: row 0: no token is possible: the scores are -infinity or NaN");
  CHECK_ERROR(decode::beam_search(stepper, Ids{{0}}, {.length_penalty = std::nan("")}), Error,
              "beam_search: length_penalty nan is not a finite number");
  CHECK_ERROR(decode::beam_search(stepper, Ids{{0}}, {.length_base = -1}), Error,
              "beam_search: length_base -1 is not a number that is not negative");
  CHECK_ERROR(decode::beam_search(stepper, Ids{0}, {}), ShapeError,
              "beam_search: prompt [1] must be [rows, n] with n at least 1");
}
