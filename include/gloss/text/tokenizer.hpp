// What every tokenizer offers.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// Text to token ids and back. What trains and decodes a model knows no more of a vocabulary than this.
struct Tokenizer {
  virtual ~Tokenizer() = default;
  /// Token ids of a text, without those that a model wants around it.
  virtual std::vector<Index> encode(std::string_view text) const = 0;
  /// The text of token ids.
  /// Errors: IndexError for an id that is not in [0, size()).
  virtual std::string decode(std::span<const Index> ids) const = 0;
  /// How many tokens there are.
  virtual Index size() const = 0;

 protected:
  Tokenizer() = default;
  Tokenizer(const Tokenizer&) = default;
  Tokenizer& operator=(const Tokenizer&) = default;
};

}  // namespace gloss::inline GLOSS_ABI::text
