// Chat templates and GGUF's tokenizers: the first letter says as what the rest is read (c a template, g a GGUF file,
// whose tokenizer encodes a text and decodes it, s three stop strings, one a line, before a text).
#include <gloss/io/gguf.hpp>
#include <gloss/text/gguf_tokenizer.hpp>
#include <gloss/text/lines.hpp>
#include <gloss/text/stop_strings.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

namespace {

const std::vector<text::ChatMessage> talk = {
    {"user", " a </think> b "}, {"assistant", "x</think>\n\ny"}, {"user", "z"}};

void write(const text::ChatTemplate& chat) {
  const std::string turns = chat(talk, false), asks = chat(talk);
  gloss_fuzz::require(asks.starts_with(turns) && asks.size() > turns.size());
  gloss_fuzz::require(turns.find(chat.end_of_turn()) != std::string::npos);
}

void use_file(const io::Gguf& file) {
  const text::Pipeline tokenizer = text::gguf_tokenizer(file, "f");
  const std::string text = "a ab  e\u0301\u00C9 \uFB01 \u4E2D 12 it's \xFF\xE2\x82 <s><|end|> \u2581x\n";
  for (const Index id : tokenizer(text).ids) gloss_fuzz::require(id >= 0 && id < tokenizer.size());
  static_cast<void>(tokenizer.decode(tokenizer.encode(text)));
  write(text::gguf_chat_template(file, "f"));
}

void stop(std::string_view bytes) {
  std::vector<std::string> strings;
  for (int i = 0; i < 3; ++i) strings.emplace_back(text::detail::take_line(bytes));
  text::StopStrings one(strings), many(strings);
  std::string whole = one.push(bytes), parts;
  whole += one.rest();
  for (std::size_t at = 0; at < bytes.size(); ++at) parts += many.push(bytes.substr(at, 1));
  parts += many.rest();
  gloss_fuzz::require(whole == parts && bytes.starts_with(whole));
  for (const std::string& s : strings) gloss_fuzz::require(whole.find(s) == std::string::npos);
}

}  // namespace

void gloss_fuzz::run(std::string_view bytes) {
  if (bytes.empty()) return;
  const char kind = bytes[0];
  bytes.remove_prefix(1);
  try {
    if (kind == 'c') write(text::ChatTemplate(bytes, "<s>", "f"));
    if (kind == 'g') use_file(io::Gguf(std::string(bytes), "f"));
    if (kind == 's') stop(bytes);
  } catch (const Error&) {
  }
}
