// Products with weights of 8 bits, each row of which has a scale: rows of x become bytes with a scale and a zero of
// their own, sums are whole numbers and exact.
#pragma once

#include <bit>
#include <cmath>

#include <gloss/kernels/gemm/int8_kernels.hpp>
#include <gloss/kernels/gemm/panels.hpp>
#include <gloss/kernels/workspace.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Where weights [n, k] of 8 bits lie: W[j, p] = scales[j] * byte. Sums of more than most_depth products might
/// overflow.
struct Int8Weights {
  static constexpr Index most_depth = 65536;

  Index n = 0, k = 0;
  std::int8_t* quads = nullptr;  // [panels, quads of k, int8_width, 4], zeros where W ends
  float* scales = nullptr;       // [panels * int8_width]
  std::int32_t* sums = nullptr;  // [panels * int8_width], of the bytes of each row

  /// How much memory they take, and where it is; aligned to 4 bytes.
  Index bytes() const { return panels() * (panel_bytes() + 8 * detail::int8_width); }
  void place(std::uint8_t* memory) {
    quads = reinterpret_cast<std::int8_t*>(memory);
    scales = reinterpret_cast<float*>(memory + panels() * panel_bytes());
    sums = reinterpret_cast<std::int32_t*>(scales + panels() * detail::int8_width);
  }
  Index panel_columns() const { return detail::int8_width; }
  /// Rows [first, first + count) of the weights, in the same memory; first is a multiple of a panel's columns.
  Int8Weights part(Index first, Index count) const {
    return {count, k, quads + first / detail::int8_width * panel_bytes(), scales + first, sums + first};
  }
  Index panels() const { return (n + detail::int8_width - 1) / detail::int8_width; }
  Index depth() const { return (k + 3) / 4; }  // in quads
  Index panel_bytes() const { return depth() * 4 * detail::int8_width; }
  /// Byte p of row j.
  Index at(Index j, Index p) const {
    constexpr Index w = detail::int8_width;
    return j / w * panel_bytes() + (p / 4 * w + j % w) * 4 + p % 4;
  }
};

/// Packs W [n, k]. The scale of a row is its largest magnitude / 127, cut to 16 bits: then the numbers that bytes stand
/// for are exact, and packing them gives the same bytes and scales.
inline void pack_weight(const float* weight, Index ld, const Int8Weights& to) {
  parallel_for(to.panels(), 65536 / (to.panel_bytes() + 1) + 1, [=](Index begin, Index end) {
    std::memset(to.quads + begin * to.panel_bytes(), 0, static_cast<std::size_t>((end - begin) * to.panel_bytes()));
    for (Index j = begin * detail::int8_width; j < end * detail::int8_width; ++j) {
      const float* const row = weight + j * ld;
      float largest = 0;
      std::int32_t sum = 0;
      for (Index p = 0; j < to.n && p < to.k; ++p) largest = (std::max)(largest, std::abs(row[p]));
      const float scale = std::bit_cast<float>(std::bit_cast<std::uint32_t>(largest / 127) & 0xFFFFFF00u);
      const float factor = scale >= (std::numeric_limits<float>::min)() ? 1 / scale : 0.0f;
      for (Index p = 0; j < to.n && p < to.k; ++p) {
        const float v = row[p] * factor;
        const auto byte = static_cast<std::int32_t>(v < 0 ? v - 0.5f : v + 0.5f);
        to.quads[to.at(j, p)] = static_cast<std::int8_t>(byte);
        sum += byte;
      }
      to.scales[j] = scale;
      to.sums[j] = sum;
    }
  });
}

/// out [k] = factor * row j of the weights.
inline void unpack_row(const Int8Weights& w, Index j, float factor, float* out) {
  for (Index p = 0; p < w.k; ++p) out[p] = factor * w.scales[j] * static_cast<float>(w.quads[w.at(j, p)]);
}

/// y = finish(act(x W^T + bias)).
/// Shape: x [rows, k] with rows ldx apart, y [rows, n] with rows ldy apart
inline void packed_product(const Int8Weights& w, Index rows, const float* x, Index ldx, float* y, Index ldy,
                           const Epilogue<float>& epilogue) {
  constexpr Index width = detail::int8_width;
  if (rows <= 0 || w.n <= 0) return;
  const auto& kernels = detail::int8_kernels_in_use<float>();
  const Index depth = w.depth(), row_bytes = 4 * depth;
  float* const scales = detail::workspace<1>().get<float>(2 * rows + rows * depth);
  auto* const zeros = reinterpret_cast<std::int32_t*>(scales + rows);
  auto* const bytes = reinterpret_cast<std::uint8_t*>(scales + 2 * rows);
  parallel_for(rows, 32768 / (w.k + 1) + 1, [&](Index begin, Index end) {
    kernels.rows(end - begin, w.k, x + begin * ldx, ldx, bytes + begin * row_bytes, row_bytes, scales + begin,
                 zeros + begin);
  });
  const auto product = [&](Index panel, Index i, Index r, Index columns, float* c) {
    std::int32_t sums[detail::int8_most_rows * width];
    const Index j = panel * width, last = i + r;
    for (Index some; i < last; i += some, c += some * ldy) {
      some = last - i < kernels.most_rows ? last - i : kernels.most_rows;
      kernels.tile[some - 1](depth, bytes + i * row_bytes, row_bytes, w.quads + panel * w.panel_bytes(), sums);
      kernels.end(some, columns, sums, w.sums + j, w.scales + j, zeros + i, scales + i, c, ldy);
    }
  };
  detail::each_panel(rows, w.n, w.k, width, y, ldy, epilogue, product);
}

}  // namespace gloss::inline GLOSS_ABI::kernels
