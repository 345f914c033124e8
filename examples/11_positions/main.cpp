// From the index to rotary: what each way of telling positions lacks and what the next one mends, in numbers and
// pictures. docs/positions.md tells the story; the pictures there are those that this program draws.
//   example_11_positions FOLDER    writes them there; without a folder, only the numbers are printed
#include <cmath>
#include <cstdio>
#include <gloss/gloss.hpp>
#include <gloss/iostream.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "../picture.hpp"

using namespace gloss;
using namespace picture;
using std::cout;

namespace {

using D = Tensor<double>;

std::string number(double x, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}
/// The power of ten that x does not pass: the exact digits differ between processors.
std::string at_most(double x) { return "at most 1e" + number(std::ceil(std::log10(x)), 0); }
double largest(const D& x) { return amax(abs(x)).item(); }

void index_and_interval(const std::string& to) {
  cout << "step between neighbours in [0, 1]: of 4 words "
       << number(nn::unit_interval_positions<double>(4).at({1, 0}), 3) << ", of 16 words "
       << number(nn::unit_interval_positions<double>(16).at({1, 0}), 3) << "\n";
  if (to.empty()) return;
  Picture p(860, 330, "The position itself, and the position in [0, 1]",
            "One grows out of the words' range; in the other, the same distance is not the same number");
  const double x0 = 64, y0 = 290, w = 300, h = 190;
  p.rect(x0, y0 - h * 1.5 / 20 - 4, w, h * 1.5 / 20 + 4, "#e3f0f0");
  p.text(x0 + w - 6, y0 - 24, "size of the words", {.size = 11.5, .color = grey, .anchor = "end"});
  p.line(x0, y0, x0 + w, y0), p.line(x0, y0, x0, y0 - h);
  const D index = nn::index_positions<double>(21);
  for (int i = 0; i <= 20; ++i) p.dot(x0 + w * i / 20.0, y0 - h * index.at({i, 0}) / 20, 4, colors[0]);
  for (int i = 0; i <= 20; i += 10) {
    p.text(x0 + w * i / 20.0, y0 + 18, std::to_string(i), {.color = grey, .anchor = "middle"});
    p.text(x0 - 10, y0 - h * i / 20.0 + 4, std::to_string(i), {.color = grey, .anchor = "end"});
  }
  const double x1 = 500, w1 = 310;
  std::vector<Point> second;
  int row = 0;
  for (const int n : {4, 6, 10, 16}) {
    const double y = 120 + 48.0 * row++;
    const D unit = nn::unit_interval_positions<double>(n);
    p.line(x1, y, x1 + w1, y);
    p.text(x1 - 14, y + 4, std::to_string(n) + " words", {.color = grey, .anchor = "end"});
    for (int i = 0; i < n; ++i) p.dot(x1 + w1 * unit.at({i, 0}), y, 4, colors[0]);
    second.push_back({x1 + w1 * unit.at({1, 0}), y});
  }
  p.curve(second, colors[1], 1.5);
  for (const Point& s : second) p.dot(s.x, s.y, 5.5, colors[1]);
  p.text(x1, 290, "0", {.color = grey, .anchor = "middle"}),
      p.text(x1 + w1, 290, "1", {.color = grey, .anchor = "middle"});
  p.text(x1 + 96, 290, "the second word of each", {.color = colors[1]});
  p.save(to + "/index.svg");
}

void binary(const std::string& to) {
  const D digits = nn::binary_positions<double>(16, 4);
  cout << "position 6 in binary digits, the fastest first: " << digits[6] << "\n";
  if (to.empty()) return;
  Picture p(760, 290, "Binary digits",
            "Bounded, and the same for every length: each row changes half as often as the one above");
  for (int i = 0; i < 4; ++i) {
    p.text(92, 125 + 40 * i, "digit " + std::to_string(i), {.color = grey, .anchor = "end"});
    for (int pos = 0; pos < 16; ++pos)
      p.cell(104 + 38.0 * pos, 101 + 40.0 * i, 38, 0.06 + 0.62 * digits.at({pos, i}), number(digits.at({pos, i}), 0));
  }
  for (int pos = 0; pos < 16; ++pos)
    p.text(123 + 38.0 * pos, 278, std::to_string(pos), {.color = grey, .anchor = "middle"});
  p.save(to + "/binary.svg");
}

void periodic(const std::string& to) {
  // With d = 2 and ratio 2 the waves meet again after 4 pi positions, 12.566: 7 turns are 88 positions, almost.
  const D two = nn::periodic_positions<double>(89, 2), far = nn::periodic_positions<double>(89, 2, {.ratio = 100});
  cout << "positions 1 and 89 with waves of ratio 2 differ by "
       << number(largest(two[1] - nn::periodic_positions<double>(90, 2)[89]), 3) << ", with ratio 100 by "
       << number(largest(far[1] - nn::periodic_positions<double>(90, 2, {.ratio = 100})[89]), 3) << "\n";
  if (to.empty()) return;
  Picture p(900, 390, "Waves in place of digits",
            "Continuous, but with ratio 2 the encoding runs in a loop and visits the same points again");
  const D table = nn::periodic_positions<double>(33, 4);
  for (int i = 0; i < 4; ++i) {
    const double y = 122 + 68.0 * i, x = 116, w = 330;
    p.text(x - 12, y + 4, "sin(p / " + std::to_string(1 << i) + ")", {.color = grey, .anchor = "end"});
    p.line(x, y, x + w, y);
    std::vector<Point> wave;
    for (int k = 0; k <= 32 * 8; ++k) wave.push_back({x + w * k / 256.0, y - 24 * std::sin(k / 8.0 / (1 << i))});
    p.curve(wave, colors[i], 1.8);
    for (int pos = 0; pos <= 32; ++pos) p.dot(x + w * pos / 32.0, y - 24 * table.at({pos, i}), 2.4, colors[i]);
  }
  p.text(116, 376, "position 0", {.color = grey}), p.text(446, 376, "32", {.color = grey, .anchor = "end"});
  const auto path = [&](double x, double ratio, const std::string& words) {
    std::vector<Point> points;
    for (int k = 0; k <= 1200; ++k)
      points.push_back({x + 90 * std::sin(k / 20.0), 226 - 90 * std::sin(k / 20.0 / ratio)});
    p.rect(x - 96, 130, 192, 192, "#f6f8fa", 6);
    p.curve(points, colors[0], 1.3);
    const D stops = nn::periodic_positions<double>(61, 2, {.ratio = ratio});
    for (int pos = 0; pos <= 60; ++pos)
      p.dot(x + 90 * stops.at({pos, 0}), 226 - 90 * stops.at({pos, 1}), 2.2, colors[1]);
    p.text(x, 346, words, {.color = grey, .anchor = "middle"});
  };
  path(574, 2, "ratio 2: a loop");
  path(788, 100, "ratio 100: no loop");
  p.text(681, 120, "(sin p, sin(p / ratio)), positions 0 to 60", {.color = grey, .anchor = "middle"});
  p.save(to + "/periodic.svg");
}

void sinusoidal(const std::string& to) {
  // PE(pos + d) = T_d PE(pos): one matrix for each shift, whatever the position.
  const Index n = 3000, d_model = 512;
  const D pe = nn::sinusoidal_positions<double>(n, d_model);
  const Tensor<float> pe_float = nn::sinusoidal_positions<float>(n, d_model);
  for (const Index d : {1, 10, 1000}) {
    const D shift = nn::sinusoidal_shift<double>(d_model, static_cast<double>(d));
    const D predicted = matmul(pe.narrow(0, 0, n - d), shift.mT());  // rows are vectors: x T^t is T x
    const Tensor<float> in_float = matmul(pe_float.narrow(0, 0, n - d), cast<float>(shift).mT());
    cout << "PE(pos + " << d << ") - T PE(pos), " << n - d
         << " positions: " << at_most(largest(predicted - pe.narrow(0, d, n - d))) << " in double, "
         << at_most(largest(cast<double>(in_float - pe_float.narrow(0, d, n - d)))) << " in float\n";
  }
  cout << "PE(pos) . PE(pos + d) / 256 for d = 0, 1, 2, 5, 20, 100:";
  for (const Index d : {0, 1, 2, 5, 20, 100}) cout << " " << number(sum(pe[700] * pe[700 + d]).item() / 256, 3);
  cout << "\n  and at another position:                        ";
  for (const Index d : {0, 1, 2, 5, 20, 100}) cout << " " << number(sum(pe[31] * pe[31 + d]).item() / 256, 3);
  cout << "\n";
  if (to.empty()) return;

  const D table = nn::sinusoidal_positions<double>(50, 128);
  Picture p(880, 430, "Sines and cosines",
            "50 positions, d_model = 128: fast waves on the left, hardly moving ones on the right");
  p.heat(64, 92, 6, 6, 50, 128, [&](int pos, int i) { return (table.at({pos, i}) + 1) / 2; });
  for (int pos = 0; pos <= 40; pos += 10)
    p.text(54, 100 + 6.0 * pos, std::to_string(pos), {.color = grey, .anchor = "end"});
  for (int i = 0; i < 128; i += 16) p.text(67 + 6.0 * i, 408, std::to_string(i), {.color = grey, .anchor = "middle"});
  p.scale(842, 92, 300, "-1", "1");
  p.save(to + "/sinusoidal.svg");

  Picture turn(860, 348, "A shift is a rotation",
               "From teal to orange, four positions on: each pair (sin, cos) of d_model = 16 turns by its own angle, "
               "wherever it starts");
  const D small = nn::sinusoidal_positions<double>(20, 16);
  int line = 0;
  for (const int start : {2, 9}) {
    turn.text(64, 144 + 118.0 * line, std::to_string(start) + " to " + std::to_string(start + 4),
              {.color = grey, .anchor = "middle"});
    for (int pair = 0; pair < 5; ++pair) {
      const double x = 166 + 144.0 * pair, y = 140 + 118.0 * line;
      turn.ring(x, y, 50);
      for (const int pos : {start, start + 4})
        turn.arrow(x, y, 46, std::atan2(small.at({pos, 2 * pair}), small.at({pos, 2 * pair + 1})),
                   pos == start ? colors[0] : colors[1]);
      if (line == 1)
        turn.text(x, 330, "by " + number(4 * std::pow(10000, -2 * pair / 16.0), 3),
                  {.color = grey, .anchor = "middle"});
    }
    ++line;
  }
  turn.save(to + "/shift.svg");

  Picture curves(
      860, 360, "What two positions have in common",
      "PE(p) . PE(p + d) / (d_model / 2) against the distance d: the same at every p, the same to both sides");
  const double x0 = 70, w = 720, y0 = 300, h = 190;
  for (const double v : {0.0, 0.5, 1.0}) {
    curves.line(x0, y0 - h * v, x0 + w, y0 - h * v);
    curves.text(x0 - 10, y0 - h * v + 4, number(v, 1), {.color = grey, .anchor = "end"});
  }
  int shade = 0;
  for (const Index width : {16, 64, 512}) {
    const D rows = nn::sinusoidal_positions<double>(241, width);
    const D products = matmul(rows, rows[120].unsqueeze(1)) / (static_cast<double>(width) / 2);
    std::vector<Point> points;
    for (int k = 0; k <= 240; ++k) points.push_back({x0 + w * k / 240.0, y0 - h * products.at({k, 0})});
    curves.curve(points, colors[shade], 1.8);
    curves.text(x0 + w - 96, 116 + 18.0 * shade, "d_model " + std::to_string(width), {.color = colors[shade]});
    ++shade;
  }
  for (const int d : {-120, -60, 0, 60, 120})
    curves.text(x0 + w * (d + 120) / 240.0, 340, std::to_string(d), {.color = grey, .anchor = "middle"});
  curves.save(to + "/products.svg");
}

void pixels(const std::string& to) {
  // Two images of a batch: one fills it, the other is padded at the right and below.
  const Index side = 24;
  Tensor<bool> mask = zeros<bool>({2, side, side});
  mask.select(0, 1).narrow(0, 15, 9).fill_(true);
  mask.select(0, 1).narrow(1, 18, 6).fill_(true);
  const D plain = nn::PositionEmbeddingSine<double>(4)(mask);
  const D normal = nn::PositionEmbeddingSine<double>(4, {.normalize = true})(mask);
  cout << "DETR, the last row of each image in a slow channel: " << number(plain.at({0, 2, 23, 0}), 3) << " and "
       << number(plain.at({1, 2, 14, 0}), 3) << "; normalised " << number(normal.at({0, 2, 23, 0}), 3) << " and "
       << number(normal.at({1, 2, 14, 0}), 3) << "\n";
  if (to.empty()) return;
  Picture p(900, 456, "Pixels, with padding",
            "DETR's first channel of rows and of columns, for two images of a batch: as counted, and normalised to 2 "
            "pi; grey is padding");
  const char* names[] = {"the image", "rows", "columns", "rows, normalised", "columns, normalised"};
  for (int image = 0; image < 2; ++image)
    for (int map = 0; map < 5; ++map) {
      const double x = 40 + 168.0 * map, y = 112 + 176.0 * image;
      if (image == 0) p.text(x, 102, names[map], {.color = grey});
      const D& from = map < 3 ? plain : normal;
      const Index channel = map % 2 == 1 ? 0 : 4;
      p.heat(x, y, 6, 6, 24, 24, [&](int r, int c) {
        return map == 0 ? 0.03 : (from.at({image, channel, r, c}) + 1) / 2;
      });
      if (image == 1) p.rect(x + 6 * 18, y, 6 * 6, 6 * 24, "#e3e7eb"), p.rect(x, y + 6 * 15, 6 * 24, 6 * 9, "#e3e7eb");
    }
  p.save(to + "/pixels.svg");
}

void swin(const std::string& to) {
  const Tensor<std::int64_t> index = nn::swin_position_index(2, 3);
  cout << "Swin's index of a window of 2 x 3:\n" << index << "\n";
  if (to.empty()) return;
  Picture p(900, 440, "Swin: a number for each offset within a window",
            "Left, the row of the table for each pair of pixels of a 3 x 3 window; right, what pixels of a 7 x 7 "
            "window see in one table");
  const Tensor<std::int64_t> window = nn::swin_position_index(3, 3);
  for (int i = 0; i < 9; ++i) {
    p.text(54, 124 + 34.0 * i, std::to_string(i), {.color = grey, .anchor = "end"});
    p.text(81 + 34.0 * i, 424, std::to_string(i), {.color = grey, .anchor = "middle"});
    for (int j = 0; j < 9; ++j)
      p.cell(64 + 34.0 * j, 102 + 34.0 * i, 34, 0.04 + 0.8 * static_cast<double>(window.at({i, j})) / 24,
             std::to_string(window.at({i, j})));
  }
  nn::SwinPositionBias<double> layer(7, 7, 1);
  for (int row = 0; row < 13; ++row)  // a table that prefers what is near, and what lies in the same row
    for (int column = 0; column < 13; ++column) {
      const double dy = row - 6, dx = column - 6;
      layer.relative_position_bias_table.detach().at({row * 13 + column, 0}) =
          2 * std::exp(-(dy * dy / 3 + dx * dx / 14));
    }
  const D bias = layer().detach();
  int map = 0;
  for (const int pixel : {0, 10, 24, 41}) {
    const double x = 470 + 210.0 * (map % 2), y = 108 + 166.0 * (map / 2);
    p.heat(x, y, 19, 19, 7, 7, [&](int r, int c) { return bias.at({0, pixel, r * 7 + c}) / 2; });
    p.dot(x + 19 * (pixel % 7) + 9.5, y + 19 * (pixel / 7) + 9.5, 4, colors[1]);
    ++map;
  }
  p.text(470, 424, "the dot is the pixel that looks", {.color = colors[1]});
  p.save(to + "/swin.svg");
}

void t5(const std::string& to) {
  cout << "T5's buckets of distances 0, 1, 7, 8, 12, 16, 64, 200 behind: "
       << nn::t5_buckets({0, -1, -7, -8, -12, -16, -64, -200}) << "\n";
  if (to.empty()) return;
  Picture p(900, 400, "T5: a number for each range of distances",
            "32 buckets for both directions: near ones have one each, far ones share, in geometric steps up to 128");
  const double x0 = 66, w = 430, y0 = 350, h = 240;
  for (const int b : {0, 8, 16, 24, 31}) {
    p.line(x0, y0 - h * b / 31, x0 + w, y0 - h * b / 31);
    p.text(x0 - 10, y0 - h * b / 31 + 4, std::to_string(b), {.color = grey, .anchor = "end"});
  }
  const Tensor<std::int64_t> bucket = nn::t5_buckets(arange<std::int64_t>(-160, 161));
  for (const bool behind : {true, false}) {
    std::vector<Point> steps;
    for (int d = behind ? -160 : 1; d <= (behind ? 0 : 160); ++d) {
      const double y = y0 - h * static_cast<double>(bucket.at({d + 160})) / 31;
      steps.push_back({x0 + w * (d + 159.5) / 321, y});
      steps.push_back({x0 + w * (d + 160.5) / 321, y});
    }
    p.curve(steps, colors[behind ? 0 : 1], 2);
  }
  for (const int d : {-128, -64, 0, 64, 128})
    p.text(x0 + w * (d + 160) / 321.0, 376, std::to_string(d), {.color = grey, .anchor = "middle"});
  p.text(x0 + 20, 278, "keys before the query", {.color = colors[0]});
  p.text(x0 + w - 20, 146, "keys after it", {.color = colors[1], .anchor = "end"});
  const D grid =
      cast<double>(nn::t5_buckets(arange<std::int64_t>(40).unsqueeze(0) - arange<std::int64_t>(40).unsqueeze(1)));
  p.heat(570, 106, 6, 6, 40, 40, [&](int i, int j) { return grid.at({i, j}) / 31; });
  p.text(570, 368, "keys 0 to 39", {.color = grey}), p.text(560, 346, "queries 0 to 39", {.color = grey, .turn = -90});
  p.scale(828, 106, 240, "0", "31");
  p.save(to + "/t5.svg");
}

void alibi(const std::string& to) {
  cout << "ALiBi's slopes for 8 heads: " << nn::alibi_slopes<double>(8).slice(0, 0, 4)
       << " ..., for 6: " << nn::alibi_slopes<double>(6) << "\n";
  if (to.empty()) return;
  Picture p(
      900, 330, "ALiBi: a slope for each head",
      "What the bias multiplies a weight by, exp(-slope distance), for heads 1, 3, 5 and 8 of 8 under a causal mask");
  const D bias = nn::alibi_bias<double>(8, 20, 20);
  int map = 0;
  for (const int head : {0, 2, 4, 7}) {
    const double x = 34 + 204.0 * map++;
    p.text(x, 106, "slope 1/" + std::to_string(1 << (head + 1)), {.color = grey});
    p.heat(x, 116, 9, 9, 20, 20, [&](int i, int j) { return j > i ? 0 : std::exp(bias.at({head, i, j})); });
  }
  p.scale(848, 116, 180, "0", "1");
  p.save(to + "/alibi.svg");
}

void rotary_positions(const std::string& to) {
  manual_seed(3);
  const D q = randn<double>({1, 64}), k = randn<double>({1, 64});
  const nn::RotaryEmbedding<double> rope(64, 1024);
  const D queries = rope(q.expand({200, 64})), keys = rope(k.expand({200, 64}));
  const D scores = matmul(queries, keys.mT());
  cout << "rotary, score of a query with a key 5 before it, at 10 and at 190: " << number(scores.at({10, 5}), 4) << " "
       << number(scores.at({190, 185}), 4) << "; largest difference along diagonals "
       << at_most(largest(scores.narrow(0, 0, 199).narrow(1, 0, 199) - scores.narrow(0, 1, 199).narrow(1, 1, 199)))
       << "\n";
  if (to.empty()) return;
  Picture p(900, 400, "Rotary: queries and keys turn with their position",
            "Left, pairs of one vector at positions 0 to 5; right, scores of one query and one key at all positions: "
            "equal along diagonals");
  const D one = Tensor<double>{{1, 0, 1, 0, 1, 0, 1, 0}};
  const D turned = nn::RotaryEmbedding<double>(8, 6, {.base = 100, .interleaved = true})(one.expand({6, 8}));
  for (int pair = 0; pair < 4; ++pair) {
    const double x = 128 + 190.0 * (pair % 2), y = 166 + 148.0 * (pair / 2);
    p.ring(x, y, 60);
    for (int pos = 5; pos >= 0; --pos)
      p.arrow(x, y, 56, std::atan2(turned.at({pos, 2 * pair + 1}), turned.at({pos, 2 * pair})),
              pos == 0 ? colors[1] : colors[0], 1 + 0.3 * (5 - pos));
    p.text(x + 66, y + 54, number(std::pow(100, -pair / 4.0), 2), {.size = 11.5, .color = grey});
  }
  p.text(60, 388, "angle of one step beside each; orange is position 0", {.color = grey});
  const D shown = scores.narrow(0, 0, 38).narrow(1, 0, 38);
  const double low = amin(shown).item(), high = amax(shown).item();
  p.heat(530, 100, 7, 7, 38, 38, [&](int i, int j) { return (scores.at({i, j}) - low) / (high - low); });
  p.text(530, 388, "position of the key", {.color = grey}),
      p.text(520, 366, "position of the query", {.color = grey, .turn = -90});
  p.scale(816, 100, 266, "low", "high");
  p.save(to + "/rotary.svg");
}

void transformer_xl(const std::string& to) {
  const D distances = D{5, 4, 3, 2, 1, 0}.expand({3, 6});
  const D moved = relative_shift(distances);
  cout << "relative_shift, three queries at the end of six positions; each number is its distance:\n" << moved << "\n";
  if (to.empty()) return;
  Picture p(
      900, 300, "Transformer-XL's shift",
      "Scores by distance, a column of zeros before them, and the same numbers read in rows of six from the fourth on");
  const auto grid = [&](double x, const std::string& name, int columns, auto value) {
    p.text(x, 112, name, {.color = grey});
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < columns; ++j) {
        const double v = value(i, j);
        const bool hidden = v < 0;
        if (hidden)
          p.rect(x + 38 * j + 1, 123 + 38 * i + 1, 36, 36, "#eef1f4", 3);
        else
          p.cell(x + 38 * j, 122 + 38 * i, 38, 0.78 - 0.12 * v, number(v, 0));
      }
  };
  grid(40, "score of distance", 6, [&](int i, int j) { return distances.at({i, j}); });
  grid(306, "padded", 7, [&](int i, int j) { return j == 0 ? -1.0 : distances.at({i, j - 1}); });
  grid(610, "score of key 0 to 5", 6, [&](int i, int j) { return j > i + 3 ? -1.0 : moved.at({i, j}); });
  p.text(838, 262, "grey, in the middle: zeros; here: what a causal mask hides", {.color = grey, .anchor = "end"});
  p.save(to + "/relative_shift.svg");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string to = argc > 1 ? argv[1] : "";
  index_and_interval(to);
  binary(to);
  periodic(to);
  sinusoidal(to);
  pixels(to);
  swin(to);
  t5(to);
  alibi(to);
  rotary_positions(to);
  transformer_xl(to);
}
