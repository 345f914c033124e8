// What needs no model: sentence pairs, the vocabulary, BLEU, the picture of an attention, the file of a checkpoint and
// the settings in it. Compiled in a source of its own, beside the model.
#pragma once

#include <string>
#include <vector>

#include <gloss/io/tensor_file.hpp>
#include <gloss/text.hpp>

#include "options.hpp"

namespace toy {

/// The LibreOffice strings of data/, put in by the build.
std::vector<gloss::data::SentencePair> embedded_pairs();
/// The pairs of a .tsv, .po or .mo file.
std::vector<gloss::data::SentencePair> read_pairs(const std::string& path);

/// A number that changes with any byte of the pairs: a resumed run must see the data it began with.
std::uint64_t fingerprint(const std::vector<gloss::data::SentencePair>& pairs);

gloss::data::Split split_held_out(const std::vector<gloss::data::SentencePair>& pairs,
                                  gloss::data::SplitOptions options);

/// A vocabulary of both languages.
gloss::data::Bpe train_bpe(const std::vector<gloss::data::SentencePair>& pairs, gloss::Index vocab_size);

/// Source ids: subwords and </s>; target ids: <s>, subwords, </s>.
std::vector<gloss::Index> source_ids(const gloss::data::Bpe& bpe, std::string_view text);
std::vector<gloss::Index> target_ids(const gloss::data::Bpe& bpe, std::string_view text);
/// The text of subwords, readable.
std::string text(const gloss::data::Bpe& bpe, const std::vector<gloss::Index>& ids);
/// Text as one line that any terminal can show: a byte that is not UTF-8 (a model may stop in the middle of a
/// character) becomes U+FFFD, a control character a space.
std::string readable(std::string_view text);

gloss::train::BleuScore bleu(const std::vector<std::string>& said, const std::vector<std::string>& references);

void write_attention_svg(const std::string& path, const gloss::train::AttentionSvgOptions& options);

gloss::io::Safetensors read_checkpoint(const std::string& path);
/// Replaces the file at once, or leaves it as it was.
void write_checkpoint(const std::string& path, const std::vector<gloss::io::NamedTensor>& tensors,
                      const gloss::io::Metadata& metadata);

inline constexpr const char* checkpoint_format = "gloss translate_toy 1";
/// Errors: LoadError when the file is no checkpoint of this program.
void check_format(const gloss::io::Safetensors& file);
/// Text and numbers from the checkpoint's metadata.
/// Errors: LoadError when the key is missing, or its text no number in range.
std::string metadata_text(const gloss::io::Safetensors& file, const std::string& key);
gloss::Index metadata_index(const gloss::io::Safetensors& file, const std::string& key, gloss::Index low,
                            gloss::Index high);
/// The vocabulary as metadata, and back. Errors: LoadError when it is damaged.
std::string vocabulary_text(const gloss::data::Bpe& bpe);
gloss::data::Bpe vocabulary(const gloss::io::Safetensors& file);
/// The settings of a run as metadata, and back. Errors: LoadError when one is missing or no number.
void settings_to(gloss::io::Metadata& metadata, const TrainSettings& settings);
void settings_from(const gloss::io::Safetensors& file, TrainSettings& settings);

}  // namespace toy
