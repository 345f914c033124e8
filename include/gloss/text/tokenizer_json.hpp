// Reads tokenizer.json, the file of Hugging Face's tokenizers.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <gloss/core/file.hpp>
#include <gloss/core/looks_like.hpp>
#include <gloss/text/lines.hpp>
#include <gloss/text/pipeline.hpp>
#include <gloss/text/pipeline/json_field.hpp>
#include <gloss/text/pipeline/json_stages.hpp>
#include <gloss/text/pipeline/merges.hpp>
#include <gloss/text/pipeline/unigram.hpp>
#include <gloss/text/pipeline/wordpiece.hpp>

namespace gloss::inline GLOSS_ABI::text {
namespace detail {

/// Makes a Pipeline of a tokenizer.json. What it does not know is refused by its name.
template <class = void>
class TokenizerJson {
 public:
  explicit TokenizerJson(const JsonField& file) : file_(file), parts_(file) {}

  GLOSS_COLD Pipeline read() {
    PipelineStages& stages = parts_.stages();
    stages.model = model(file_["model"]);
    add_added_tokens(stages);
    Pipeline pipeline(std::move(stages));
    read_truncation(pipeline.truncation);
    read_padding(pipeline.padding);
    return pipeline;
  }

 private:
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
    if (parts_.byte_level() && type != "BPE") part["type"].bad("'", type, "' after ByteLevel is not supported");
    if (type == "WordPiece") {
      const WordPieceOptions options{.unk_token = part["unk_token"].text_or("[UNK]"),
                                     .continuing_subword_prefix = part["continuing_subword_prefix"].text_or("##"),
                                     .max_input_chars_per_word = part["max_input_chars_per_word"].number_or(100)};
      return make<WordPiece>(part, vocabulary(part["vocab"]), options);
    }
    if (type == "Unigram") return unigram(part);
    if (type == "BPE") return merges(part);
    JsonStages<>::refuse(part);
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
    const MergesOptions options{.byte_level = parts_.byte_level(),
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
  void add_added_tokens(PipelineStages& stages) const {
    Index next = stages.model->size();
    for (const JsonField& field : file_["added_tokens"].elements()) {
      AddedToken token{.content = field["content"].text(),
                       .id = field["id"].number(),
                       .single_word = field["single_word"].flag_or(false),
                       .lstrip = field["lstrip"].flag_or(false),
                       .rstrip = field["rstrip"].flag_or(false),
                       .normalized = field["normalized"].flag_or(true),
                       .special = field["special"].flag_or(false)};
      const Index in_model = stages.model->find(token.content);
      const Index expected = in_model >= 0 ? in_model : next++;
      if (token.id != expected) field["id"].bad("'", token.content, "' has the id ", token.id, ", expected ", expected);
      stages.added_tokens.push_back(std::move(token));
    }
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
  JsonStages<> parts_;
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

/// GPT-2's tokenizer from its two files: vocab.json, which is also called encoder.json, and merges.txt, also vocab.bpe.
/// Errors: LoadError when one cannot be read or is damaged.
/// Python: transformers.GPT2TokenizerFast(vocab, merges)
GLOSS_LAZY Pipeline load_gpt2_tokenizer(const std::string& vocab_path, const std::string& merges_path) {
  const std::string vocab = read_file(vocab_path, std::uint64_t{1} << 28);
  const std::string merges = read_file(merges_path, std::uint64_t{1} << 28);
  const nlohmann::json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}};
  nlohmann::json file = {{"pre_tokenizer", byte_level},
                         {"post_processor", byte_level},
                         {"decoder", byte_level},
                         {"model", {{"type", "BPE"}}}};
  file["model"]["vocab"] = nlohmann::json::parse(vocab.begin(), vocab.end(), nullptr, false);
  nlohmann::json& list = file["model"]["merges"] = nlohmann::json::array();
  for (std::string_view rest = merges; !rest.empty();)
    if (const std::string_view line = detail::take_line(rest); !line.empty() && !line.starts_with("#version"))
      list.push_back(line);
  const nlohmann::json& ids = file["model"]["vocab"];
  if (const char* const end = "<|endoftext|>"; ids.is_object() && ids.contains(end))
    file["added_tokens"] = {{{"content", end}, {"id", ids[end]}, {"normalized", false}, {"special", true}}};
  return detail::TokenizerJson<>(detail::JsonField(file, "load_gpt2_tokenizer: " + vocab_path, true)).read();
}

}  // namespace gloss::inline GLOSS_ABI::text
