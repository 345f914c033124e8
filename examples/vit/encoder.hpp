// The encoder that vit classifies with and mae pre-trains, and its size.
#pragma once

#include <string>

#include <gloss/models/vit_mae.hpp>
#include <gloss/train.hpp>

#include "../command_line.hpp"

struct Encoder {
  gloss::Index side = 28, patch = 7, width = 128, depth = 4, heads = 4, channels = 0;

  void add_to(gloss::train::Checkpoint& file) {
    file.add("side", side), file.add("patch", patch), file.add("width", width), file.add("depth", depth);
    file.add("heads", heads), file.add("channels", channels);
  }
  /// Errors: LoadError when these cannot be what was saved.
  void check(const std::string& file) const {
    const auto within = [](gloss::Index value, gloss::Index low, gloss::Index high) {
      return value >= low && value <= high;
    };
    if (!within(side, 8, 512) || !within(patch, 1, side) || !within(width, 4, 4096) || !within(depth, 1, 100) ||
        !within(heads, 1, width) || !within(channels, 1, 4))
      gloss::fail<gloss::LoadError>(file, ": its settings are damaged");
  }
  void add_options(CLI::App& app) {
    using command_line::add_number;
    add_number(app, "--side", side, "Height and width that images are scaled to", 8, 512);
    add_number(app, "--patch", patch, "Height and width of a patch", 1, 512);
    add_number(app, "--width", width, "Numbers of a token", 4, 4096);
    add_number(app, "--depth", depth, "Layers", 1, 100);
    add_number(app, "--heads", heads, "Heads of each layer", 1, 256);
  }
  /// Without labels, from whose encoder the classifier's begins, or which stays as it is drawn.
  gloss::models::ViTMAEConfig mae() const {
    return {.hidden_size = width,
            .num_hidden_layers = depth,
            .num_attention_heads = heads,
            .intermediate_size = 2 * width,
            .layer_norm_eps = 1e-6,
            .image_size = side,
            .patch_size = patch,
            .num_channels = channels,
            .decoder_num_attention_heads = heads,
            .decoder_hidden_size = width,
            .decoder_num_hidden_layers = 2,
            .decoder_intermediate_size = 2 * width,
            .norm_pix_loss = true};
  }
};

/// AdamW that leaves vectors their size: biases, norms and scales do not decay.
inline auto adamw(const gloss::nn::Module<float>& model, double lr, double weight_decay) {
  gloss::optim::Groups groups(model, gloss::optim::AdamWOptions{.lr = lr, .weight_decay = weight_decay});
  groups.where("vectors", [](auto, const auto& p) { return p.dim() < 2; }).weight_decay = 0;
  return gloss::optim::AdamW<float>(groups);
}
