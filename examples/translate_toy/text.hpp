// What needs no model: sentence pairs, the vocabulary, and the settings in a checkpoint.
// Compiled in a source of its own, beside the model.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/data/split.hpp>
#include <gloss/io/tensor_file.hpp>

#include "options.hpp"

namespace toy {

/// The LibreOffice strings of data/, put in by the build.
std::vector<gloss::data::SentencePair> embedded_pairs();
/// The pairs of a .tsv, .po or .mo file.
std::vector<gloss::data::SentencePair> read_pairs(const std::string& path);

/// A number that changes with any byte of the pairs: a resumed run must see the data it began with.
std::uint64_t fingerprint(const std::vector<gloss::data::SentencePair>& pairs);

/// data::split_held_out with the program's seed: at most `held_out` pairs of at most `max_words` source words.
gloss::data::Split split_held_out(const std::vector<gloss::data::SentencePair>& pairs, gloss::Index held_out,
                                  gloss::Index max_words);

/// A vocabulary of both languages: byte-pair encoding.
class Vocabulary {
 public:
  static constexpr gloss::Index pad_id = 0, start_id = 1, end_id = 2;

  /// Learnt from sentence pairs.
  Vocabulary(const std::vector<gloss::data::SentencePair>& pairs, gloss::Index size);
  /// From a checkpoint's metadata. Errors: LoadError when it is missing or damaged.
  explicit Vocabulary(const gloss::io::TensorFile& file);
  /// What goes into the metadata.
  std::string to_string() const;

  gloss::Index size() const;
  const std::string& token(gloss::Index id) const;
  /// Source ids: subwords and </s>; target ids: <s>, subwords, </s>.
  std::vector<gloss::Index> source_ids(std::string_view text) const;
  std::vector<gloss::Index> target_ids(std::string_view text) const;
  /// The text of subwords, readable.
  std::string text(const std::vector<gloss::Index>& ids) const;

 private:
  struct Encoding;
  std::shared_ptr<const Encoding> encoding_;
};

/// Text as one line that any terminal can show: a byte that is not UTF-8 (a model may stop in the middle of a
/// character) becomes U+FFFD, a control character a space.
std::string readable(std::string_view text);

/// Whether there is nothing to translate: no word, only white space.
bool is_blank(std::string_view text);

/// What stands under "format" in a checkpoint.
inline constexpr const char* checkpoint_format = "gloss translate_toy 2";
inline constexpr const char* first_checkpoint_format = "gloss translate_toy 1";
/// Errors: LoadError when the file is no checkpoint of this program.
void check_format(const gloss::io::TensorFile& file);
/// The settings of a training. Errors: LoadError when one is no finite number or out of range.
TrainSettings settings_from(const gloss::io::TensorFile& file);
/// A number from 0 on. Errors: LoadError when it is missing or no such number.
gloss::Index count_from(const gloss::io::TensorFile& file, const std::string& key);
/// That of the pairs it was trained on. Errors: LoadError
std::uint64_t fingerprint_from(const gloss::io::TensorFile& file);

}  // namespace toy
