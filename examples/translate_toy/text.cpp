#include "text.hpp"

#include <charconv>
#include <cmath>
#include <utility>

#include <gloss/data/pairs/parallel_text.hpp>
#include <gloss/data/split.hpp>
#include <gloss/text/bpe.hpp>

namespace embedded {
std::string_view pairs();
}

namespace toy {

using namespace gloss;

namespace {
/// A text of a checkpoint, or null. Those of gloss 0.1 have "train." before the names of settings.
const std::string* find_text(const io::TensorFile& file, const std::string& key) {
  for (const std::string& name : {key, "train." + key})
    if (const auto found = file.metadata().find(name); found != file.metadata().end()) return &found->second;
  return nullptr;
}
/// A number of a checkpoint; where there is none, the value stays. Errors: LoadError when it is no finite number.
template <class Number>
void read_number(const io::TensorFile& file, const std::string& key, Number& value) {
  const std::string* const text = find_text(file, key);
  if (!text) return;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || !std::isfinite(static_cast<double>(value)))
    fail<LoadError>("load: ", file.file(), ": ", key, " is '", *text, "', expected a number");
}
}  // namespace

std::vector<data::SentencePair> embedded_pairs() { return data::parse_tsv(embedded::pairs(), "embedded strings"); }

std::vector<data::SentencePair> read_pairs(const std::string& path) { return data::read_pairs(path); }

std::uint64_t fingerprint(const std::vector<data::SentencePair>& pairs) {
  std::uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a
  auto mix = [&hash](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    hash = (hash ^ 0xFFu) * 0x100000001B3u;
  };
  for (const data::SentencePair& p : pairs) {
    mix(p.src);
    mix(p.tgt);
  }
  return hash;
}

data::Split split_held_out(const std::vector<data::SentencePair>& pairs, Index held_out, Index max_words) {
  return data::split_held_out(pairs, {.held_out = held_out, .max_src_words = max_words});
}

struct Vocabulary::Encoding {
  text::Bpe bpe;
};
static_assert(Vocabulary::pad_id == text::Bpe::pad_id && Vocabulary::start_id == text::Bpe::start_id &&
              Vocabulary::end_id == text::Bpe::end_id);

Vocabulary::Vocabulary(const std::vector<data::SentencePair>& pairs, Index size)
    : encoding_(std::make_shared<Encoding>(Encoding{text::Bpe::train(data::texts_of(pairs), {.vocab_size = size})})) {}
Vocabulary::Vocabulary(const io::TensorFile& file) {
  const std::string* const text = find_text(file, "vocabulary");
  if (!text) fail<LoadError>("load: ", file.file(), ": vocabulary is missing");
  encoding_ = std::make_shared<Encoding>(Encoding{text::Bpe::from_string(*text, file.file())});
}
std::string Vocabulary::to_string() const { return encoding_->bpe.to_string(); }

Index Vocabulary::size() const { return encoding_->bpe.size(); }
const std::string& Vocabulary::token(Index id) const { return encoding_->bpe.token(id); }
std::vector<Index> Vocabulary::source_ids(std::string_view text) const {
  std::vector<Index> ids = encoding_->bpe.encode(text);
  ids.push_back(end_id);
  return ids;
}
std::vector<Index> Vocabulary::target_ids(std::string_view text) const {
  std::vector<Index> ids = source_ids(text);
  ids.insert(ids.begin(), start_id);
  return ids;
}
std::string Vocabulary::text(const std::vector<Index>& ids) const { return readable(encoding_->bpe.decode(ids)); }

std::string readable(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const text::CodePoint c = text::decode_utf8(text, at);
    const bool control = c.value < 0x20 || (c.value >= 0x7F && c.value < 0xA0);
    text::append_utf8(out, c.value >= text::invalid_byte ? U'\uFFFD' : control ? U' ' : c.value);
    at += static_cast<std::size_t>(c.bytes);
  }
  return out;
}

bool is_blank(std::string_view text) {
  bool blank = true;
  text::for_each_word(text, [&blank](std::string_view) { blank = false; });
  return blank;
}

void check_format(const io::TensorFile& file) {
  const std::string* const format = find_text(file, "format");
  if (!format || (*format != checkpoint_format && *format != first_checkpoint_format))
    fail<LoadError>("load: ", file.file(), ": not a translate_toy checkpoint");
}

TrainSettings settings_from(const io::TensorFile& file) {
  TrainSettings s;
  s.clip_norm = s.ema = 0;  // gloss 0.1 had neither
  for_each_number(s, [&](const char* name, auto& value, const char*, auto low, auto high) {
    read_number(file, name, value);
    if (value < low || value > high)
      fail<LoadError>("load: ", file.file(), ": ", name, " is ", value, ", expected a number from ", low, " to ", high);
  });
  read_number(file, "seed", s.seed);
  if (const std::string* const data = find_text(file, "data")) s.data = *data;
  for (const char* key : {"schedule_kind", "schedule"})  // the second in files of gloss 0.1
    if (const std::string* const kind = find_text(file, key)) s.schedule = *kind;
  return s;
}

Index count_from(const io::TensorFile& file, const std::string& key) {
  Index value = -1;
  read_number(file, key, value);
  if (value < 0 || value > Index{1} << 53)  // they go on counting, and into a double
    fail<LoadError>("load: ", file.file(), ": ", key, " is missing or out of range");
  return value;
}

std::uint64_t fingerprint_from(const io::TensorFile& file) {
  std::uint64_t value = 0;
  read_number(file, "data_fingerprint", value);
  return value;
}

}  // namespace toy
