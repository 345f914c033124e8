#include <gloss/data/cifar.hpp>

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

TEST_CASE("read_cifar10, read_cifar100: labels, and planes of red, green and blue") {
  const TempFolder folder;
  const auto ten = data::read_cifar10(folder.write("ten.bin", record("\x09", 7) + record(std::string(1, '\0'), 250)));
  CHECK(ten.images.shape() == Shape{2, 3, 32, 32});
  CHECK(values(ten.labels) == std::vector<std::int64_t>{9, 0});
  CHECK(values(ten.images.slice(2, 31, 32).slice(3, 31, 32)) == std::vector<std::uint8_t>{7, 8, 9, 250, 251, 252});
  const auto hundred = data::read_cifar100(folder.write("hundred.bin", record("\x13\x63", 1)));
  CHECK(values(hundred.labels) == std::vector<std::int64_t>{99});
  CHECK(hundred.images[0][2][0][0].item() == 3);
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
