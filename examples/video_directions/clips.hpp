// The videos: a shape that drifts one way and jumps about on the other axis.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

#include <gloss/core/rng.hpp>
#include <gloss/tensor/random.hpp>

inline constexpr std::array<const char*, 4> directions = {"right", "left", "down", "up"};

/// Where the centre of the shape stands in each frame. Along the axis of the direction it moves evenly; along the other
/// it visits as many places, as far from each other, in random order. So the frames tell nothing unless their order is
/// known: shuffled, both axes look alike.
inline std::array<gloss::Tensor<std::int64_t>, 2> draw_path(gloss::Index direction, gloss::Index frames,
                                                            gloss::Index side, gloss::Index radius, gloss::Rng& rng) {
  std::array<gloss::Tensor<std::int64_t>, 2> path;  // x, y
  for (const gloss::Index axis : {0, 1}) {
    const gloss::Index room = side - 2 * radius,
                       length = room - gloss::Index{rng.below(static_cast<std::uint32_t>(room / 3 + 1))};
    const gloss::Index start = radius + gloss::Index{rng.below(static_cast<std::uint32_t>(room - length + 1))};
    gloss::Tensor<std::int64_t> order =
        axis == direction / 2 ? gloss::arange<std::int64_t>(frames) : gloss::randperm(frames);
    for (gloss::Index t = 0; t < frames; ++t) {
      std::int64_t& place = order.data()[t];
      if (axis == direction / 2 && direction % 2 == 1) place = frames - 1 - place;
      place = start + place * length / (frames - 1);
    }
    path[static_cast<std::size_t>(axis)] = order;
  }
  return path;
}

/// A video of one of the directions: a light square, disc, triangle or cross on a dark ground that is plain, striped,
/// checked or shaded, with noise. All else is drawn from the current Rng.
/// Shape: [frames, side, side, 3], from 4 frames and 16 x 16 pixels on
inline gloss::Tensor<std::uint8_t> draw_clip(gloss::Index direction, gloss::Index frames, gloss::Index side) {
  using gloss::Index;
  gloss::Rng& rng = gloss::current_rng();
  const auto below = [&](Index n) { return Index{rng.below(static_cast<std::uint32_t>(n))}; };
  using Color = std::array<Index, 3>;
  const auto color = [&](Index low, Index high) {
    const auto channel = [&] { return low + below(high - low); };
    return Color{channel(), channel(), channel()};
  };
  const Index kind = below(4), ground = below(4), stripe = side / 8 + below(side / 8);
  const Index radius = side / 10 + below(side / 12 + 1);
  const Color first = color(0, 100), second = color(0, 100), shape = color(150, 256);
  const auto path = draw_path(direction, frames, side, radius, rng);
  const Index noise = below(40);
  auto clip = gloss::Tensor<std::uint8_t>::uninitialized({frames, side, side, 3});
  std::uint8_t* at = clip.data();
  for (Index t = 0; t < frames; ++t)
    for (Index y = 0; y < side; ++y)
      for (Index x = 0; x < side; ++x) {
        const Index dx = std::abs(x - path[0].data()[t]), dy = std::abs(y - path[1].data()[t]);
        const Index up = y - path[1].data()[t] + radius;  // from the top of the shape
        const bool inside = kind == 0   ? dx <= radius && dy <= radius
                            : kind == 1 ? dx * dx + dy * dy <= radius * radius + radius / 2
                            : kind == 2 ? up >= 0 && up <= 2 * radius && 2 * dx <= up
                                        : (dx <= radius / 2 && dy <= radius) || (dy <= radius / 2 && dx <= radius);
        // how much of the second colour the ground has here, of side
        const Index share = ground == 0   ? 0
                            : ground == 1 ? (x + y) / stripe % 2 * side
                            : ground == 2 ? (x / stripe + y / stripe) % 2 * side
                                          : y;
        for (std::size_t c = 0; c < 3; ++c) {
          const Index pure = inside ? shape[c] : first[c] + (second[c] - first[c]) * share / side;
          const Index noisy = pure + below(2 * noise + 1) - noise;
          *at++ = static_cast<std::uint8_t>(std::clamp(noisy, Index{0}, Index{255}));
        }
      }
  return clip;
}
