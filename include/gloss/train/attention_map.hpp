// A picture of who attends to whom: attention weights as a heat map in SVG.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/core/shape.hpp>
#include <gloss/text/pieces.hpp>
#include <gloss/train/svg.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct AttentionSvgOptions {
  std::vector<std::string> src_tokens;    ///< columns; a space before a token means that a word begins
  std::vector<std::string> tgt_tokens;    ///< rows
  std::vector<std::vector<float>> heads;  ///< for each head its weights, tgt x src, row by row
  std::string title = {};                 ///< the source sentence, say
  std::string subtitle = {};              ///< the translation
};

namespace detail {

/// The picture of render_attention_svg: what is drawn, where it stands, and the drawing, part by part.
template <class = void>
class AttentionPicture {
 public:
  GLOSS_COLD explicit AttentionPicture(const AttentionSvgOptions& options)
      : options_(options),
        rows_(options.tgt_tokens.size()),
        cols_(options.src_tokens.size()),
        n_heads_(options.heads.size()) {
    check();
    average();
    measure_map();
    measure_heads();
  }

  GLOSS_COLD std::string draw() {
    open();
    draw_columns();
    for (std::size_t r = 0; r < rows_; ++r) draw_row(r);
    draw_legend();
    for (std::size_t h = 0; n_heads_ > 1 && h < n_heads_; ++h) draw_head(h);
    svg_("</svg>\n");
    return std::move(svg_.text);
  }

 private:
  struct Label {
    std::string shown;
    double width;
  };

  static double weight(float w) { return w > 0 ? double{w} : 0.0; }  // NaN is drawn as nothing
  static double number(std::size_t n) { return static_cast<double>(n); }

  void check() const {
    if (rows_ == 0 || cols_ == 0 || n_heads_ == 0)
      fail<ShapeError>("render_attention_svg: nothing to draw: ", n_heads_, " heads, ", rows_, " target and ", cols_,
                       " source tokens");
    for (std::size_t h = 0; h < n_heads_; ++h)
      if (options_.heads[h].size() != rows_ * cols_)
        fail<ShapeError>("render_attention_svg: head ", h, " has ", options_.heads[h].size(), " weights, ", rows_,
                         " target and ", cols_, " source tokens need ", rows_ * cols_);
  }

  /// The mean over the heads, and where the colour scale ends.
  void average() {
    mean_.assign(rows_ * cols_, 0.0);
    double highest = 0;
    for (const auto& head : options_.heads)
      for (std::size_t i = 0; i < head.size(); ++i) {
        mean_[i] += weight(head[i]) / number(n_heads_);
        highest = (std::max)(highest, weight(head[i]));
      }
    top_ = (std::min)((std::max)(std::ceil(highest * 10 - 1e-6) / 10, 0.1), 1.0);
  }

  /// A small dot stands before what goes on a word, where words begin with a space.
  std::vector<Label> labels_of(const std::vector<std::string>& tokens) const {
    const bool subwords =
        std::any_of(tokens.begin(), tokens.end(), [](const std::string& t) { return t.size() > 1 && t[0] == ' '; });
    std::vector<Label> labels;
    for (const std::string& token : tokens) {
      std::string_view rest = token;
      const bool begins = rest.size() > 1 && rest[0] == ' ';
      if (begins) rest.remove_prefix(1);
      const auto kind =
          rest.empty() ? text::detail::CharKind::other : text::detail::char_kind(text::decode_utf8(rest, 0).value);
      const bool goes_on =
          subwords && !begins && (kind == text::detail::CharKind::letter || kind == text::detail::CharKind::digit);
      const bool special = rest.size() > 2 && rest.front() == '<' && rest.back() == '>';
      std::string shown = rest == " " ? "\xE2\x90\xA3" : xml_text(rest, 24);
      if (goes_on) shown = "<tspan class=\"q\">\xC2\xB7</tspan>" + shown;
      if (special) shown = "<tspan class=\"q\">" + shown + "</tspan>";
      labels.push_back({shown, font_ * (std::min)(text_width(rest) + (goes_on ? 0.35 : 0), 17.0)});
    }
    return labels;
  }

  /// The labels and the large map. Column labels rise to the right at 45 degrees.
  void measure_map() {
    longest_ = number((std::max)(rows_, cols_));
    cell_ = std::floor((std::min)((std::max)(600 / longest_, 16.0), 46.0));
    font_ = (std::min)(14.0, 0.66 * cell_);
    columns_ = labels_of(options_.src_tokens), lines_ = labels_of(options_.tgt_tokens);
    const double slant = 0.7071;
    double rise = 0, overhang = 0;
    for (const Label& label : lines_) left_ = (std::max)(left_, label.width);
    left_ += margin_ + 12;
    map_width_ = cell_ * number(cols_), map_height_ = cell_ * number(rows_);
    for (std::size_t c = 0; c < cols_; ++c) {
      rise = (std::max)(rise, columns_[c].width * slant);
      overhang = (std::max)(overhang, columns_[c].width * slant - cell_ * (number(cols_ - c) - 0.5));
    }
    rise += font_;
    const double legend = 78;
    const double width = (std::max)(left_ + map_width_ + (std::max)(legend, overhang + 20) + margin_, 480.0);
    const double title_width =
        (std::min)((std::max)(text_width(options_.title) * 19, text_width(options_.subtitle) * 15), 900.0);
    width_ = std::ceil((std::max)(width, title_width + 2 * margin_));
    double header = margin_;
    if (!options_.title.empty()) header += 28;
    if (!options_.subtitle.empty()) header += 24;
    map_top_ = header + rise + 10;
  }

  /// Small maps, at most four side by side.
  void measure_heads() {
    const double inner = width_ - 2 * margin_;
    const std::size_t lines_of_maps = (n_heads_ + 3) / 4;
    across_ = (n_heads_ + lines_of_maps - 1) / lines_of_maps;
    room_ = (inner - gap_ * number(across_ - 1)) / number(across_);
    small_cell_ = (std::min)({room_ / number(cols_), 260 / longest_, cell_ * 0.5});
    small_width_ = small_cell_ * number(cols_), small_height_ = small_cell_ * number(rows_);
    heads_top_ = map_top_ + map_height_ + 52;
    const std::size_t heads_down = n_heads_ > 1 ? (n_heads_ + across_ - 1) / across_ : 0;
    height_ = std::ceil(heads_down ? heads_top_ + number(heads_down) * (small_height_ + 44) - 20 + margin_
                                   : heads_top_ - 26 + margin_);
  }

  /// Styles, the colour scale, title and subtitle.
  void open() {
    svg_("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", width_, "\" height=\"", height_, "\" viewBox=\"0 0 ",
         width_, " ", height_, "\" role=\"img\">\n");
    svg_("<title>Attention", options_.title.empty() ? "" : ": ", xml_text(options_.title), "</title>\n");
    svg_(
        "<style>text{font-family:Inter,'Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif;fill:#1c2733}"
        ".q{fill:#7b8794}.s{font-size:11.5px;fill:#5d6976}.v{font-size:",
        cell_ >= 40 ? 12.5 : 10.5,
        "px;text-anchor:middle}"
        ".l{font-size:",
        font_, "px}</style>\n");
    svg_("<defs><linearGradient id=\"heat\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">");
    for (int i = 0; i <= 10; ++i) svg_("<stop offset=\"", 10 * i, "%\" stop-color=\"", heat_color(i / 10.0), "\"/>");
    svg_("</linearGradient></defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    double baseline = margin_;
    if (!options_.title.empty())
      svg_("<text x=\"", margin_, "\" y=\"", baseline += 16, "\" font-size=\"19\" font-weight=\"600\">",
           xml_text(options_.title, 100), "</text>\n");
    if (!options_.subtitle.empty())
      svg_("<text x=\"", margin_, "\" y=\"", baseline + 25, "\" font-size=\"15\" class=\"q\">",
           xml_text(options_.subtitle, 120), "</text>\n");
  }

  void draw_columns() {
    for (std::size_t c = 0; c < cols_; ++c) {
      const double x = left_ + cell_ * (number(c) + 0.5) + 2, y = map_top_ - 8;
      svg_("<text class=\"l\" x=\"", x, "\" y=\"", y, "\" transform=\"rotate(-45 ", x, " ", y, ")\">",
           columns_[c].shown, "</text>\n");
    }
  }

  /// A target token and its line of the large map, the numbers where there is room for them.
  void draw_row(std::size_t r) {
    const double space = cell_ >= 24 ? 2 : 1, y = map_top_ + cell_ * number(r);
    svg_("<text class=\"l\" x=\"", left_ - 10, "\" y=\"", y + cell_ / 2 + 0.36 * font_, "\" text-anchor=\"end\">",
         lines_[r].shown, "</text>\n");
    const double* const row = mean_.data() + r * cols_;
    const double best = *std::max_element(row, row + cols_);
    for (std::size_t c = 0; c < cols_; ++c) {
      const double x = left_ + cell_ * number(c), t = row[c] / top_;
      const int percent = static_cast<int>(std::lround(100 * (std::min)(row[c], 1e6)));
      svg_("<rect x=\"", x + space / 2, "\" y=\"", y + space / 2, "\" width=\"", cell_ - space, "\" height=\"",
           cell_ - space, "\" rx=\"", cell_ >= 24 ? 4 : 2, "\" fill=\"", heat_color(t), "\"><title>",
           xml_text(options_.tgt_tokens[r], 40), " \xE2\x86\x90 ", xml_text(options_.src_tokens[c], 40), ": ", percent,
           " %</title></rect>");
      if (cell_ >= 28 && percent >= 5)
        svg_("<text class=\"v\" x=\"", x + cell_ / 2, "\" y=\"", y + cell_ / 2 + 4.2, "\"",
             t > 0.42 ? " style=\"fill:#fff\"" : "", row[c] == best ? " font-weight=\"600\"" : "",
             " pointer-events=\"none\">", percent, "</text>");
      svg_("\n");
    }
  }

  /// What the large map shows, and the colour scale beside it.
  void draw_legend() {
    svg_("<text class=\"s\" x=\"", left_, "\" y=\"", map_top_ + map_height_ + 20, "\">", n_heads_ > 1 ? "mean of " : "",
         n_heads_ > 1 ? std::to_string(n_heads_) + " heads, in per cent" : "in per cent", "</text>\n");
    const double bar = (std::min)((std::max)(map_height_, 80.0), 180.0), bar_x = left_ + map_width_ + 22;
    svg_("<rect x=\"", bar_x, "\" y=\"", map_top_ + 1, "\" width=\"10\" height=\"", bar - 2,
         "\" rx=\"5\" fill=\"url(#heat)\"/>\n");
    for (int i = 0; i <= 2; ++i)
      svg_("<text class=\"s\" x=\"", bar_x + 17, "\" y=\"", map_top_ + 10 + (bar - 12) * (2 - i) / 2, "\">",
           static_cast<int>(std::lround(top_ * 50 * i)), " %</text>\n");
  }

  /// A small map; cells of nearly one colour are one path.
  void draw_head(std::size_t h) {
    const double x0 = margin_ + (room_ + gap_) * number(h % across_);
    const double y0 = heads_top_ + (small_height_ + 44) * number(h / across_);
    svg_("<text class=\"s\" x=\"", x0, "\" y=\"", y0 - 4, "\">head ", static_cast<int>(h) + 1, "</text>\n");
    svg_("<g transform=\"translate(", x0, " ", y0 + 4, ")\" shape-rendering=\"crispEdges\">");
    svg_("<rect width=\"", small_width_, "\" height=\"", small_height_, "\" fill=\"", heat_color(0), "\"/>");
    std::vector<SvgWriter> levels(49);
    for (std::size_t i = 0; i < rows_ * cols_; ++i) {
      const auto level =
          static_cast<std::size_t>(std::lround(48 * (std::min)(weight(options_.heads[h][i]) / top_, 1.0)));
      if (level > 0)
        levels[level]("M", small_cell_ * number(i % cols_), " ", small_cell_ * number(i / cols_), "h", small_cell_, "v",
                      small_cell_, "h", -small_cell_, "z");
    }
    for (std::size_t level = 1; level < levels.size(); ++level)
      if (!levels[level].text.empty())
        svg_("<path fill=\"", heat_color(number(level) / 48), "\" d=\"", levels[level].text, "\"/>");
    svg_("</g>\n");
  }

  static constexpr double margin_ = 28, gap_ = 22;
  const AttentionSvgOptions& options_;
  std::size_t rows_, cols_, n_heads_, across_ = 0;
  std::vector<double> mean_;
  double top_ = 0;
  std::vector<Label> columns_, lines_;
  double longest_ = 0, cell_ = 0, font_ = 0, left_ = 0, map_top_ = 0, map_width_ = 0, map_height_ = 0;
  double width_ = 0, height_ = 0, heads_top_ = 0, room_ = 0, small_cell_ = 0, small_width_ = 0, small_height_ = 0;
  SvgWriter svg_;
};

}  // namespace detail

/// An SVG picture: a large map of the mean over the heads with its numbers, and below it a small one of each head, all
/// on one colour scale. Tokens may hold any bytes; what is not printable is shown as such.
/// Errors: ShapeError when there is nothing to draw or a head has not tgt x src weights.
/// Source: Vaswani et al. 2017, figures 3 to 5. AT: visualize_layer
GLOSS_LAZY GLOSS_COLD std::string render_attention_svg(const AttentionSvgOptions& options) {
  return detail::AttentionPicture<>(options).draw();
}
GLOSS_INSTANTIATE(std::string render_attention_svg(const AttentionSvgOptions&))

}  // namespace gloss::inline GLOSS_ABI::train
