// The tokenizer and the chat template that a GGUF file holds.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/text/chat.hpp>
#include <gloss/text/pipeline.hpp>
#include <gloss/text/pipeline/merges.hpp>
#include <gloss/text/sentencepiece.hpp>

namespace gloss::inline GLOSS_ABI::text {

namespace detail {

/// What tokenizer.ggml.* say.
struct GgufVocabulary {
  std::string name;  // of the file, for messages
  std::string model, pre;
  SentencePieces pieces;
  std::vector<std::string> merges;
  bool add_bos = false, add_eos = false;
};

/// How texts are cut before they are merged; theirs is the name of a converter's family of models.
struct GgufCut {
  std::string_view theirs, scanner;
  bool digits_apart = false, ignore_merges = false, composes = false;
};
inline constexpr GgufCut gguf_cuts[] = {{.theirs = "gpt-2", .scanner = "gpt2"},
                                        {.theirs = "smollm", .scanner = "gpt2", .digits_apart = true},
                                        {.theirs = "llama-bpe", .scanner = "llama3", .ignore_merges = true},
                                        {.theirs = "qwen2", .scanner = "qwen2", .composes = true},
                                        {.theirs = "deepseek-r1-qwen", .scanner = "qwen2"}};

/// Byte-level BPE.
GLOSS_LAZY Pipeline gguf_byte_level(GgufVocabulary v) {
  const GgufCut* cut = nullptr;
  for (const GgufCut& known : gguf_cuts)
    if (known.theirs == v.pre) cut = &known;
  if (!cut) fail<LoadError>(v.name, ": tokenizer.ggml.pre is '", v.pre, "', which is not known");
  const std::size_t n = v.pieces.tokens.size();
  if (v.pieces.types.size() != n && !v.pieces.types.empty())
    fail<LoadError>(v.name, ": ", n, " tokens have ", v.pieces.types.size(), " types");
  PipelineStages stages;
  for (std::size_t i = 0; i < v.pieces.types.size(); ++i)
    if (const std::uint64_t type = v.pieces.types[i]; type == 3 || type == 4)  // control, and defined by a user
      stages.added_tokens.push_back(
          {.content = v.pieces.tokens[i], .id = static_cast<Index>(i), .normalized = false, .special = type == 3});
  if (cut->composes) stages.normalizers = {normalizers::UnicodeForm{.compose = true}};
  if (cut->digits_apart) stages.pre_tokenizers.push_back(pre_tokenizers::Digits{.individual_digits = true});
  stages.pre_tokenizers.push_back(pre_tokenizers::SplitWords{*WordScanner::find(cut->scanner)});
  stages.decoders = {{decoders::ByteLevel{}}};
  const auto add = [&](bool wanted, Index id, std::size_t at, const char* what) {
    if (!wanted) return;
    if (id < 0 || id >= static_cast<Index>(n)) fail<LoadError>(v.name, ": there is no ", what, " token");
    const PostProcessor::Part part{.id = id, .token = v.pieces.tokens[static_cast<std::size_t>(id)]};
    for (auto* parts : {&stages.post_processor.single, &stages.post_processor.pair})
      parts->insert(at == 0 ? parts->begin() : parts->end(), part);
  };
  add(v.add_bos, v.pieces.bos, 0, "begin");
  add(v.add_eos, v.pieces.eos, 1, "end");
  const auto model = std::make_shared<Merges>(std::move(v.pieces.tokens),
                                              MergesOptions{.byte_level = true, .ignore_merges = cut->ignore_merges});
  std::uint32_t rank = 0;
  for (const std::string& both : v.merges) {
    const std::size_t space = (std::min)(both.find(' '), both.size());
    const std::string_view left = std::string_view(both).substr(0, space);
    if (space == both.size() || !model->add_merge(left, std::string_view(both).substr(space + 1), rank++))
      fail<LoadError>(v.name, ": the merge '", both, "' is not of tokens that are there");
  }
  stages.model = model;
  return Pipeline(std::move(stages));
}

}  // namespace detail

/// The tokenizer in a GGUF file: byte-level BPE ("gpt2", cut as GPT-2, SmolLM, Llama 3 or Qwen 2 do) or SentencePiece's
/// BPE ("llama"). A text alone has no special tokens; what operator() gives begins and ends as the file says.
///   const auto tokenizer = text::gguf_tokenizer(io::load_gguf(path), path);
/// Gguf: io::Gguf. `name` stands for the file in messages.
/// Errors: LoadError when there is no tokenizer, or one of another kind, which is named, or it is damaged.
/// Python: transformers.AutoTokenizer.from_pretrained(folder, gguf_file=name)
template <class Gguf>
Pipeline gguf_tokenizer(const Gguf& file, std::string_view name = "gguf") {
  const auto has = [&](const char* key) { return file.find(std::string("tokenizer.ggml.") + key) != nullptr; };
  const auto value = [&](const char* key) -> const auto& { return file.value(std::string("tokenizer.ggml.") + key); };
  const auto flag = [&](const char* key, bool otherwise) {
    return has(key) ? value(key).template as<bool>() : otherwise;
  };
  const auto id = [&](const char* key, Index otherwise) {
    return has(key) ? value(key).template as<Index>() : otherwise;
  };
  detail::GgufVocabulary v;
  v.name = "gguf_tokenizer: " + std::string(name);
  v.model = value("model").template as<std::string>();
  const bool bytes = v.model == "gpt2";
  if (!bytes && v.model != "llama")
    fail<LoadError>(v.name, ": tokenizer.ggml.model is '", v.model, "', only gpt2 and llama are known");
  detail::SentencePieces& pieces = v.pieces;
  pieces.tokens = value("tokens").template list<std::string>();
  if (has("token_type")) pieces.types = value("token_type").template list<std::uint64_t>();
  pieces.bos = id("bos_token_id", bytes ? -1 : 1), pieces.eos = id("eos_token_id", bytes ? -1 : 2);
  if (bytes) {
    v.pre = has("pre") ? value("pre").template as<std::string>() : "";
    v.merges = value("merges").template list<std::string>();
    v.add_bos = flag("add_bos_token", v.pre == "llama-bpe"), v.add_eos = flag("add_eos_token", false);
    return detail::gguf_byte_level(std::move(v));
  }
  pieces.scores = value("scores").template list<float>();
  pieces.add_dummy_prefix = flag("add_space_prefix", true);
  const SentencePieceOptions around{.add_bos = flag("add_bos_token", true), .add_eos = flag("add_eos_token", false)};
  return detail::SentencePieceFile<>(std::move(pieces), v.name).pipeline(around);
}

/// The chat template in a GGUF file.
/// Errors: LoadError when there is none, and as ChatTemplate.
template <class Gguf>
ChatTemplate gguf_chat_template(const Gguf& file, std::string_view name = "gguf") {
  std::string bos;
  if (const auto* id = file.find("tokenizer.ggml.bos_token_id")) {
    const auto tokens = file.value("tokenizer.ggml.tokens").template list<std::string>();
    const auto at = id->template as<std::size_t>();
    if (at < tokens.size()) bos = tokens[at];
  }
  return ChatTemplate(file.value("tokenizer.chat_template").template as<std::string>(), bos,
                      "gguf_chat_template: " + std::string(name));
}

}  // namespace gloss::inline GLOSS_ABI::text
