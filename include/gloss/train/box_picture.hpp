// Boxes drawn on an image, with what is in them and how sure that is: as pixels, and as SVG.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/io/base64.hpp>
#include <gloss/train/image_grid.hpp>
#include <gloss/train/picture.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct BoxPictureOptions {
  Tensor<float> boxes;                    ///< [n, 4], two corners each, in pixels of the image
  Tensor<std::int64_t> labels = {};       ///< [n], which choose colour and name; without, all are of one kind
  Tensor<float> scores = {};              ///< [n], from 0 to 1, shown in percent
  std::vector<std::string> classes = {};  ///< the labels' names; without, their numbers
  Index scale = 1;                        ///< each pixel of the image becomes a square of so many
};

namespace detail {

/// The boxes of both pictures, checked.
class BoxCaptions {
 public:
  GLOSS_COLD BoxCaptions(const char* op, const BoxPictureOptions& options) : options_(options) {
    const Tensor<float>& boxes = options.boxes;
    if (!boxes.defined() || boxes.dim() != 2 || boxes.size(1) != 4)
      fail<ShapeError>(op, ": boxes must be [n, 4], not ",
                       boxes.defined() ? to_string(boxes.shape()) : std::string("undefined"));
    const auto check = [&](const char* name, const auto& x) {
      if (x.defined() && x.shape() != Shape{size()})
        fail<ShapeError>(op, ": ", name, " ", x.shape(), " must be [", size(), "], one for each box");
    };
    check("labels", options.labels), check("scores", options.scores);
    if (options.scale < 1) fail(op, ": scale ", options.scale, " is below 1");
    for (Index i = 0; i < size(); ++i) {
      for (Index k = 0; k < 4; ++k)
        if (!std::isfinite(boxes.at({i, k}))) fail(op, ": box ", i, " is not finite");
      const auto classes = static_cast<Index>(options.classes.size());
      if (label(i) < 0 || (classes > 0 && options.labels.defined() && label(i) >= classes))
        fail<IndexError>(op, ": label ", label(i), " is out of range for ", classes, " classes");
    }
  }
  Index size() const { return options_.boxes.size(0); }
  Index label(Index i) const { return options_.labels.defined() ? options_.labels.at({i}) : 0; }
  std::size_t color(Index i) const { return static_cast<std::size_t>(label(i)) % series_colors; }
  /// A coordinate in the enlarged picture.
  double at(Index i, Index k) const {
    return static_cast<double>(options_.boxes.at({i, k})) * static_cast<double>(options_.scale);
  }
  /// "circle 97 %"; empty where there is neither a label nor a score.
  std::string caption(Index i) const {
    std::string text;
    if (options_.labels.defined())
      text = options_.classes.empty() ? std::to_string(label(i)) : options_.classes[static_cast<std::size_t>(label(i))];
    if (!options_.scores.defined()) return text;
    const double score = static_cast<double>(options_.scores.at({i}));
    return text + (text.empty() ? "" : " ") + std::to_string(std::lround(100 * score)) + " %";
  }

 private:
  const BoxPictureOptions& options_;
};

/// The letters of 5 x 7 points that captions are drawn with, seven rows of five bits; small letters are drawn as
/// capitals, and what is not there as a frame.
inline std::uint64_t letter_points(char letter) {
  static constexpr std::string_view letters = " %()+,-./0123456789:ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  static constexpr std::uint64_t points[] = {
      0x000000000, 0x672222273, 0x088842082, 0x208210888, 0x0084f9080, 0x000003188, 0x000070000, 0x00000018c,
      0x042222210, 0x3a33ae62e, 0x11942109f, 0x3a213221f, 0x78217043e, 0x08ca97c42, 0x7e1e0862e, 0x3a10f462e,
      0x7c2211084, 0x3a317462e, 0x3a317842e, 0x018c03180, 0x3a31fc631, 0x7a31f463e, 0x3e108420f, 0x72518c65c,
      0x7e10f421f, 0x7e10f4210, 0x3e10bc62f, 0x4631fc631, 0x38842108e, 0x1c4210a4c, 0x4654c5251, 0x42108421f,
      0x4775ac631, 0x4739ace71, 0x3a318c62e, 0x7a31f4210, 0x3a318d64d, 0x7a31f5251, 0x3e107043e, 0x7c8421084,
      0x46318c62e, 0x46318a944, 0x4631ad771, 0x462a22a31, 0x462a21084, 0x7c222221f, 0x00000001f};
  const char capital = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  const std::size_t i = letters.find(capital);
  return i == std::string_view::npos ? 0x7e318c63f : points[i];
}

/// An image of three channels that is drawn on; what is outside is left out.
class Canvas {
 public:
  explicit Canvas(const Tensor<std::uint8_t>& image)
      : pixels(image.contiguous()), height(image.size(0)), width(image.size(1)) {}
  Tensor<std::uint8_t> pixels;
  Index height, width;

  /// color: "#rrggbb"
  void fill(Index left, Index top, Index right, Index bottom, std::string_view color) {
    std::uint8_t rgb[3];
    for (std::size_t c = 0; c < 3; ++c) {
      const auto digit = [&](std::size_t i) { return std::string_view("0123456789abcdef").find(color[1 + 2 * c + i]); };
      rgb[c] = static_cast<std::uint8_t>(16 * digit(0) + digit(1));
    }
    for (Index y = (std::max)(top, Index{0}); y < (std::min)(bottom, height); ++y)
      for (Index x = (std::max)(left, Index{0}); x < (std::min)(right, width); ++x)
        std::copy_n(rgb, 3, pixels.data() + (y * width + x) * 3);
  }
  void letter(Index left, Index top, Index point, char of, std::string_view color) {
    const std::uint64_t bits = letter_points(of);
    for (Index i = 0; i < 35; ++i)
      if (bits >> (34 - i) & 1)
        fill(left + i % 5 * point, top + i / 5 * point, left + (i % 5 + 1) * point, top + (i / 5 + 1) * point, color);
  }
};

}  // namespace detail

/// The image with a frame around each box, and above the frame the name of its label and its score: bytes for
/// io::write_image and io::encode_png. Later boxes are drawn over earlier ones; what is outside of the image is cut.
///   io::write_image("found.png", train::draw_boxes(image, {.boxes = d.boxes, .labels = d.labels, .classes = names}));
/// Shape: [H, W] or [H, W, 1 to 4 channels] -> [scale H, scale W, 3]
/// Errors: ShapeError when image or options have other shapes, IndexError for a label without a name, Error for a box
/// that is not finite or a scale below 1.
/// PyTorch: torchvision.utils.draw_bounding_boxes
GLOSS_LAZY GLOSS_COLD Tensor<std::uint8_t> draw_boxes(const Tensor<std::uint8_t>& image,
                                                      const BoxPictureOptions& options) {
  if ((image.dim() != 2 && (image.dim() != 3 || image.size(2) > 4)) || image.numel() == 0)
    fail<ShapeError>("draw_boxes: an image is [height, width, 1 to 4 channels] or [height, width], not ",
                     image.shape());
  const detail::BoxCaptions captions("draw_boxes", options);
  Tensor<std::uint8_t> x = image.dim() == 2 ? image.unsqueeze(2) : image;
  x = x.size(2) < 3 ? x.slice(2, 0, 1).expand({x.size(0), x.size(1), 3}) : x.slice(2, 0, 3);
  detail::Canvas canvas(image_grid(x.unsqueeze(0), {.columns = 1, .padding = 0, .scale = options.scale}));
  const Index point = 1 + (std::min)(canvas.height, canvas.width) / 250, line = point + 1;
  for (Index i = 0; i < captions.size(); ++i) {
    const auto edge = [&](Index k) { return static_cast<Index>(std::lround(captions.at(i, k))); };
    const Index left = edge(0), top = edge(1), right = edge(2), bottom = edge(3);
    const char* const color = detail::series_on_light[captions.color(i)];
    canvas.fill(left, top, right, top + line, color), canvas.fill(left, bottom - line, right, bottom, color);
    canvas.fill(left, top, left + line, bottom, color), canvas.fill(right - line, top, right, bottom, color);
    const std::string text = captions.caption(i);
    if (text.empty()) continue;
    const auto letters = static_cast<Index>(text.size());
    const Index wide = (6 * letters + 1) * point, high = 9 * point;
    const Index begin = (std::max)((std::min)(left, canvas.width - wide), Index{0}),
                above = (std::max)(top - high, Index{0});
    canvas.fill(begin, above, begin + wide, above + high, color);
    for (Index k = 0; k < letters; ++k)
      canvas.letter(begin + (6 * k + 1) * point, above + point, point, text[static_cast<std::size_t>(k)], "#ffffff");
  }
  return canvas.pixels;
}

/// The same as an SVG picture, with the image, bytes of a PNG or JPEG file, within it. Captions can be selected, and
/// each box names itself to the mouse.
/// Errors: as draw_boxes; ShapeError for an image of no size.
GLOSS_LAZY GLOSS_COLD std::string render_boxes_svg(std::string_view image, Index height, Index width,
                                                   const BoxPictureOptions& options, std::string_view title = {}) {
  if (height < 1 || width < 1) fail<ShapeError>("render_boxes_svg: an image of ", height, " x ", width, " pixels");
  const detail::BoxCaptions captions("render_boxes_svg", options);
  const double wide = static_cast<double>(width * options.scale), high = static_cast<double>(height * options.scale);
  const double top = title.empty() ? 0 : 40;
  SvgWriter svg;
  detail::open_picture(svg, wide, top + high, "Boxes", title);
  svg("<g transform=\"translate(0 ", top, ")\">\n<image width=\"", wide, "\" height=\"", high,
      "\" preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"data:image/",
      image.starts_with("\x89PNG") ? "png" : "jpeg", ";base64,", io::base64(image), "\"/>\n");
  for (Index i = 0; i < captions.size(); ++i) {
    const std::string text = xml_text(captions.caption(i), 60), color = std::to_string(captions.color(i));
    const double x = captions.at(i, 0), y = captions.at(i, 1);
    svg("<rect class=\"s", color, "\" fill=\"none\" stroke-width=\"2\" x=\"", x, "\" y=\"", y, "\" width=\"",
        (std::max)(captions.at(i, 2) - x, 0.0), "\" height=\"", (std::max)(captions.at(i, 3) - y, 0.0), "\"><title>",
        text, "</title></rect>");
    if (!text.empty())
      svg("<text class=\"gt f", color,
          "\" style=\"font-weight:600;paint-order:stroke;stroke:#ffffff;stroke-width:3px\"", " x=\"", x, "\" y=\"",
          (std::max)(y - 5, 12.0), "\">", text, "</text>");
    svg("\n");
  }
  svg("</g>\n</svg>\n");
  return std::move(svg.text);
}

}  // namespace gloss::inline GLOSS_ABI::train
