// Learning curves as an SVG picture.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/train/picture.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// A line of a picture of curves. NaN, infinities and what is beyond 1e150 interrupt it.
struct Curve {
  std::string name;
  std::vector<double> x, y;
  int color = -1;  ///< one of eight, from 0; below 0: that of its place in the list
};

struct CurvesOptions {
  std::vector<Curve> curves;
  std::string title = {};
  std::string x_label = "step";
  std::string y_label = {};
  bool log_y = false;  ///< a logarithmic axis; numbers that are not above 0 interrupt a curve
  double width = 720, height = 340;
};

namespace detail {

/// The picture of render_curves_svg.
template <class = void>
class CurvesPicture {
 public:
  GLOSS_COLD explicit CurvesPicture(const CurvesOptions& options) : options_(options) {
    for (const Curve& c : options.curves)
      if (c.x.size() != c.y.size())
        fail<ShapeError>("render_curves_svg: '", c.name, "' has ", c.x.size(), " x and ", c.y.size(), " y");
    x_.low = y_.low = std::numeric_limits<double>::infinity();
    x_.high = y_.high = -x_.low;
    for (const Curve& c : options.curves)
      for (std::size_t i = 0; i < c.x.size(); ++i)
        if (is_drawn(c, i)) widen(x_, c.x[i]), widen(y_, c.y[i]);
    empty_ = !(x_.low <= x_.high);
    if (empty_) x_ = y_ = Axis{};
    y_.logarithmic = options.log_y && !empty_;
    widen_if_flat(x_);
    widen_if_flat(y_);
    pad_y();
    place();
  }

  GLOSS_COLD std::string draw() {
    open_picture(svg_, options_.width, options_.height, "Curves", options_.title);
    draw_legend();
    draw_axes();
    for (std::size_t i = 0; i < options_.curves.size(); ++i) draw_curve(options_.curves[i], color_of(i));
    if (empty_)
      svg_("<text class=\"gs\" x=\"", (x_.begin + x_.end) / 2, "\" y=\"", (y_.begin + y_.end) / 2,
           "\" text-anchor=\"middle\">no finite numbers</text>\n");
    svg_("</svg>\n");
    return std::move(svg_.text);
  }

 private:
  bool is_drawn(const Curve& c, std::size_t i) const {
    constexpr double most = 1e150;  // and no NaN: so differences and ratios are finite, too
    return std::abs(c.x[i]) <= most && std::abs(c.y[i]) <= most && (!options_.log_y || c.y[i] >= 1 / most);
  }
  static void widen(Axis& axis, double value) {
    axis.low = (std::min)(axis.low, value), axis.high = (std::max)(axis.high, value);
  }
  /// An axis on which all numbers are nearly one has some room around it.
  static void widen_if_flat(Axis& axis) {
    const double size = (std::max)(std::abs(axis.low), std::abs(axis.high));
    if (axis.high - axis.low > 1e-9 * size) return;
    const double room = size > 0 ? 0.1 * size : 1;
    axis.low -= room, axis.high += room;
  }
  /// Some room above and below.
  void pad_y() {
    if (y_.logarithmic) {
      const double share = std::pow(y_.high / y_.low, 0.04);
      y_.low /= share, y_.high *= share;
      return;
    }
    const double room = 0.04 * (y_.high - y_.low);
    const bool from_zero = y_.low >= 0 && y_.low - room < 0;
    y_.low = from_zero ? 0 : y_.low - room, y_.high += room;
  }
  /// The frame of the curves, within labels and legend.
  void place() {
    double labels = 0;
    for (const double tick : y_.ticks(6)) labels = (std::max)(labels, text_width(short_number(tick)) * 11.5);
    x_.begin = 24 + labels + (options_.y_label.empty() ? 0 : 18), x_.end = options_.width - 20;
    double right = 16;
    for (const Curve& c : options_.curves) {
      const double wide = text_width(c.name.substr(0, 60) + last_number(c)) * 13 + 46;
      if (right + wide > options_.width && right > 16) right = 16, legend_rows_ += 1;
      legend_.emplace_back(right, legend_rows_);
      right += wide;
    }
    top_ = options_.title.empty() ? 8 : 36;
    y_.end = top_ + (legend_.empty() ? 8 : 22 * (legend_rows_ + 1) + 8), y_.begin = options_.height - 44;
  }

  int color_of(std::size_t i) const {
    const int chosen = options_.curves[i].color;
    return static_cast<int>((chosen < 0 ? i : static_cast<std::size_t>(chosen)) % series_colors);
  }
  static std::string last_number(const Curve& c) { return c.y.empty() ? "" : "  " + short_number(c.y.back()); }
  void draw_legend() {
    for (std::size_t i = 0; i < legend_.size(); ++i) {
      const double x = legend_[i].first, y = top_ + 22 * legend_[i].second + 14;
      svg_("<path class=\"gc s", color_of(i), "\" d=\"M", x, " ", y - 4, "h18\"/><text class=\"gt\" x=\"", x + 24,
           "\" y=\"", y, "\">", xml_text(options_.curves[i].name, 60), last_number(options_.curves[i]), "</text>\n");
    }
  }
  void draw_axes() {
    for (const double tick : y_.ticks(6)) {
      const double y = y_.place(tick);
      svg_("<path class=\"gl\" d=\"M", x_.begin, " ", y, "H", x_.end, "\"/><text class=\"gs\" text-anchor=\"end\" x=\"",
           x_.begin - 8, "\" y=\"", y + 4, "\">", short_number(tick), "</text>\n");
    }
    for (const double tick : x_.ticks(8)) {
      const double x = x_.place(tick);
      svg_("<path class=\"gl\" d=\"M", x, " ", y_.begin, "v5\"/><text class=\"gs\" text-anchor=\"middle\" x=\"", x,
           "\" y=\"", y_.begin + 18, "\">", short_number(tick), "</text>\n");
    }
    svg_("<text class=\"gs\" text-anchor=\"end\" x=\"", x_.end, "\" y=\"", y_.begin + 36, "\">",
         xml_text(options_.x_label), "</text>\n");
    const double middle = (y_.begin + y_.end) / 2;
    if (!options_.y_label.empty())
      svg_("<text class=\"gs\" text-anchor=\"middle\" x=\"18\" y=\"", middle, "\" transform=\"rotate(-90 18 ", middle,
           ")\">", xml_text(options_.y_label), "</text>\n");
  }

  /// Which points are drawn: where there are more than a screen has columns, the lowest and the highest of each group.
  std::vector<std::size_t> points_of(const Curve& c) const {
    const std::size_t n = c.x.size(), most = 2048, group = (2 * n + most - 1) / most;
    std::vector<std::size_t> points;
    for (std::size_t i = 0; i < n; i += group) {
      if (group <= 2) {
        for (std::size_t k = i; k < (std::min)(i + group, n); ++k) points.push_back(k);
        continue;
      }
      std::size_t low = i, high = i;
      for (std::size_t k = i; k < (std::min)(i + group, n); ++k) {
        if (!(c.y[k] >= c.y[low])) low = k;  // a NaN is kept, too
        if (c.y[k] > c.y[high]) high = k;
      }
      points.push_back((std::min)(low, high));
      if (low != high) points.push_back((std::max)(low, high));
    }
    return points;
  }

  void draw_curve(const Curve& c, int color) {
    const std::vector<std::size_t> points = points_of(c);
    bool joined = false;
    svg_("<path class=\"gc s", color, "\" d=\"");
    for (const std::size_t i : points) {
      if (is_drawn(c, i)) svg_(joined ? "L" : "M", x_.place(c.x[i]), " ", y_.place(c.y[i]));
      joined = is_drawn(c, i);
    }
    svg_("\"><title>", xml_text(c.name), "</title></path>\n");
    for (const std::size_t i : points)
      if (is_drawn(c, i) && points.size() <= 100)
        svg_("<circle class=\"f", color, "\" cx=\"", x_.place(c.x[i]), "\" cy=\"", y_.place(c.y[i]),
             "\" r=\"2.6\"><title>", xml_text(c.name), ", ", xml_text(options_.x_label), " ", short_number(c.x[i]),
             ": ", short_number(c.y[i]), "</title></circle>\n");
  }

  const CurvesOptions& options_;
  Axis x_, y_;
  bool empty_ = false;
  double top_ = 0, legend_rows_ = 0;
  std::vector<std::pair<double, double>> legend_;  // where the texts begin, and in which row
  SvgWriter svg_;
};

}  // namespace detail

/// An SVG picture of curves on common axes, for light and dark screens. The legend has each curve's last number, and
/// points have theirs, where there are few.
/// Errors: ShapeError when a curve has not as many x as y.
GLOSS_LAZY GLOSS_COLD std::string render_curves_svg(const CurvesOptions& options) {
  return detail::CurvesPicture<>(options).draw();
}

}  // namespace gloss::inline GLOSS_ABI::train
