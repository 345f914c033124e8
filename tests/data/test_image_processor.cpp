// Images as transformers' image processors prepare them.
#include <gloss/data/images/image_processor.hpp>
#include <gloss/gloss.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::Golden;

TEST_CASE("image_processor: what transformers makes of an image, bit by bit") {
  const Golden golden("image_processors.safetensors");
  for (const std::string name :
       {"vit", "bit", "clip", "deit", "limited", "crop_alone", "nearest", "old_square", "old_edge"}) {
    const data::ImageProcessor<float> prepare(data::read_image_processor(GLOSS_TEST_DATA "/image_processors/" + name));
    for (const std::string image : {"wide", "tall", "little"}) {
      INFO(name << " " << image);
      const std::string key = name + "/" + image;
      const auto wanted = name == "nearest" ? cast<float>(golden.tensor<std::uint8_t>(key)) : golden.tensor<float>(key);
      const auto y = prepare(golden.tensor<std::uint8_t>("image/" + image));
      REQUIRE(y.shape() == wanted.shape());
      CHECK(equal(y, wanted));
    }
  }
}

TEST_CASE("image_processor: grey images, and those with an alpha channel") {
  data::ImageProcessorOptions options{.do_convert_rgb = true, .size = 4};
  const data::ImageProcessor<double> prepare(options);
  Tensor<std::uint8_t> grey = full<std::uint8_t>({6, 5}, 51);
  const Tensor<double> y = prepare(grey);
  REQUIRE(y.shape() == Shape{3, 4, 4});
  CHECK(allclose(y, full<double>({3, 4, 4}, 0.2 / 0.5 - 1)));
  CHECK(equal(prepare(grey.unsqueeze(2)), y));
  CHECK(prepare(full<std::uint8_t>({6, 5, 4}, 7)).shape() == Shape{3, 4, 4});
  options.do_convert_rgb = false;
  CHECK_ERROR(data::ImageProcessor<float>(options)(grey), ShapeError,
              "normalize: 3 means and 3 deviations for 1 channels");
}

TEST_CASE("image_processor: what cannot be is said") {
  const auto read = [](const std::string& text) { return data::parse_image_processor(text, "p.json"); };
  CHECK(read("{}").size == data::ImageSize(224));
  CHECK(read(R"({"size": [5, 6]})").size == data::ImageSize(5, 6));
  CHECK(read(R"({"image_processor_type": "VideoMAEImageProcessor", "size": 9})").shortest_edge == 9);
  CHECK(
      read(R"({"image_processor_type": "CLIPImageProcessorFast", "size": {"height": 5, "width": 5}})").shortest_edge ==
      0);
  CHECK_ERROR(read("[]"), LoadError, "read_image_processor: p.json: it is not a JSON object");
  CHECK_ERROR(read("{"), LoadError, "read_image_processor: p.json: it is not a JSON object");
  CHECK_ERROR(read(R"({"resample": 5})"), LoadError,
              "read_image_processor: p.json: resample is 5, which is none of 0 to 4");
  CHECK_ERROR(read(R"({"do_resize": 1})"), LoadError, "read_image_processor: p.json: do_resize is 1");
  CHECK_ERROR(read(R"({"image_mean": "a"})"), LoadError, "read_image_processor: p.json: image_mean is \"a\"");
  CHECK_ERROR(read(R"({"size": {"max_height": 3}})"), LoadError,
              "read_image_processor: p.json: size is {\"max_height\":3}");
  CHECK_ERROR(read(R"({"size": 0})"), LoadError, "read_image_processor: p.json: size is 0");
  CHECK_ERROR(read(R"({"crop_size": {"height": 3, "width": -1}})"), LoadError,
              "read_image_processor: p.json: crop_size is -1");
  CHECK_ERROR(read(R"({"do_pad": true})"), LoadError, "read_image_processor: p.json: do_pad is not known");
  CHECK_ERROR(read(R"({"image_processor_type": "DetrImageProcessor"})"), LoadError,
              "read_image_processor: p.json: images of DetrImageProcessor are prepared in a way that is not known");
  CHECK_THROWS_AS(data::read_image_processor("nowhere"), Error);
}
