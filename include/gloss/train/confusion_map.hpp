// A confusion matrix as an SVG picture.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/tensor/tensor.hpp>
#include <gloss/train/picture.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct ConfusionSvgOptions {
  Tensor<std::int64_t> counts;            ///< [classes, classes]: a row for what is true, a column for what was said
  std::vector<std::string> classes = {};  ///< their names; without, their numbers
  std::string title = {};
};

namespace detail {

/// The picture of render_confusion_svg.
template <class = void>
class ConfusionPicture {
 public:
  GLOSS_COLD explicit ConfusionPicture(const ConfusionSvgOptions& options)
      : options_(options), counts_(options.counts.defined() ? options.counts.contiguous() : options.counts) {
    check();
    const double n = static_cast<double>(n_);
    cell_ = (std::min)((std::max)(640 / n, 0.5), 46.0);
    font_ = (std::min)(13.0, 0.7 * cell_);
    has_labels_ = font_ >= 6;
    double longest = 0;
    for (Index i = 0; i < n_ && has_labels_; ++i) {
      labels_.push_back(options.classes.empty() ? std::to_string(i) : options.classes[static_cast<std::size_t>(i)]);
      longest = (std::max)(longest, (std::min)(text_width(labels_.back()), 18.0) * font_);
    }
    left_ = 48 + longest;
    top_ = (options.title.empty() ? 16 : 48) + 18 + 0.75 * longest;
    width_ = (std::max)(left_ + cell_ * n + 92 + 0.4 * longest, 320.0);
    height_ = top_ + cell_ * n + 44;
  }

  GLOSS_COLD std::string draw() {
    open_picture(svg_, width_, height_, "Confusion matrix", options_.title);
    svg_(heat_style());
    svg_("<rect class=\"h0\" x=\"", left_, "\" y=\"", top_, "\" width=\"", side(), "\" height=\"", side(), "\"/>\n");
    for (Index t = 0; t < n_; ++t) draw_row(t);
    for (Index p = 0; p < n_ && has_labels_; ++p) {
      const double x = left_ + cell_ * (static_cast<double>(p) + 0.5) + 2, y = top_ - 8;
      svg_("<text class=\"gt\" style=\"font-size:", font_, "px\" x=\"", x, "\" y=\"", y, "\" transform=\"rotate(-45 ",
           x, " ", y, ")\">", label(p), "</text>\n");
    }
    draw_captions();
    svg_("</svg>\n");
    return std::move(svg_.text);
  }

 private:
  void check() {
    if (!counts_.defined() || counts_.dim() != 2 || counts_.size(0) != counts_.size(1) || counts_.size(0) < 1)
      fail<ShapeError>("render_confusion_svg: counts must be [classes, classes], not ",
                       counts_.defined() ? to_string(counts_.shape()) : std::string("undefined"));
    n_ = counts_.size(0);
    if (!options_.classes.empty() && static_cast<Index>(options_.classes.size()) != n_)
      fail<ShapeError>("render_confusion_svg: ", options_.classes.size(), " names for ", n_, " classes");
  }
  std::int64_t count(Index t, Index p) const { return counts_.data()[t * n_ + p]; }
  double side() const { return cell_ * static_cast<double>(n_); }
  std::string label(Index i) const {
    return has_labels_ ? xml_text(labels_[static_cast<std::size_t>(i)], 24) : std::to_string(i);
  }
  static std::string percent(double part, double whole) {
    return whole > 0 ? short_number(std::round(1000 * part / whole) / 10) + " %" : "-";
  }

  /// A true class: what was said of it, by its share, and which share was right.
  void draw_row(Index t) {
    const double y = top_ + cell_ * static_cast<double>(t), space = cell_ >= 20 ? 2 : cell_ >= 8 ? 1 : 0;
    double all = 0;
    for (Index p = 0; p < n_; ++p) all += static_cast<double>(count(t, p));
    if (has_labels_)
      svg_("<text class=\"gt\" text-anchor=\"end\" style=\"font-size:", font_, "px\" x=\"", left_ - 8, "\" y=\"",
           y + cell_ / 2 + 0.36 * font_, "\">", label(t), "</text><text class=\"gs\" x=\"", left_ + side() + 8,
           "\" y=\"", y + cell_ / 2 + 4, "\">", percent(static_cast<double>(count(t, t)), all), "</text>\n");
    for (Index p = 0; p < n_; ++p) {
      const double here = static_cast<double>(count(t, p)), x = left_ + cell_ * static_cast<double>(p);
      if (count(t, p) == 0) continue;
      const std::string level = heat_level(here / all);
      svg_("<rect class=\"h", level, "\" x=\"", x + space / 2, "\" y=\"", y + space / 2, "\" width=\"", cell_ - space,
           "\" height=\"", cell_ - space, "\"><title>", label(t), " taken for ", label(p), ": ",
           std::to_string(count(t, p)), " of ", short_number(all), " (", percent(here, all), ")</title></rect>");
      const std::string digits = std::to_string(count(t, p));
      const double size = (std::min)(12.5, (cell_ - 4) / (0.62 * static_cast<double>(digits.size())));
      if (size >= 7)
        svg_("<text class=\"k k", level, "\" style=\"font-size:", size, "px\" x=\"", x + cell_ / 2, "\" y=\"",
             y + cell_ / 2 + 0.36 * size, "\" pointer-events=\"none\">", digits, "</text>");
      svg_("\n");
    }
  }

  void draw_captions() {
    double right = 0, all = 0;
    for (Index t = 0; t < n_; ++t)
      for (Index p = 0; p < n_; ++p) {
        all += static_cast<double>(count(t, p));
        if (t == p) right += static_cast<double>(count(t, p));
      }
    const double middle = top_ + side() / 2;
    svg_("<text class=\"gs\" text-anchor=\"middle\" x=\"18\" y=\"", middle, "\" transform=\"rotate(-90 18 ", middle,
         ")\">true</text><text class=\"gs\" x=\"", left_, "\" y=\"", top_ + side() + 22,
         "\">columns: predicted; right: ", percent(right, all), " of ", short_number(all), "</text>\n");
  }

  const ConfusionSvgOptions& options_;
  Tensor<std::int64_t> counts_;
  Index n_ = 0;
  double cell_ = 0, font_ = 0, left_ = 0, top_ = 0, width_ = 0, height_ = 0;
  bool has_labels_ = false;
  std::vector<std::string> labels_;
  SvgWriter svg_;
};

}  // namespace detail

/// An SVG picture, for light and dark screens: the darker a cell, the larger its share of what is truly of the class.
/// Right of each row stands the share that was right.
///   render_confusion_svg({.counts = matrix.result(), .classes = names})
/// Errors: ShapeError when counts are not square, or the names are not as many.
GLOSS_LAZY GLOSS_COLD std::string render_confusion_svg(const ConfusionSvgOptions& options) {
  return detail::ConfusionPicture<>(options).draw();
}

}  // namespace gloss::inline GLOSS_ABI::train
