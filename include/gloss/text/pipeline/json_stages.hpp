// The stages of a Pipeline from the parts of a tokenizer.json.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/text/pipeline.hpp>
#include <gloss/text/pipeline/base64.hpp>
#include <gloss/text/pipeline/charsmap.hpp>
#include <gloss/text/pipeline/json_field.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

/// Normalizers, pre-tokenizers, post-processors and decoders. What is not known is refused by its name.
template <class = void>
class JsonStages {
 public:
  GLOSS_COLD explicit JsonStages(const JsonField& file) {
    add_normalizers(file["normalizer"], 0);
    add_pre_tokenizers(file["pre_tokenizer"], 0);
    add_post_processors(file["post_processor"], 0);
    if (file["decoder"].is_null()) return;
    stages_.decoders.emplace();
    add_decoders(file["decoder"], 0);
  }

  PipelineStages& stages() { return stages_; }
  /// Does a model see bytes?
  bool byte_level() const { return byte_level_; }

  [[noreturn]] static void refuse(const JsonField& part) {
    part["type"].bad("'", part["type"].text(), "' is not supported");
  }

 private:
  static constexpr int deepest = 8;  // Sequences in Sequences

  /// Calls add(element) for each element of a Sequence.
  template <class Add>
  static void for_each_of(const JsonField& part, const char* list, int depth, Add&& add) {
    if (depth == deepest) part.bad("Sequences in Sequences, more than ", deepest);
    for (const JsonField& element : part[list].elements()) add(element);
  }

  static Pattern pattern(const JsonField& field) {
    if (const JsonField literal = field["String"]; !literal.is_null()) return {.literal = literal.text()};
    const std::string& regex = field["Regex"].text();
    if (regex != " {2,}") field["Regex"].bad("the regular expression '", regex, "' is not supported here");
    return {.literal = {}, .spaces = true};
  }

  void add_normalizers(const JsonField& part, int depth) {
    if (part.is_null()) return;
    const std::string& type = part["type"].text();
    auto& all = stages_.normalizers;
    if (type == "Sequence")
      for_each_of(part, "normalizers", depth, [&](const JsonField& n) { add_normalizers(n, depth + 1); });
    else if (type == "BertNormalizer") {
      const bool lowercase = part["lowercase"].flag_or(true);
      all.push_back(normalizers::BertNormalizer{.clean_text = part["clean_text"].flag_or(true),
                                                .handle_chinese_chars = part["handle_chinese_chars"].flag_or(true),
                                                .strip_accents = part["strip_accents"].flag_or(lowercase),
                                                .lowercase = lowercase});
    } else if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD")
      all.push_back(normalizers::UnicodeForm{.compose = type.back() == 'C', .compatible = type[2] == 'K'});
    else if (type == "Lowercase")
      all.push_back(normalizers::Lowercase{});
    else if (type == "StripAccents")
      all.push_back(normalizers::StripAccents{});
    else if (type == "Strip")
      all.push_back(normalizers::Strip{part["strip_left"].flag_or(true), part["strip_right"].flag_or(true)});
    else if (type == "Prepend")
      all.push_back(normalizers::Prepend{part["prepend"].text()});
    else if (type == "Replace")
      all.push_back(normalizers::Replace{pattern(part["pattern"]), part["content"].text()});
    else if (type == "Nmt")
      all.push_back(normalizers::Nmt{});
    else if (type == "Precompiled") {
      const JsonField map = part["precompiled_charsmap"];
      if (map.is_null() || map.text().empty()) return;
      const auto bytes = decode_base64(map.text());
      if (!bytes) map.bad("not base64");
      all.push_back(normalizers::Precompiled(*bytes, map.name()));
    } else
      refuse(part);
  }

  static Delimiter behavior(const JsonField& field) {
    static constexpr std::pair<std::string_view, Delimiter> known[] = {
        {"Removed", Delimiter::removed},
        {"Isolated", Delimiter::isolated},
        {"MergedWithPrevious", Delimiter::merged_with_previous},
        {"MergedWithNext", Delimiter::merged_with_next},
        {"Contiguous", Delimiter::contiguous}};
    for (const auto& [name, value] : known)
      if (field.text() == name) return value;
    field.bad("'", field.text(), "' is not supported");
  }

  /// U+2581, or another character.
  static char32_t replacement(const JsonField& field) {
    const std::string text = field.text_or("\u2581");
    if (text.empty() || decode_utf8(text, 0).bytes != text.size()) field.bad("expected one character");
    return decode_utf8(text, 0).value;
  }
  /// Newer files say prepend_scheme, older ones add_prefix_space.
  static pre_tokenizers::Metaspace::Prepend prepend(const JsonField& part) {
    using Prepend = pre_tokenizers::Metaspace::Prepend;
    if (const JsonField scheme = part["prepend_scheme"]; !scheme.is_null()) {
      if (scheme.text() == "always") return Prepend::always;
      if (scheme.text() == "first") return Prepend::first;
      if (scheme.text() == "never") return Prepend::never;
      scheme.bad("'", scheme.text(), "' is not supported");
    }
    return part["add_prefix_space"].flag_or(true) ? Prepend::always : Prepend::never;
  }

  void add_pre_tokenizers(const JsonField& part, int depth) {
    if (part.is_null()) return;
    if (byte_level_) part.bad("a pre-tokenizer after ByteLevel is not supported");
    const std::string& type = part["type"].text();
    auto& all = stages_.pre_tokenizers;
    if (type == "Sequence")
      for_each_of(part, "pretokenizers", depth, [&](const JsonField& p) { add_pre_tokenizers(p, depth + 1); });
    else if (type == "BertPreTokenizer")
      all.push_back(pre_tokenizers::BertPreTokenizer{});
    else if (type == "ByteLevel") {
      if (part["add_prefix_space"].flag_or(true)) all.push_back(pre_tokenizers::PrefixSpace{});
      if (part["use_regex"].flag_or(true)) all.push_back(pre_tokenizers::SplitWords{});
      byte_level_ = true;
    } else if (type == "Metaspace")
      all.push_back(pre_tokenizers::Metaspace{.replacement = replacement(part["replacement"]),
                                              .prepend = prepend(part),
                                              .split = part["split"].flag_or(true)});
    else if (type == "Split")
      all.push_back(split(part));
    else if (type == "Digits")
      all.push_back(pre_tokenizers::Digits{part["individual_digits"].flag_or(false)});
    else if (type == "Punctuation")
      all.push_back(
          pre_tokenizers::Punctuation{part["behavior"].is_null() ? Delimiter::isolated : behavior(part["behavior"])});
    else if (type == "Whitespace")
      all.push_back(pre_tokenizers::Whitespace{});
    else if (type == "WhitespaceSplit")
      all.push_back(pre_tokenizers::WhitespaceSplit{});
    else
      refuse(part);
  }

  static PreTokenizer split(const JsonField& part) {
    const Delimiter how = behavior(part["behavior"]);
    const bool invert = part["invert"].flag_or(false);
    const JsonField regex = part["pattern"]["Regex"];
    if (regex.is_null() || regex.text() == " {2,}") return pre_tokenizers::Split{pattern(part["pattern"]), how, invert};
    const WordScanner* const scanner = WordScanner::find(regex.text());
    if (!scanner) regex.bad("the regular expression '", regex.text(), "' is not supported");
    // They match all of a text, so that these two are the same.
    const bool all = (how == Delimiter::isolated && !invert) || (how == Delimiter::removed && invert);
    if (!all) part["behavior"].bad("'", part["behavior"].text(), "' is not supported with this expression");
    return pre_tokenizers::SplitWords{*scanner};
  }

  void add_post_processors(const JsonField& part, int depth) {
    if (part.is_null()) return;
    const std::string& type = part["type"].text();
    PostProcessor& post = stages_.post_processor;
    using Part = PostProcessor::Part;
    const auto read_trim = [&] {
      post.trim_offsets = part["trim_offsets"].flag_or(true);
      post.add_prefix_space = part["add_prefix_space"].flag_or(true);
    };
    if (type == "Sequence")
      for_each_of(part, "processors", depth, [&](const JsonField& p) { add_post_processors(p, depth + 1); });
    else if (type == "ByteLevel")
      read_trim();
    else if (type == "TemplateProcessing") {
      post.single = template_parts(part, "single");
      post.pair = template_parts(part, "pair");
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      const bool bert = type == "BertProcessing";
      if (!bert) read_trim();
      const auto special = [&](const char* key, Index type_id) {
        const std::vector<JsonField> both = part[key].elements();
        if (both.size() != 2) part[key].bad("expected a token and its id");
        return Part{.type_id = type_id, .id = id_of(both[1]), .token = both[0].text()};
      };
      const Part first{.sequence = 0}, second{.sequence = 1, .type_id = bert ? 1 : 0};
      post.single = {special("cls", 0), first, special("sep", 0)};
      post.pair = {special("cls", 0), first, special("sep", 0), second, special("sep", second.type_id)};
      if (!bert) post.pair.insert(post.pair.begin() + 3, special("sep", 0));
    } else
      refuse(part);
  }

  static Index id_of(const JsonField& field) { return field.number(0, (Index{1} << 31) - 1); }

  static std::vector<PostProcessor::Part> template_parts(const JsonField& part, const char* name) {
    std::vector<PostProcessor::Part> parts;
    for (const JsonField& piece : part[name].elements()) {
      if (const JsonField sequence = piece["Sequence"]; !sequence.is_null()) {
        const std::string& id = sequence["id"].text();
        if (id != "A" && (id != "B" || std::string_view(name) == "single"))
          sequence["id"].bad("'", id, "' is not supported");
        parts.push_back({.sequence = id == "A" ? 0 : 1, .type_id = sequence["type_id"].number_or(0)});
        continue;
      }
      const JsonField special = piece["SpecialToken"];
      if (special.is_null()) piece.bad("expected a Sequence or a SpecialToken");
      const JsonField entry = part["special_tokens"][special["id"].text().c_str()];
      if (entry.is_null()) special["id"].bad("'", special["id"].text(), "' is not among special_tokens");
      const std::vector<JsonField> ids = entry["ids"].elements(), tokens = entry["tokens"].elements();
      if (ids.size() != tokens.size()) entry.bad("as many ids as tokens are expected");
      for (std::size_t i = 0; i < ids.size(); ++i)
        parts.push_back({.type_id = special["type_id"].number_or(0), .id = id_of(ids[i]), .token = tokens[i].text()});
    }
    return parts;
  }

  void add_decoders(const JsonField& part, int depth) {
    const std::string& type = part["type"].text();
    auto& all = *stages_.decoders;
    if (type == "Sequence")
      for_each_of(part, "decoders", depth, [&](const JsonField& d) { add_decoders(d, depth + 1); });
    else if (type == "ByteLevel")
      all.push_back(decoders::ByteLevel{});
    else if (type == "WordPiece")
      all.push_back(decoders::WordPiece{part["prefix"].text_or("##"), part["cleanup"].flag_or(true)});
    else if (type == "Metaspace")
      all.push_back(decoders::Metaspace{replacement(part["replacement"]),
                                        prepend(part) != pre_tokenizers::Metaspace::Prepend::never});
    else if (type == "Replace")
      all.push_back(decoders::Replace{pattern(part["pattern"]), part["content"].text()});
    else if (type == "ByteFallback")
      all.push_back(decoders::ByteFallback{});
    else if (type == "Fuse")
      all.push_back(decoders::Fuse{});
    else if (type == "Strip")
      all.push_back(
          decoders::Strip{part["content"].text_or(" "), part["start"].number_or(0), part["stop"].number_or(0)});
    else if (type == "BPEDecoder")
      all.push_back(decoders::BpeDecoder{part["suffix"].text_or("</w>")});
    else
      refuse(part);
  }

  PipelineStages stages_;
  bool byte_level_ = false;
};

}  // namespace detail
}  // namespace gloss::inline GLOSS_ABI::text
