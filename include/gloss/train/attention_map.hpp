// A picture of who attends to whom: attention weights as a heat map in SVG.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
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

/// An SVG picture: a large map of the mean over the heads with its numbers, and below it a small one of each head, all
/// on one colour scale. Tokens may hold any bytes; what is not printable is shown as such.
/// Errors: ShapeError when there is nothing to draw or a head has not tgt x src weights.
/// Source: Vaswani et al. 2017, figures 3 to 5. AT: visualize_layer
GLOSS_LAZY GLOSS_COLD std::string render_attention_svg(const AttentionSvgOptions& options) {
  const std::size_t rows = options.tgt_tokens.size(), cols = options.src_tokens.size(), n_heads = options.heads.size();
  if (rows == 0 || cols == 0 || n_heads == 0)
    fail<ShapeError>("render_attention_svg: nothing to draw: ", n_heads, " heads, ", rows, " target and ", cols,
                     " source tokens");
  for (std::size_t h = 0; h < n_heads; ++h)
    if (options.heads[h].size() != rows * cols)
      fail<ShapeError>("render_attention_svg: head ", h, " has ", options.heads[h].size(), " weights, ", rows,
                       " target and ", cols, " source tokens need ", rows * cols);

  const auto weight = [](float w) { return w > 0 ? double{w} : 0.0; };  // NaN is drawn as nothing
  std::vector<double> mean(rows * cols, 0.0);
  double highest = 0;
  for (const auto& head : options.heads)
    for (std::size_t i = 0; i < head.size(); ++i) {
      mean[i] += weight(head[i]) / static_cast<double>(n_heads);
      highest = (std::max)(highest, weight(head[i]));
    }
  const double top = (std::min)((std::max)(std::ceil(highest * 10 - 1e-6) / 10, 0.1), 1.0);

  // Labels: a small dot stands before what goes on a word, where words begin with a space.
  struct Label {
    std::string shown;
    double width;
  };
  const double longest = static_cast<double>((std::max)(rows, cols));
  const double cell = std::floor((std::min)((std::max)(600 / longest, 16.0), 46.0));
  const double font = (std::min)(14.0, 0.66 * cell);
  const auto labels_of = [&](const std::vector<std::string>& tokens) {
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
      labels.push_back({shown, font * (std::min)(text_width(rest) + (goes_on ? 0.35 : 0), 17.0)});
    }
    return labels;
  };
  const std::vector<Label> columns = labels_of(options.src_tokens), lines = labels_of(options.tgt_tokens);

  // Sizes. Column labels rise to the right at 45 degrees.
  const double margin = 28, slant = 0.7071;
  double left = 0, rise = 0, overhang = 0;
  for (const Label& label : lines) left = (std::max)(left, label.width);
  left += margin + 12;
  const double map_width = cell * static_cast<double>(cols), map_height = cell * static_cast<double>(rows);
  for (std::size_t c = 0; c < cols; ++c) {
    rise = (std::max)(rise, columns[c].width * slant);
    overhang = (std::max)(overhang, columns[c].width * slant - cell * (static_cast<double>(cols - c) - 0.5));
  }
  rise += font;
  const double legend = 78;
  double width = (std::max)(left + map_width + (std::max)(legend, overhang + 20) + margin, 480.0);
  const double title_width =
      (std::min)((std::max)(text_width(options.title) * 19, text_width(options.subtitle) * 15), 900.0);
  width = std::ceil((std::max)(width, title_width + 2 * margin));
  double header = margin;
  if (!options.title.empty()) header += 28;
  if (!options.subtitle.empty()) header += 24;
  const double map_top = header + rise + 10;

  // Small maps, at most four side by side.
  const double gap = 22, inner = width - 2 * margin;
  const std::size_t lines_of_maps = (n_heads + 3) / 4, across = (n_heads + lines_of_maps - 1) / lines_of_maps;
  const double room = (inner - gap * static_cast<double>(across - 1)) / static_cast<double>(across);
  const double small_cell = (std::min)({room / static_cast<double>(cols), 260 / longest, cell * 0.5});
  const double small_width = small_cell * static_cast<double>(cols),
               small_height = small_cell * static_cast<double>(rows);
  const double heads_top = map_top + map_height + 52;
  const std::size_t heads_down = n_heads > 1 ? (n_heads + across - 1) / across : 0;
  const double height =
      std::ceil(heads_down ? heads_top + static_cast<double>(heads_down) * (small_height + 44) - 20 + margin
                           : heads_top - 26 + margin);

  SvgWriter svg;
  svg("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", width, "\" height=\"", height, "\" viewBox=\"0 0 ", width,
      " ", height, "\" role=\"img\">\n");
  svg("<title>Attention", options.title.empty() ? "" : ": ", xml_text(options.title), "</title>\n");
  svg("<style>text{font-family:Inter,'Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif;fill:#1c2733}"
      ".q{fill:#7b8794}.s{font-size:11.5px;fill:#5d6976}.v{font-size:",
      cell >= 40 ? 12.5 : 10.5,
      "px;text-anchor:middle}"
      ".l{font-size:",
      font, "px}</style>\n");
  svg("<defs><linearGradient id=\"heat\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">");
  for (int i = 0; i <= 10; ++i) svg("<stop offset=\"", 10 * i, "%\" stop-color=\"", heat_color(i / 10.0), "\"/>");
  svg("</linearGradient></defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
  double baseline = margin;
  if (!options.title.empty())
    svg("<text x=\"", margin, "\" y=\"", baseline += 16, "\" font-size=\"19\" font-weight=\"600\">",
        xml_text(options.title, 100), "</text>\n");
  if (!options.subtitle.empty())
    svg("<text x=\"", margin, "\" y=\"", baseline + 25, "\" font-size=\"15\" class=\"q\">",
        xml_text(options.subtitle, 120), "</text>\n");

  for (std::size_t c = 0; c < cols; ++c) {
    const double x = left + cell * (static_cast<double>(c) + 0.5) + 2, y = map_top - 8;
    svg("<text class=\"l\" x=\"", x, "\" y=\"", y, "\" transform=\"rotate(-45 ", x, " ", y, ")\">", columns[c].shown,
        "</text>\n");
  }
  const double space = cell >= 24 ? 2 : 1;
  for (std::size_t r = 0; r < rows; ++r) {
    const double y = map_top + cell * static_cast<double>(r);
    svg("<text class=\"l\" x=\"", left - 10, "\" y=\"", y + cell / 2 + 0.36 * font, "\" text-anchor=\"end\">",
        lines[r].shown, "</text>\n");
    const double* const row = mean.data() + r * cols;
    const double best = *std::max_element(row, row + cols);
    for (std::size_t c = 0; c < cols; ++c) {
      const double x = left + cell * static_cast<double>(c), t = row[c] / top;
      const int percent = static_cast<int>(std::lround(100 * (std::min)(row[c], 1e6)));
      svg("<rect x=\"", x + space / 2, "\" y=\"", y + space / 2, "\" width=\"", cell - space, "\" height=\"",
          cell - space, "\" rx=\"", cell >= 24 ? 4 : 2, "\" fill=\"", heat_color(t), "\"><title>",
          xml_text(options.tgt_tokens[r], 40), " \xE2\x86\x90 ", xml_text(options.src_tokens[c], 40), ": ", percent,
          " %</title></rect>");
      if (cell >= 28 && percent >= 5)
        svg("<text class=\"v\" x=\"", x + cell / 2, "\" y=\"", y + cell / 2 + 4.2, "\"",
            t > 0.42 ? " style=\"fill:#fff\"" : "", row[c] == best ? " font-weight=\"600\"" : "",
            " pointer-events=\"none\">", percent, "</text>");
      svg("\n");
    }
  }
  svg("<text class=\"s\" x=\"", left, "\" y=\"", map_top + map_height + 20, "\">", n_heads > 1 ? "mean of " : "",
      n_heads > 1 ? std::to_string(n_heads) + " heads, in per cent" : "in per cent", "</text>\n");

  const double bar = (std::min)((std::max)(map_height, 80.0), 180.0), bar_x = left + map_width + 22;
  svg("<rect x=\"", bar_x, "\" y=\"", map_top + 1, "\" width=\"10\" height=\"", bar - 2,
      "\" rx=\"5\" fill=\"url(#heat)\"/>\n");
  for (int i = 0; i <= 2; ++i)
    svg("<text class=\"s\" x=\"", bar_x + 17, "\" y=\"", map_top + 10 + (bar - 12) * (2 - i) / 2, "\">",
        static_cast<int>(std::lround(top * 50 * i)), " %</text>\n");

  for (std::size_t h = 0; n_heads > 1 && h < n_heads; ++h) {
    const double x0 = margin + (room + gap) * static_cast<double>(h % across);
    const double y0 = heads_top + (small_height + 44) * static_cast<double>(h / across);
    svg("<text class=\"s\" x=\"", x0, "\" y=\"", y0 - 4, "\">head ", static_cast<int>(h) + 1, "</text>\n");
    svg("<g transform=\"translate(", x0, " ", y0 + 4, ")\" shape-rendering=\"crispEdges\">");
    svg("<rect width=\"", small_width, "\" height=\"", small_height, "\" fill=\"", heat_color(0), "\"/>");
    std::vector<SvgWriter> levels(49);  // cells of nearly one colour are one path
    for (std::size_t i = 0; i < rows * cols; ++i) {
      const auto level = static_cast<std::size_t>(std::lround(48 * (std::min)(weight(options.heads[h][i]) / top, 1.0)));
      if (level > 0)
        levels[level]("M", small_cell * static_cast<double>(i % cols), " ", small_cell * static_cast<double>(i / cols),
                      "h", small_cell, "v", small_cell, "h", -small_cell, "z");
    }
    for (std::size_t level = 1; level < levels.size(); ++level)
      if (!levels[level].text.empty())
        svg("<path fill=\"", heat_color(static_cast<double>(level) / 48), "\" d=\"", levels[level].text, "\"/>");
    svg("</g>\n");
  }
  svg("</svg>\n");
  return svg.text;
}
GLOSS_INSTANTIATE(std::string render_attention_svg(const AttentionSvgOptions&))

}  // namespace gloss::inline GLOSS_ABI::train
