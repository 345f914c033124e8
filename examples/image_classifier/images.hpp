// The images: Fashion-MNIST's files, or a folder with a folder of images for each class.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include <gloss/data.hpp>
#include <gloss/data/images.hpp>
#include <gloss/io/image_file.hpp>

using Sample = std::tuple<gloss::Tensor<std::uint8_t>, std::int64_t>;  // [side, side, channels] and the class
using Samples = gloss::data::LazyDataset<std::function<Sample(gloss::Index)>>;

struct Images {
  std::vector<std::string> classes;
  gloss::Index channels;
  Samples train, test;
};

inline const gloss::data::Compose to_input(gloss::data::ToTensor<float>(), gloss::data::Normalize({0.5}, {0.5}));

/// Images shifted by up to so many pixels each way, half of them mirrored, as inputs.
inline auto augmentation(gloss::Index side, gloss::Index shift) {
  return gloss::data::Compose(gloss::data::RandomCrop(side, {.padding = shift}), gloss::data::RandomHorizontalFlip(),
                              to_input);
}

inline gloss::Tensor<std::uint8_t> read_image(const std::string& path, gloss::Index channels, gloss::Index side) {
  const auto image = gloss::io::read_image(path, {.channels = static_cast<int>(channels)});
  return gloss::data::image_size(image) == side ? image : gloss::data::resize(image, side);
}

/// The images and labels of two IDX files, packed by gzip or not.
inline Samples read_idx_pair(const std::string& stem) {
  const auto read = [&](const std::string& path) {
    return gloss::data::read_idx<std::uint8_t>(std::filesystem::exists(path + ".gz") ? path + ".gz" : path);
  };
  const auto images = read(stem + "-images-idx3-ubyte"), labels = read(stem + "-labels-idx1-ubyte");
  if (images.dim() != 3 || images.size(1) != 28 || images.size(2) != 28 ||
      labels.shape() != gloss::Shape{images.size(0)})
    gloss::fail<gloss::LoadError>(stem, ": images of shape ", images.shape(), " and labels of shape ", labels.shape());
  const gloss::data::TensorDataset both(images.unsqueeze(3), labels);
  return {both.size(),
          [both](gloss::Index i) { return Sample(std::get<0>(both.get(i)), std::get<1>(both.get(i)).item()); }};
}

/// Of a folder either Fashion-MNIST's four files, or images scaled to `side`, a tenth of each class for the test.
inline Images load_images(const std::string& folder, gloss::Index side) {
  for (const char* end : {"", ".gz"})
    if (std::filesystem::exists(folder + "/train-images-idx3-ubyte" + end))
      return {{"T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"},
              1,
              read_idx_pair(folder + "/train"),
              read_idx_pair(folder + "/t10k")};
  const gloss::data::ClassFolder files(folder);
  const auto parts = gloss::data::hold_out_stratified(files.labels());
  const auto samples = [&](const std::vector<gloss::Index>& part) {
    const gloss::data::Subset some(files, part);
    return Samples(some.size(), [some, side](gloss::Index i) {
      return Sample(read_image(some.get(i).path, 3, side), some.get(i).label);
    });
  };
  return {files.classes(), 3, samples(parts.train), samples(parts.held_out)};
}
