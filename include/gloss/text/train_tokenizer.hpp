// Learns vocabularies of the world's two common kinds from texts, and gives them as a tokenizer.json.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <gloss/core/error.hpp>
#include <gloss/text/bpe_train.hpp>
#include <gloss/text/pipeline/byte_level.hpp>
#include <gloss/text/pipeline/normalizers.hpp>
#include <gloss/text/pipeline/pre_tokenizers.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// Python: tokenizers.trainers.BpeTrainer, WordPieceTrainer
struct TrainTokenizerOptions {
  Index vocab_size = 30000;
  Index min_frequency = 0;                       ///< a pair seen less often is not merged
  std::vector<std::string> special_tokens = {};  ///< the first ids, in this order
  Index limit_alphabet = -1;                     ///< so many characters at most, the most frequent; -1: all
};

namespace detail {

/// A vocabulary that grows by merges.
class TrainedTokens {
 public:
  TrainedTokens(Index most, std::string continuing_prefix) : most_(most), prefix_(std::move(continuing_prefix)) {}

  bool full() const { return static_cast<Index>(tokens_.size()) >= most_; }
  bool allowed(BpeId, BpeId) const { return true; }
  /// The id of a token, which is new or not.
  BpeId add(const std::string& token) {
    const auto [at, is_new] = ids_.emplace(token, static_cast<BpeId>(tokens_.size()));
    if (is_new) tokens_.push_back(token);
    return at->second;
  }
  BpeId add(BpeId left, BpeId right) {
    std::string_view end = token(right);
    if (end.starts_with(prefix_)) end.remove_prefix(prefix_.size());
    return add(token(left) + std::string(end));
  }
  bool has(const std::string& token) const { return ids_.contains(token); }
  const std::string& token(BpeId id) const { return tokens_[static_cast<std::size_t>(id)]; }
  const std::vector<std::string>& tokens() const { return tokens_; }

 private:
  Index most_;
  std::string prefix_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, BpeId> ids_;
};

/// Learns from counted words, which are in order, so that the same texts give the same tokens. `alphabet` is in the
/// vocabulary in any case.
template <class = void>
GLOSS_COLD std::vector<std::pair<BpeId, BpeId>> train_merges(const std::map<std::string, Index>& words,
                                                             const TrainTokenizerOptions& options,
                                                             const std::vector<std::string>& alphabet,
                                                             const std::string& prefix, TrainedTokens& tokens) {
  for (const std::string& special : options.special_tokens) tokens.add(special);
  std::unordered_map<std::string, Index> counts;
  const auto for_each_letter = [](const std::string& word, auto&& f) {
    for_each_character(word, [&](char32_t c) {
      std::string letter;
      if (c < invalid_byte) append_utf8(letter, c);
      if (!letter.empty()) f(letter);
    });
  };
  for (const auto& entry : words)
    for_each_letter(entry.first, [&](const std::string& letter) { counts[letter] += entry.second; });
  constexpr Index always = (std::numeric_limits<Index>::max)();
  for (const std::string& letter : alphabet) counts[letter] = always;
  std::vector<std::pair<std::string, Index>> letters(counts.begin(), counts.end());
  if (options.limit_alphabet >= 0 && static_cast<Index>(letters.size()) > options.limit_alphabet) {
    std::sort(letters.begin(), letters.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    letters.resize((std::max)(static_cast<std::size_t>(options.limit_alphabet), alphabet.size()));
  }
  std::sort(letters.begin(), letters.end());  // UTF-8 has the order of its characters
  std::unordered_map<std::string, bool> kept;
  for (const auto& [letter, count] : letters) {
    kept[letter] = true;
    tokens.add(letter);
  }

  MergeLearner<TrainedTokens> learner(tokens);
  for (const auto& [word, count] : words) {
    std::vector<BpeId> symbols;
    bool first = true;
    for_each_letter(word, [&](const std::string& letter) {
      if (kept.contains(letter)) symbols.push_back(tokens.add(first ? letter : prefix + letter));
      first = false;
    });
    learner.add(std::move(symbols), count);
  }
  return learner.learn(options.min_frequency);
}

/// What both files have.
inline nlohmann::json trained_json(const TrainedTokens& tokens, const TrainTokenizerOptions& options) {
  nlohmann::json file = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"normalizer", nullptr}};
  nlohmann::json& added = file["added_tokens"] = nlohmann::json::array();
  nlohmann::json& vocab = file["model"]["vocab"] = nlohmann::json::object();
  for (std::size_t id = 0; id < tokens.tokens().size(); ++id) vocab[tokens.tokens()[id]] = id;
  for (const std::string& special : options.special_tokens)
    added.push_back({{"id", vocab[special]},
                     {"content", special},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  return file;
}

}  // namespace detail

/// A byte-level BPE as GPT-2's: the text of a tokenizer.json, for parse_tokenizer() or a file. The same texts give the
/// same vocabulary everywhere.
/// Errors: Error when vocab_size is below 256 and the special tokens.
/// Python: ByteLevelBPETokenizer().train_from_iterator(texts)
GLOSS_LAZY std::string train_byte_level_bpe(const std::vector<std::string>& texts, TrainTokenizerOptions options = {}) {
  const Index least = 256 + static_cast<Index>(options.special_tokens.size());
  if (options.vocab_size < least)
    fail<Error>("train_byte_level_bpe: vocab_size is ", options.vocab_size, ", expected at least ", least);
  std::map<std::string, Index> words;
  for (const std::string& text : texts) {
    Pieces pieces{AlignedText(text, 0, false), {}};
    if (!text.empty()) pieces.spans.push_back(pieces.text.all());
    pre_tokenizers::SplitWords{}(pieces);
    for (const Span& span : pieces.spans) {
      std::string spelled;
      for (const char c : pieces.text.text(span))
        spelled += detail::byte_level_character(static_cast<unsigned char>(c));
      ++words[spelled];
    }
  }
  std::vector<std::string> alphabet;
  for (int b = 0; b < 256; ++b) alphabet.push_back(detail::byte_level_character(static_cast<unsigned char>(b)));
  detail::TrainedTokens tokens(options.vocab_size, "");
  const auto merges = detail::train_merges(words, options, alphabet, "", tokens);

  nlohmann::json file = detail::trained_json(tokens, options);
  const nlohmann::json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  file["pre_tokenizer"] = file["post_processor"] = file["decoder"] = byte_level;
  file["model"].update({{"type", "BPE"},
                        {"dropout", nullptr},
                        {"unk_token", nullptr},
                        {"continuing_subword_prefix", nullptr},
                        {"end_of_word_suffix", nullptr},
                        {"fuse_unk", false},
                        {"byte_fallback", false},
                        {"ignore_merges", false}});
  nlohmann::json& list = file["model"]["merges"] = nlohmann::json::array();
  for (const auto& [left, right] : merges) list.push_back({tokens.token(left), tokens.token(right)});
  return file.dump();
}

/// A WordPiece vocabulary for BERT's tokenizer (normalizer, pre-tokenizer and the tokens [PAD], [UNK], [CLS], [SEP] and
/// [MASK], which come first): the text of a tokenizer.json. The same texts give the same vocabulary everywhere.
/// Python: BertWordPieceTokenizer().train_from_iterator(texts)
GLOSS_LAZY std::string train_bert_wordpiece(const std::vector<std::string>& texts, TrainTokenizerOptions options = {},
                                            bool lowercase = true) {
  if (options.special_tokens.empty()) options.special_tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  std::map<std::string, Index> words;
  const normalizers::BertNormalizer normalize{.strip_accents = lowercase, .lowercase = lowercase};
  for (const std::string& text : texts) {
    Pieces pieces{AlignedText(text, 0, false), {}};
    normalize(pieces.text);
    pieces.spans.push_back(pieces.text.all());
    pre_tokenizers::BertPreTokenizer{}(pieces);
    for (const Span& span : pieces.spans) ++words[std::string(pieces.text.text(span))];
  }
  detail::TrainedTokens tokens(options.vocab_size, "##");
  detail::train_merges(words, options, {}, "##", tokens);

  nlohmann::json file = detail::trained_json(tokens, options);
  const nlohmann::json& vocab = file["model"]["vocab"];
  file["normalizer"] = {{"type", "BertNormalizer"},
                        {"clean_text", true},
                        {"handle_chinese_chars", true},
                        {"strip_accents", nullptr},
                        {"lowercase", lowercase}};
  file["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  file["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  file["post_processor"] = nullptr;
  if (vocab.contains("[CLS]") && vocab.contains("[SEP]"))
    file["post_processor"] = {
        {"type", "BertProcessing"}, {"sep", {"[SEP]", vocab["[SEP]"]}}, {"cls", {"[CLS]", vocab["[CLS]"]}}};
  file["model"].update({{"type", "WordPiece"},
                        {"unk_token", "[UNK]"},
                        {"continuing_subword_prefix", "##"},
                        {"max_input_chars_per_word", 100}});
  return file.dump();
}

}  // namespace gloss::inline GLOSS_ABI::text
