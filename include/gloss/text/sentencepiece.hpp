// Reads SentencePiece's .model files, of its two kinds that are used: Unigram and BPE.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/file.hpp>
#include <gloss/core/looks_like.hpp>
#include <gloss/text/pipeline.hpp>
#include <gloss/text/pipeline/charsmap.hpp>
#include <gloss/text/pipeline/merges.hpp>
#include <gloss/text/pipeline/protobuf.hpp>
#include <gloss/text/pipeline/unigram.hpp>

namespace gloss::inline GLOSS_ABI::text {

struct SentencePieceOptions {
  bool add_bos = false;  ///< the begin token before a text, for calls that give an Encoding
  bool add_eos = false;  ///< the end token behind it
};

namespace detail {

/// What SentencePiece does to a text: its table, at each place the longest string of it; spaces in a row become one,
/// those at the ends none; a space is put before; spaces become U+2581. User-defined symbols stay as they are.
struct SentencePieceNormalizer {
  std::optional<Charsmap> map;
  Trie symbols;  // user-defined
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true, as_suffix = false;

  void operator()(AlignedText& text) const {
    struct Character {
      char32_t c;
      Span from;
    };
    std::vector<Character> characters;
    const char32_t space = escape_whitespaces ? 0x2581 : ' ';
    bool after_space = remove_extra_whitespaces, any = false;  // any: a piece of the text that is no space
    const std::string_view given = text.text();
    for (std::size_t at = 0; at < given.size();) {
      const auto [replacement, length] = next(given.substr(at));
      const Span from{static_cast<std::uint32_t>(text.start() + at),
                      static_cast<std::uint32_t>(text.start() + at + length)};
      at += length;
      std::string_view rest = replacement;
      if (!any && remove_extra_whitespaces && rest == " ") continue;
      if (!any && add_dummy_prefix && !as_suffix) characters.push_back({space, from});
      any = true;
      while (after_space && rest.starts_with(' ')) rest.remove_prefix(1);
      for_each_character(rest, [&](char32_t c) { characters.push_back({c == ' ' ? space : c, from}); });
      if (!rest.empty()) after_space = rest.ends_with(' ');
      if (!remove_extra_whitespaces) after_space = false;
    }
    while (remove_extra_whitespaces && !characters.empty() && characters.back().c == space) characters.pop_back();
    if (any && add_dummy_prefix && as_suffix)
      characters.push_back({space, characters.empty() ? Span{} : characters.back().from});
    text.rebuild([&](auto&& put) {
      for (const Character& c : characters) put(c.c, c.from);
    });
  }

 private:
  /// What a text begins with becomes, and how many bytes of it.
  std::pair<std::string_view, std::size_t> next(std::string_view text) const {
    if (const auto [id, length] = symbols.longest(text); id >= 0) return {text.substr(0, length), length};
    if (map)
      if (const Charsmap::Match match = map->find(text, true); match.length > 0)
        return {match.replacement, match.length};
    const CodePoint c = decode_utf8(text, 0);
    return {c.value < invalid_byte ? text.substr(0, c.bytes) : std::string_view("\uFFFD"), c.bytes};
  }
};

/// Pieces with their scores and types, as other files hold them, too.
struct SentencePieces {
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<std::uint64_t> types;
  bool add_dummy_prefix = true;
  Index bos = 1, eos = 2;
};

/// The parts of a .model file.
template <class = void>
class SentencePieceFile {
 public:
  /// From pieces of BPE's kind; unknown characters become bytes, and control pieces are found in texts.
  GLOSS_COLD SentencePieceFile(SentencePieces pieces, std::string_view name)
      : name_(name), kind_(2), byte_fallback_(true), controls_in_text_(true), bos_(pieces.bos), eos_(pieces.eos) {
    if (pieces.scores.size() != pieces.tokens.size() || pieces.types.size() != pieces.tokens.size())
      fail<LoadError>(name_, ": ", pieces.tokens.size(), " pieces have ", pieces.scores.size(), " scores and ",
                      pieces.types.size(), " types");
    for (std::size_t i = 0; i < pieces.tokens.size(); ++i)
      add_piece(std::move(pieces.tokens[i]), pieces.scores[i], pieces.types[i]);
    normalizer_.add_dummy_prefix = pieces.add_dummy_prefix;
    normalizer_.remove_extra_whitespaces = false;
    if (unknown_ < 0) fail<LoadError>(name_, ": there is no unknown piece");
  }
  GLOSS_COLD SentencePieceFile(std::string_view bytes, std::string_view name) : name_(name) {
    for_each_field(bytes, name_, [&](const ProtobufField& field) {
      if (field.number == 1 && field.type == 2) read_piece(field.bytes);
      if (field.number == 2 && field.type == 2) read_trainer(field.bytes);
      if (field.number == 3 && field.type == 2) read_normalizer(field.bytes);
    });
    if (unknown_ < 0) fail<LoadError>(name_, ": there is no unknown piece");
    if (kind_ != 1 && kind_ != 2)
      fail<LoadError>(name_, ": the model is of kind ", kind_, ", expected 1 (Unigram) or 2 (BPE)");
  }

  GLOSS_COLD Pipeline pipeline(const SentencePieceOptions& options) {
    PipelineStages stages;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const auto id = static_cast<Index>(i);
      if (types_[i] == control)
        stages.added_tokens.push_back(
            {.content = tokens_[i], .id = id, .normalized = false, .special = true, .in_text = controls_in_text_});
      if (types_[i] == user_defined) normalizer_.symbols.insert(tokens_[i], id);
    }
    if (options.add_bos) add_special(stages.post_processor, bos_, "<s>", true);
    if (options.add_eos) add_special(stages.post_processor, eos_, "</s>", false);
    if (kind_ == 2) stages.pre_tokenizers = {SplitSymbols{normalizer_.symbols}};
    stages.decoders = {{Spaces{.unknown = tokens_[static_cast<std::size_t>(unknown_)],
                               .first = normalizer_.add_dummy_prefix && !normalizer_.as_suffix,
                               .all_first = normalizer_.remove_extra_whitespaces},
                        decoders::ByteFallback{}, decoders::Fuse{}}};
    if (normalizer_.as_suffix && normalizer_.add_dummy_prefix) stages.decoders->push_back(decoders::Strip{.stop = 1});
    stages.normalizers = {std::move(normalizer_)};
    stages.model = kind_ == 1 ? unigram() : merges();
    return Pipeline(std::move(stages));
  }

 private:
  enum Type : std::uint64_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

  /// U+2581 to spaces, but for the one at the beginning, or for all there; the unknown piece to U+2047.
  struct Spaces {
    std::string unknown;
    bool first, all_first;
    void operator()(std::vector<std::string>& tokens) const {
      static constexpr std::string_view space = "\u2581";
      bool beginning = first || all_first;
      for (std::string& token : tokens) {
        if (beginning && token.starts_with(space)) {
          token.erase(0, space.size());
          beginning = all_first;
        }
        if (token == unknown) token = " \u2047 ";
        beginning = beginning && token.empty();
        detail::replace_all(token, space, " ");
      }
    }
  };
  /// Each symbol a piece of its own, which is a token.
  struct SplitSymbols {
    Trie symbols;
    void operator()(Pieces& pieces) const {
      pieces.cut([&](std::string_view text, auto&& keep) {
        std::size_t begin = 0;
        for (std::size_t at = 0; at < text.size();) {
          const std::size_t length = symbols.longest(text.substr(at)).second;
          if (length > 0) {
            keep(begin, at);
            keep(at, at + length);
            begin = at + length;
          }
          at += length > 0 ? length : decode_utf8(text, at).bytes;
        }
        keep(begin, text.size());
      });
    }
  };

  void read_piece(std::string_view message) {
    std::string token;
    float score = 0;
    std::uint64_t type = normal;
    for_each_field(message, name_, [&](const ProtobufField& field) {
      if (field.number == 1) token = field.bytes;
      if (field.number == 2) score = field.real();
      if (field.number == 3) type = field.value;
    });
    add_piece(std::move(token), score, type);
  }
  void add_piece(std::string token, float score, std::uint64_t type) {
    if (token.empty()) fail<LoadError>(name_, ": piece ", tokens_.size(), " is empty");
    if (!(score - score == 0)) fail<LoadError>(name_, ": the score of piece ", tokens_.size(), " is not finite");
    if (type == unknown) unknown_ = static_cast<Index>(tokens_.size());
    tokens_.push_back(std::move(token));
    scores_.push_back(score);
    types_.push_back(type);
  }
  void read_trainer(std::string_view message) {
    for_each_field(message, name_, [&](const ProtobufField& field) {
      const auto id = static_cast<Index>(static_cast<std::int32_t>(field.value));
      if (field.number == 3) kind_ = field.value;
      if (field.number == 24) normalizer_.as_suffix = field.value != 0;
      if (field.number == 35) byte_fallback_ = field.value != 0;
      if (field.number == 41) bos_ = id;
      if (field.number == 42) eos_ = id;
    });
  }
  void read_normalizer(std::string_view message) {
    for_each_field(message, name_, [&](const ProtobufField& field) {
      if (field.number == 2 && !field.bytes.empty()) normalizer_.map.emplace(field.bytes, name_);
      if (field.number == 3) normalizer_.add_dummy_prefix = field.value != 0;
      if (field.number == 4) normalizer_.remove_extra_whitespaces = field.value != 0;
      if (field.number == 5) normalizer_.escape_whitespaces = field.value != 0;
    });
  }

  void add_special(PostProcessor& post, Index id, const char* what, bool before) const {
    if (id < 0 || id >= static_cast<Index>(tokens_.size())) fail<LoadError>(name_, ": there is no ", what);
    const PostProcessor::Part part{.id = id, .token = tokens_[static_cast<std::size_t>(id)]};
    for (auto* parts : {&post.single, &post.pair}) parts->insert(before ? parts->begin() : parts->end(), part);
  }

  std::shared_ptr<const Model> unigram() {
    float best = -std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < tokens_.size(); ++i)
      if (types_[i] == normal) best = (std::max)(best, scores_[i]);
    std::vector<double> scores;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const double symbol = static_cast<double>(tokens_[i].size()) * best - 0.1;
      scores.push_back(types_[i] == normal         ? scores_[i]
                       : types_[i] == user_defined ? symbol
                                                   : -std::numeric_limits<double>::infinity());
    }
    return std::make_shared<const Unigram>(std::move(tokens_), std::move(scores),
                                           UnigramOptions{.unk_id = unknown_, .byte_fallback = byte_fallback_});
  }
  /// Merges in the order of the scores of what they make.
  std::shared_ptr<const Model> merges() {
    std::vector<Index> order;
    for (std::size_t i = 0; i < tokens_.size(); ++i)
      if (types_[i] == normal) order.push_back(static_cast<Index>(i));
    const auto score = [&](Index id) { return scores_[static_cast<std::size_t>(id)]; };
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return score(a) > score(b); });
    const auto model =
        std::make_shared<Merges>(tokens_, MergesOptions{.unk_token = tokens_[static_cast<std::size_t>(unknown_)],
                                                        .fuse_unk = true,
                                                        .byte_fallback = byte_fallback_});
    for (std::size_t i = 0, rank = 0; i < order.size(); ++i) {
      if (i > 0 && score(order[i]) < score(order[i - 1])) ++rank;
      model->add_merges_to(order[i], static_cast<std::uint32_t>(rank));
    }
    for (std::size_t i = 0; i < tokens_.size(); ++i)
      if (types_[i] == user_defined) model->add_whole(static_cast<Index>(i));
    return model;
  }

  std::string name_;
  std::vector<std::string> tokens_;
  std::vector<float> scores_;
  std::vector<std::uint64_t> types_;
  SentencePieceNormalizer normalizer_;
  std::uint64_t kind_ = 1;
  bool byte_fallback_ = false, controls_in_text_ = false;
  Index unknown_ = -1, bos_ = 1, eos_ = 2;
};

}  // namespace detail

/// A tokenizer from the bytes of a .model file; `name` stands for the file in messages. Control pieces (<s>, </s>) are
/// never found in a text.
/// Errors: LoadError when it is damaged, or is of another kind than Unigram and BPE.
GLOSS_LAZY Pipeline parse_sentencepiece(std::string_view bytes, std::string_view name = "model",
                                        SentencePieceOptions options = {}) {
  const std::string place = "load_sentencepiece: " + std::string(name);
  if (!bytes.starts_with('\n')) {  // the first piece
    const std::string what = looks_like(bytes);
    fail<LoadError>(place, ": not a SentencePiece model", what.empty() ? "" : "; it " + what);
  }
  return detail::SentencePieceFile<>(bytes, place).pipeline(options);
}

/// The tokenizer of a .model file.
/// Errors: LoadError when it cannot be read, is damaged, or is of another kind than Unigram and BPE.
/// Python: sentencepiece.SentencePieceProcessor(model_file=path)
GLOSS_LAZY Pipeline load_sentencepiece(const std::string& path, SentencePieceOptions options = {}) {
  return parse_sentencepiece(read_file(path, std::uint64_t{1} << 28), path, options);
}

}  // namespace gloss::inline GLOSS_ABI::text
