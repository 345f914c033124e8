// Products with weights in blocks of 32 along k that have a scale in common, and perhaps a minimum, as GGUF's have:
// rows of x become blocks of bytes, sums within a block are whole numbers and exact.
#pragma once

#include <cmath>

#include <gloss/kernels/gemm/block_weights_kernels.hpp>
#include <gloss/kernels/gemm/panels.hpp>
#include <gloss/kernels/workspace.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// 32 weights as scale * (code - middle), or scale * code + minimum where there are minima.
struct Block {
  float scale = 0, minimum = 0;
  std::uint8_t codes[block_length] = {};
};

/// Where weights [n, k] in blocks lie. Where k ends within a block, its other codes do not count.
struct BlockWeights {
  static constexpr Index width = detail::block_width;

  int bits = 8;  // of a code: 8 or 4
  bool has_minimum = false;
  bool has_halves = false;  // scales and minima are float16
  Index n = 0, k = 0;
  std::uint8_t* memory = nullptr;  // for each panel the codes of all blocks, then the scales; zeros where W ends

  /// How much memory they take, and where it is; aligned to 4 bytes.
  Index bytes() const { return panels() * panel_bytes(); }
  void place(std::uint8_t* at) { memory = at; }
  Index panel_columns() const { return width; }
  /// Rows [first, first + count) of the weights, in the same memory; first is a multiple of a panel's columns.
  BlockWeights part(Index first, Index count) const {
    BlockWeights some = *this;
    some.n = count, some.memory = codes_of(first / width);
    return some;
  }
  Index panels() const { return (n + width - 1) / width; }
  Index blocks() const { return (k + block_length - 1) / block_length; }
  Index panel_bytes() const { return blocks() * (code_bytes() + scales() * scale_bytes()); }
  Index code_bytes() const { return detail::block_code_bytes(bits); }
  Index scales() const { return detail::block_scales(has_minimum); }
  Index scale_bytes() const { return has_halves ? 2 : 4; }
  /// The codes and the scales of a panel.
  std::uint8_t* codes_of(Index panel) const { return memory + panel * panel_bytes(); }
  std::uint8_t* scales_of(Index panel) const { return codes_of(panel) + blocks() * code_bytes(); }
  /// The code that stands for 0 where there are no minima.
  int middle() const { return has_minimum ? 0 : 1 << (bits - 1); }

  /// Block b of row j.
  Block get(Index j, Index b) const {
    const std::uint8_t* const codes = codes_of(j / width) + b * code_bytes();
    Block block;
    block.scale = scale(scale_at(j, b));
    if (has_minimum) block.minimum = scale(scale_at(j, b) + width * scale_bytes());
    for (Index p = 0; p < 4 * bits; ++p) {
      const std::uint8_t byte = codes[code_at(j, p)];
      block.codes[p] = bits == 8 ? byte : byte & 15;
      if (bits == 4) block.codes[p + 16] = byte >> 4;
    }
    return block;
  }
  void set(Index j, Index b, const Block& block) const {
    std::uint8_t* const codes = codes_of(j / width) + b * code_bytes();
    set_scale(scale_at(j, b), block.scale);
    if (has_minimum) set_scale(scale_at(j, b) + width * scale_bytes(), block.minimum);
    for (Index p = 0; p < 4 * bits; ++p)
      codes[code_at(j, p)] =
          bits == 8 ? block.codes[p] : static_cast<std::uint8_t>(block.codes[p] | block.codes[p + 16] << 4);
  }

 private:
  std::uint8_t* scale_at(Index j, Index b) const {
    return scales_of(j / width) + (b * scales() + j % width) * scale_bytes();
  }
  static Index code_at(Index j, Index p) { return (p / 4 * width + j % width) * 4 + p % 4; }
  float scale(const std::uint8_t* at) const {
    if (has_halves) {
      float16 half;
      std::memcpy(&half, at, sizeof half);
      return float(half);
    }
    float whole;
    std::memcpy(&whole, at, sizeof whole);
    return whole;
  }
  void set_scale(std::uint8_t* at, float value) const {
    const float16 half(value);
    if (has_halves)
      std::memcpy(at, &half, sizeof half);
    else
      std::memcpy(at, &value, sizeof value);
  }
};

/// Packs what block(j, b) gives for block b of row j; codes are below 1 << bits.
template <class F>
void pack_blocks(const BlockWeights& to, const F& block) {
  const Index panel_bytes = to.panel_bytes();
  parallel_for(panel_bytes > 0 ? to.panels() : 0, 65536 / (panel_bytes + 1) + 1, [&](Index begin, Index end) {
    std::memset(to.memory + begin * panel_bytes, 0, static_cast<std::size_t>((end - begin) * panel_bytes));
    for (Index j = begin * to.width; j < end * to.width && j < to.n; ++j)
      for (Index b = 0; b < to.blocks(); ++b) to.set(j, b, block(j, b));
  });
}

/// Packs W [n, k] without minima. Of 8 bits the largest magnitude of a block is 127 scales, as in Q8_0; of 4 bits the
/// number of largest magnitude is -8 scales, as in Q4_0. A block with NaN or infinity has the scale NaN.
inline void pack_weight(const float* weight, Index ld, const BlockWeights& to) {
  const float furthest = to.bits == 8 ? 127 : -8;
  const int middle = to.middle();
  pack_blocks(to, [=](Index j, Index b) {
    const float* const x = weight + j * ld + b * block_length;
    const Index count = to.k - b * block_length < block_length ? to.k - b * block_length : block_length;
    float largest = 0, wrong = 0;
    for (Index p = 0; p < count; ++p) {
      if (std::abs(x[p]) > std::abs(largest)) largest = x[p];
      wrong += x[p] * 0;
    }
    if (to.bits == 8) largest = std::abs(largest);
    Block block;
    block.scale = largest / furthest + wrong;
    const bool is_normal = std::abs(block.scale) >= (std::numeric_limits<float>::min)();
    const double factor = is_normal ? static_cast<double>(1 / block.scale) : 0;
    for (Index p = 0; p < block_length; ++p) {
      double code = middle;
      if (p < count && factor != 0) {
        const double v = static_cast<double>(x[p]) * factor;  // exact
        code += to.bits == 8 && v < 0 ? std::ceil(v - 0.5) : std::floor(v + 0.5);
      }
      block.codes[p] = static_cast<std::uint8_t>((std::min)(code, 2.0 * middle - 1));
    }
    return block;
  });
}

/// Whether float16 has room for the scales of W [n, k] with so many bits: a block's largest number is neither as small
/// that bits of the scale would get lost, nor too large.
inline bool suits_halves(const float* weight, Index n, Index k, int bits) {
  const float steps = bits == 8 ? 127 : 8;
  for (Index j = 0; j < n; ++j)
    for (Index b = 0; b < k; b += block_length) {
      float largest = 0;
      for (Index p = b; p < k && p < b + block_length; ++p) largest = (std::max)(largest, std::abs(weight[j * k + p]));
      if (largest > 0 && !(largest / steps >= 0x1p-14f && largest / steps < 65504)) return false;
    }
  return true;
}

/// out [k] = factor * row j of the weights.
inline void unpack_row(const BlockWeights& w, Index j, float factor, float* out) {
  for (Index b = 0; b < w.blocks(); ++b) {
    const Block block = w.get(j, b);
    for (Index p = 0; p < block_length && b * block_length + p < w.k; ++p) {
      const float v = block.scale * static_cast<float>(block.codes[p] - w.middle());
      out[b * block_length + p] = factor * (w.has_minimum ? v + block.minimum : v);
    }
  }
}

/// y = finish(act(x W^T + bias)).
/// Shape: x [rows, k] with rows ldx apart, y [rows, n] with rows ldy apart
inline void packed_product(const BlockWeights& w, Index rows, const float* x, Index ldx, float* y, Index ldy,
                           const Epilogue<float>& epilogue) {
  if (rows <= 0 || w.n <= 0) return;
  const auto& kernels = detail::block_kernels_in_use<float>();
  const detail::BlockTiles& tiles = kernels.tiles[w.bits == 4][w.has_minimum];
  const Index blocks = w.blocks();
  auto* const a = detail::workspace<1>().get<detail::RowBlock>(rows * blocks);
  parallel_for(rows, 32768 / (w.k + 1) + 1, [&](Index begin, Index end) {
    kernels.rows(end - begin, w.k, x + begin * ldx, ldx, w.middle(), a + begin * blocks);
  });
  const auto product = [&](Index panel, Index i, Index r, Index columns, float* c) {
    detail::BlockPanel b{w.codes_of(panel), reinterpret_cast<const float*>(w.scales_of(panel))};
    if (w.has_halves) {
      float* const wide = detail::workspace<0>().get<float>(blocks * w.scales());
      kernels.widen(blocks * w.scales(), reinterpret_cast<const std::uint16_t*>(w.scales_of(panel)), wide);
      b.scales = wide;
    }
    float sums[detail::block_most_rows * BlockWeights::width];
    const Index last = i + r;
    for (Index some; i < last; i += some) {
      some = last - i < kernels.most_rows ? last - i : kernels.most_rows;
      tiles.of_rows[some - 1](blocks, a + i * blocks, blocks, b, sums);
      for (Index row = 0; row < some; ++row, c += ldy)
        std::memcpy(c, sums + row * w.width, sizeof(float) * static_cast<std::size_t>(columns));
    }
  };
  detail::each_panel(rows, w.n, w.k, w.width, y, ldy, epilogue, product);
}

}  // namespace gloss::inline GLOSS_ABI::kernels
