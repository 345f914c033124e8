// BERT's tokenizer from its vocab.txt, a token to a line.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/file.hpp>
#include <gloss/text/lines.hpp>
#include <gloss/text/pipeline.hpp>
#include <gloss/text/pipeline/wordpiece.hpp>

namespace gloss::inline GLOSS_ABI::text {

struct BertTokenizerOptions {
  bool lowercase = true;               ///< false for models called "cased"
  bool strip_accents = true;           ///< false with lowercase = false
  bool tokenize_chinese_chars = true;  ///< each such character a word
};

/// BERT's tokenizer with the tokens of a vocabulary, [CLS] text [SEP] around a text, [CLS] text [SEP] pair [SEP] around
/// a pair. Truncation and padding are not set.
/// Errors: LoadError when [UNK], [CLS] or [SEP] is not there.
/// Python: transformers.BertTokenizerFast(vocab)
GLOSS_LAZY Pipeline bert_tokenizer(std::vector<std::string> tokens, BertTokenizerOptions options = {}) {
  const auto model = std::make_shared<const WordPiece>(std::move(tokens));
  PipelineStages stages;
  stages.model = model;
  stages.normalizers = {normalizers::BertNormalizer{.handle_chinese_chars = options.tokenize_chinese_chars,
                                                    .strip_accents = options.lowercase && options.strip_accents,
                                                    .lowercase = options.lowercase}};
  stages.pre_tokenizers = {pre_tokenizers::BertPreTokenizer{}};
  stages.decoders = {{decoders::WordPiece{}}};
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})
    if (const Index id = model->find(token); id >= 0)
      stages.added_tokens.push_back({.content = token, .id = id, .normalized = false, .special = true});
  const auto special = [&](const char* token, Index type_id) {
    const Index id = model->find(token);
    if (id < 0) fail<LoadError>("bert_tokenizer: ", token, " is not in the vocabulary");
    return PostProcessor::Part{.type_id = type_id, .id = id, .token = token};
  };
  const PostProcessor::Part first{.sequence = 0}, second{.sequence = 1, .type_id = 1};
  stages.post_processor.single = {special("[CLS]", 0), first, special("[SEP]", 0)};
  stages.post_processor.pair = {special("[CLS]", 0), first, special("[SEP]", 0), second, special("[SEP]", 1)};
  return Pipeline(std::move(stages));
}

/// The same from a vocab.txt.
/// Errors: LoadError when it cannot be read.
GLOSS_LAZY Pipeline load_bert_tokenizer(const std::string& path, BertTokenizerOptions options = {}) {
  const std::string bytes = read_file(path, std::uint64_t{1} << 28);
  std::vector<std::string> tokens;
  for (std::string_view rest = bytes; !rest.empty();) tokens.emplace_back(detail::take_line(rest));
  return bert_tokenizer(std::move(tokens), options);
}

}  // namespace gloss::inline GLOSS_ABI::text
