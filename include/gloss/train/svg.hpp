// What the pictures are made of: SVG elements, text that is safe in them, a colour scale.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

#include <gloss/text/utf8.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Writes SVG elements; numbers do not depend on the locale.
class SvgWriter {
 public:
  std::string text;

  template <class... Parts>
  SvgWriter& operator()(const Parts&... parts) {
    (put(parts), ...);
    return *this;
  }

 private:
  void put(std::string_view part) { text += part; }
  void put(int number) { text += std::to_string(number); }
  void put(double number) {
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed, 2).ptr;
    std::string_view shown(digits, static_cast<std::size_t>(end - digits));
    while (shown.back() == '0') shown.remove_suffix(1);
    if (shown.back() == '.') shown.remove_suffix(1);
    text += shown;
  }
};

/// Text that is safe inside an element or an attribute, at most so many characters of it. Control characters become
/// their pictures, ill-formed bytes their hexadecimal values.
GLOSS_COLD inline std::string xml_text(std::string_view text, std::size_t most = 400) {
  std::string out;
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    if (count == most) return out + "\xE2\x80\xA6";
    const text::CodePoint c = text::decode_utf8(text, at);
    at += c.bytes;
    if (c.value >= text::invalid_byte) {
      const char* const digits = "0123456789ABCDEF";
      const unsigned byte = c.value - text::invalid_byte;
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else if (c.value < 0x20) {
      text::append_utf8(out, 0x2400 + c.value);
    } else if (c.value >= 0x7F && c.value < 0xA0) {
      text::append_utf8(out, 0x2421);
    } else if (c.value == '&') {
      out += "&amp;";
    } else if (c.value == '<') {
      out += "&lt;";
    } else if (c.value == '>') {
      out += "&gt;";
    } else if (c.value == '"') {
      out += "&quot;";
    } else {
      text::append_utf8(out, c.value == 0xFFFE || c.value == 0xFFFF ? 0xFFFD : c.value);
    }
  }
  return out;
}

/// Roughly how wide a text is drawn, in multiples of the font size; fonts differ, so it errs on the wide side.
inline double text_width(std::string_view text) {
  double width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const text::CodePoint c = text::decode_utf8(text, at);
    at += c.bytes;
    if (c.value >= text::invalid_byte)
      width += 2.4;
    else if (c.value >= 0x1100)
      width += 1.05;
    else if (c.value < 0x80 &&
             std::string_view("iljtfr.,:;'|!()[] ").find(static_cast<char>(c.value)) != std::string::npos)
      width += 0.38;
    else if (c.value == 'm' || c.value == 'w' || c.value == 'M' || c.value == 'W')
      width += 0.98;
    else
      width += c.value >= 'A' && c.value <= 'Z' ? 0.74 : 0.63;
  }
  return width;
}

/// Colour of a weight in [0, 1], red, green and blue from 0 to 255, even steps in perceived lightness: from paper over
/// teal to night blue, or on dark paper from there to light.
/// Source: Ottosson 2020, the Oklab colour space.
GLOSS_COLD inline std::array<int, 3> heat_rgb(double t, bool dark = false) {
  t = t > 0 ? (t < 1 ? t : 1) : 0;
  const double lightness = dark ? 0.26 + 0.58 * t : 0.972 - 0.69 * t;
  const double chroma = dark ? 0.02 + 0.07 * t : 0.012 + 0.36 * t * (1 - t) * (1 - 0.18 * t) + 0.075 * t;
  const double hue = (dark ? 250 - 40 * t : 110 + 165 * std::pow(t, 0.75)) * 3.14159265358979 / 180;
  const double a = chroma * std::cos(hue), b = chroma * std::sin(hue);
  const auto cube = [](double x) { return x * x * x; };
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  const double linear[3] = {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
                            -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
                            -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
  std::array<int, 3> color{};
  for (std::size_t c = 0; c < 3; ++c) {
    const double x = linear[c] > 0 ? (linear[c] < 1 ? linear[c] : 1) : 0;
    const double encoded = x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
    color[c] = static_cast<int>(std::lround(255 * encoded));
  }
  return color;
}
/// The same as "#rrggbb".
GLOSS_COLD inline std::string heat_color(double t, bool dark = false) {
  std::string color = "#";
  for (const int byte : heat_rgb(t, dark))
    for (const int digit : {byte / 16, byte % 16}) color += "0123456789abcdef"[digit];
  return color;
}

}  // namespace gloss::inline GLOSS_ABI::train
