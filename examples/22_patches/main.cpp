// How an image becomes tokens, and what a Vision Transformer then looks at. docs/vision.md tells the story.
//   example_22_patches FOLDER    draws its pictures there; without a folder, only the numbers are printed
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <gloss/models/attention_rollout.hpp>
#include <gloss/models/vit.hpp>

#include "../picture.hpp"

using namespace gloss;
using picture::Picture;

namespace {

/// A ring on dark ground, side x side.
Tensor<float> ring(Index side) {
  Tensor<float> image = zeros<float>({1, 1, side, side});
  const double middle = static_cast<double>(side - 1) / 2;
  for (Index i = 0; i < side; ++i)
    for (Index j = 0; j < side; ++j) {
      const double distance = std::hypot(static_cast<double>(i) - middle, static_cast<double>(j) - middle);
      image.at({0, 0, i, j}) = std::abs(distance - 0.32 * static_cast<double>(side)) < 1.2 ? 0.8f : 0.1f;
    }
  return image;
}

void draw_patches(const Tensor<float>& image, const Tensor<float>& patches, const std::string& file) {
  Picture p(860, 330, "An image of 12 x 12 pixels as nine tokens",
            "Patches of 4 x 4, read row by row; each is 16 numbers, which a linear map makes a token of");
  const double cell = 17;
  const auto heat = [&](double x, double y, int side, auto value) { p.heat(x, y, cell, cell, side, side, value); };
  heat(40, 96, 12, [&](int r, int c) { return static_cast<double>(image.at({0, 0, r, c})); });
  for (int i = 1; i < 3; ++i) {
    p.line(40 + 4 * cell * i, 96, 40 + 4 * cell * i, 96 + 12 * cell, "#d9822b", 2);
    p.line(40, 96 + 4 * cell * i, 40 + 12 * cell, 96 + 4 * cell * i, "#d9822b", 2);
  }
  p.text(300, 116, "class token", {.color = picture::grey});
  p.rect(300, 122, 4 * cell, 4 * cell, "#6a4c93", 4);
  for (int i = 0; i < 9; ++i) {
    const double x = 300 + (4 * cell + 16) * ((i + 1) % 5), y = 122 + (4 * cell + 32) * ((i + 1) / 5);
    heat(x, y, 4, [&](int r, int c) { return static_cast<double>(patches.at({0, i, 4 * r + c})); });
    p.text(x, y - 6, "patch " + std::to_string(i), {.color = picture::grey});
  }
  p.save(file);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string to = argc > 1 ? argv[1] : "";
  manual_seed(1);
  const Tensor<float> image = ring(12);
  const Tensor<float> patches = models::patchify(image, 4);
  std::cout << "patches: " << patches.shape() << "\n";
  if (!to.empty()) draw_patches(image, patches, to + "/patches.svg");

  const models::PatchEmbedding<float> embed(1, 32, 4);
  const Tensor<float> tokens = embed(image);
  std::cout << "tokens: " << tokens.shape() << "\n"
            << "a convolution gives the same: " << allclose(tokens, embed.by_convolution(image)) << "\n";

  models::ViTConfig config{.hidden_size = 32,
                           .num_hidden_layers = 3,
                           .num_attention_heads = 4,
                           .intermediate_size = 64,
                           .image_size = 12,
                           .patch_size = 4,
                           .num_channels = 1,
                           .num_labels = 10};
  models::ViTForImageClassification<float> model(config);
  model.eval();
  std::cout << "scores: " << model(image).shape() << "\n"
            << "of a larger image, with 5 x 5 patches: " << model(ring(20)).shape() << "\n";

  std::vector<Tensor<float>> attentions;
  model(image, &attentions);
  const Tensor<float> rollout = models::attention_rollout(attentions);
  std::cout << "attentions: " << attentions.size() << " layers of " << attentions[0].shape() << "\n"
            << "what the class token sees of the patches: " << rollout[0][0].narrow(0, 1, 9).reshape({3, 3}).shape()
            << "\n";
}
