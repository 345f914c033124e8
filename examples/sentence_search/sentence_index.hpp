// The embeddings of a text's lines, as a file that says of which text and which model they are.
#pragma once

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/train/progress.hpp>
#include <gloss/train/stop_flag.hpp>

#include "embedder.hpp"

namespace sentences {

inline bool is_blank(std::string_view line) { return line.find_first_not_of(" \t") == std::string_view::npos; }

struct Line {
  Index number;  // in the file, from 1
  std::string text;
};

struct TextFile {
  std::string path, checksum;
  std::vector<Line> lines;  // without those that are empty or blank

  /// Errors: LoadError when it cannot be read or has no line.
  explicit TextFile(const std::string& file) : path(file) {
    const std::string bytes = gloss::read_file(file);
    checksum = std::to_string(gloss::io::crc32(bytes));
    std::string_view rest = bytes;
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);  // a byte order mark
    for (Index number = 1; !rest.empty(); ++number) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix((std::min)(line.size() + 1, rest.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!is_blank(line)) lines.push_back({number, std::string(line)});
    }
    if (lines.empty()) gloss::fail<gloss::LoadError>(file, ": there is no line that is not empty");
  }
};

/// What an index has to say to fit.
inline gloss::io::Metadata description(const std::string& model, const Embedder& embedder, const TextFile& text) {
  const std::filesystem::path folder = std::filesystem::path(model) / "";
  return {{"format", "gloss sentence_search 1"},
          {"model", folder.parent_path().filename().string()},
          {"model_checksum", model_checksum(model)},
          {"dimension", std::to_string(embedder.dimension())},
          {"max_length", std::to_string(embedder.max_length())},
          {"text_checksum", text.checksum},
          {"lines", std::to_string(text.lines.size())}};
}

/// Errors: LoadError when the file cannot be read or is none that this program has written.
inline gloss::io::TensorFile open_index(const std::string& path) {
  const gloss::io::TensorFile file = gloss::io::load_safetensors(path);
  const auto format = file.metadata().find("format");
  if (format == file.metadata().end() || format->second != "gloss sentence_search 1" || !file.find("embeddings"))
    gloss::fail<gloss::LoadError>(path, ": is not an index of sentence_search");
  return file;
}

/// Why an index does not fit, or nothing.
inline std::string misfit(const gloss::io::TensorFile& file, gloss::io::Metadata wanted, const std::string& text) {
  gloss::io::Metadata found = file.metadata();
  for (const char* key : {"model_checksum", "dimension"})
    if (found[key] != wanted[key]) return "was made by another model, " + found["model"];
  if (found["max_length"] != wanted["max_length"]) return "was made with --max-length " + found["max_length"];
  for (const char* key : {"text_checksum", "lines"})
    if (found[key] != wanted[key]) return "was made from another text than " + text;
  return "";
}

/// The embeddings of all lines, longest first in batches of at most so many tokens with their padding.
/// Shape: [lines, dimension]; none where a StopFlag stopped it.
inline std::optional<Tensor<float>> embed_lines(const Embedder& embedder, const TextFile& text, Index batch_tokens) {
  const std::size_t n = text.lines.size();
  std::vector<Ids> ids;
  std::size_t n_cut = 0;
  for (const Line& line : text.lines) {
    try {
      ids.push_back(embedder.tokens(line.text));
    } catch (const gloss::Error& error) {
      gloss::fail<gloss::LoadError>(text.path, ":", line.number, ": ", error.what());
    }
    n_cut += static_cast<Index>(ids.back().size()) == embedder.max_length();
  }
  if (n_cut > 0)
    std::printf("%zu lines have %lld tokens or more, what is beyond is not read\n", n_cut,
                static_cast<long long>(embedder.max_length()));
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return ids[a].size() > ids[b].size(); });

  gloss::train::Progress progress({.title = "embedding", .total = static_cast<Index>(n), .file = stdout});
  const Tensor<float> all = gloss::empty<float>({static_cast<Index>(n), embedder.dimension()});
  for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
    if (gloss::train::StopFlag::is_raised()) return std::nullopt;
    const std::size_t length = (std::max)(ids[order[begin]].size(), std::size_t{1});
    end = (std::min)(n, begin + (std::max)(static_cast<std::size_t>(batch_tokens) / length, std::size_t{1}));
    std::vector<Ids> batch;
    for (std::size_t i = begin; i < end; ++i) batch.push_back(ids[order[i]]);
    const Tensor<float> rows = embedder.embed(batch);
    for (std::size_t i = begin; i < end; ++i)
      all[static_cast<Index>(order[i])].copy_(rows[static_cast<Index>(i - begin)]);
    progress.update(static_cast<Index>(end));
  }
  progress.finish();
  return all;
}

}  // namespace sentences
