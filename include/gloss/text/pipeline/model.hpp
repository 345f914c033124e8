// What turns a piece of text into tokens: the part of a tokenizer that knows the vocabulary.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/core/shape.hpp>
#include <gloss/text/pipeline/trie.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// A token of a piece, which stands for the bytes [begin, end) of it.
struct PieceToken {
  Index id = 0;
  std::uint32_t begin = 0, end = 0;
  bool as_written = false;  ///< shown as its part of the text, not as the vocabulary's token
};

/// A vocabulary and the way it cuts pieces of text. Const use from many threads is safe.
class Model {
 public:
  virtual ~Model() = default;

  /// Adds the tokens of a piece to `tokens`.
  virtual void encode(std::string_view piece, std::vector<PieceToken>& tokens) const = 0;

  /// How many tokens there are.
  Index size() const { return static_cast<Index>(tokens_.size()); }
  /// The id of a token, or -1.
  Index find(std::string_view token) const { return trie_.find(token); }
  /// A token as the vocabulary spells it.
  /// Errors: IndexError.
  const std::string& token(Index id) const {
    if (id < 0 || id >= size()) fail<IndexError>("Model::token: id ", id, " is out of range [0, ", size(), ")");
    return tokens_[static_cast<std::size_t>(id)];
  }

 protected:
  /// Of tokens that are there twice, the last is found.
  explicit Model(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
    for (std::size_t i = 0; i < tokens_.size(); ++i) trie_.insert(tokens_[i], static_cast<Index>(i));
  }
  Model(const Model&) = default;
  Model& operator=(const Model&) = default;

  const Trie& trie() const { return trie_; }
  /// The ids of the tokens "<0x00>" to "<0xFF>", -1 for those that are not there.
  std::vector<Index> byte_tokens() const {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::vector<Index> ids;
    for (unsigned b = 0; b < 256; ++b)
      ids.push_back(find({std::string("<0x") + digits[b / 16] + digits[b % 16] + '>'}));
    return ids;
  }

 private:
  std::vector<std::string> tokens_;
  Trie trie_;
};

}  // namespace gloss::inline GLOSS_ABI::text
