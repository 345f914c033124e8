// The binary files of CIFAR-10 and CIFAR-100: records of labels and an image.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <gloss/core/file.hpp>
#include <gloss/core/looks_like.hpp>
#include <gloss/tensor/factories.hpp>

namespace gloss::inline GLOSS_ABI::data {

/// Images and their classes.
/// Shape: images [n, 3, 32, 32], planes of red, green and blue; labels [n]
struct LabeledImages {
  Tensor<std::uint8_t> images;
  Tensor<std::int64_t> labels;
};

namespace detail {
/// Of records of `label_bytes` labels and an image those images and the last labels, which are below `classes`.
GLOSS_LAZY LabeledImages parse_cifar(const char* op, std::string_view bytes, std::string_view name, Index label_bytes,
                                     Index classes) {
  constexpr Index pixels = 3 * 32 * 32;
  const Index record = label_bytes + pixels, size = static_cast<Index>(bytes.size()), n = size / record;
  if (n == 0 || size % record != 0) {
    const std::string kind = looks_like(bytes);
    fail<LoadError>(op, ": ", name, ": ", size, " bytes are no records of ", record,
                    kind.empty() ? std::string() : ": it " + kind);
  }
  LabeledImages all{empty<std::uint8_t>({n, 3, 32, 32}), empty<std::int64_t>({n})};
  for (Index i = 0; i < n; ++i) {
    const char* const from = bytes.data() + i * record;
    const Index label = static_cast<unsigned char>(from[label_bytes - 1]);
    if (label >= classes)
      fail<LoadError>(op, ": ", name, ": image ", i, " has label ", label, ", there are ", classes, " classes");
    all.labels.data()[i] = label;
    std::copy(from + label_bytes, from + record, reinterpret_cast<char*>(all.images.data()) + i * pixels);
  }
  return all;
}
}  // namespace detail

/// A file of CIFAR-10, data_batch_1.bin or test_batch.bin.
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
