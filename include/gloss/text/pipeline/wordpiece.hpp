// WordPiece: a word is cut into the longest tokens that fit, from the left; BERT's model.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/text/pipeline/model.hpp>
#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::text {

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";  ///< begins the tokens that continue a word
  Index max_input_chars_per_word = 100;          ///< a longer word is unknown
};

/// The longest token that begins the word, then the longest that continues it, and so on; a word that does not come out
/// is one unknown token.
/// Source: Schuster and Nakajima 2012, "Japanese and Korean voice search"; Devlin et al. 2018, BERT.
class WordPiece final : public Model {
 public:
  /// Errors: LoadError when the unknown token is not there.
  explicit WordPiece(std::vector<std::string> tokens, WordPieceOptions options = {})
      : Model(std::move(tokens)), options_(std::move(options)), unknown_(find(options_.unk_token)) {
    if (unknown_ < 0)
      fail<LoadError>("WordPiece: the unknown token '", options_.unk_token, "' is not in the vocabulary");
    continues_ = trie().walk(options_.continuing_subword_prefix);
  }

  void encode(std::string_view piece, std::vector<PieceToken>& tokens) const override {
    const auto whole = static_cast<std::uint32_t>(piece.size());
    const std::size_t before = tokens.size();
    bool known = characters(piece) <= options_.max_input_chars_per_word;
    for (std::uint32_t at = 0; known && at < whole;) {
      std::pair<Index, std::size_t> match{-1, 0};
      const Trie::Node from = at == 0 ? Trie::root : continues_;
      if (from != Trie::nowhere) match = trie().longest(piece.substr(at), from);
      const auto end = at + static_cast<std::uint32_t>(match.second);
      known = match.first >= 0;
      if (known) tokens.push_back({match.first, at, end});
      at = end;
    }
    if (known) return;
    tokens.resize(before);
    tokens.push_back({unknown_, 0, whole});
  }

 private:
  static Index characters(std::string_view piece) {
    Index n = 0;
    for (const char c : piece) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return n;
  }

  WordPieceOptions options_;
  Index unknown_;
  Trie::Node continues_ = Trie::nowhere;
};

}  // namespace gloss::inline GLOSS_ABI::text
