// Turned, coloured, erased and mixed images, against Pillow and torchvision's definitions:
// tests/golden/generate_transforms.py
#include <algorithm>
#include <set>

#include <gloss/data/images.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/sum.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
using gloss_test::values;
using Bytes = Tensor<std::uint8_t>;

namespace {

const gloss_test::Golden& golden() {
  static const gloss_test::Golden file("transforms.safetensors");
  return file;
}

struct Case {
  std::string key;
  std::vector<std::string> parts;  // of the key: "rotate", "rgb", "nearest", "30", "0"
};
std::vector<Case> cases(const std::string& kind) {
  std::vector<Case> found;
  for (const auto& t : golden().file().tensors()) {
    if (!t.name.starts_with(kind + "/")) continue;
    Case c{t.name, {""}};
    for (const char letter : t.name) {
      if (letter == '/')
        c.parts.emplace_back();
      else
        c.parts.back() += letter;
    }
    found.push_back(c);
  }
  CHECK(!found.empty());
  return found;
}

/// How many elements differ.
template <class T>
int differing(const Tensor<T>& a, const Tensor<T>& b) {
  if (a.shape() != b.shape()) return -1;
  const auto x = values(a), y = values(b);
  int count = 0;
  for (std::size_t i = 0; i < x.size(); ++i) count += x[i] != y[i];
  return count;
}

Tensor<double> image_of_numbers(const std::string& name) {
  return io::to_tensor<double>(golden().tensor<std::uint8_t>("image/" + name));
}

template <class T>
Tensor<T> colored(const std::string& kind, const Tensor<T>& image, double amount) {
  if (kind == "brightness") return data::adjust_brightness(image, amount);
  if (kind == "contrast") return data::adjust_contrast(image, amount);
  if (kind == "saturation") return data::adjust_saturation(image, amount);
  return data::adjust_hue(image, amount);
}

}  // namespace

TEST_CASE("rotate: bytes are Pillow's, every bit, and numbers Pillow's of mode F") {
  for (const Case& c : cases("rotate")) {
    INFO(c.key);
    const auto filter = c.parts[2] == "nearest" ? data::Filter::nearest : data::Filter::bilinear;
    const double degrees = std::stod(c.parts[3]), value = std::stod(c.parts[4]);
    if (c.parts[1] == "numbers")
      CHECK(difference(data::rotate(golden().tensor<float>("image/numbers"), degrees, filter, value),
                       golden().tensor<float>(c.key)) < 1e-6);
    else
      CHECK(differing(data::rotate(golden().tensor<std::uint8_t>("image/" + c.parts[1]), degrees, filter, value),
                      golden().tensor<std::uint8_t>(c.key)) == 0);
  }
}

TEST_CASE("rotate: what it refuses, and at random") {
  const Tensor<float> x = arange<float>(2 * 5 * 5).view({2, 5, 5});
  CHECK_ERROR(data::rotate(x, 30, data::Filter::bicubic), Error, "rotate: the filter is nearest or bilinear");
  CHECK_ERROR(data::rotate(x, INFINITY), Error, "rotate: the angle inf is not finite");
  CHECK_ERROR(data::rotate(zeros<std::uint8_t>({2, 2}), 1, data::Filter::nearest, -1), Error,
              "rotate: the value -1 is not a byte");
  CHECK(data::rotate(zeros<float>({3, 0, 4}), 20, data::Filter::bilinear).shape() == Shape{3, 0, 4});
  CHECK(same_bits(data::rotate(x, 90), rot90(x, 1, {1, 2})));
  Rng a(3), b(3);
  const data::RandomRotation rotation(20, {.filter = data::Filter::bilinear, .value = 2});
  const Tensor<float> y = rotation(x, a);
  CHECK(same_bits(y, rotation(x, b)));
  CHECK_FALSE(same_bits(y, rotation(x, b)));
  CHECK(same_bits(data::RandomRotation(90, 90)(x, a), data::rotate(x, 90)));
  CHECK_ERROR(data::RandomRotation(2, 1), Error, "RandomRotation: angles from 2 to 1");
}

TEST_CASE("adjust_brightness, contrast, saturation, hue: of bytes Pillow's, every bit") {
  for (const std::string kind : {"brightness", "contrast", "saturation", "hue"})
    for (const Case& c : cases(kind)) {
      INFO(c.key);
      CHECK(differing(colored(kind, golden().tensor<std::uint8_t>("image/" + c.parts[1]), std::stod(c.parts[2])),
                      golden().tensor<std::uint8_t>(c.key)) == 0);
    }
}

TEST_CASE("adjust_brightness, contrast, saturation, hue: of numbers torchvision's formulas") {
  for (const std::string kind : {"brightness", "contrast", "saturation", "hue"})
    for (const Case& c : cases(kind + "_numbers")) {
      INFO(c.key);
      const Tensor<double> x = image_of_numbers(c.parts[1]), expected = golden().tensor<double>(c.key);
      CHECK(difference(colored(kind, x, std::stod(c.parts[2])), expected) < 1e-12);
      CHECK(difference(colored(kind, cast<float>(x), std::stod(c.parts[2])), expected) < 1e-5);
    }
}

TEST_CASE("colours: what they refuse, and at random") {
  CHECK_ERROR(data::adjust_brightness(zeros<std::uint8_t>({4, 4, 4}), 1), ShapeError,
              "adjust_brightness: an image of 1 or 3 channels is wanted, not [4, 4, 4]");
  CHECK_ERROR(data::adjust_contrast(zeros<float>({1, 3, 4, 4}), 1), ShapeError,
              "adjust_contrast: an image of 1 or 3 channels is wanted, not [1, 3, 4, 4]");
  CHECK_ERROR(data::adjust_saturation(zeros<float>({3, 4, 4}), -1), Error,
              "adjust_saturation: the factor -1 is not 0 or above");
  CHECK_ERROR(data::adjust_hue(zeros<float>({3, 4, 4}), 0.6), Error, "adjust_hue: the shift 0.6 is not in [-0.5, 0.5]");
  CHECK(data::adjust_contrast(zeros<std::uint8_t>({0, 4, 3}), 2).shape() == Shape{0, 4, 3});
  const auto image = golden().tensor<std::uint8_t>("image/rgb");
  const Bytes turned = image.permute({1, 0, 2});
  CHECK(same_bits(data::adjust_contrast(turned, 1.3), data::adjust_contrast(turned.contiguous(), 1.3)));
  CHECK(same_bits(data::adjust_hue(turned, 0.2), data::adjust_hue(turned.contiguous(), 0.2)));

  const data::ColorJitter jitter({.brightness = 0.4, .contrast = 0.4, .saturation = 0.4, .hue = 0.1});
  Rng a(3), b(3);
  const Bytes y = jitter(image, a);
  CHECK(same_bits(y, jitter(image, b)));
  CHECK_FALSE(same_bits(y, jitter(image, b)));
  CHECK(data::ColorJitter({})(image, a).is_same(image));
  // Brightness alone, of a grey picture: the factor is uniform.
  const Tensor<double> grey = full<double>({1, 1, 1}, 0.25);
  double least = 9, most = 0, sum = 0;
  for (int i = 0; i < 2000; ++i) {
    const double factor = data::ColorJitter({.brightness = 0.5})(grey, a).item() / 0.25;
    least = std::min(least, factor), most = std::max(most, factor), sum += factor;
  }
  CHECK(least == Approx(0.5).margin(0.01));
  CHECK(most == Approx(1.5).margin(0.01));
  CHECK(sum / 2000 == Approx(1).margin(0.03));
  CHECK_ERROR(data::ColorJitter({.contrast = -1}), Error, "ColorJitter: the amount -1 is not 0 or above");
  CHECK_ERROR(data::ColorJitter({.hue = 0.7}), Error, "ColorJitter: the hue 0.7 is above 0.5");
}

TEST_CASE("erase: a box of one value") {
  const Tensor<float> x = ones<float>({2, 3, 4});
  CHECK(values(data::erase(x, {.top = 1, .left = 2, .size = {2, 1}}, 5)) ==
        std::vector<float>{1, 1, 1, 1, 1, 1, 5, 1, 1, 1, 5, 1, 1, 1, 1, 1, 1, 1, 5, 1, 1, 1, 5, 1});
  CHECK(values(data::erase(full<std::uint8_t>({1, 2, 2}, 9), {.left = 1})) == std::vector<std::uint8_t>{9, 9, 0, 0});
  CHECK_ERROR(data::erase(x, {.top = 2, .left = 0, .size = {2, 1}}), IndexError,
              "erase: 2 x 1 from (2, 0) leave the image, 3 x 4");
  CHECK_ERROR(data::erase(x, {.top = 0, .left = -1}), IndexError, "erase: 1 x 1 from (0, -1) leave the image, 3 x 4");
}

TEST_CASE("RandomErasing: as often, as large and as long as asked for") {
  const Tensor<float> x = ones<float>({1, 40, 40});
  const data::RandomErasing erasing({.p = 0.7, .min_area = 0.1, .max_area = 0.2});
  Rng rng(8);
  int erased = 0;
  for (int i = 0; i < 1000; ++i) {
    const double left = sum(erasing(x, rng)).item() / 1600;
    erased += left < 1;
    CHECK((left == 1 || (left > 0.78 && left < 0.92)));
  }
  CHECK(std::abs(erased - 700) < 60);
  const Tensor<float> noisy = data::RandomErasing({.p = 1, .min_area = 0.5, .max_area = 0.5, .noise = true})(x, rng);
  double sum = 0, squares = 0, count = 0;
  for (const float v : values(noisy))
    if (v != 1) sum += v, squares += v * v, ++count;
  CHECK(count == Approx(800).margin(40));
  CHECK(sum / count == Approx(0).margin(0.12));
  CHECK(squares / count == Approx(1).margin(0.15));
  const Bytes bytes = data::RandomErasing({.p = 1, .min_area = 0.5, .max_area = 0.5, .noise = true})(
      zeros<std::uint8_t>({40, 40, 3}), rng);
  const auto all = values(bytes);
  CHECK(std::set<std::uint8_t>(all.begin(), all.end()).size() == 256);
  CHECK(data::RandomErasing({.p = 1})(ones<float>({1, 1, 1}), rng).at({0, 0, 0}) == 1);  // no smaller box
  CHECK_ERROR(data::RandomErasing({.p = 2}), Error, "RandomErasing: p 2 is not in [0, 1]");
  CHECK_ERROR(data::RandomErasing({.min_area = 0.5}), Error, "RandomErasing: areas from 0.5 to 0.33");
  CHECK_ERROR(data::RandomErasing({.min_ratio = 0, .max_ratio = 2}), Error, "RandomErasing: ratios from 0 to 2");
}

TEST_CASE("mixup: images and labels of neighbours, one share for the batch") {
  const Tensor<double> x = arange<double>(3 * 4).view({3, 1, 2, 2});
  const Tensor<std::int64_t> labels = {2, 0, 1};
  Rng rng(9);
  const auto [images, targets] = data::mixup(x, labels, 4, rng, 0.4);
  const double share = targets.at({0, 2});
  CHECK((share >= 0 && share <= 1));
  CHECK(difference(targets, Tensor<double>{
                                {0, 1 - share, share, 0}, {share, 0, 1 - share, 0}, {1 - share, share, 0, 0}}) < 1e-15);
  CHECK(difference(images, x * share + roll(x, {1}, {0}) * (1 - share)) < 1e-15);
  CHECK(std::isfinite(cross_entropy(zeros<double>({3, 4}), targets).item()));
  CHECK_FALSE(data::mixup(x.clone().requires_grad_(), labels, 4, rng).images.requires_grad());
  CHECK_ERROR(data::mixup(x, Tensor<std::int64_t>{1, 2}, 4, rng), ShapeError,
              "mixup: images [n, ..., height, width] and labels [n] are wanted: images [3, 1, 2, 2], labels [2]");
  CHECK_ERROR(data::mixup(x, labels, 2, rng), IndexError, "one_hot: id 2 is out of range for 2 classes");
  CHECK_ERROR(data::mixup(x, labels, 4, rng, 0), Error, "mixup: alpha 0 is not above 0");
}

TEST_CASE("mixup: the share is of the beta distribution") {
  const Tensor<double> x = zeros<double>({1, 1, 1});
  const Tensor<std::int64_t> label = {0};
  for (const double alpha : {0.1, 0.4, 1.0, 3.5}) {
    INFO(alpha);
    Rng rng(10);
    double sum = 0, squares = 0;
    const int n = 20000;
    for (int i = 0; i < n; ++i) {
      const double share = data::detail::draw_beta(rng, alpha);
      sum += share, squares += share * share;
    }
    const double mean = sum / n;
    CHECK(mean == Approx(0.5).margin(0.01));
    CHECK(squares / n - mean * mean == Approx(1 / (4 * (2 * alpha + 1))).epsilon(0.03));
  }
  Rng rng(1);
  for (int i = 0; i < 1000; ++i) CHECK(std::isfinite(data::detail::draw_beta(rng, 1e-4)));  // and no 0 / 0
}

TEST_CASE("cutmix: a box of the neighbour, labels by area") {
  const Tensor<double> x = arange<double>(2).view({2, 1, 1, 1}).expand({2, 3, 10, 8});
  const Tensor<std::int64_t> labels = {0, 1};
  Rng rng(11);
  bool cut = false;
  for (int i = 0; i < 50; ++i) {
    const auto [images, targets] = data::cutmix(x, labels, 2, rng);
    const double share = 1 - sum(images[0][0]).item() / 80;  // of pixels that are its own
    CHECK(difference(targets, Tensor<double>{{share, 1 - share}, {1 - share, share}}) < 1e-12);
    CHECK(same_bits(images[0][0], images[0][2]));
    CHECK(difference(images[1], 1.0 - images[0]) == 0);
    cut = cut || (share > 0.2 && share < 0.8);
  }
  CHECK(cut);
  CHECK_ERROR(data::cutmix(zeros<float>({2, 0, 3}), labels, 2, rng), ShapeError,
              "cutmix: a size of 0 x 3 has no pixels");
}
