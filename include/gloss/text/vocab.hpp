// A vocabulary of whole tokens: token to id and back.
#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gloss/core/shape.hpp>
#include <gloss/text/lines.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// The words between white space. Python: text.split()
inline std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for_each_word(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

struct VocabOptions {
  Index min_freq = 2;
  std::vector<std::string> specials = {"<s>", "</s>", "<blank>", "<unk>"};  ///< first ids, in this order
  std::string unknown = "<unk>";  ///< what a token that is not there maps to; "": that is an error
};

/// Tokens numbered from 0.
/// AT: torchtext's Vocab; the padding id is vocab["<blank>"], which is 2 by default.
class Vocab {
 public:
  Vocab() = default;
  /// Errors: Error for a token given twice, or an `unknown` that is not among them.
  explicit Vocab(std::vector<std::string> tokens, const std::string& unknown = "<unk>") : tokens_(std::move(tokens)) {
    for (std::size_t i = 0; i < tokens_.size(); ++i)
      if (!ids_.emplace(tokens_[i], static_cast<Index>(i)).second)
        fail<Error>("Vocab: token \"", tokens_[i], "\" twice");
    if (unknown.empty()) return;
    const auto found = ids_.find(unknown);
    if (found == ids_.end()) fail<Error>("Vocab: the unknown token \"", unknown, "\" is not in the vocabulary");
    unknown_ = found->second;
  }

  /// Specials, then every token seen at least min_freq times, the most frequent first, equals in byte order.
  /// AT: build_vocab_from_iterator
  static Vocab build(const std::vector<std::vector<std::string>>& sentences, const VocabOptions& options = {}) {
    std::unordered_map<std::string_view, Index> counts;
    for (const auto& sentence : sentences)
      for (const std::string& token : sentence) ++counts[token];
    for (const std::string& special : options.specials) counts.erase(special);
    std::vector<std::pair<Index, std::string_view>> order;
    for (const auto& [token, count] : counts)
      if (count >= options.min_freq) order.emplace_back(-count, token);
    std::sort(order.begin(), order.end());
    std::vector<std::string> tokens = options.specials;
    for (const auto& [count, token] : order) tokens.emplace_back(token);
    return Vocab(std::move(tokens), options.unknown);
  }

  /// How many tokens there are, and whether this is one of them.
  Index size() const { return static_cast<Index>(tokens_.size()); }
  bool contains(std::string_view token) const { return ids_.find(token) != ids_.end(); }

  /// Id of a token, or of the unknown token.
  /// Errors: IndexError when it is not there and there is no unknown token.
  Index operator[](std::string_view token) const {
    const auto found = ids_.find(token);
    if (found != ids_.end()) return found->second;
    if (unknown_ < 0) fail<IndexError>("Vocab: token \"", token, "\" is not in the vocabulary");
    return unknown_;
  }

  /// Errors: IndexError.
  const std::string& token(Index id) const {
    if (id < 0 || id >= size()) fail<IndexError>("Vocab::token: id ", id, " is out of range [0, ", size(), ")");
    return tokens_[static_cast<std::size_t>(id)];
  }
  const std::vector<std::string>& tokens() const { return tokens_; }

  /// AT: vocab(tokens)
  std::vector<Index> encode(const std::vector<std::string>& tokens) const {
    std::vector<Index> ids;
    for (const std::string& token : tokens) ids.push_back((*this)[token]);
    return ids;
  }
  /// AT: vocab.lookup_tokens(ids)
  std::vector<std::string> decode(const std::vector<Index>& ids) const {
    std::vector<std::string> tokens;
    for (const Index id : ids) tokens.push_back(token(id));
    return tokens;
  }

  /// One token a line, to be kept beside the weights; line ends and backslashes in tokens are escaped.
  std::string to_string() const {
    std::string text = "gloss-vocab 1\nunknown " + std::to_string(unknown_) + "\n";
    for (const std::string& token : tokens_) {
      for (const char c : token) {
        if (c == '\\')
          text += "\\\\";
        else if (c == '\n')
          text += "\\n";
        else if (c == '\r')
          text += "\\r";
        else
          text += c;
      }
      text += '\n';
    }
    return text;
  }

  /// Reads to_string()'s text; `name` stands for the file in messages.
  /// Errors: LoadError naming the line and the cause.
  static Vocab from_string(std::string_view text, std::string_view name = "vocab") {
    std::size_t number = 0;
    const auto fail_line = [&](const auto&... cause) {
      detail::fail_at_line("Vocab::from_string", name, number, cause...);
    };
    const auto next_line = [&] {
      ++number;
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) fail_line("truncated");
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end + 1);
      return line;
    };
    if (next_line() != "gloss-vocab 1") fail_line("not a gloss vocabulary of version 1");
    std::string_view line = next_line();
    Index unknown = 0;
    const auto parsed = line.substr(0, 8) == "unknown "
                            ? std::from_chars(line.data() + 8, line.data() + line.size(), unknown)
                            : std::from_chars_result{nullptr, std::errc::invalid_argument};
    if (parsed.ec != std::errc() || parsed.ptr != line.data() + line.size() || unknown < -1)
      fail_line("expected \"unknown\" and a number");
    Vocab vocab;
    while (!text.empty()) {
      line = next_line();
      std::string token;
      for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] != '\\') {
          token += line[i];
          continue;
        }
        const char c = ++i < line.size() ? line[i] : '\0';
        if (c != '\\' && c != 'n' && c != 'r') fail_line("an unknown escape after a backslash");
        token += c == 'n' ? '\n' : c == 'r' ? '\r' : '\\';
      }
      if (!vocab.ids_.emplace(token, vocab.size()).second) fail_line("a token that is there already");
      vocab.tokens_.push_back(std::move(token));
    }
    if (unknown >= vocab.size()) fail<LoadError>("Vocab::from_string: ", name, ": the unknown token is not there");
    vocab.unknown_ = unknown;
    return vocab;
  }

  friend bool operator==(const Vocab& a, const Vocab& b) { return a.tokens_ == b.tokens_ && a.unknown_ == b.unknown_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, Index, Hash, std::equal_to<>> ids_;
  Index unknown_ = -1;
};

}  // namespace gloss::inline GLOSS_ABI::text
