#include "text.hpp"

#include <charconv>
#include <cmath>
#include <type_traits>
#include <utility>

#include <gloss/data/pairs/parallel_text.hpp>
#include <gloss/data/split.hpp>
#include <gloss/io/safetensors.hpp>
#include <gloss/text/bpe.hpp>

namespace embedded {
std::string_view pairs();
}

namespace toy {

using namespace gloss;

namespace {
constexpr const char* checkpoint_format = "gloss translate_toy 1";

/// Text and numbers from a checkpoint's metadata.
/// Errors: LoadError when the key is missing, or its text no finite number in range.
std::string metadata_text(const io::TensorFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) fail<LoadError>("load: ", file.file(), ": ", key, " is missing");
  return found->second;
}
template <class Number>
Number metadata_number(const io::TensorFile& file, const std::string& key) {
  const std::string text = metadata_text(file, key);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(static_cast<double>(value)))
    fail<LoadError>("load: ", file.file(), ": ", key, " is '", text, "', expected a number");
  return value;
}
Index metadata_index(const io::TensorFile& file, const std::string& key, Index low, Index high) {
  const auto value = metadata_number<Index>(file, key);
  if (value < low || value > high)
    fail<LoadError>("load: ", file.file(), ": ", key, " is ", value, ", expected a number from ", low, " to ", high);
  return value;
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
Vocabulary::Vocabulary(const io::TensorFile& file)
    : encoding_(std::make_shared<Encoding>(
          Encoding{text::Bpe::from_string(metadata_text(file, "vocabulary"), file.file())})) {}
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

io::TensorFile read_checkpoint(const std::string& path) { return io::load_safetensors(path); }

void check_format(const io::TensorFile& file) {
  const auto found = file.metadata().find("format");
  if (found == file.metadata().end() || found->second != checkpoint_format)
    fail<LoadError>("load: ", file.file(), ": not a translate_toy checkpoint");
}

ModelSizes sizes_from(const io::TensorFile& file) {
  return {metadata_index(file, "N", 1, 64), metadata_index(file, "d_model", 1, 8192),
          metadata_index(file, "d_ff", 1, 65536), metadata_index(file, "h", 1, 256)};
}

RunState state_from(const io::TensorFile& file) {
  constexpr Index most = Index{1} << 53;  // they go on counting, and into a double
  return {.data_fingerprint = metadata_number<std::uint64_t>(file, "data_fingerprint"),
          .rng_position = static_cast<std::uint64_t>(metadata_index(file, "rng_position", 0, most)),
          .steps = metadata_index(file, "steps", 0, most),
          .epoch = metadata_index(file, "epoch", 0, most),
          .batch = metadata_index(file, "batch", 0, most)};
}

namespace {
template <class Settings, class F>
void for_each_setting(Settings& s, F f) {
  f("data", s.data);
  f("epochs", s.epochs);
  f("batch_tokens", s.batch_tokens);
  f("vocab", s.vocab);
  f("d_model", s.d_model);
  f("layers", s.layers);
  f("heads", s.heads);
  f("d_ff", s.d_ff);
  f("dropout", s.dropout);
  f("smoothing", s.smoothing);
  f("lr_factor", s.lr_factor);
  f("warmup", s.warmup);
  f("schedule", s.schedule);
  f("max_len", s.max_len);
  f("held_out", s.held_out);
  f("held_out_words", s.held_out_words);
  f("seed", s.seed);
}
}  // namespace

void settings_from(const io::TensorFile& file, TrainSettings& settings) {
  for_each_setting(settings, [&]<class Value>(const char* name, Value& value) {
    const std::string key = std::string("train.") + name;
    if constexpr (std::is_same_v<Value, std::string>)
      value = metadata_text(file, key);
    else
      value = metadata_number<Value>(file, key);
  });
}

void write_checkpoint(const std::string& path, const std::vector<io::NamedTensor>& tensors, const ModelSizes& sizes,
                      const Vocabulary& vocabulary, const TrainSettings& settings, const RunState& state) {
  io::Metadata metadata = {{"format", checkpoint_format}, {"vocabulary", vocabulary.to_string()}};
  const auto put = [&](const std::string& key, const auto& value) {
    std::string text;
    append_part(text, value);
    metadata[key] = text;
  };
  put("N", sizes.N);
  put("d_model", sizes.d_model);
  put("d_ff", sizes.d_ff);
  put("h", sizes.h);
  for_each_setting(settings, [&](const char* name, const auto& value) { put(std::string("train.") + name, value); });
  put("data_fingerprint", state.data_fingerprint);
  put("rng_position", state.rng_position);
  put("steps", state.steps);
  put("epoch", state.epoch);
  put("batch", state.batch);
  io::save_safetensors(path, tensors, metadata);
}

}  // namespace toy
