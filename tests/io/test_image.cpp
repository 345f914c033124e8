// Images against the pixels that Pillow reads and writes: tests/golden/generate_images.py
#include <gloss/io/image.hpp>
#include <gloss/io/image_file.hpp>
#include <gloss/io/npy.hpp>
#include <gloss/tensor/views.hpp>
#include <limits>

#include "support/catch.hpp"
#include "support/mutate.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using namespace gloss::io;

namespace {

std::string golden(const std::string& name) { return std::string(GLOSS_TEST_DATA "/images/") + name; }

// The largest difference of two images' bytes; 999 for different shapes.
int distance(const Tensor<std::uint8_t>& a, const Tensor<std::uint8_t>& b) {
  if (a.shape() != b.shape()) return 999;
  int worst = 0;
  const auto x = gloss_test::values(a), y = gloss_test::values(b);
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(int{x[i]} - int{y[i]}));
  return worst;
}

Tensor<std::uint8_t> pixels(const std::string& name) {
  const auto x = load_npy<std::uint8_t>(golden(name));
  return x.dim() == 2 ? x.unsqueeze(2) : x;
}

}  // namespace

TEST_CASE("image: bytes become numbers in [0, 1], channels first, as torchvision's ToTensor", "[io]") {
  const Tensor<std::uint8_t> image = {{{0, 51, 255}, {1, 2, 3}}};  // 1 x 2 pixels
  const Tensor<float> x = to_tensor(image);
  CHECK(x.shape() == Shape{3, 1, 2});
  CHECK(gloss_test::values(x) ==
        std::vector<float>{0.0f / 255, 1.0f / 255, 51.0f / 255, 2.0f / 255, 255.0f / 255, 3.0f / 255});
  CHECK(x.is_contiguous());
  CHECK(to_tensor<double>(image.select(2, 1)).shape() == Shape{1, 1, 2});
  CHECK(to_tensor(zeros<std::uint8_t>({0, 4, 3})).shape() == Shape{3, 0, 4});
  CHECK_ERROR(to_tensor(zeros<std::uint8_t>({4})), ShapeError,
              "to_tensor: an image is [height, width, channels] or [height, width], not [4]");
}

TEST_CASE("image: numbers become bytes: scaled, rounded, cut; NaN is black", "[io]") {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor<float> x{0, 1, 0.5f, -3, 2, 1 / 255.0f, 1.49f / 255, 1.51f / 255, inf, -inf, std::nanf("")};
  CHECK(gloss_test::values(to_image(x.view({1, 11}))) ==
        std::vector<std::uint8_t>{0, 255, 128, 0, 255, 1, 1, 2, 255, 0, 0});
  CHECK(to_image(zeros<double>({3, 4, 5})).shape() == Shape{4, 5, 3});
  CHECK(to_image(zeros<double>({4, 5})).shape() == Shape{4, 5, 1});
  CHECK_ERROR(to_image(zeros<float>({1, 3, 4, 5})), ShapeError,
              "to_image: an image is [channels, height, width] or [height, width], not [1, 3, 4, 5]");
  Tensor<std::uint8_t> all = empty<std::uint8_t>({16, 16, 1});
  for (Index i = 0; i < 256; ++i) all.data()[i] = static_cast<std::uint8_t>(i);
  CHECK(distance(to_image(to_tensor(all)), all) == 0);  // every byte comes back
  CHECK(distance(to_image(to_tensor<double>(all)), all) == 0);
}

TEST_CASE("image: PNG and JPEG files of others load", "[io]") {
  for (const char* name : {"rgb", "grey", "rgba", "grey_alpha", "palette"}) {
    INFO(name);
    CHECK(distance(read_image(golden(std::string(name) + ".png")), pixels(std::string(name) + "_png.npy")) == 0);
  }
  for (const char* name : {"rgb", "grey", "progressive"}) {
    INFO(name);  // decoders round differently
    CHECK(distance(read_image(golden(std::string(name) + ".jpg")), pixels(std::string(name) + "_jpg.npy")) <= 3);
  }
  CHECK(read_image(golden("rgb.png"), {.channels = 1}).shape() == Shape{12, 18, 1});
  CHECK(read_image(golden("grey.png"), {.channels = 4}).shape() == Shape{12, 18, 4});
}

TEST_CASE("image: what is written reads back", "[io]") {
  const TempFolder folder;
  const auto rgb = pixels("rgb_png.npy");
  for (const char* name : {"rgb_png.npy", "grey_png.npy", "rgba_png.npy", "grey_alpha_png.npy"})
    CHECK(distance(decode_image(encode_png(pixels(name)), "f"), pixels(name)) == 0);
  CHECK(distance(decode_image(encode_jpeg(rgb, 95), "f"), rgb) <= 12);
  CHECK(encode_jpeg(rgb, 20).size() < encode_jpeg(rgb, 95).size());
  write_image(folder.file("a.png"), rgb.permute({1, 0, 2}));
  CHECK(distance(read_image(folder.file("a.png")), rgb.permute({1, 0, 2})) == 0);
  write_image(folder.file("a.JPEG"), rgb.select(2, 0));
  CHECK(read_image(folder.file("a.JPEG")).shape() == Shape{12, 18, 3});
  CHECK_ERROR((write_image("a.gif", rgb), 0), Error, "write_image: a.gif: the name ends neither in .png nor in .jpg");
  CHECK_ERROR((write_image("png", rgb), 0), Error, "write_image: png: the name ends neither in .png nor in .jpg");
  CHECK_ERROR(encode_png(zeros<std::uint8_t>({2, 2, 5})), ShapeError,
              "encode_png: an image is [height, width, 1 to 4 channels] or [height, width], not [2, 2, 5]");
  CHECK_ERROR(encode_png(zeros<std::uint8_t>({0, 2, 3})), ShapeError,
              "encode_png: an image is [height, width, 1 to 4 channels] or [height, width], not [0, 2, 3]");
  CHECK_ERROR(encode_jpeg(rgb, 0), Error, "encode_jpeg: quality 0 is not in [1, 100]");
  CHECK_ERROR(encode_jpeg(zeros<std::uint8_t>({1, 65536})), ShapeError,
              "encode_jpeg: an image of shape [1, 65536] is too large");
}

TEST_CASE("image: broken files are refused, with the reason", "[io]") {
  const std::string png = gloss::read_file(golden("rgb.png")), jpg = gloss::read_file(golden("rgb.jpg"));
  CHECK_ERROR(decode_image("", "f"), LoadError, "read_image: f: not a PNG or JPEG file: it is empty");
  CHECK_ERROR(decode_image("GIF89a", "f"), LoadError,
              "read_image: f: not a PNG or JPEG file: it looks like a GIF image");
  CHECK_ERROR(decode_image("\1\2\3", "f"), LoadError,
              "read_image: f: not a PNG or JPEG file that can be read (unknown image type)");
  CHECK_ERROR(decode_image(png.substr(0, 60), "f"), LoadError, "read_image: f: damaged (outofdata)");
  CHECK_ERROR(decode_image(png, "f", {.max_pixels = 200}), LoadError,
              "read_image: f: 18 x 12 pixels, at most 200 are read");
  CHECK_ERROR(decode_image(png, "f", {.channels = 5}), Error, "read_image: channels 5 is not 0 to 4");
  std::string wide = png;
  wide[17] = 0x7F;  // 8 million pixels wide
  wide[21] = 0x7F;
  CHECK_ERROR(decode_image(wide, "f"), LoadError,
              "read_image: f: 8323090 x 8323084 pixels, at most 268435456 are read");
  std::string hollow = png;
  hollow.insert(png.find("IDAT") - 4, std::string("\0\0\0\0IDAT....", 12));
  CHECK_ERROR(decode_image(hollow, "f"), LoadError, "read_image: f: damaged (an empty IDAT chunk)");
  CHECK_ERROR(decode_image(hollow.substr(0, png.find("IDAT") + 4), "f"), LoadError,
              "read_image: f: damaged (an empty IDAT chunk)");
  std::string codes = jpg;
  const std::size_t table = codes.find("\xff\xc4");
  REQUIRE(table != std::string::npos);
  codes[table + 5] = codes[table + 6] = '\xff';
  CHECK_ERROR(decode_image(codes, "f"), LoadError, "read_image: f: damaged (a Huffman table of more than 256 codes)");
  CHECK_ERROR(decode_image("\xff\xff" + codes, "f"), LoadError,
              "read_image: f: damaged (a Huffman table of more than 256 codes)");
  CHECK_ERROR(read_image("nowhere.png"), LoadError, "read_file: nowhere.png: No such file or directory");
  CHECK_ERROR(decode_image(jpg.substr(0, 20), "f"), LoadError,
              "read_image: f: not a PNG or JPEG file that can be read (unknown image type)");
}

TEST_CASE("image: 20,000 damaged files are read or refused, never worse", "[io]") {
  Rng rng(12);
  const std::string good[] = {gloss::read_file(golden("rgb.png")), gloss::read_file(golden("palette.png")),
                              gloss::read_file(golden("rgb.jpg")), gloss::read_file(golden("progressive.jpg"))};
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    try {
      static_cast<void>(decode_image(mutate(good[round % 4], rng), "f", {.max_pixels = 100000}));
    } catch (const LoadError&) {
      ++refused;
    }
  }
  CHECK(refused > 5000);
}
