#include <gloss/data/cifar.hpp>
#include <gloss/data/images.hpp>
#include <gloss/data/loader.hpp>

#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::values;

namespace {
std::string record(const std::string& labels, unsigned char first) {
  std::string bytes = labels;
  for (int i = 0; i < 3072; ++i) bytes += static_cast<char>(static_cast<unsigned char>(first + i / 1024));
  return bytes;
}
}  // namespace

TEST_CASE("read_cifar10, read_cifar100: labels, and the red, green and blue of each pixel") {
  const TempFolder folder;
  const auto ten = data::read_cifar10(folder.write("ten.bin", record("\x09", 7) + record(std::string(1, '\0'), 250)));
  CHECK(ten.images.shape() == Shape{2, 32, 32, 3});
  CHECK(values(ten.labels) == std::vector<std::int64_t>{9, 0});
  CHECK(values(ten.images.slice(1, 31, 32).slice(2, 31, 32)) == std::vector<std::uint8_t>{7, 8, 9, 250, 251, 252});
  const auto hundred = data::read_cifar100(folder.write("hundred.bin", record("\x13\x63", 1)));
  CHECK(values(hundred.labels) == std::vector<std::int64_t>{99});
  CHECK(hundred.images[0][0][0][2].item() == 3);
}

TEST_CASE("read_cifar10: its images go through transforms into a Loader") {
  const TempFolder folder;
  std::string bytes = "\x04";
  for (int i = 0; i < 3072; ++i) bytes += static_cast<char>(static_cast<unsigned char>(i * 7 + i / 32));
  const auto [images, labels] = data::read_cifar10(folder.write("one.bin", bytes));
  const data::ToTensor<float> planes;
  const data::Compose augment(data::RandomCrop(32, {.padding = 4}), planes);
  const data::TensorDataset both(images, labels);
  const auto of = [&](const auto& transform) {
    data::Loader batches(data::Map(both, [&](const auto& item, Rng& rng) {
      return std::pair(transform(std::get<0>(item), rng), std::get<1>(item));
    }));
    return *batches.begin();
  };
  const auto [x, y] = of([&](const auto& image, Rng&) { return planes(image); });
  CHECK(values(y) == std::vector<std::int64_t>{4});
  REQUIRE(x.shape() == Shape{1, 3, 32, 32});
  bool as_in_the_file = true;  // where the planes stand as a model takes them
  for (Index i = 0; i < 3072; ++i)
    as_in_the_file =
        as_in_the_file && x.data()[i] * 255 == static_cast<unsigned char>(bytes[static_cast<std::size_t>(i) + 1]);
  CHECK(as_in_the_file);
  CHECK(std::get<0>(of(augment)).shape() == Shape{1, 3, 32, 32});
}

TEST_CASE("read_cifar10: what is no such file is refused") {
  const TempFolder folder;
  const auto fails = [&](const std::string& bytes, const std::string& cause) {
    const std::string path = folder.write("f.bin", bytes);
    CHECK_ERROR(data::read_cifar10(path), LoadError, "read_cifar10: " + path + ": " + cause);
  };
  fails("", "0 bytes are no records of 3073: it is empty");
  fails("<html>", "6 bytes are no records of 3073: it looks like HTML or XML");
  fails(record("\x01", 1) + "\x01", "3074 bytes are no records of 3073");
  fails(record("\x01", 1) + record("\x0a", 1), "image 1 has label 10, there are 10 classes");
  const std::string path = folder.write("f.bin", record("\x01\x64", 1));
  CHECK_ERROR(data::read_cifar100(path), LoadError,
              "read_cifar100: " + path + ": image 0 has label 100, there are 100 classes");
  CHECK_ERROR(data::read_cifar10(folder.file("none")), LoadError,
              "read_file: " + folder.file("none") + ": No such file or directory");
}
