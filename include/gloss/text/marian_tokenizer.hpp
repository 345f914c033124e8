// The tokenizer of Marian's translators: SentencePiece cuts, and a vocabulary of its own numbers the pieces. Needs
// nlohmann-json.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <gloss/core/file.hpp>
#include <gloss/text/sentencepiece.hpp>
#include <gloss/text/tokenizer.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// Reads texts of the source and writes texts of the target. A text may begin with a code of the language that is
/// wanted, as >>fr<< Hello.
/// Python: transformers.MarianTokenizer, where sacremoses, which changes punctuation, is not installed
class MarianTokenizer final : public Tokenizer {
 public:
  using Vocabulary = std::map<std::string, Index, std::less<>>;

  /// `source` cuts; source_ids and target_ids number the pieces.
  /// Errors: LoadError when the token for what is unknown or that for the end has no number in the source.
  MarianTokenizer(Pipeline source, Vocabulary source_ids, const Vocabulary& target_ids)
      : source_(std::move(source)), ids_(std::move(source_ids)) {
    for (const char* token : {"<unk>", "</s>"})
      if (!ids_.contains(token)) fail<LoadError>("MarianTokenizer: '", token, "' is not in the vocabulary");
    for (const auto& [token, id] : target_ids) {
      const auto at = static_cast<std::size_t>(id);
      if (at >= target_.size()) target_.resize(at + 1);
      target_[at] = token;
    }
  }

  /// Without the end, end_id(), which a model wants behind it.
  std::vector<Index> encode(std::string_view text) const override {
    std::vector<Index> ids;
    const auto add = [&](std::string_view piece) {
      const auto found = ids_.find(piece);
      ids.push_back(found != ids_.end() ? found->second : ids_.find("<unk>")->second);
    };
    if (const std::size_t end = text.find("<<"); text.starts_with(">>") && end != std::string_view::npos) {
      add(text.substr(0, end + 2));
      text.remove_prefix(end + 2);
    }
    for (const std::string& piece : source_(text).tokens) add(piece);
    return ids;
  }
  /// A text of the target, without what is unknown, ends and padding.
  /// Errors: IndexError for an id that is not in [0, size()).
  std::string decode(std::span<const Index> ids) const override {
    std::string text;
    for (const Index id : ids) {
      if (id < 0 || id >= size()) fail<IndexError>("MarianTokenizer: id ", id, " is out of range [0, ", size(), ")");
      const std::string& piece = target_[static_cast<std::size_t>(id)];
      if (piece != "</s>" && piece != "<unk>" && piece != "<pad>") text += piece;
    }
    detail::replace_all(text, "\u2581", " ");
    return trimmed(text);
  }
  /// How many ids a target has.
  Index size() const override { return static_cast<Index>(target_.size()); }
  Index end_id() const { return ids_.find("</s>")->second; }

 private:
  Pipeline source_;
  Vocabulary ids_;
  std::vector<std::string> target_;
};

/// The tokenizer in a folder: source.spm, vocab.json, and target_vocab.json where the target has words of its own.
/// Errors: LoadError when a file cannot be read or is damaged.
GLOSS_LAZY MarianTokenizer load_marian_tokenizer(const std::string& folder) {
  const auto read = [](const std::string& path) {
    const nlohmann::json json = nlohmann::json::parse(read_file(path, std::uint64_t{1} << 28), nullptr, false);
    if (!json.is_object()) fail<LoadError>("load_marian_tokenizer: ", path, ": it is not a JSON object");
    MarianTokenizer::Vocabulary ids;
    for (const auto& [token, id] : json.items()) {
      if (!id.is_number_unsigned() || id.template get<std::uint64_t>() >> 24 != 0)
        fail<LoadError>("load_marian_tokenizer: ", path, ": the id of '", token, "' is ", id.dump());
      ids[token] = id.template get<Index>();
    }
    return ids;
  };
  const MarianTokenizer::Vocabulary ids = read(folder + "/vocab.json");
  const std::string target = folder + "/target_vocab.json";
  return MarianTokenizer(load_sentencepiece(folder + "/source.spm"), ids,
                         std::filesystem::exists(target) ? read(target) : ids);
}

}  // namespace gloss::inline GLOSS_ABI::text
