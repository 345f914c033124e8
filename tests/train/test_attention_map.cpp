#include <support/catch.hpp>

#include <cmath>

#include <gloss/core/rng.hpp>
#include <gloss/train/attention_map.hpp>

#include "support/xml.hpp"

using namespace gloss;
using gloss_test::count;
using gloss_test::is_well_formed;
using train::render_attention_svg;

namespace {

double lightness(const std::string& color) {
  const auto channel = [&](std::size_t at) {
    return std::pow(std::stoi(color.substr(at, 2), nullptr, 16) / 255.0, 2.2);
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

}  // namespace

TEST_CASE("render_attention_svg: a cell for each pair of tokens, a small map for each head") {
  const std::string svg = render_attention_svg({.src_tokens = {" Save", " as", "..."},
                                                .tgt_tokens = {" Spei", "chern"},
                                                .heads = {{0.5f, 0.25f, 0.25f, 0, 0, 1}, {1, 0, 0, 0, 1, 0}},
                                                .title = "Save as...",
                                                .subtitle = "Speichern"});
  CHECK(is_well_formed(svg));
  CHECK(svg.substr(0, 5) == "<svg ");
  CHECK(count(svg, "</title></rect>") == 6);
  CHECK(svg.find("> Spei \xE2\x86\x90  Save: 75 %</title>") != std::string::npos);
  CHECK(svg.find("chern \xE2\x86\x90 ...: 50 %</title>") != std::string::npos);
  CHECK(svg.find(">75</text>") != std::string::npos);
  CHECK(svg.find(">head 2</text>") != std::string::npos);
  CHECK(svg.find("mean of 2 heads, in per cent") != std::string::npos);
  CHECK(svg.find(">Save as...</text>") != std::string::npos);
  CHECK(svg.find("<tspan class=\"q\">\xC2\xB7</tspan>chern") != std::string::npos);  // goes on a word
  CHECK(svg.find("\xC2\xB7</tspan>...") == std::string::npos);                       // punctuation does not
}

TEST_CASE("render_attention_svg: one head needs no small maps") {
  const std::string svg = render_attention_svg({.src_tokens = {"a"}, .tgt_tokens = {"b"}, .heads = {{1}}});
  CHECK(is_well_formed(svg));
  CHECK(svg.find("head") == std::string::npos);
}

TEST_CASE("render_attention_svg: any bytes and any numbers make a well-formed picture") {
  Rng rng(9);
  for (int i = 0; i < 200; ++i) {
    train::AttentionSvgOptions options;
    const auto text = [&] {
      std::string bytes;
      for (std::uint32_t n = rng.below(12); n > 0; --n)
        bytes += rng.below(3) ? static_cast<char>(rng.below(256)) : "<>&\"' \n\x01"[rng.below(8)];
      return bytes;
    };
    options.title = text();
    options.subtitle = text();
    const std::size_t rows = 1 + rng.below(5), cols = 1 + rng.below(40), heads = 1 + rng.below(9);
    for (std::size_t r = 0; r < rows; ++r) options.tgt_tokens.push_back(text());
    for (std::size_t c = 0; c < cols; ++c) options.src_tokens.push_back(text());
    const float odd[] = {0, 1, 0.5f, -1, 1e30f, INFINITY, NAN, 1e-30f};
    for (std::size_t h = 0; h < heads; ++h) {
      options.heads.emplace_back();
      for (std::size_t k = 0; k < rows * cols; ++k) options.heads.back().push_back(odd[rng.below(8)]);
    }
    const std::string svg = render_attention_svg(options);
    if (!is_well_formed(svg)) FAIL(svg);
    CHECK(svg.find("nan") == std::string::npos);
  }
}

TEST_CASE("render_attention_svg: a larger weight is darker") {
  double last = 2;
  for (int i = 0; i <= 40; ++i) {
    const std::string color = train::heat_color(i / 40.0);
    CHECK(color.size() == 7);
    CHECK(lightness(color) < last);
    last = lightness(color);
  }
  CHECK(lightness(train::heat_color(0)) > 0.85);
  CHECK(last < 0.06);
  CHECK(train::heat_color(-1) == train::heat_color(0));
  CHECK(train::heat_color(NAN) == train::heat_color(0));
}

TEST_CASE("render_attention_svg: wrong sizes are named") {
  CHECK_THROWS_WITH(render_attention_svg({.src_tokens = {"a", "b"}, .tgt_tokens = {"c"}, .heads = {{1, 0}, {1}}}),
                    "render_attention_svg: head 1 has 1 weights, 1 target and 2 source tokens need 2");
  CHECK_THROWS_WITH(render_attention_svg({.src_tokens = {}, .tgt_tokens = {"c"}, .heads = {{}}}),
                    "render_attention_svg: nothing to draw: 1 heads, 1 target and 0 source tokens");
  CHECK_THROWS_AS(render_attention_svg({.src_tokens = {"a"}, .tgt_tokens = {"b"}, .heads = {}}), ShapeError);
}
