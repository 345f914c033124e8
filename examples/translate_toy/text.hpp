// What needs no model: sentence pairs, the vocabulary, BLEU, the picture of an attention, the file of a checkpoint.
// Compiled in a source of its own, beside the model.
#pragma once

#include <string>
#include <vector>

#include <gloss/io/tensor_file.hpp>
#include <gloss/text.hpp>

namespace toy {

/// The LibreOffice strings of data/, put in by the build.
std::vector<gloss::data::SentencePair> embedded_pairs();
/// The pairs of a .tsv, .po or .mo file.
std::vector<gloss::data::SentencePair> read_pairs(const std::string& path);

gloss::data::Split split_held_out(const std::vector<gloss::data::SentencePair>& pairs,
                                  gloss::data::SplitOptions options);

/// A vocabulary of both languages.
gloss::data::Bpe train_bpe(const std::vector<gloss::data::SentencePair>& pairs, gloss::Index vocab_size);

gloss::train::BleuScore bleu(const std::vector<std::string>& said, const std::vector<std::string>& references);

void write_attention_svg(const std::string& path, const gloss::train::AttentionSvgOptions& options);

gloss::io::Safetensors read_checkpoint(const std::string& path);
/// Replaces the file at once, or leaves it as it was.
void write_checkpoint(const std::string& path, const std::vector<gloss::io::NamedTensor>& tensors,
                      const gloss::io::Metadata& metadata);

}  // namespace toy
