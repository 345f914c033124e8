// Tokenizers: the first letter says as what the rest is read (j tokenizer.json, s a SentencePiece model, t tiktoken's
// ranks, v a vocab.txt); what is read encodes a text and decodes it.
#include <gloss/text/bert_tokenizer.hpp>
#include <gloss/text/sentencepiece.hpp>
#include <gloss/text/tiktoken.hpp>
#include <gloss/text/tokenizer_json.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

namespace {

text::Pipeline read(char kind, std::string_view bytes) {
  if (kind == 'j') return text::parse_tokenizer(bytes, "f");
  if (kind == 's') return text::parse_sentencepiece(bytes, "f", {.add_bos = bytes.size() % 2 == 0});
  if (kind == 't') return text::parse_tiktoken(bytes, "f");
  std::vector<std::string> tokens;
  while (!bytes.empty()) tokens.emplace_back(text::detail::take_line(bytes));
  return text::bert_tokenizer(std::move(tokens));
}

}  // namespace

void gloss_fuzz::run(std::string_view bytes) {
  if (bytes.empty()) return;
  try {
    text::Pipeline tokenizer = read(bytes[0], bytes.substr(1));
    if (tokenizer.padding && tokenizer.padding->length > 1000) tokenizer.padding->length = 1000;
    if (tokenizer.padding && tokenizer.padding->pad_to_multiple_of > 1000) tokenizer.padding->pad_to_multiple_of = 8;
    const std::string text = "a ab  e\u0301\u00C9 \uFB01 \u4E2D 12 it's \xFF\xE2\x82 <s>[MASK] \u2581x\n";
    text::Encoding e = tokenizer(text);
    e.for_each_member([&](const auto& member) { require(static_cast<Index>(member.size()) == e.size()); });
    for (const auto& [begin, end] : e.offsets)
      require(0 <= begin && begin <= end && end <= static_cast<Index>(text.size()));
    for (const Index id : tokenizer.encode(text)) require(id >= 0 && id < tokenizer.size());
    static_cast<void>(tokenizer.decode(tokenizer.encode(text)));
  } catch (const Error&) {
  }
}
