// Tokenizers beside what the reference made of texts: tests/golden/tokenizers.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <gloss/core/file.hpp>
#include <gloss/text/pipeline.hpp>
#include <support/catch.hpp>

namespace gloss_test {

inline std::string tokenizer_path(const std::string& file) { return GLOSS_TEST_DATA "/tokenizers/" + file; }

inline nlohmann::json tokenizer_cases(const std::string& name) {
  return nlohmann::json::parse(gloss::read_file(tokenizer_path(name + ".cases.json")));
}

/// Compares all that a case has.
inline void check_case(const gloss::text::Pipeline& tokenizer, const nlohmann::json& expected) {
  using Ids = std::vector<gloss::Index>;
  const auto text = expected["text"].get<std::string>();
  INFO(expected.dump());
  const bool pair = expected.contains("pair");
  const gloss::text::Encoding e = pair ? tokenizer(text, expected["pair"].get<std::string>()) : tokenizer(text);
  CHECK(e.ids == expected["ids"].get<Ids>());
  const auto compare = [&](const char* name, const auto& found) {
    if (expected.contains(name)) CHECK(found == expected[name].get<std::decay_t<decltype(found)>>());
  };
  Ids offsets;
  for (const auto& [begin, end] : e.offsets) offsets.insert(offsets.end(), {begin, end});
  compare("offsets", offsets);
  compare("tokens", e.tokens);
  compare("type_ids", e.type_ids);
  compare("attention_mask", e.attention_mask);
  compare("special_tokens_mask", e.special_tokens_mask);
  compare("word_ids", e.word_ids);
  compare("sequence_ids", e.sequence_ids);
  compare("decoded", tokenizer.decode(e.ids, !expected.contains("keep_special")));
}

inline void check_cases(const gloss::text::Pipeline& tokenizer, const std::string& name) {
  const nlohmann::json cases = tokenizer_cases(name);
  REQUIRE(cases.size() >= 20);
  for (const nlohmann::json& expected : cases) check_case(tokenizer, expected);
}

}  // namespace gloss_test
