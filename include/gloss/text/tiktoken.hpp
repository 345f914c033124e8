// Reads the rank files of tiktoken: a token in base64 and its rank to a line.
#pragma once

#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/file.hpp>
#include <gloss/text/lines.hpp>
#include <gloss/text/pipeline.hpp>
#include <gloss/text/pipeline/base64.hpp>
#include <gloss/text/pipeline/merges.hpp>

namespace gloss::inline GLOSS_ABI::text {

struct TiktokenOptions {
  /// How text is cut: "gpt2" (which r50k_base is too), "cl100k_base", "llama3" or "qwen2".
  std::string pattern = "gpt2";
  /// Tokens beyond the ranks, with their ids.
  std::vector<std::pair<std::string, Index>> special_tokens = {};
};

namespace detail {

template <class = void>
GLOSS_COLD Pipeline parse_tiktoken_lines(std::string_view bytes, std::string_view name,
                                         const TiktokenOptions& options) {
  const WordScanner* const scanner = WordScanner::find(options.pattern);
  if (!scanner) fail<LoadError>("load_tiktoken: the pattern '", options.pattern, "' is not supported");
  std::vector<std::string> tokens;
  for (std::size_t number = 1; !bytes.empty(); ++number) {
    const std::string_view line = take_line(bytes);
    const auto bad = [&](const auto&... cause) { fail_at_line("load_tiktoken", name, number, cause...); };
    const std::size_t space = line.find(' ');
    const auto token = decode_base64(line.substr(0, space));
    if (space == std::string_view::npos || space == 0 || !token)  // an empty token, "=", is in Whisper's
      bad("expected a token in base64 and its rank");
    std::size_t rank = 0;
    const auto [end, error] = std::from_chars(line.data() + space + 1, line.data() + line.size(), rank);
    if (error != std::errc() || end != line.data() + line.size()) bad("expected a rank behind the token");
    if (rank != tokens.size()) bad("the rank is ", rank, ", expected ", tokens.size());
    std::string spelled;
    for (const char c : *token) spelled += byte_level_character(static_cast<unsigned char>(c));
    tokens.push_back(std::move(spelled));
  }
  const auto model =
      std::make_shared<Merges>(std::move(tokens), MergesOptions{.byte_level = true, .ignore_merges = true});
  for (int b = 0; b < 256; ++b)
    if (model->find(byte_level_character(static_cast<unsigned char>(b))) < 0)
      fail<LoadError>("load_tiktoken: ", name, ": the byte ", b, " is no token");
  for (Index id = 0; id < model->size(); ++id) model->add_merges_to(id, static_cast<std::uint32_t>(id));

  PipelineStages stages;
  for (const auto& [content, id] : options.special_tokens)
    stages.added_tokens.push_back({.content = content, .id = id, .normalized = false, .special = true});
  stages.pre_tokenizers = {pre_tokenizers::SplitWords{*scanner}};
  stages.decoders = {{decoders::ByteLevel{}}};
  stages.model = model;
  return Pipeline(std::move(stages));
}

}  // namespace detail

/// A tokenizer from the text of a rank file; `name` stands for the file in messages.
/// Errors: LoadError naming the line, or a pattern that is not known.
GLOSS_LAZY Pipeline parse_tiktoken(std::string_view bytes, std::string_view name = "ranks",
                                   const TiktokenOptions& options = {}) {
  return detail::parse_tiktoken_lines(bytes, name, options);
}

/// The tokenizer of a rank file.
/// Errors: LoadError when it cannot be read or is damaged, or for a pattern that is not known.
/// Python: tiktoken.Encoding
GLOSS_LAZY Pipeline load_tiktoken(const std::string& path, const TiktokenOptions& options = {}) {
  return parse_tiktoken(read_file(path, std::uint64_t{1} << 28), path, options);
}

}  // namespace gloss::inline GLOSS_ABI::text
