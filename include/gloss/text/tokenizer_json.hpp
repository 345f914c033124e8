// Reads tokenizer.json, the file of Hugging Face's tokenizers.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <gloss/core/file.hpp>
#include <gloss/core/looks_like.hpp>
#include <gloss/text/pipeline.hpp>
#include <gloss/text/pipeline/base64.hpp>
#include <gloss/text/pipeline/charsmap.hpp>
#include <gloss/text/pipeline/json_field.hpp>
#include <gloss/text/pipeline/merges.hpp>
#include <gloss/text/pipeline/unigram.hpp>
#include <gloss/text/pipeline/wordpiece.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

/// Makes the stages of a Pipeline from the parts of a tokenizer.json. What it does not know is refused by its name.
template <class = void>
class TokenizerJson {
 public:
  explicit TokenizerJson(const JsonField& file) : file_(file) {}

  GLOSS_COLD Pipeline read() {
    add_normalizers(file_["normalizer"], 0);
    add_pre_tokenizers(file_["pre_tokenizer"], 0);
    stages_.model = model(file_["model"]);
    add_added_tokens();
    add_post_processors(file_["post_processor"], 0);
    if (!file_["decoder"].is_null()) {
      stages_.decoders.emplace();
      add_decoders(file_["decoder"], 0);
    }
    Pipeline pipeline(std::move(stages_));
    read_truncation(pipeline.truncation);
    read_padding(pipeline.padding);
    return pipeline;
  }

 private:
  static constexpr int deepest = 8;  // Sequences in Sequences

  [[noreturn]] static void refuse(const JsonField& part) {
    part["type"].bad("'", part["type"].text(), "' is not supported");
  }
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

  /// The tokens of {"token": id, ...} by id.
  static std::vector<std::string> vocabulary(const JsonField& field) {
    if (!field.json().is_object()) field.bad("expected an object");
    const std::size_t n = field.json().size();
    std::vector<std::string> tokens(n);
    std::vector<bool> there(n);
    for (const auto& [token, id] : field.json().items()) {
      if (!id.is_number_unsigned()) field.bad("the id of '", token, "' is no number");
      const auto number = id.template get<std::uint64_t>();
      if (number >= n) field.bad("the id of '", token, "' is ", number, ", and there are ", n, " tokens");
      if (there[number]) field.bad("two tokens have the id ", number);
      there[number] = true;
      tokens[number] = token;
    }
    return tokens;
  }

  /// A model, whose complaints are the file's.
  template <class M, class... Args>
  static std::shared_ptr<M> make(const JsonField& part, Args&&... args) {
    try {
      return std::make_shared<M>(std::forward<Args>(args)...);
    } catch (const LoadError& error) {
      part.bad(error.what());
    }
  }

  std::shared_ptr<const Model> model(const JsonField& part) {
    std::string type = part["type"].text_or("");
    if (type.empty())
      type = !part["merges"].is_null() ? "BPE" : part["vocab"].json().is_array() ? "Unigram" : "WordPiece";
    if (byte_level_ && type != "BPE") part["type"].bad("'", type, "' after ByteLevel is not supported");
    if (type == "WordPiece") {
      const WordPieceOptions options{.unk_token = part["unk_token"].text_or("[UNK]"),
                                     .continuing_subword_prefix = part["continuing_subword_prefix"].text_or("##"),
                                     .max_input_chars_per_word = part["max_input_chars_per_word"].number_or(100)};
      return make<WordPiece>(part, vocabulary(part["vocab"]), options);
    }
    if (type == "Unigram") return unigram(part);
    if (type == "BPE") return merges(part);
    refuse(part);
  }

  static std::shared_ptr<const Model> unigram(const JsonField& part) {
    std::vector<std::string> tokens;
    std::vector<double> scores;
    const JsonField vocab = part["vocab"];
    if (!vocab.json().is_array()) vocab.bad("expected an array");
    for (const auto& entry : vocab.json()) {
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
        vocab.bad("entry ", tokens.size(), " is not a token and a number");
      tokens.push_back(entry[0].template get<std::string>());
      scores.push_back(entry[1].template get<double>());
    }
    const Index unk = part["unk_id"].number_or(-1);
    return make<Unigram>(part, std::move(tokens), std::move(scores),
                         UnigramOptions{.unk_id = unk, .byte_fallback = part["byte_fallback"].flag_or(false)});
  }

  std::shared_ptr<const Model> merges(const JsonField& part) const {
    if (const JsonField dropout = part["dropout"]; !dropout.is_null() && dropout.real() != 0)
      dropout.bad("a dropout of merges is not supported");
    const MergesOptions options{.byte_level = byte_level_,
                                .unk_token = part["unk_token"].text_or(""),
                                .continuing_subword_prefix = part["continuing_subword_prefix"].text_or(""),
                                .end_of_word_suffix = part["end_of_word_suffix"].text_or(""),
                                .fuse_unk = part["fuse_unk"].flag_or(false),
                                .byte_fallback = part["byte_fallback"].flag_or(false),
                                .ignore_merges = part["ignore_merges"].flag_or(false)};
    const auto model = make<Merges>(part, vocabulary(part["vocab"]), options);
    const JsonField list = part["merges"];
    if (!list.json().is_array()) list.bad("expected an array");
    std::uint32_t rank = 0;
    for (const auto& entry : list.json()) {
      std::string_view left, right;
      if (entry.is_string()) {
        const std::string_view both = entry.template get_ref<const std::string&>();
        const std::size_t space = both.find(' ');
        left = both.substr(0, space);
        if (space != std::string_view::npos) right = both.substr(space + 1);
      } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
        left = entry[0].template get_ref<const std::string&>();
        right = entry[1].template get_ref<const std::string&>();
      }
      if (left.empty() || right.empty()) list.bad("merge ", rank, " is not two tokens");
      const auto known = [&](std::string_view token) {
        const Index id = model->find(token);
        if (id < 0) list.bad("merge ", rank, ": '", token, "' is not in the vocabulary");
        return id;
      };
      const std::size_t prefix = options.continuing_subword_prefix.size();
      const std::string joined = std::string(left) + std::string(right.substr((std::min)(prefix, right.size())));
      const Index l = known(left), r = known(right), result = known(joined);
      model->add_merge(l, r, result, rank++);
    }
    return model;
  }

  /// A token that the model has keeps the model's id; others follow behind.
  void add_added_tokens() {
    Index next = stages_.model->size();
    for (const JsonField& field : file_["added_tokens"].elements()) {
      AddedToken token{.content = field["content"].text(),
                       .id = field["id"].number(),
                       .single_word = field["single_word"].flag_or(false),
                       .lstrip = field["lstrip"].flag_or(false),
                       .rstrip = field["rstrip"].flag_or(false),
                       .normalized = field["normalized"].flag_or(true),
                       .special = field["special"].flag_or(false)};
      const Index in_model = stages_.model->find(token.content);
      const Index expected = in_model >= 0 ? in_model : next++;
      if (token.id != expected) field["id"].bad("'", token.content, "' has the id ", token.id, ", expected ", expected);
      stages_.added_tokens.push_back(std::move(token));
    }
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

  static Side side(const JsonField& field) {
    const std::string name = field.text_or("Right");
    if (name != "Left" && name != "Right") field.bad("'", name, "' is not supported");
    return name == "Left" ? Side::left : Side::right;
  }
  void read_truncation(std::optional<Truncation>& truncation) const {
    const JsonField part = file_["truncation"];
    if (part.is_null()) return;
    using Strategy = Truncation::Strategy;
    const std::string strategy = part["strategy"].text_or("LongestFirst");
    if (strategy != "LongestFirst" && strategy != "OnlyFirst" && strategy != "OnlySecond")
      part["strategy"].bad("'", strategy, "' is not supported");
    truncation = Truncation{.max_length = part["max_length"].number(),
                            .strategy = strategy == "LongestFirst" ? Strategy::longest_first
                                        : strategy == "OnlyFirst"  ? Strategy::only_first
                                                                   : Strategy::only_second,
                            .direction = side(part["direction"])};
  }
  void read_padding(std::optional<Padding>& padding) const {
    const JsonField part = file_["padding"];
    if (part.is_null()) return;
    Index length = -1;
    if (const JsonField strategy = part["strategy"]; strategy.json().is_object())
      length = strategy["Fixed"].number(0, Index{1} << 24);
    else if (strategy.text_or("BatchLongest") != "BatchLongest")
      strategy.bad("'", strategy.text(), "' is not supported");
    const JsonField multiple = part["pad_to_multiple_of"];
    padding = Padding{.length = length,
                      .pad_to_multiple_of = multiple.is_null() ? 0 : multiple.number(0, Index{1} << 24),
                      .direction = side(part["direction"]),
                      .pad_id = part["pad_id"].number_or(0),
                      .pad_type_id = part["pad_type_id"].number_or(0),
                      .pad_token = part["pad_token"].text_or("[PAD]")};
  }

  JsonField file_;
  PipelineStages stages_;
  bool byte_level_ = false;
};

}  // namespace detail

/// A tokenizer from the text of a tokenizer.json; `name` stands for the file in messages.
/// Errors: LoadError when it is damaged, or asks for something that is not supported, which is named.
GLOSS_LAZY Pipeline parse_tokenizer(std::string_view json, std::string_view name = "tokenizer.json") {
  const std::string place = "load_tokenizer: " + std::string(name);
  const auto not_json = [&](std::size_t at) {
    const std::string what = looks_like(json);
    const bool known = !what.empty() && what.find("JSON") == std::string::npos;
    fail<LoadError>(place, ": not JSON at byte ", at, known ? "; it " + what : "");
  };
  if (const std::size_t zero = json.find('\0'); zero != std::string_view::npos) not_json(zero + 1);
  try {
    const nlohmann::json file = nlohmann::json::parse(json.begin(), json.end());
    return detail::TokenizerJson<>(detail::JsonField(file, place, true)).read();
  } catch (const nlohmann::json::parse_error& error) {
    not_json(error.byte);
    throw;
  } catch (const nlohmann::json::out_of_range&) {  // what its reader says to 1e999
    fail<LoadError>(place, ": a number is out of range");
  }
}

/// The tokenizer of a tokenizer.json.
/// Errors: LoadError when it cannot be read, is damaged, or asks for something that is not supported, which is named.
/// Python: tokenizers.Tokenizer.from_file(path)
GLOSS_LAZY Pipeline load_tokenizer(const std::string& path) {
  return parse_tokenizer(read_file(path, std::uint64_t{1} << 28), path);
}

}  // namespace gloss::inline GLOSS_ABI::text
