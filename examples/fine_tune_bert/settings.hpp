// What the command line asks for, and what of it a checkpoint keeps.
#pragma once

#include <string>
#include <vector>

#include <gloss/train.hpp>

#include "texts.hpp"

struct Settings {
  std::string model, data, file, checkpoint = "fine_tune_bert.safetensors", output = "fine_tune_bert.html";
  std::vector<std::string> texts;
  Columns columns;
  Index epochs = 3, batch_size = 16, max_length = 128, freeze = 0, width = 64, layers = 2, vocabulary = 2000;
  double lr = 5e-5, head_lr = 1e-3, warmup = 0.1, weight_decay = 0.01, held_out = 0.1;
  std::uint64_t seed = 1;
  bool force = false, loaded = false;
  // Of the model: config.json, tokenizer.json, a line for each class; and a number that changes with the texts.
  std::string config, tokenizer, class_lines;
  std::uint32_t checksum = 0;

  /// Calls f(name, value, what it means, least, most).
  template <class F>
  void for_each_number(F f) {
    f("epochs", epochs, "Passes over the texts", Index{1}, Index{10000});
    f("batch-size", batch_size, "Texts of a step", Index{1}, Index{65536});
    f("max-length", max_length, "Tokens of a text that are read", Index{3}, Index{100000});
    f("freeze", freeze, "Layers, from the first, that stay as they are, with the embeddings; of an ALBERT groups",
      Index{0}, Index{10000});
    f("lr", lr, "Learning rate of the pretrained part at its peak", 0.0, 10.0);
    f("head-lr", head_lr, "That of the pooler and the classifier, and of all that is not pretrained", 1e-9, 10.0);
    f("warmup", warmup, "The share of the steps in which the rates rise; then they fall to 0", 0.0, 1.0);
    f("weight-decay", weight_decay, "Weight decay of the body's matrices", 0.0, 10.0);
    f("held-out", held_out, "The share of each class that is for the test", 0.01, 0.9);
    f("width", width, "Width of a fresh model", Index{8}, Index{1024});
    f("layers", layers, "Layers of a fresh model", Index{1}, Index{48});
    f("vocabulary", vocabulary, "Tokens of a fresh model", Index{30}, Index{100000});
  }
  std::vector<std::string> classes() const {
    std::vector<std::string> names;
    for (std::string_view rest = class_lines; !rest.empty();) names.emplace_back(gloss::text::detail::take_line(rest));
    return names;
  }
  void add_to(gloss::train::Checkpoint& file) {
    for_each_number([&](const char* name, auto& value, auto...) { file.add(name, value); });
    file.add("data", data), file.add("text_column", columns.text), file.add("label_column", columns.label);
    file.add("from", model), file.add("seed", seed), file.add("config", config), file.add("tokenizer", tokenizer);
    file.add("classes", class_lines), file.add("checksum", checksum);
  }
  /// Reads those of a training, but for the place of the texts if there is a new one. Errors: LoadError
  void load() {
    const std::string moved = data;
    gloss::train::Checkpoint file;
    add_to(file);
    file.load(checkpoint);
    bool good = classes().size() >= 2;
    for_each_number(
        [&](auto, auto value, auto, auto least, auto most) { good = good && value >= least && value <= most; });
    if (!good) gloss::fail<gloss::LoadError>(checkpoint, ": its settings are damaged");
    if (!moved.empty()) data = moved;
    loaded = true;
  }
};
