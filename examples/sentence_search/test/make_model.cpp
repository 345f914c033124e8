// make_model TEXT FOLDER: a tiny BERT of random weights with a vocabulary learnt from a text, for test.sh.
#include <string>

#include <gloss/gloss.hpp>
#include <gloss/io/pretrained.hpp>
#include <gloss/models/bert.hpp>
#include <gloss/text/tokenizer_json.hpp>
#include <gloss/text/train_tokenizer.hpp>

using namespace gloss;

int main(int, char** argv) {
  const std::string text = argv[1], folder = argv[2];
  manual_seed(7);
  const std::string tokenizer = text::train_bert_wordpiece({read_file(text)}, {.vocab_size = 200});
  const models::BertModel<float> bert({.vocab_size = text::parse_tokenizer(tokenizer).size(),
                                       .hidden_size = 16,
                                       .num_hidden_layers = 2,
                                       .num_attention_heads = 2,
                                       .intermediate_size = 32,
                                       .max_position_embeddings = 32,
                                       .initializer_range = 0.5});
  io::save_pretrained(bert, folder);
  io::write_file_atomically(folder + "/tokenizer.json", tokenizer);
}
