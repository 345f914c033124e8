// The binary files of CIFAR-10 and CIFAR-100: records of labels and an image.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <gloss/core/file.hpp>
#include <gloss/core/looks_like.hpp>
#include <gloss/tensor/factories.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Images and their classes.
/// Shape: images [n, 32, 32, 3], what transforms take; labels [n]
struct LabeledImages {
  Tensor<std::uint8_t> images;
  Tensor<std::int64_t> labels;
};

namespace detail {
/// Of records of `label_bytes` labels and an image those images and the last labels, which are below `classes`.
GLOSS_LAZY LabeledImages parse_cifar(const char* op, std::string_view bytes, std::string_view name, Index label_bytes,
                                     Index classes) {
  constexpr Index plane = 32 * 32, pixels = 3 * plane;
  const Index record = label_bytes + pixels, size = static_cast<Index>(bytes.size()), n = size / record;
  if (n == 0 || size % record != 0) {
    const std::string kind = looks_like(bytes);
    fail<LoadError>(op, ": ", name, ": ", size, " bytes are no records of ", record,
                    kind.empty() ? std::string() : ": it " + kind);
  }
  LabeledImages all{empty<std::uint8_t>({n, 32, 32, 3}), empty<std::int64_t>({n})};
  for (Index i = 0; i < n; ++i) {
    const char* const from = bytes.data() + i * record;
    const Index label = static_cast<unsigned char>(from[label_bytes - 1]);
    if (label >= classes)
      fail<LoadError>(op, ": ", name, ": image ", i, " has label ", label, ", there are ", classes, " classes");
    all.labels.data()[i] = label;
    std::uint8_t* const image = all.images.data() + i * pixels;
    for (Index k = 0; k < pixels; ++k)  // in the file red, green and blue are a plane each
      image[k % plane * 3 + k / plane] = static_cast<unsigned char>(from[label_bytes + k]);
  }
  return all;
}
}  // namespace detail

/// A file of CIFAR-10, data_batch_1.bin or test_batch.bin. Its images go into a Loader with transforms as others do:
///
///     const auto [images, labels] = data::read_cifar10("data_batch_1.bin");
///     const data::Compose augment(data::RandomCrop(32, {.padding = 4}), data::ToTensor<float>());
///     data::Loader batches(data::Map(data::TensorDataset(images, labels), [&](const auto& item, Rng& rng) {
///       return std::pair(augment(std::get<0>(item), rng), std::get<1>(item));
///     }), {.batch_size = 128, .shuffle = true});
///
/// Errors: LoadError naming the file and the cause.
inline LabeledImages read_cifar10(const std::string& path) {
  return detail::parse_cifar("read_cifar10", read_file(path), path, 1, 10);
}
/// A file of CIFAR-100, train.bin or test.bin, with the 100 fine labels.
/// Errors: LoadError naming the file and the cause.
inline LabeledImages read_cifar100(const std::string& path) {
  return detail::parse_cifar("read_cifar100", read_file(path), path, 2, 100);
}

}  // namespace gloss::inline GLOSS_ABI::data
