// The data: pictures of shapes that lie over each other, drawn when they are asked for.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gloss/core/rng.hpp>
#include <gloss/tensor/tensor.hpp>

namespace shapes {

inline const std::vector<std::string> names = {"circle", "square", "triangle", "cross"};

/// A picture and what is on it.
/// Shape: image [side, side, 3], labels [n], boxes [n, 4]: centre, width and height as parts of the side
struct Scene {
  gloss::Tensor<std::uint8_t> image;
  gloss::Tensor<std::int64_t> labels;
  gloss::Tensor<float> boxes;
};

/// Whether a point belongs to a shape whose box goes from -1 to 1.
inline bool is_inside(gloss::Index shape, double x, double y) {
  if (std::abs(x) > 1 || std::abs(y) > 1) return false;
  switch (shape) {
    case 0:
      return x * x + y * y <= 1;
    case 2:
      return std::abs(x) <= (y + 1) / 2;  // it stands on its base
    case 3:
      return std::abs(x) <= 0.36 || std::abs(y) <= 0.36;
    default:
      return true;
  }
}

namespace detail {

inline double draw(gloss::Rng& rng, double low, double high) { return low + (high - low) * (rng() * 0x1p-32); }

struct Color {
  double part[3];
};
/// A colour that can be told from another.
inline Color draw_color(gloss::Rng& rng, const Color& background) {
  for (;;) {
    Color color{};
    double apart = 0;
    for (int c = 0; c < 3; ++c) {
      color.part[c] = draw(rng, 20, 235);
      apart += std::abs(color.part[c] - background.part[c]);
    }
    if (apart > 160) return color;
  }
}

struct Placed {
  gloss::Index shape;
  double left, top, size;
  int pixels = 0;  // that can be seen, when it was drawn

  double x(double column) const { return 2 * (column - left) / size - 1; }
  double y(double row) const { return 2 * (row - top) / size - 1; }
};

}  // namespace detail

/// One to `most` shapes of a fifth to half of the side each, of any colour, on a background with some noise. Each shows
/// at least 65 % of what it has.
inline Scene draw_scene(gloss::Index side, gloss::Index most, gloss::Rng& rng) {
  using namespace detail;
  const auto n = static_cast<std::size_t>(side);
  const Color background{{draw(rng, 0, 255), draw(rng, 0, 255), draw(rng, 0, 255)}};
  std::vector<double> pixels(n * n * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = background.part[i % 3];
  std::vector<Placed> placed;
  std::vector<int> owner(n * n, -1), before;
  const std::uint32_t wanted = 1 + rng.below(static_cast<std::uint32_t>(most));
  for (int tries = 0; placed.size() < wanted && tries < 40; ++tries) {
    Placed shape{rng.below(static_cast<std::uint32_t>(names.size())), 0, 0, 0};
    shape.size = draw(rng, 0.2, 0.5) * static_cast<double>(side);
    shape.left = draw(rng, 0, static_cast<double>(side) - shape.size);
    shape.top = draw(rng, 0, static_cast<double>(side) - shape.size);
    const Color color = draw_color(rng, background);
    before = owner;
    const int number = static_cast<int>(placed.size());
    for (std::size_t i = 0; i < n * n; ++i)
      if (is_inside(shape.shape, shape.x(static_cast<double>(i % n) + 0.5), shape.y(static_cast<double>(i / n) + 0.5)))
        owner[i] = number, ++shape.pixels;
    std::vector<int> seen(placed.size() + 1);
    for (const int o : owner)
      if (o >= 0) ++seen[static_cast<std::size_t>(o)];
    bool fits = true;
    for (std::size_t k = 0; k < placed.size(); ++k) fits = fits && seen[k] >= 0.65 * placed[k].pixels;
    if (!fits) {
      owner = before;
      continue;
    }
    for (std::size_t i = 0; i < n * n; ++i) {
      int covered = 0;  // of four points of the pixel
      for (const double down : {0.25, 0.75})
        for (const double across : {0.25, 0.75})
          covered += is_inside(shape.shape, shape.x(static_cast<double>(i % n) + across),
                               shape.y(static_cast<double>(i / n) + down));
      for (std::size_t c = 0; covered > 0 && c < 3; ++c)
        pixels[3 * i + c] += (color.part[c] - pixels[3 * i + c]) * covered / 4;
    }
    placed.push_back(shape);
  }
  const auto count = static_cast<gloss::Index>(placed.size());
  Scene scene{gloss::empty<std::uint8_t>({side, side, 3}), gloss::empty<std::int64_t>({count}),
              gloss::empty<float>({count, 4})};
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const double noisy = pixels[i] + static_cast<double>(rng.below(17)) - 8;
    scene.image.data()[i] = static_cast<std::uint8_t>(std::clamp(noisy, 0.0, 255.0));
  }
  for (gloss::Index i = 0; i < count; ++i) {
    const Placed& shape = placed[static_cast<std::size_t>(i)];
    const double whole = static_cast<double>(side), half = shape.size / 2;
    const double box[] = {(shape.left + half) / whole, (shape.top + half) / whole, shape.size / whole,
                          shape.size / whole};
    scene.labels.data()[i] = shape.shape;
    for (gloss::Index k = 0; k < 4; ++k) scene.boxes.data()[4 * i + k] = static_cast<float>(box[k]);
  }
  return scene;
}

}  // namespace shapes
