#include "text.hpp"

#include <gloss/io/atomic_file.hpp>
#include <gloss/io/safetensors.hpp>

namespace embedded {
std::string_view pairs();
}

namespace toy {

using namespace gloss;

std::vector<data::SentencePair> embedded_pairs() { return data::parse_tsv(embedded::pairs(), "embedded strings"); }

std::vector<data::SentencePair> read_pairs(const std::string& path) { return data::read_pairs(path); }

data::Split split_held_out(const std::vector<data::SentencePair>& pairs, data::SplitOptions options) {
  return data::split_held_out(pairs, options);
}

data::Bpe train_bpe(const std::vector<data::SentencePair>& pairs, Index vocab_size) {
  return data::Bpe::train(pairs, {.vocab_size = vocab_size});
}

train::BleuScore bleu(const std::vector<std::string>& said, const std::vector<std::string>& references) {
  return train::corpus_bleu(said, references);
}

void write_attention_svg(const std::string& path, const train::AttentionSvgOptions& options) {
  io::write_file_atomically(path, train::render_attention_svg(options));
}

io::Safetensors read_checkpoint(const std::string& path) { return io::load_safetensors(path); }

void write_checkpoint(const std::string& path, const std::vector<io::NamedTensor>& tensors,
                      const io::Metadata& metadata) {
  io::save_safetensors(path, tensors, metadata);
}

}  // namespace toy
