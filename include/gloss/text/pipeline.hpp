// A tokenizer made of stages, as Hugging Face's are: added tokens, normalizers, pre-tokenizers, a model, a
// post-processor, decoders. What reads a tokenizer from a file makes one of these.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/text/pipeline/added_tokens.hpp>
#include <gloss/text/pipeline/decoders.hpp>
#include <gloss/text/pipeline/encoding.hpp>
#include <gloss/text/pipeline/model.hpp>
#include <gloss/text/pipeline/normalizers.hpp>
#include <gloss/text/pipeline/post_processors.hpp>
#include <gloss/text/pipeline/pre_tokenizers.hpp>
#include <gloss/text/tokenizer.hpp>

namespace gloss::inline GLOSS_ABI::text {

/// What a Pipeline is made of.
struct PipelineStages {
  std::vector<AddedToken> added_tokens;
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  std::shared_ptr<const Model> model;
  PostProcessor post_processor;
  std::optional<std::vector<Decoder>> decoders;  ///< nothing: tokens are joined by spaces
};

struct EncodeOptions {
  bool add_special_tokens = true;  ///< what the post-processor puts around
};

/// A tokenizer made of stages. Const use from many threads is safe.
/// Bytes that are no UTF-8 are signs that only a byte-level vocabulary knows.
/// Python: tokenizers.Tokenizer, transformers.PreTrainedTokenizerFast
class Pipeline final : public Tokenizer {
 public:
  /// How calls cut and fill up what they give; encode() alone does neither.
  std::optional<Truncation> truncation;
  std::optional<Padding> padding;

  explicit Pipeline(PipelineStages stages) : stages_(std::move(stages)), size_(stages_.model->size()) {
    for (const AddedToken& token : stages_.added_tokens) {
      AlignedText content(token.content, 0, false);
      if (token.normalized)
        for (const Normalizer& normalizer : stages_.normalizers) normalizer(content);
      (token.normalized ? normalized_ : raw_).add(token, content.text());
      size_ = (std::max)(size_, token.id + 1);
    }
  }

  /// The tokens of a text or of a pair of texts, with what the model wants around them.
  /// Errors: Error for a text of 4 GiB, and what Truncation says.
  /// Python: tokenizer.encode(text, pair)
  Encoding operator()(std::string_view text, EncodeOptions options = {}) const {
    return padded(finished(text, nullptr, options));
  }
  Encoding operator()(std::string_view text, std::string_view pair, EncodeOptions options = {}) const {
    return padded(finished(text, &pair, options));
  }
  /// The same for many texts, all padded to one length if padding is set.
  /// Python: tokenizer.encode_batch(texts)
  std::vector<Encoding> batch(const std::vector<std::string>& texts, EncodeOptions options = {}) const {
    std::vector<Encoding> encodings;
    for (const std::string& text : texts) encodings.push_back(finished(text, nullptr, options));
    return padded(std::move(encodings));
  }
  std::vector<Encoding> batch(const std::vector<std::pair<std::string, std::string>>& pairs,
                              EncodeOptions options = {}) const {
    std::vector<Encoding> encodings;
    for (const auto& [text, pair] : pairs) {
      const std::string_view second = pair;
      encodings.push_back(finished(text, &second, options));
    }
    return padded(std::move(encodings));
  }

  /// The ids of a text alone, which is quicker.
  std::vector<Index> encode(std::string_view text) const override {
    std::vector<Index> ids;
    for_each_token(text, false, [&](Index id, std::string_view, Span, Index) { ids.push_back(id); });
    return ids;
  }

  /// The text of token ids, without the special tokens.
  /// Errors: IndexError for an id that is not in [0, size()).
  std::string decode(std::span<const Index> ids) const override { return decode(ids, true); }
  /// The same, with the special tokens if asked for.
  /// Python: tokenizer.decode(ids, skip_special_tokens)
  std::string decode(std::span<const Index> ids, bool skip_special_tokens) const {
    std::vector<std::string> tokens;
    for (const Index id : ids) {
      const AddedToken* const added = added_token(id);
      if (!added || !added->special || !skip_special_tokens) tokens.push_back(id_to_token(id));
    }
    if (stages_.decoders)
      for (const Decoder& decoder : *stages_.decoders) decoder(tokens);
    std::string text;
    for (const std::string& token : tokens) {
      if (!stages_.decoders && &token != tokens.data()) text += ' ';
      text += token;
    }
    return text;
  }

  /// How many ids there are, added tokens included.
  Index size() const override { return size_; }
  /// The id of a token, or -1.
  Index token_to_id(std::string_view token) const {
    for (const AddedToken& added : stages_.added_tokens)
      if (added.content == token) return added.id;
    return stages_.model->find(token);
  }
  /// The token of an id, as the vocabulary spells it; "" for one between that no token has.
  /// Errors: IndexError for an id that is not in [0, size()).
  std::string id_to_token(Index id) const {
    if (id < 0 || id >= size_) fail<IndexError>("Pipeline: id ", id, " is out of range [0, ", size_, ")");
    if (const AddedToken* const added = added_token(id)) return added->content;
    return id < stages_.model->size() ? stages_.model->token(id) : std::string();
  }
  const std::vector<AddedToken>& added_tokens() const { return stages_.added_tokens; }

 private:
  const AddedToken* added_token(Index id) const {
    const auto& added = stages_.added_tokens;
    const auto found = std::find_if(added.begin(), added.end(), [&](const AddedToken& t) { return t.id == id; });
    return found == added.end() ? nullptr : &*found;
  }

  /// Calls f(id, token as it stands in the text or empty, where in the text, which piece) for each token.
  template <class F>
  void for_each_token(std::string_view text, bool with_origins, F&& f) const {
    if (text.size() >= 0xFFFFFFFFu) fail<Error>("Pipeline: ", text.size(), " bytes, 4 GiB are too many");
    Index word = 0;
    const auto origin = [&](const AlignedText& of, Span span) { return with_origins ? of.origin(span) : Span{}; };
    std::vector<PieceToken> tokens;
    const auto encode_pieces = [&](AlignedText part) {
      Pieces pieces{std::move(part), {}};
      if (!pieces.text.text().empty()) pieces.spans.push_back(pieces.text.all());
      for (const PreTokenizer& cut : stages_.pre_tokenizers) cut(pieces);
      for (const Span& piece : pieces.spans) {
        tokens.clear();
        const std::string_view piece_text = pieces.text.text(piece);
        stages_.model->encode(piece_text, tokens);
        for (const PieceToken& t : tokens)
          f(t.id, t.as_written ? piece_text.substr(t.begin, t.end - t.begin) : std::string_view(),
            origin(pieces.text, {piece.begin + t.begin, piece.begin + t.end}), word);
        ++word;
      }
    };
    raw_.for_each_part(text, [&](const AddedToken* raw, Span span) {
      AlignedText part(text.substr(span.begin, span.end - span.begin), span.begin, with_origins);
      if (raw) return f(raw->id, part.text(), span, word++);
      for (const Normalizer& normalize : stages_.normalizers) normalize(part);
      if (normalized_.empty()) return encode_pieces(std::move(part));
      normalized_.for_each_part(part.text(), [&](const AddedToken* token, Span within) {
        if (token) return f(token->id, part.text(within), origin(part, within), word++);
        encode_pieces(part.part(within));
      });
    });
  }

  Encoding encoding(std::string_view text, Index sequence) const {
    Encoding e;
    for_each_token(text, true, [&](Index id, std::string_view as_written, Span span, Index word) {
      e.ids.push_back(id);
      e.tokens.push_back(as_written.empty() ? stages_.model->token(id) : std::string(as_written));
      e.offsets.emplace_back(span.begin, span.end);
      e.word_ids.push_back(word);
    });
    const std::size_t n = e.ids.size();
    e.type_ids.assign(n, sequence), e.sequence_ids.assign(n, sequence);
    e.attention_mask.assign(n, 1), e.special_tokens_mask.assign(n, 0);
    return e;
  }
  /// All but padding.
  Encoding finished(std::string_view text, const std::string_view* pair, EncodeOptions options) const {
    Encoding first = encoding(text, 0);
    Encoding second = pair ? encoding(*pair, 1) : Encoding();
    Encoding* const other = pair ? &second : nullptr;
    const Index added = options.add_special_tokens ? stages_.post_processor.added(pair != nullptr) : 0;
    if (truncation) (*truncation)(first, other, added);
    return stages_.post_processor(std::move(first), other, options.add_special_tokens);
  }
  std::vector<Encoding> padded(std::vector<Encoding> encodings) const {
    Index longest = 0;
    for (const Encoding& e : encodings) longest = (std::max)(longest, e.size());
    if (padding)
      for (Encoding& e : encodings) (*padding)(e, longest);
    return encodings;
  }
  Encoding padded(Encoding e) const {
    if (padding) (*padding)(e, e.size());
    return e;
  }

  PipelineStages stages_;
  detail::AddedTokenFinder raw_, normalized_;
  Index size_;
};

}  // namespace gloss::inline GLOSS_ABI::text
