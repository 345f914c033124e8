// Confusion matrices as pictures.
#include <algorithm>
#include <cmath>
#include <string>

#include <gloss/core/rng.hpp>
#include <gloss/tensor/factories.hpp>
#include <gloss/train/confusion_map.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/xml.hpp"

using namespace gloss;
using gloss_test::count;
using gloss_test::is_well_formed;
using train::render_confusion_svg;

TEST_CASE("render_confusion_svg: a cell for what was counted, the share that was right beside each row") {
  const std::string svg = render_confusion_svg(
      {.counts = Tensor<std::int64_t>{{3, 1}, {0, 4}}, .classes = {"cat", "dog"}, .title = "pets"});
  CHECK(is_well_formed(svg));
  CHECK(count(svg, "</title></rect>") == 3);
  CHECK(svg.find("<title>cat taken for dog: 1 of 4 (25 %)</title>") != std::string::npos);
  CHECK(svg.find(">75 %</text>") != std::string::npos);
  CHECK(svg.find(">100 %</text>") != std::string::npos);
  CHECK(svg.find("87.5 % of 8</text>") != std::string::npos);
  CHECK(svg.find("class=\"h5\"") != std::string::npos);   // a quarter of 20 steps
  CHECK(svg.find("class=\"h20\"") != std::string::npos);  // all
  CHECK(svg.find("prefers-color-scheme:dark") != std::string::npos);
}

TEST_CASE("render_confusion_svg: the number in a cell can be read on every colour, light and dark") {
  const auto luminance = [](const std::string& color) {
    const auto channel = [&](std::size_t at) {
      const double c = std::stoi(color.substr(at, 2), nullptr, 16) / 255.0;
      return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
  };
  const std::string style = train::detail::heat_style();
  const std::size_t dark = style.find("@media");
  for (const std::string& rules : {style.substr(0, dark), style.substr(dark)})
    for (std::size_t level = 0; level < train::detail::heat_levels; ++level) {
      const auto color = [&](const char* kind) {
        const std::string rule = kind + std::to_string(level) + "{fill:";
        REQUIRE(rules.find(rule) != std::string::npos);
        return luminance(rules.substr(rules.find(rule) + rule.size(), 7));
      };
      const double a = color(".h"), b = color(".k");
      INFO(rules.substr(0, 6) << " level " << level);
      CHECK(((std::max)(a, b) + 0.05) / ((std::min)(a, b) + 0.05) >= 4.5);  // WCAG 2, level AA
    }
}

TEST_CASE("render_confusion_svg: without names numbers, and as many classes as there are") {
  const std::string one = render_confusion_svg({.counts = Tensor<std::int64_t>{{0}}});
  CHECK(is_well_formed(one));
  CHECK(count(one, "</title></rect>") == 0);
  CHECK(one.find(">-</text>") != std::string::npos);
  CHECK(render_confusion_svg({.counts = Tensor<std::int64_t>{{1, 2}, {3, 4}}.t()}).find("0 taken for 1: 3 of 4") !=
        std::string::npos);
  const std::string many = render_confusion_svg({.counts = eye<std::int64_t>(1000)});
  CHECK(is_well_formed(many));
  CHECK(count(many, "</title></rect>") == 1000);
  CHECK(many.find("999 taken for 999: 1 of 1 (100 %)") != std::string::npos);
}

TEST_CASE("render_confusion_svg: any names and counts make a well-formed picture") {
  Rng rng(8);
  for (int i = 0; i < 100; ++i) {
    train::ConfusionSvgOptions options;
    const Index n = 1 + static_cast<Index>(rng.below(30));
    options.counts = zeros<std::int64_t>({n, n});
    for (Index k = 0; k < n * n; ++k) options.counts.data()[k] = rng.below(3) ? rng.below(100) : 0;
    options.counts.data()[0] = 9000000000000000000;
    for (Index k = 0; k < n; ++k) {
      options.classes.emplace_back();
      for (std::uint32_t bytes = rng.below(40); bytes > 0; --bytes)
        options.classes.back() += rng.below(3) ? static_cast<char>(rng.below(256)) : "<>&\"' \n\x01"[rng.below(8)];
    }
    const std::string svg = render_confusion_svg(options);
    if (!is_well_formed(svg)) FAIL(svg);
  }
}

TEST_CASE("render_confusion_svg: wrong sizes are named") {
  CHECK_ERROR(render_confusion_svg({.counts = zeros<std::int64_t>({2, 3})}), ShapeError,
              "render_confusion_svg: counts must be [classes, classes], not [2, 3]");
  CHECK_ERROR(render_confusion_svg({.counts = zeros<std::int64_t>({0, 0})}), ShapeError,
              "render_confusion_svg: counts must be [classes, classes], not [0, 0]");
  CHECK_ERROR(render_confusion_svg({.counts = {}}), ShapeError,
              "render_confusion_svg: counts must be [classes, classes], not undefined");
  CHECK_ERROR(render_confusion_svg({.counts = zeros<std::int64_t>({2, 2}), .classes = {"a"}}), ShapeError,
              "render_confusion_svg: 1 names for 2 classes");
}
