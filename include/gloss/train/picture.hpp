// What the pictures of a report have in common: a frame, colours for light and dark screens, axes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/train/number_text.hpp>
#include <gloss/train/svg.hpp>

namespace gloss::inline GLOSS_ABI::train::detail {

inline constexpr std::size_t series_colors = 8, heat_levels = 21;
inline constexpr const char* series_on_light[series_colors] = {"#0f7c8f", "#d1572a", "#6a4fb3", "#3b8a3e",
                                                               "#c2347a", "#8a6d1c", "#3566c4", "#5d6976"};

/// The same text in every picture, so that several within one page agree. Classes: gp paper, gt text, gs small text, gl
/// lines, s0 to s7 the colour of a curve, f0 to f7 the same as a fill.
GLOSS_LAZY GLOSS_COLD std::string picture_style() {
  static constexpr const char* dark[series_colors] = {"#4fc1d4", "#f28f5f", "#b09cf0", "#7cc97f",
                                                      "#f07fb4", "#d3b55a", "#7fa6f5", "#9aa7b5"};
  const auto colors = [](const char* const(&of)[series_colors]) {
    std::string rules;
    for (std::size_t i = 0; i < series_colors; ++i) {
      const std::string n = std::to_string(i);
      rules += ".s" + n + "{stroke:" + of[i] + "}.f" + n + "{fill:" + of[i] + "}";
    }
    return rules;
  };
  return "<style>.gp{fill:#ffffff}.gt,.gs{font-family:Inter,'Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif;"
         "fill:#1c2733;font-size:13px}.gs{fill:#5d6976;font-size:11.5px}.gl{stroke:#dfe4ea}.gc{fill:none;"
         "stroke-width:1.8;stroke-linejoin:round}" +
         colors(series_on_light) +
         "@media(prefers-color-scheme:dark){.gp{fill:#171e26}.gt{fill:#e4e9ef}.gs{fill:#93a1b0}.gl{stroke:#2b3641}" +
         colors(dark) + "}</style>\n";
}

/// Rules for cells of a heat map, h0 to h20, and the text on them, k0 to k20.
GLOSS_LAZY GLOSS_COLD std::string heat_style() {
  const auto rules = [](bool dark) {
    std::string text;
    for (std::size_t i = 0; i < heat_levels; ++i) {
      const std::string n = std::to_string(i);
      const double t = static_cast<double>(i) / (heat_levels - 1);
      text += ".h" + n + "{fill:" + heat_color(t, dark) + "}";
      const bool on_pale = dark ? t > 0.52 : t < 0.62;  // then black is easier to read than white
      text += ".k" + n + (on_pale ? "{fill:#000000}" : "{fill:#ffffff}");
    }
    return text;
  };
  return "<style>.k{font-family:Inter,'Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif;text-anchor:middle}" +
         rules(false) + "@media(prefers-color-scheme:dark){" + rules(true) + "}</style>\n";
}
GLOSS_LAZY std::string heat_level(double t) {
  return std::to_string(std::lround((t > 0 ? (std::min)(t, 1.0) : 0.0) * (heat_levels - 1)));
}

/// The beginning of a picture, with its paper; its title is drawn at the top, if there is one.
GLOSS_LAZY GLOSS_COLD void open_picture(SvgWriter& svg, double width, double height, std::string_view what,
                                        std::string_view title) {
  svg("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", width, "\" height=\"", height, "\" viewBox=\"0 0 ", width,
      " ", height, "\" role=\"img\">\n<title>", what, title.empty() ? "" : ": ", xml_text(title), "</title>\n",
      picture_style(), "<rect class=\"gp\" width=\"100%\" height=\"100%\"/>\n");
  if (!title.empty())
    svg("<text class=\"gt\" x=\"16\" y=\"26\" style=\"font-size:16px;font-weight:600\">", xml_text(title, 100),
        "</text>\n");
}

/// Numbers that are easy to read between two ends, at most about `most` of them.
GLOSS_LAZY GLOSS_COLD std::vector<double> round_ticks(double low, double high, int most) {
  const double rough = (high - low) / most, power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double nice : {5.0, 2.0, 1.0})
    if (nice * power >= rough * (1 - 1e-9)) step = nice * power;
  std::vector<double> ticks;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) ticks.push_back(i * step);
  return ticks;
}

/// Where numbers of one axis stand: [low, high] becomes [begin, end].
struct Axis {
  double low = 0, high = 1, begin = 0, end = 1;
  bool logarithmic = false;

  double of(double value) const { return logarithmic ? std::log10(value) : value; }
  double place(double value) const { return begin + (of(value) - of(low)) / (of(high) - of(low)) * (end - begin); }
  std::vector<double> ticks(int most) const {
    const double decades = logarithmic ? std::log10(high / low) : 0;
    if (decades < 1.5) return round_ticks(low, high, most);  // places them by their logarithms all the same
    std::vector<double> powers;
    const double step = std::ceil(decades / most);
    for (double p = std::ceil(std::log10(low) - 1e-9); p <= std::log10(high) + 1e-9; p += step)
      powers.push_back(std::pow(10.0, p));
    return powers;
  }
};

}  // namespace gloss::inline GLOSS_ABI::train::detail
