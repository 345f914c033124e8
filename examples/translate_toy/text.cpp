#include "text.hpp"

#include <charconv>
#include <type_traits>

#include <gloss/io/atomic_file.hpp>
#include <gloss/io/safetensors.hpp>

namespace embedded {
std::string_view pairs();
}

namespace toy {

using namespace gloss;

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

data::Split split_held_out(const std::vector<data::SentencePair>& pairs, data::SplitOptions options) {
  return data::split_held_out(pairs, options);
}

data::Bpe train_bpe(const std::vector<data::SentencePair>& pairs, Index vocab_size) {
  return data::Bpe::train(pairs, {.vocab_size = vocab_size});
}

std::vector<Index> source_ids(const data::Bpe& bpe, std::string_view text) {
  std::vector<Index> ids = bpe.encode(text);
  ids.push_back(data::Bpe::end_id);
  return ids;
}
std::vector<Index> target_ids(const data::Bpe& bpe, std::string_view text) {
  std::vector<Index> ids = source_ids(bpe, text);
  ids.insert(ids.begin(), data::Bpe::start_id);
  return ids;
}

std::string text(const data::Bpe& bpe, const std::vector<Index>& ids) { return readable(bpe.decode(ids)); }

std::string readable(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const data::CodePoint c = data::decode_utf8(text, at);
    const bool control = c.value < 0x20 || (c.value >= 0x7F && c.value < 0xA0);
    data::append_utf8(out, c.value >= data::invalid_byte ? U'\uFFFD' : control ? U' ' : c.value);
    at += static_cast<std::size_t>(c.bytes);
  }
  return out;
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

void check_format(const io::Safetensors& file) {
  const auto found = file.metadata().find("format");
  if (found == file.metadata().end() || found->second != checkpoint_format)
    fail<LoadError>("load: ", file.file(), ": not a translate_toy checkpoint");
}

std::string metadata_text(const io::Safetensors& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) fail<LoadError>("load: ", file.file(), ": ", key, " is missing");
  return found->second;
}

Index metadata_index(const io::Safetensors& file, const std::string& key, Index low, Index high) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end())
    fail<LoadError>("load: ", file.file(), ": ", key, " is missing; not a translate_toy checkpoint");
  Index value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
    fail<LoadError>("load: ", file.file(), ": ", key, " is '", text, "', expected a number from ", low, " to ", high);
  return value;
}

std::string vocabulary_text(const data::Bpe& bpe) { return bpe.to_string(); }
data::Bpe vocabulary(const io::Safetensors& file) {
  return data::Bpe::from_string(metadata_text(file, "vocabulary"), file.file());
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

void settings_to(io::Metadata& metadata, const TrainSettings& settings) {
  for_each_setting(settings, [&](const char* name, const auto& value) {
    std::string text;
    append_part(text, value);
    metadata[std::string("train.") + name] = text;
  });
}

void settings_from(const io::Safetensors& file, TrainSettings& settings) {
  for_each_setting(settings, [&]<class Value>(const char* name, Value& value) {
    const std::string key = std::string("train.") + name, text = metadata_text(file, key);
    if constexpr (std::is_same_v<Value, std::string>) {
      value = text;
    } else {
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc{} || end != text.data() + text.size())
        fail<LoadError>("load: ", file.file(), ": ", key, " is '", text, "', expected a number");
    }
  });
}

}  // namespace toy
