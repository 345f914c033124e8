// Curves: of events that were kept, as pictures.
#include <cmath>
#include <functional>
#include <limits>

#include <gloss/core/rng.hpp>
#include <gloss/train/curves.hpp>
#include <gloss/train/history.hpp>
#include <gloss/train/picture.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/xml.hpp"

using namespace gloss;
using gloss_test::count;
using gloss_test::is_well_formed;
using train::render_curves_svg;

namespace {
const double inf = std::numeric_limits<double>::infinity(), no_number = std::nan("");
}

TEST_CASE("render_curves_svg: a path for each curve, a place for each point, a legend with the last numbers") {
  const std::string svg =
      render_curves_svg({.curves = {{"train", {0, 50, 100}, {1, 0.5, 0.25}}, {"validation", {50, 100}, {0.75, 0.5}}},
                         .title = "loss",
                         .y_label = "nats"});
  CHECK(is_well_formed(svg));
  CHECK(count(svg, "<circle") == 5);
  CHECK(svg.find("<title>train, step 50: 0.5</title>") != std::string::npos);
  CHECK(svg.find(">train  0.25</text>") != std::string::npos);
  CHECK(svg.find(">validation  0.5</text>") != std::string::npos);
  CHECK(svg.find(">nats</text>") != std::string::npos);
  CHECK(count(svg, "class=\"gc s1\"") == 2);  // in the legend, too
  CHECK(count(render_curves_svg({.curves = {{"a", {0}, {0}, 9}}}), "class=\"gc s1\"") == 2);
  CHECK(svg.find("prefers-color-scheme:dark") != std::string::npos);
  for (const char* tick : {">0</text>", ">0.4</text>", ">1</text>", ">20</text>", ">100</text>"})
    CHECK(svg.find(tick) != std::string::npos);
}

TEST_CASE("render_curves_svg: points stand where the axes say") {
  train::detail::Axis x{.low = 0, .high = 10, .begin = 100, .end = 300};
  CHECK(x.place(0) == 100);
  CHECK(x.place(5) == 200);
  CHECK(x.ticks(5) == std::vector<double>{0, 2, 4, 6, 8, 10});
  train::detail::Axis y{.low = 1e-3, .high = 10, .begin = 200, .end = 0, .logarithmic = true};
  CHECK(y.place(0.1) == Approx(100));
  const std::vector<double> powers = y.ticks(6);
  REQUIRE(powers.size() == 5);
  CHECK(powers[0] == Approx(1e-3));
  CHECK(powers[4] == Approx(10));
  const std::vector<double> narrow = train::detail::Axis{.low = 2, .high = 5, .logarithmic = true}.ticks(4);
  CHECK(narrow == std::vector<double>{2, 3, 4, 5});
  CHECK(train::detail::round_ticks(-1, 1, 4) == std::vector<double>{-1, -0.5, 0, 0.5, 1});
  CHECK(train::detail::round_ticks(0.97, 1.03, 4).size() == 3);
}

TEST_CASE("render_curves_svg: NaN, infinities and what a logarithm cannot show interrupt a curve") {
  const auto path = [](const std::string& svg) {
    const std::size_t end = svg.find("<title>c</title></path>");
    return svg.substr(svg.rfind("<path", end), end - svg.rfind("<path", end));
  };
  CHECK(count(path(render_curves_svg({.curves = {{"c", {1, 2, 3, 4, 5}, {1, 2, no_number, 1, 2}}}})), "M") == 2);
  CHECK(count(path(render_curves_svg({.curves = {{"c", {1, 2, 3, 4}, {1, 0, 1, 2}}}, .log_y = true})), "M") == 2);
  CHECK(count(path(render_curves_svg({.curves = {{"c", {1, 2, 3, 4}, {1, inf, 1, 2}}}})), "L") == 1);
  for (const bool log_y : {false, true}) {
    const std::string none = render_curves_svg({.curves = {{"c", {1, 2}, {no_number, -inf}}}, .log_y = log_y});
    CHECK(is_well_formed(none));
    CHECK(none.find("no finite numbers") != std::string::npos);
  }
  CHECK(is_well_formed(render_curves_svg({.curves = {}})));
  CHECK(is_well_formed(render_curves_svg({.curves = {{"empty", {}, {}}}})));
}

TEST_CASE("render_curves_svg: many points are thinned, the lowest and highest of them shown") {
  train::Curve c{.name = "c", .x = {}, .y = {}};
  for (int i = 0; i < 200000; ++i) c.x.push_back(i), c.y.push_back(i == 123456 ? 50 : i == 77777 ? -50 : 0);
  const std::string svg = render_curves_svg({.curves = {c}});
  CHECK(svg.size() < 60000);
  CHECK(count(svg, "L") > 1000);
  std::vector<double> heights;
  for (std::size_t at = svg.find('L'); at != std::string::npos; at = svg.find('L', at + 1))
    if (const std::size_t blank = svg.find(' ', at); svg[at + 1] >= '0' && svg[at + 1] <= '9')
      heights.push_back(std::stod(svg.substr(blank)));
  const auto [highest, lowest] = std::minmax_element(heights.begin(), heights.end());
  CHECK(*lowest - *highest > 200);
}

TEST_CASE("render_curves_svg: any names and numbers make a well-formed picture") {
  Rng rng(4);
  const double odd[] = {0, 1, -1, 1e300, -1e300, 1e-300, inf, -inf, no_number, 0.1, 5e-324, 1.7976931348623157e308};
  for (int i = 0; i < 300; ++i) {
    train::CurvesOptions options;
    const auto text = [&] {
      std::string bytes;
      for (std::uint32_t n = rng.below(90); n > 0; --n)
        bytes += rng.below(3) ? static_cast<char>(rng.below(256)) : "<>&\"' \n\x01"[rng.below(8)];
      return bytes;
    };
    options.title = text(), options.x_label = text(), options.y_label = text();
    options.log_y = rng.below(2) == 1;
    for (std::uint32_t n = rng.below(12); n > 0; --n) {
      options.curves.push_back({.name = text(), .x = {}, .y = {}});
      for (std::uint32_t k = rng.below(6); k > 0; --k) {
        options.curves.back().x.push_back(odd[rng.below(12)]);
        options.curves.back().y.push_back(odd[rng.below(12)]);
      }
    }
    const std::string svg = render_curves_svg(options);
    if (!is_well_formed(svg)) FAIL(svg);
    CHECK(svg.size() < 200000);
  }
}

TEST_CASE("render_curves_svg: wrong sizes are named") {
  CHECK_ERROR(render_curves_svg({.curves = {{"loss", {1, 2}, {1}}}}), ShapeError,
              "render_curves_svg: 'loss' has 2 x and 1 y");
}

TEST_CASE("History: keeps every value by its name and phase") {
  train::History history;
  const train::Logger logger = std::ref(history);
  for (Index step = 1; step <= 4; ++step)
    logger({.phase = "train", .step = step, .values = {{"loss", 1.0 / static_cast<double>(step)}, {"lr", 0.1}}});
  logger({.phase = "validation", .step = 4, .values = {{"loss", 0.5}, {"accuracy", 0.75}}});
  CHECK(history.names() == std::vector<std::string>{"loss", "lr", "accuracy"});
  const auto curves = history.curves("loss");
  REQUIRE(curves.size() == 2);
  CHECK(curves[0].name == "train");
  CHECK(curves[0].x == std::vector<double>{1, 2, 3, 4});
  CHECK(curves[0].y == std::vector<double>{1, 0.5, 1.0 / 3, 0.25});
  CHECK(curves[1].name == "validation");
  CHECK(curves[0].color == 0);
  CHECK(history.curves("accuracy")[0].color == 1);  // as in the picture of the loss
  CHECK(history.curves("none").empty());
  const auto record = history.records()[0];
  CHECK(record.name == "loss");
  CHECK(record.last == 0.25);
  CHECK(record.least_step == 4);
  CHECK(record.greatest == 1);
  CHECK(record.greatest_step == 1);
}

TEST_CASE("History: does not grow with the training, and keeps the extremes") {
  train::History history(100);
  for (Index step = 1; step <= 1000000; ++step)
    history({.phase = "train", .step = step, .values = {{"loss", step == 4321 ? -7.0 : 2.0}}});
  const train::Curve c = history.curves("loss")[0];
  CHECK(c.x.size() <= 101);
  CHECK(c.x.size() >= 50);
  for (std::size_t i = 1; i < c.x.size(); ++i) CHECK(c.x[i] > c.x[i - 1]);
  CHECK(c.x.front() > 1);
  CHECK(c.x.back() <= 1000000);
  CHECK(c.y.back() == 2);
  CHECK(history.records()[0].least == -7);
  CHECK(history.records()[0].least_step == 4321);
}

TEST_CASE("History: a first NaN is no extreme") {
  train::History history;
  for (const double value : {no_number, 2.0, no_number, 1.0})
    history({.phase = "train", .step = 1, .values = {{"loss", value}}});
  CHECK(history.records()[0].least == 1);
  CHECK(history.records()[0].greatest == 2);
}
