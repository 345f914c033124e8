// Token ids to text one by one, as a model writes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gloss/core/shape.hpp>
#include <gloss/text/tokenizer.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// Gives the text of ids as far as it is certain: a character that is spread over tokens comes with the last of them.
/// What it gives joined, rest() at the end, is what decode() gives for all ids.
/// Python: tokenizers.decoders.DecodeStream
class StreamDecoder {
 public:
  /// The tokenizer must live as long as this.
  explicit StreamDecoder(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// The text that an id adds, which may be empty.
  /// Errors: those of decode().
  std::string push(Index id) {
    ids_.push_back(id);
    const std::string text = tokenizer_.decode(ids_);
    if (text.size() <= shown_.size() || text.ends_with("\uFFFD")) return {};
    std::string added = text.substr(shown_.size());
    // From now on only the ids that this call has shown are decoded again, for what they mean to those that follow.
    ids_.erase(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(n_shown_));
    shown_ = tokenizer_.decode(ids_);
    n_shown_ = ids_.size();
    return added;
  }
  /// What is held back.
  std::string rest() {
    std::string text = tokenizer_.decode(ids_);
    text.erase(0, shown_.size());
    ids_.clear(), shown_.clear();
    n_shown_ = 0;
    return text;
  }

 private:
  const Tokenizer& tokenizer_;
  std::vector<Index> ids_;   // those of the last text that was shown, then those that wait
  std::string shown_;        // the text of the former
  std::size_t n_shown_ = 0;  // how many these are
};

}  // namespace gloss::inline GLOSS_ABI::text
