// The pieces of SVG pictures.
#include <gloss/train/svg.hpp>

#include "support/catch.hpp"

using namespace gloss::train;

TEST_CASE("svg: text is safe whatever bytes it holds, and cut at so many characters") {
  CHECK(xml_text("a<b & \"c\">") == "a&lt;b &amp; &quot;c&quot;&gt;");
  CHECK(xml_text("größe") == "größe");
  CHECK(xml_text("\n\x7f\xff") == "\xE2\x90\x8A\xE2\x90\xA1\\xFF");
  CHECK(xml_text("größe", 3) == "grö\xE2\x80\xA6");
  CHECK(xml_text("größe", 5) == "größe");
}

TEST_CASE("svg: widths of texts add up") {
  CHECK(text_width("") == 0);
  CHECK(text_width("mW") == Approx(1.96));
  CHECK(text_width("ilA") == Approx(0.38 + 0.38 + 0.74));
  CHECK(text_width("字\xff") == Approx(1.05 + 2.4));
}

TEST_CASE("svg: numbers have no more digits than they need, and colours go from paper to night") {
  SvgWriter svg;
  svg("<g x='", 1.50, "' y='", 2.0, "' n='", 3, "'/>");
  CHECK(svg.text == "<g x='1.5' y='2' n='3'/>");
  CHECK(heat_color(0) != heat_color(1));
  CHECK(heat_color(0.5).size() == 7);
}

TEST_CASE("svg: on dark paper more is lighter") {
  const auto green = [](double t) { return std::stoi(heat_color(t, true).substr(3, 2), nullptr, 16); };
  for (int i = 1; i <= 20; ++i) CHECK(green(i / 20.0) > green((i - 1) / 20.0));
  CHECK(green(0) < 50);
  CHECK(green(1) > 190);
}
