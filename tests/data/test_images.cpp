// Transforms of images against Pillow and torchvision's definitions: tests/golden/generate_transforms.py
#include <map>

#include <gloss/data/images.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::same_bits;
using gloss_test::values;
using Bytes = Tensor<std::uint8_t>;

namespace {

const gloss_test::Golden& golden() {
  static const gloss_test::Golden file("transforms.safetensors");
  return file;
}

/// The parts of a key: "resize", "rgb", "box", "5", "7".
std::vector<std::string> parts_of(const std::string& key) {
  std::vector<std::string> parts{""};
  for (const char c : key) {
    if (c == '/')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::vector<std::string> keys_of(const std::string& kind) {
  std::vector<std::string> keys;
  for (const auto& t : golden().file().tensors())
    if (t.name.starts_with(kind + "/")) keys.push_back(t.name);
  CHECK(!keys.empty());
  return keys;
}

data::Filter filter_of(const std::string& name) {
  using data::Filter;
  return name == "nearest"    ? Filter::nearest
         : name == "box"      ? Filter::box
         : name == "bilinear" ? Filter::bilinear
         : name == "bicubic"  ? Filter::bicubic
                              : Filter::lanczos;
}

/// 0, 1, 2, ... as [height, width, channels].
Bytes counting(Index height, Index width, Index channels) {
  Bytes x = empty<std::uint8_t>({height, width, channels});
  for (Index i = 0; i < x.numel(); ++i) x.data()[i] = static_cast<std::uint8_t>(i);
  return x;
}
Tensor<float> counting_numbers(const Shape& shape) {
  return arange<float>(static_cast<double>(shape.numel())).view(shape);
}

}  // namespace

TEST_CASE("resize: bytes are Pillow's, every bit") {
  for (const std::string& key : keys_of("resize")) {
    INFO(key);
    const auto parts = parts_of(key);
    if (parts[1] == "numbers") continue;
    const auto image = golden().tensor<std::uint8_t>("image/" + parts[1]);
    const data::ImageSize size{std::stoll(parts[3]), std::stoll(parts[4])};
    CHECK(same_bits(data::resize(image, size, filter_of(parts[2])), golden().tensor<std::uint8_t>(key)));
  }
}

TEST_CASE("resize: numbers are Pillow's of mode F") {
  int cases = 0;
  for (const std::string& key : keys_of("resize/numbers")) {
    INFO(key);
    const auto parts = parts_of(key);
    const auto image = golden().tensor<float>("image/numbers");
    const data::ImageSize size{std::stoll(parts[3]), std::stoll(parts[4])};
    const Tensor<float> y = data::resize(image, size, filter_of(parts[2]));
    CHECK(gloss_test::difference(y, golden().tensor<float>(key)) < 1e-6);
    // Planes are independent, and double is the same.
    const Tensor<double> many = stack(std::vector{cast<double>(image), cast<double>(image) * 2.0}).view({1, 2, 11, 15});
    const Tensor<double> z = data::resize(many, size, filter_of(parts[2]));
    CHECK(z.shape() == Shape{1, 2, size.height, size.width});
    CHECK(gloss_test::difference(z[0][1], cast<double>(golden().tensor<float>(key)) * 2.0) < 1e-6);
    ++cases;
  }
  CHECK(cases == 15);
}

TEST_CASE("resize: of strided images, by any number of threads") {
  const auto image = golden().tensor<std::uint8_t>("image/rgb");
  const Bytes turned = image.permute({1, 0, 2});  // not contiguous
  CHECK(same_bits(data::resize(turned, {5, 7}), data::resize(turned.contiguous(), {5, 7})));
  const Bytes plain = image.select(2, 1);  // [height, width]
  CHECK(same_bits(data::resize(plain, {5, 7}), data::resize(image, {5, 7}).select(2, 1)));
  const Bytes large = data::resize(image, {300, 500}, data::Filter::bicubic);
  const gloss_test::Threads one(1);
  CHECK(same_bits(data::resize(image, {300, 500}, data::Filter::bicubic), large));
  CHECK(data::resize(zeros<float>({0, 4, 5}), {2, 3}).shape() == Shape{0, 2, 3});
}

TEST_CASE("resize: what cannot be resized") {
  CHECK_ERROR(data::resize(zeros<std::uint8_t>({4}), {2, 2}), ShapeError,
              "resize: an image of bytes is [height, width, 1 to 4 channels] or [height, width], not [4]");
  CHECK_ERROR(data::resize(zeros<float>({4}), {2, 2}), ShapeError,
              "resize: an image of numbers is [..., channels, height, width], not [4]");
  CHECK_ERROR(data::resize(zeros<std::uint8_t>({0, 4, 3}), {2, 2}), ShapeError,
              "resize: an image of shape [0, 4, 3] has no pixels");
  CHECK_ERROR(data::resize(zeros<float>({1, 4, 3}), {2, 0}), ShapeError, "resize: a size of 2 x 0 has no pixels");
  CHECK_ERROR(data::Resize(0), ShapeError, "Resize: a size of 0 x 0 has no pixels");
}

TEST_CASE("Resize: one number is the shorter side, as torchvision cuts off") {
  const auto size = [](Index height, Index width, Index side, Index most = 0) {
    const data::ImageSize s = data::shorter_side_size({height, width}, side, most);
    return std::pair(s.height, s.width);
  };
  CHECK(size(480, 640, 256) == std::pair<Index, Index>(256, 341));
  CHECK(size(641, 480, 256) == std::pair<Index, Index>(341, 256));
  CHECK(size(10, 10, 7) == std::pair<Index, Index>(7, 7));
  CHECK(size(480, 1000, 800, 1333) == std::pair<Index, Index>(640, 1333));
  CHECK(size(1, 1000, 4, 10) == std::pair<Index, Index>(1, 10));
  CHECK_ERROR(data::shorter_side_size({4, 5}, 0), Error, "resize: a shorter side of 0 has no pixels");
  CHECK_ERROR(data::shorter_side_size({4, 5}, 8, 8), Error, "resize: a longest side of 8 is not above 8");
  CHECK_ERROR(data::shorter_side_size({0, 5}, 8), ShapeError, "resize: a size of 0 x 5 has no pixels");
  CHECK(data::Resize(6)(zeros<std::uint8_t>({12, 20, 3})).shape() == Shape{6, 10, 3});
  CHECK(data::Resize(6, data::Filter::bicubic, 8)(zeros<float>({3, 12, 20})).shape() == Shape{3, 4, 8});
  CHECK(data::Resize({6, 7})(zeros<float>({3, 12, 20})).shape() == Shape{3, 6, 7});
}

TEST_CASE("crop: a part of an image, with a border where it reaches beyond") {
  const Bytes image = counting(2, 3, 2);  // rows 0..5, 6..11
  CHECK(values(data::crop(image, 1, 1, {1, 2})) == std::vector<std::uint8_t>{8, 9, 10, 11});
  CHECK(values(data::crop(image, -1, 2, {2, 2})) == std::vector<std::uint8_t>{0, 0, 0, 0, 4, 5, 0, 0});
  CHECK(values(data::crop(image, 1, -1, {1, 2}, {.value = 7})) == std::vector<std::uint8_t>{7, 7, 6, 7});
  CHECK(values(data::crop(image, 5, 9, {1, 1}, {.value = 7})) == std::vector<std::uint8_t>{7, 7});
  CHECK(values(data::crop(image, 0, 9, {1, 1}, {.mode = PadMode::replicate})) == std::vector<std::uint8_t>{4, 5});
  // The other borders are pad's.
  const Tensor<float> x = counting_numbers({2, 4, 5});
  for (const PadMode mode : {PadMode::constant, PadMode::reflect, PadMode::replicate, PadMode::circular})
    CHECK(same_bits(data::crop(x, -3, -2, {10, 9}, {.mode = mode, .value = mode == PadMode::constant ? 2.5 : 0}),
                    pad(x.unsqueeze(0), {2, 2, 3, 3}, {.mode = mode, .value = 2.5})[0]));
  CHECK(values(data::crop(counting_numbers({1, 1}), -2, -2, {1, 3}, {.mode = PadMode::reflect})) ==
        std::vector<float>{0, 0, 0});
  CHECK(
      same_bits(data::crop(x.transpose(1, 2), 1, 1, {2, 2}), data::crop(x.transpose(1, 2).contiguous(), 1, 1, {2, 2})));
  CHECK(values(data::crop(zeros<float>({1, 0, 0}), 0, 0, {1, 1}, {.value = 3})) == std::vector<float>{3});
  CHECK_ERROR(data::crop(zeros<float>({1, 0, 0}), 0, 0, {1, 1}, {.mode = PadMode::replicate}), ShapeError,
              "crop: an image of shape [1, 0, 0] has no pixels to repeat");
  CHECK_ERROR(data::crop(image, 0, 0, {0, 1}), ShapeError, "crop: a size of 0 x 1 has no pixels");
  CHECK_ERROR(data::crop(image, 0, 0, {1, 1}, {.value = 0.5}), Error, "crop: the value 0.5 is not a byte");
  CHECK_ERROR(data::crop(image, 0, 0, {1, 1}, {.value = 256}), Error, "crop: the value 256 is not a byte");
  CHECK_ERROR(data::image_size(zeros<std::uint8_t>({1, 2, 3, 4})), ShapeError,
              "image_size: an image of bytes is [height, width, 1 to 4 channels] or [height, width], not [1, 2, 3, 4]");
}

TEST_CASE("images: bytes with their channels first are refused, and how to turn them is said") {
  CHECK_ERROR(
      data::horizontal_flip(zeros<std::uint8_t>({3, 32, 32})), ShapeError,
      "horizontal_flip: an image of bytes is [height, width, 1 to 4 channels] or [height, width], not [3, 32, 32]"
      "; permute({1, 2, 0}) puts channels last");
  CHECK(data::horizontal_flip(zeros<std::uint8_t>({3, 32, 32}).permute({1, 2, 0})).shape() == Shape{32, 32, 3});
}

TEST_CASE("center_crop: rounds as torchvision, and pads what is smaller") {
  const auto first_row = [](Index height, Index size) {  // of the crop, in the image
    return values(data::center_crop(counting_numbers({height, 1}), {size, 1}))[0];
  };
  CHECK(first_row(5, 4) == 0);  // 0.5 rounds to 0, 1.5 to 2
  CHECK(first_row(5, 2) == 2);
  CHECK(first_row(9, 4) == 2);
  CHECK(first_row(9, 2) == 4);
  CHECK(first_row(8, 4) == 2);
  CHECK(values(data::center_crop(counting_numbers({1, 2}) + 1.0, {1, 5})) == std::vector<float>{0, 1, 2, 0, 0});
  CHECK(data::CenterCrop(4)(zeros<std::uint8_t>({9, 3, 2})).shape() == Shape{4, 4, 2});
  CHECK_ERROR(data::CenterCrop({4, -1}), ShapeError, "CenterCrop: a size of 4 x -1 has no pixels");
}

TEST_CASE("five_crop and three_crop: the views of a test") {
  const Tensor<float> x = counting_numbers({4, 6});
  const auto five = data::five_crop(x, 2);
  REQUIRE(five.size() == 5);
  const float corners[] = {0, 4, 12, 16, 8};
  for (std::size_t i = 0; i < 5; ++i) CHECK(five[i].at({0, 0}) == corners[i]);
  const auto three = data::three_crop(x);
  REQUIRE(three.size() == 3);
  for (Index i = 0; i < 3; ++i) CHECK(same_bits(three[static_cast<std::size_t>(i)], x.narrow(1, i, 4).contiguous()));
  CHECK(data::three_crop(x.t())[2].at({0, 0}) == 2);
  CHECK_ERROR(data::five_crop(x, 5), ShapeError, "five_crop: 5 x 5 is larger than the image, 4 x 6");
}

TEST_CASE("RandomCrop: every place is as likely, and nothing but the Rng decides") {
  const Tensor<float> x = counting_numbers({4, 5}) + 1.0;
  const data::RandomCrop crop(4, {.padding = 1});
  Rng rng(3);
  std::map<float, int> places;  // by the sum of the part
  for (int i = 0; i < 3000; ++i) {
    const Tensor<float> y = crop(x, rng);
    CHECK(y.shape() == Shape{4, 4});
    ++places[values(y)[5]];
  }
  CHECK(places.size() == 12);  // 3 rows by 4 columns
  for (const auto& [place, times] : places) CHECK(std::abs(times - 250) < 70);
  Rng a(5), b(5);
  CHECK(same_bits(crop(x, a), crop(x, b)));
  CHECK(a.position() == b.position());
  CHECK(values(data::RandomCrop(1, {.padding = 9, .border = {.value = 3}})(zeros<std::uint8_t>({1, 1}), a)).size() ==
        1);
  CHECK_ERROR(data::RandomCrop(7, {.padding = 1})(x, rng), ShapeError,
              "RandomCrop: 7 x 7 is larger than the image, 4 x 5 with a padding of 1");
  CHECK_ERROR(data::RandomCrop(7, {.padding = -1}), Error, "RandomCrop: the padding -1 is negative");
  CHECK_ERROR(data::RandomCrop(0), ShapeError, "RandomCrop: a size of 0 x 0 has no pixels");
}

TEST_CASE("RandomResizedCrop: parts of the area and proportions that are asked for") {
  const data::RandomResizedCrop crop({8, 6}, {.min_area = 0.25, .max_area = 0.5, .min_ratio = 0.5, .max_ratio = 2});
  Rng rng(4);
  double least = 1, most = 0, narrowest = 9, widest = 0;
  for (int i = 0; i < 2000; ++i) {
    const data::CropBox box = crop.draw({100, 80}, rng);
    const double height = static_cast<double>(box.size.height), width = static_cast<double>(box.size.width);
    CHECK((box.top >= 0 && box.left >= 0 && box.top + box.size.height <= 100 && box.left + box.size.width <= 80));
    least = std::min(least, height * width / 8000);
    most = std::max(most, height * width / 8000);
    narrowest = std::min(narrowest, width / height);
    widest = std::max(widest, width / height);
  }
  CHECK(least == Approx(0.25).margin(0.01));
  CHECK(most == Approx(0.5).margin(0.01));
  CHECK(narrowest == Approx(0.5).margin(0.03));
  CHECK(widest == Approx(2).margin(0.1));
  CHECK(crop(zeros<std::uint8_t>({20, 20, 3}), rng).shape() == Shape{8, 6, 3});
  // Where nothing fits: the largest part in the middle.
  const data::CropBox flat = data::RandomResizedCrop(8).draw({10, 1000}, rng),
                      high = data::RandomResizedCrop(8).draw({1000, 10}, rng);
  CHECK((flat.size == data::ImageSize{10, 13} && flat.left == 493 && flat.top == 0));
  CHECK((high.size == data::ImageSize{13, 10} && high.top == 493 && high.left == 0));
  Rng a(5), b(5);
  const Tensor<float> x = counting_numbers({1, 9, 9});
  CHECK(same_bits(data::RandomResizedCrop(4)(x, a), data::RandomResizedCrop(4)(x, b)));
  CHECK_ERROR(data::RandomResizedCrop(8, {.min_area = 0}), Error, "RandomResizedCrop: areas from 0 to 1");
  CHECK_ERROR(data::RandomResizedCrop(8, {.min_ratio = 3}), Error,
              "RandomResizedCrop: ratios from 3 to 1.3333333333333333");
  CHECK_ERROR(data::RandomResizedCrop(0), ShapeError, "RandomResizedCrop: a size of 0 x 0 has no pixels");
  CHECK_ERROR(data::RandomResizedCrop(8)(zeros<float>({0, 4}), rng), ShapeError,
              "RandomResizedCrop: a size of 0 x 4 has no pixels");
}

TEST_CASE("horizontal_flip, vertical_flip: mirrored; and at random") {
  const Bytes image = counting(2, 3, 2);
  CHECK(same_bits(data::horizontal_flip(image), flip(image, {1})));
  CHECK(same_bits(data::vertical_flip(image), flip(image, {0})));
  const Tensor<float> x = counting_numbers({2, 3, 4});
  CHECK(same_bits(data::horizontal_flip(x), flip(x, {2})));
  CHECK(same_bits(data::vertical_flip(x), flip(x, {1})));
  CHECK(same_bits(data::horizontal_flip(x.transpose(1, 2)), flip(x.transpose(1, 2), {2})));
  CHECK(data::vertical_flip(zeros<float>({3, 0, 4})).shape() == Shape{3, 0, 4});
  CHECK_ERROR(data::horizontal_flip(zeros<float>({4})), ShapeError,
              "horizontal_flip: an image of numbers is [..., channels, height, width], not [4]");
  Rng rng(6);
  int across = 0, down = 0;
  for (int i = 0; i < 1000; ++i) {
    across += !same_bits(data::RandomHorizontalFlip()(x, rng), x);
    down += !same_bits(data::RandomVerticalFlip(0.2)(x, rng), x);
  }
  CHECK(std::abs(across - 500) < 60);
  CHECK(std::abs(down - 200) < 50);
  CHECK(same_bits(data::RandomHorizontalFlip(1)(x, rng), flip(x, {2})));
  CHECK(data::RandomHorizontalFlip(0)(x, rng).is_same(x));
  CHECK_ERROR(data::RandomHorizontalFlip(1.5), Error, "RandomHorizontalFlip: p 1.5 is not in [0, 1]");
  CHECK_ERROR(data::RandomVerticalFlip(-1), Error, "RandomVerticalFlip: p -1 is not in [0, 1]");
}

TEST_CASE("normalize: each channel by its own numbers") {
  const Tensor<float> x = counting_numbers({2, 1, 2});
  CHECK(values(data::normalize(x, {1, 2}, {0.5, 2})) == std::vector<float>{-2, 0, 0, 0.5f});
  CHECK(values(data::normalize(x.unsqueeze(0), {1}, {2})) == std::vector<float>{-0.5f, 0, 0.5f, 1});
  CHECK(same_bits(data::Normalize({1, 2}, {0.5, 2})(x.flatten(1).unsqueeze(2)).view({2, 1, 2}),
                  data::normalize(x, {1, 2}, {0.5, 2})));
  CHECK(data::normalize(zeros<double>({2, 0, 3}), {0}, {1}).shape() == Shape{2, 0, 3});
  CHECK_ERROR(data::normalize(x, {1, 2, 3}, {1}), ShapeError, "normalize: 3 means and 1 deviations for 2 channels");
  CHECK_ERROR(data::normalize(x, {1}, {1, 0}), Error, "normalize: the deviation 0 is not above 0");
  CHECK_ERROR(data::normalize(x[0], {1}, {1}), ShapeError,
              "normalize: an image is [..., channels, height, width], not [1, 2]");
}

TEST_CASE("Compose: steps one after another, with or without random numbers, of any type") {
  const Bytes image = golden().tensor<std::uint8_t>("image/rgb");
  const data::Compose augment(data::RandomCrop(12, {.padding = 2}), data::RandomHorizontalFlip(), data::ToTensor(),
                              data::Normalize({0.5}, {0.25}), [](const Tensor<float>& x) { return x * 2.0; });
  Rng a(1), b(1);
  const Tensor<float> x = augment(image, a);
  CHECK(x.shape() == Shape{3, 12, 12});
  const Bytes by_hand = data::RandomHorizontalFlip()(data::RandomCrop(12, {.padding = 2})(image, b), b);
  CHECK(same_bits(x, data::normalize(io::to_tensor(by_hand), {0.5}, {0.25}) * 2.0));
  const data::Compose evaluate(data::Resize(12), data::CenterCrop(12), data::ToTensor<double>());
  CHECK(evaluate(image).shape() == Shape{3, 12, 12});
  CHECK(same_bits(evaluate(image), evaluate(image, a)));
  const data::RandomApply sometimes([](const Bytes& bytes) { return data::vertical_flip(bytes); }, 0.25);
  const data::RandomApply always(data::RandomHorizontalFlip(1), 1);
  CHECK(same_bits(always(image, a), data::horizontal_flip(image)));
  int applied = 0;
  for (int i = 0; i < 1000; ++i) applied += !sometimes(image, a).is_same(image);
  CHECK(std::abs(applied - 250) < 55);
  CHECK_ERROR(data::RandomApply(data::ToTensor(), 2), Error, "RandomApply: p 2 is not in [0, 1]");
}
