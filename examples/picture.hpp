// A picture in SVG: text, heat maps, curves and arrows, put where the caller says.
#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gloss/train/svg.hpp>

namespace picture {

inline const char* const ink = "#1c2733";
inline const char* const grey = "#7b8794";
inline const char* const colors[] = {"#0f7d8c", "#d9822b", "#6a4c93", "#c2414b", "#4a8f3c"};

/// On a grid of hundredths, a hair above the middle rounding up, so that every processor draws the same picture.
inline double snap(double x) { return std::floor(x * 100 + 0.5 + 1e-5) / 100 + 0.0; }

struct Point {
  double x, y;
};

class Picture {
 public:
  Picture(double width, double height, const std::string& title, const std::string& subtitle) {
    svg_("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", width, "\" height=\"", height, "\" viewBox=\"0 0 ",
         width, " ", height, "\" role=\"img\">\n<title>", gloss::train::xml_text(title), "</title>\n");
    svg_("<style>text{font-family:Inter,'Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif}</style>\n");
    svg_("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    text(28, 42, title, {.size = 19, .bold = true});
    text(28, 64, subtitle, {.size = 13.5, .color = grey});
  }

  struct TextOptions {
    double size = 12;
    const char* color = ink;
    const char* anchor = "start";
    bool bold = false;
    double turn = 0;
  };
  void text(double x, double y, const std::string& words, TextOptions o) {
    x = snap(x), y = snap(y);
    svg_("<text x=\"", x, "\" y=\"", y, "\" font-size=\"", o.size, "\" fill=\"", o.color, "\" text-anchor=\"", o.anchor,
         "\"");
    if (o.bold) svg_(" font-weight=\"600\"");
    if (o.turn != 0) svg_(" transform=\"rotate(", o.turn, " ", x, " ", y, ")\"");
    svg_(">", gloss::train::xml_text(words), "</text>\n");
  }

  void rect(double x, double y, double w, double h, const std::string& fill, double round = 0) {
    svg_("<rect x=\"", snap(x), "\" y=\"", snap(y), "\" width=\"", snap(w), "\" height=\"", snap(h), "\" fill=\"", fill,
         "\"");
    if (round > 0) svg_(" rx=\"", round, "\"");
    svg_("/>\n");
  }

  void line(double x0, double y0, double x1, double y1, const char* color = "#d5dbe1", double width = 1) {
    svg_("<path d=\"M", snap(x0), " ", snap(y0), "L", snap(x1), " ", snap(y1), "\" stroke=\"", color,
         "\" stroke-width=\"", width, "\" fill=\"none\"/>\n");
  }

  void curve(const std::vector<Point>& points, const char* color, double width = 2) {
    svg_("<path d=\"");
    for (std::size_t i = 0; i < points.size(); ++i) svg_(i == 0 ? "M" : "L", snap(points[i].x), " ", snap(points[i].y));
    svg_("\" stroke=\"", color, "\" stroke-width=\"", width, "\" fill=\"none\" stroke-linejoin=\"round\"/>\n");
  }

  void dot(double x, double y, double radius, const char* color) {
    svg_("<circle cx=\"", snap(x), "\" cy=\"", snap(y), "\" r=\"", radius, "\" fill=\"", color, "\"/>\n");
  }
  void ring(double x, double y, double radius) {
    svg_("<circle cx=\"", snap(x), "\" cy=\"", snap(y), "\" r=\"", radius,
         "\" fill=\"#f6f8fa\" stroke=\"#d5dbe1\"/>\n");
  }

  /// From a point, so many pixels long, at an angle from the horizontal, counter-clockwise.
  void arrow(double x, double y, double length, double angle, const char* color, double width = 2.4) {
    const double tip_x = x + length * std::cos(angle), tip_y = y - length * std::sin(angle);
    line(x, y, x + (length - 6) * std::cos(angle), y - (length - 6) * std::sin(angle), color, width);
    svg_("<path d=\"M", snap(tip_x), " ", snap(tip_y));
    for (const double side : {2.7, -2.7})
      svg_("L", snap(tip_x + 10 * std::cos(angle + side)), " ", snap(tip_y - 10 * std::sin(angle + side)));
    svg_("Z\" fill=\"", color, "\"/>\n");
  }

  /// Cells of a colour each; value(row, column) is from 0 to 1. Equal neighbours in a column are one piece.
  template <class Value>
  void heat(double x, double y, double cell_w, double cell_h, int rows, int columns, Value value) {
    constexpr int top = 48;
    std::vector<gloss::train::SvgWriter> levels(top + 1);
    const auto level = [&](int r, int c) {
      return std::clamp(static_cast<int>(std::floor(value(r, c) * top + 0.5 + 1e-6)), 0, top);
    };
    for (int c = 0; c < columns; ++c)
      for (int r = 0; r < rows;) {
        const int l = level(r, c), begin = r;
        while (r < rows && level(r, c) == l) ++r;
        levels[static_cast<std::size_t>(l)]("M", cell_w * c, " ", cell_h * begin, "h", cell_w, "v",
                                            cell_h * (r - begin), "h", -cell_w, "z");
      }
    svg_("<g transform=\"translate(", x, " ", y, ")\" shape-rendering=\"crispEdges\">\n");
    for (int l = 0; l <= top; ++l)
      if (const std::string& d = levels[static_cast<std::size_t>(l)].text; !d.empty())
        svg_("<path fill=\"", gloss::train::heat_color(static_cast<double>(l) / top), "\" d=\"", d, "\"/>\n");
    svg_("</g>\n");
  }

  /// One cell with a number in it, dark on light and light on dark.
  void cell(double x, double y, double size, double value, const std::string& words) {
    rect(x + 1, y + 1, size - 2, size - 2, gloss::train::heat_color(value), 3);
    text(x + size / 2, y + size / 2 + size * 0.15, words,
         {.size = size * 0.42, .color = value > 0.42 ? "#ffffff" : ink, .anchor = "middle"});
  }

  /// The colour scale, upright, with a word at each end.
  void scale(double x, double y, double height, const std::string& low, const std::string& high) {
    constexpr int steps = 24;
    for (int i = 0; i < steps; ++i)
      rect(x, y + height * (steps - 1 - i) / steps, 10, height / steps + 0.5,
           gloss::train::heat_color(static_cast<double>(i) / (steps - 1)));
    text(x + 16, y + 10, high, {.size = 11.5, .color = grey});
    text(x + 16, y + height, low, {.size = 11.5, .color = grey});
  }

  void save(const std::string& path) {
    svg_("</svg>\n");
    std::ofstream out(path, std::ios::binary);
    if (!(out << svg_.text)) throw std::runtime_error("cannot write " + path);
  }

 private:
  gloss::train::SvgWriter svg_;
};

}  // namespace picture
