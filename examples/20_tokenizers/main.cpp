// Tokenizers of pretrained models: a tokenizer.json, here one learnt from four sentences, is read and used.
// docs/tokenizers.md goes through it.
#include <gloss/iostream.hpp>
#include <gloss/text/stream_decoder.hpp>
#include <gloss/text/tokenizer_json.hpp>
#include <gloss/text/train_tokenizer.hpp>
#include <iostream>
#include <string>
#include <vector>

using namespace gloss;

namespace {

const std::vector<std::string> sentences = {"The cat sat on the mat.", "The dog sat on the log.",
                                            "A cat and a dog: the café was full.", "Nobody sat at the café."};

void print(const text::Encoding& e) {
  for (std::size_t i = 0; i < e.ids.size(); ++i)
    std::cout << "  " << e.ids[i] << " " << e.tokens[i] << " [" << e.offsets[i].first << ", " << e.offsets[i].second
              << ") type " << e.type_ids[i] << "\n";
}

void use(const std::string& json) {
  // Of a file: text::load_tokenizer("tokenizer.json")
  const text::Pipeline tokenizer = text::parse_tokenizer(json);
  const text::Encoding e = tokenizer("The DOG, the café!");
  print(e);                                      // e.ids, e.tokens, e.offsets, e.type_ids, e.attention_mask, ...
  std::cout << tokenizer.decode(e.ids) << "\n";  // without [CLS], [SEP] and their kind
  print(tokenizer("A question?", "a cat"));      // a pair
}

void use_in_batches(text::Pipeline tokenizer) {
  tokenizer.truncation = text::Truncation{.max_length = 6};
  tokenizer.padding = text::Padding{};  // [PAD] with id 0, on the right, to the longest
  for (const text::Encoding& e : tokenizer.batch(std::vector<std::string>{"the cat", "the dog sat on the mat"}))
    for (Index i = 0; i < e.size(); ++i)
      std::cout << e.ids[static_cast<std::size_t>(i)] << (i + 1 < e.size() ? " " : "\n");
}

void write_as_it_comes(const text::Tokenizer& tokenizer, const std::vector<Index>& generated) {
  text::StreamDecoder stream(tokenizer);
  for (const Index id : generated) std::cout << stream.push(id) << "|" << std::flush;
  std::cout << stream.rest() << "\n";
}

}  // namespace

int main() {
  std::cout << "WordPiece\n";
  const std::string bert = text::train_bert_wordpiece(sentences, {.vocab_size = 70});
  use(bert);
  use_in_batches(text::parse_tokenizer(bert));

  std::cout << "byte-level BPE\n";
  const std::string gpt2 =
      text::train_byte_level_bpe(sentences, {.vocab_size = 280, .special_tokens = {"<|endoftext|>"}});
  const text::Pipeline tokenizer = text::parse_tokenizer(gpt2);
  // io::write_file_atomically("tokenizer.json", gpt2) keeps it
  write_as_it_comes(tokenizer, tokenizer.encode("the café 😀"));
}
