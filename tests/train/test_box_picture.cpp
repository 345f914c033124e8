// Boxes drawn on images, as pixels and as SVG.
#include <limits>
#include <string>

#include <gloss/ops/compare.hpp>
#include <gloss/tensor/factories.hpp>
#include <gloss/train/box_picture.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/xml.hpp"

using namespace gloss;
using gloss_test::count;
using gloss_test::is_well_formed;
using train::draw_boxes;
using train::render_boxes_svg;

namespace {

/// Each pixel as a letter: . for what was there, # for the first colour, + for white, ? for another.
std::string drawn(const Tensor<std::uint8_t>& image, std::uint8_t background) {
  std::string text;
  for (Index y = 0; y < image.size(0); ++y) {
    for (Index x = 0; x < image.size(1); ++x) {
      const auto is = [&](int r, int g, int b) {
        return image.at({y, x, 0}) == r && image.at({y, x, 1}) == g && image.at({y, x, 2}) == b;
      };
      text += is(background, background, background) ? '.' : is(0x0f, 0x7c, 0x8f) ? '#' : is(255, 255, 255) ? '+' : '?';
    }
    text += '\n';
  }
  return text;
}

}  // namespace

TEST_CASE("draw_boxes: a frame of two pixels, cut at the edge of the image") {
  const Tensor<std::uint8_t> image = full<std::uint8_t>({8, 9}, 7);
  const Tensor<std::uint8_t> kept = image.clone();
  const auto y = draw_boxes(image, {.boxes = Tensor<float>{{1, 1, 7, 8}}});
  CHECK(y.shape() == Shape{8, 9, 3});
  CHECK(drawn(y, 7) ==
        ".........\n"
        ".######..\n"
        ".######..\n"
        ".##..##..\n"
        ".##..##..\n"
        ".##..##..\n"
        ".######..\n"
        ".######..\n");
  CHECK(gloss_test::difference(image, kept) == 0);
  CHECK(drawn(draw_boxes(full<std::uint8_t>({3, 4, 4}, 7), {.boxes = Tensor<float>{{-5, -5, 3, 20}}}), 7) ==
        ".##.\n.##.\n.##.\n");
  CHECK(drawn(draw_boxes(full<std::uint8_t>({1, 2, 2}, 7), {.boxes = empty<float>({0, 4}), .scale = 2}), 7) ==
        "....\n....\n");
}

TEST_CASE("draw_boxes: the name and the score above the frame") {
  const auto y = draw_boxes(full<std::uint8_t>({16, 40}, 9), {.boxes = Tensor<float>{{2, 10, 30, 16}},
                                                              .labels = Tensor<std::int64_t>{0},
                                                              .scores = Tensor<float>{0.874f},
                                                              .classes = {"s"}});
  CHECK(drawn(y, 9) ==
        "........................................\n"
        "..#####################################.\n"
        "..##++++########+++##+++++#######++##+#.\n"
        "..#+###########+###+#####+#######++##+#.\n"
        "..#+###########+###+####+###########+##.\n"
        "..##+++#########+++#####+##########+###.\n"
        "..#####+#######+###+###+##########+####.\n"
        "..#####+#######+###+###+#########+##++#.\n"
        "..#++++#########+++####+#########+##++#.\n"
        "..#####################################.\n"
        "..############################..........\n"
        "..############################..........\n"
        "..##........................##..........\n"
        "..##........................##..........\n"
        "..############################..........\n"
        "..############################..........\n");
}

TEST_CASE("draw_boxes: colours by label, letters that are not there, captions within the image") {
  const auto y =
      draw_boxes(full<std::uint8_t>({40, 60, 3}, 0), {.boxes = Tensor<float>{{50, 0, 60, 10}, {0, 20, 9, 40}},
                                                      .labels = Tensor<std::int64_t>{1, 9},
                                                      .scores = Tensor<float>{1, 0}});
  const auto at = [&](Index r, Index c) { return std::vector<int>{y.at({r, c, 0}), y.at({r, c, 1}), y.at({r, c, 2})}; };
  CHECK(at(0, 59) == std::vector<int>{0xd1, 0x57, 0x2a});
  CHECK(at(39, 0) == std::vector<int>{0xd1, 0x57, 0x2a});  // eight colours, then the first ones again
  CHECK(at(0, 16) == std::vector<int>{0, 0, 0});           // "1 100 %" begins at 60 - 43 pixels
  CHECK(at(0, 17) == std::vector<int>{0xd1, 0x57, 0x2a});
  const auto odd =
      draw_boxes(full<std::uint8_t>({12, 12}, 0),
                 {.boxes = Tensor<float>{{0, 9, 12, 12}}, .labels = Tensor<std::int64_t>{0}, .classes = {"\x01"}});
  CHECK(drawn(odd, 0).substr(13 + 1, 5) == "+++++");
}

TEST_CASE("draw_boxes: every letter is another") {
  const std::string letters = " %()+,-./0123456789:abcdefghijklmnopqrstuvwxyz_?";
  for (const char a : letters)
    for (const char b : letters)
      CHECK((train::detail::letter_points(a) == train::detail::letter_points(b)) == (a == b));
  CHECK(train::detail::letter_points('A') == train::detail::letter_points('a'));
}

TEST_CASE("render_boxes_svg: the image within, a frame and a name for each box") {
  const std::string svg = render_boxes_svg("\x89PNG...", 20, 30,
                                           {.boxes = Tensor<float>{{2, 3, 10, 12.5f}, {0, 0, 30, 20}},
                                            .labels = Tensor<std::int64_t>{1, 0},
                                            .scores = Tensor<float>{0.5f, 0.999f},
                                            .classes = {"a <b>", "c & d"},
                                            .scale = 4},
                                           "found");
  CHECK(is_well_formed(svg));
  CHECK(svg.find("width=\"120\" height=\"120\" viewBox=\"0 0 120 120\"") != std::string::npos);  // 40 for the title
  CHECK(svg.find("href=\"data:image/png;base64,iVBORy4uLg==\"") != std::string::npos);
  CHECK(svg.find("x=\"8\" y=\"12\" width=\"32\" height=\"38\"><title>c &amp; d 50 %</title>") != std::string::npos);
  CHECK(svg.find("a &lt;b&gt; 100 %</text>") != std::string::npos);
  CHECK(count(svg, "</text>") == 3);
  const std::string bare = render_boxes_svg("\xff\xd8", 5, 5, {.boxes = empty<float>({0, 4})});
  CHECK(is_well_formed(bare));
  CHECK(bare.find("data:image/jpeg;base64,") != std::string::npos);
}

TEST_CASE("draw_boxes and render_boxes_svg: what does not fit is said") {
  const Tensor<std::uint8_t> image = zeros<std::uint8_t>({4, 4, 3});
  const Tensor<float> box{{0, 0, 1, 1}};
  CHECK_ERROR(draw_boxes(zeros<std::uint8_t>({4}), {.boxes = box}), ShapeError,
              "draw_boxes: an image is [height, width, 1 to 4 channels] or [height, width], not [4]");
  CHECK_ERROR(draw_boxes(zeros<std::uint8_t>({0, 4, 3}), {.boxes = box}), ShapeError,
              "draw_boxes: an image is [height, width, 1 to 4 channels] or [height, width], not [0, 4, 3]");
  CHECK_ERROR(draw_boxes(image, {}), ShapeError, "draw_boxes: boxes must be [n, 4], not undefined");
  CHECK_ERROR(draw_boxes(image, {.boxes = Tensor<float>{1, 2, 3, 4}}), ShapeError,
              "draw_boxes: boxes must be [n, 4], not [4]");
  CHECK_ERROR(draw_boxes(image, {.boxes = box, .scores = Tensor<float>{1, 2}}), ShapeError,
              "draw_boxes: scores [2] must be [1], one for each box");
  CHECK_ERROR(draw_boxes(image, {.boxes = box, .labels = Tensor<std::int64_t>{2}, .classes = {"a", "b"}}), IndexError,
              "draw_boxes: label 2 is out of range for 2 classes");
  CHECK_ERROR(draw_boxes(image, {.boxes = box, .labels = Tensor<std::int64_t>{-1}}), IndexError,
              "draw_boxes: label -1 is out of range for 0 classes");
  CHECK_ERROR(draw_boxes(image, {.boxes = box, .scale = 0}), Error, "draw_boxes: scale 0 is below 1");
  CHECK_ERROR(draw_boxes(image, {.boxes = full<float>({1, 4}, std::numeric_limits<float>::infinity())}), Error,
              "draw_boxes: box 0 is not finite");
  CHECK_ERROR(render_boxes_svg("", 0, 4, {.boxes = box}), ShapeError, "render_boxes_svg: an image of 0 x 4 pixels");
}
