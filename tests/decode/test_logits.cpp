// Rules for what may be said, against transformers' logits processors (tests/golden/generate_logits.py).
#include <cmath>
#include <fstream>
#include <limits>

#include <nlohmann/json.hpp>

#include <gloss/decode/logits.hpp>
#include <gloss/decode/sampling.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using decode::LogitsOptions;
using decode::SampleOptions;
using decode::Tokens;
using decode::detail::LogitsRules;

namespace {

const double never = -std::numeric_limits<double>::infinity();

std::vector<double> processed(const LogitsOptions& options, std::vector<double> scores, const Tokens& prompt,
                              const Tokens& said, Index row = 0, Index rows = 1) {
  LogitsRules("test", options, 1, rows).apply(scores.data(), static_cast<Index>(scores.size()), row, prompt, said);
  return scores;
}

SampleOptions options_of(const nlohmann::json& json) {
  SampleOptions o;
  o.temperature = json.value("temperature", 1.0);
  o.top_k = json.value("top_k", Index{0});
  o.top_p = json.value("top_p", 1.0);
  o.min_p = json.value("min_p", 0.0);
  o.logits.repetition_penalty = json.value("repetition_penalty", 1.0);
  o.logits.no_repeat_ngram_size = json.value("no_repeat_ngram_size", Index{0});
  o.logits.forbidden = json.value("forbidden", Tokens{});
  o.logits.min_len = json.value("min_len", Index{0});
  return o;
}

}  // namespace

TEST_CASE("golden: rules and draws are those of transformers' logits processors and warpers") {
  std::ifstream file(GLOSS_TEST_DATA "/decode/logits.json");
  const auto cases = nlohmann::json::parse(file);
  REQUIRE(cases.size() > 50);
  for (const auto& c : cases) {
    INFO(c["options"].dump());
    const SampleOptions options = options_of(c["options"]);
    const auto scores = processed(options.logits, c["scores"], c["prompt"], c["said"]);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (c["processed"][i].is_null())
        CHECK(scores[i] == never);
      else
        CHECK(scores[i] == Approx(c["processed"][i].get<double>()).epsilon(1e-14));
    }
    // Each token is drawn by the numbers between the sum of the probabilities before it and that with its own.
    decode::detail::TokenDraw draw(options);
    double sum = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const double p = c["probabilities"][i];
      if (p < 1e-10) {
        sum += p;
        continue;
      }
      for (const double u : {sum + 1e-11, sum + p / 2, sum + p - 1e-11})
        CHECK(draw(scores.data(), static_cast<Index>(scores.size()), u) == static_cast<std::int64_t>(i));
      sum += p;
    }
    CHECK(sum == Approx(1).epsilon(1e-12));
  }
}

TEST_CASE("LogitsOptions: rules that look back do not see the padding of a prompt") {
  const auto rows = decode::detail::rows_of_tokens(decode::padded_prompt({{2}, {0, 1, 2}}));
  CHECK(rows == std::vector<Tokens>{{2}, {0, 1, 2}});
}

TEST_CASE("LogitsOptions: frequency_penalty counts what was said and not the prompt") {
  CHECK(processed({.frequency_penalty = 0.5}, {1, 1, 1, 1}, {0, 0}, {2, 3, 2}) == std::vector<double>{1, 1, 0, 0.5});
}

TEST_CASE("LogitsOptions: a forced prefix leaves one token, whatever the other rules say; behind it they hold") {
  const LogitsOptions options{.forbidden = {3}, .forced_prefix = {{3, 2}}};
  CHECK(processed(options, {4, 5, 6, 7}, {0}, {}) == std::vector<double>{never, never, never, 7});
  CHECK(processed(options, {4, 5, 6, 7}, {0}, {3}) == std::vector<double>{never, never, 6, never});
  CHECK(processed(options, {4, 5, 6, 7}, {0}, {3, 2}) == std::vector<double>{4, 5, 6, never});
  const LogitsOptions each{.forced_prefix = {{3}, {}, {2, 2}}};
  CHECK(processed(each, {4, 5, 6, 7}, {0}, {}, 1, 3) == std::vector<double>{4, 5, 6, 7});
  CHECK(processed(each, {4, 5, 6, 7}, {0}, {2}, 2, 3) == std::vector<double>{never, never, 6, never});
}

TEST_CASE("LogitsOptions: what is out of range is refused by name") {
  const auto rules = [](const LogitsOptions& o, Index rows = 2) { return LogitsRules("greedy_search", o, 1, rows); };
  CHECK_ERROR(rules({.repetition_penalty = 0}), Error, "greedy_search: repetition_penalty 0 is not positive");
  CHECK_ERROR(rules({.repetition_penalty = std::nan("")}), Error,
              "greedy_search: repetition_penalty nan is not positive");
  CHECK_ERROR(rules({.frequency_penalty = std::nan("")}), Error,
              "greedy_search: frequency_penalty nan is not a number");
  CHECK_ERROR(rules({.no_repeat_ngram_size = -1}), Error,
              "greedy_search: no_repeat_ngram_size -1 and min_len 0 must not be negative");
  CHECK_ERROR(rules({.forced_prefix = {{1}, {2}, {3}}}), Error, "greedy_search: 3 forced prefixes for 2 rows");
  CHECK_ERROR(processed({.forbidden = {4}}, {1, 2, 3, 4}, {0}, {}), IndexError,
              "LogitsOptions: token 4 is not in a vocabulary of 4");
  CHECK_ERROR(processed({.forced_prefix = {{-1}}}, {1, 2, 3, 4}, {0}, {}), IndexError,
              "LogitsOptions: token -1 is not in a vocabulary of 4");
  CHECK(!rules({}).any());
}
