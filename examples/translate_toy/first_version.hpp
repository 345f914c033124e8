// Checkpoints of version 0.1, from before there was train::Checkpoint.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include <gloss/io/safetensors.hpp>

#include "text.hpp"

namespace toy {

/// Whether it was the first version that wrote the file.
inline bool is_of_first_version(const gloss::io::TensorFile& file) {
  const auto found = file.metadata().find("format");
  return found != file.metadata().end() && found->second == first_checkpoint_format;
}

/// Writes in its place the checkpoint that goes on with the same numbers, as train::fit and train::Checkpoint keep it.
/// What was shown before is not in it: losses, the best so far, the number of tokens.
/// Errors: LoadError when the file is damaged; Error when it cannot be written.
inline void rewrite_first_version(const gloss::io::TensorFile& file, const std::string& path) {
  using namespace gloss;
  const TrainSettings settings = settings_from(file);
  const Index steps = count_from(file, "steps"), batch = count_from(file, "batch");
  std::vector<io::NamedTensor> tensors;
  for (const io::StoredTensor& t : file.tensors())
    tensors.emplace_back(t.name.starts_with("adam.") ? "optimizer." + t.name.substr(5) : t.name,
                         file.tensor<float>(t.name));
  const auto number = [&](const char* name, double value) { tensors.emplace_back(name, scalar<double>(value)); };
  const auto count = [&](const char* name, Index value) { number(name, static_cast<double>(value)); };
  tensors.emplace_back("optimizer.lr", Tensor<double>{0});  // the schedule knows it
  tensors.emplace_back("optimizer.steps", scalar<std::int64_t>(steps));
  count("schedule.steps", steps), count("fit.step", steps);
  count("fit.epoch", count_from(file, "epoch")), count("fit.batch", batch);
  count("fit.validated", batch == 0 ? steps : 0);
  number("fit.items", 0), number("fit.total", 0), number("fit.counted", 0);
  number("best.best", std::numeric_limits<double>::infinity()), number("best.waited", 0), number("best.is_best", 0);
  for (const char* name : {"rng", "rng_of_epoch"})  // the seed, the stream, and the word that comes next
    tensors.emplace_back(
        name, Tensor<std::int64_t>{static_cast<std::int64_t>(settings.seed), 0, 4 * count_from(file, "rng_position")});
  io::Metadata texts = file.metadata();
  const auto put = [&](const char* name, const auto& value) {
    texts[name].clear();
    append_part(texts[name], value);
  };
  TrainSettings s = settings;
  for_each_number(s, [&](const char* name, auto& value, auto...) { put(name, value); });
  put("seed", s.seed), put("data", s.data), put("schedule_kind", s.schedule);
  put("format", checkpoint_format), put("checkpoint", "gloss 1"), put("order", 0), put("events", "");
  io::save_safetensors(path, tensors, texts);
}

}  // namespace toy
