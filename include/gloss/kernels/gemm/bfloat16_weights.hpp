// Products with weights kept in bfloat16, in panels: rows of x are rounded as they are read, sums are float.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include <gloss/kernels/gemm/bfloat16.hpp>
#include <gloss/kernels/workspace.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Where weights [n, k] in bfloat16 lie.
struct Bfloat16Weights {
  static constexpr Index width = 64;  // columns of a panel

  Index n = 0, k = 0;
  bfloat16* numbers = nullptr;  // [panels, pairs of k, width, 2], zeros where W ends

  /// How much memory they take, and where it is; aligned to 4 bytes.
  Index bytes() const { return panels() * panel_size() * 2; }
  void place(std::uint8_t* memory) { numbers = reinterpret_cast<bfloat16*>(memory); }
  Index panel_columns() const { return width; }
  /// Rows [first, first + count) of the weights, in the same memory; first is a multiple of a panel's columns.
  Bfloat16Weights part(Index first, Index count) const { return {count, k, numbers + first / width * panel_size()}; }
  Index panels() const { return (n + width - 1) / width; }
  Index depth() const { return (k + 1) / 2; }  // in pairs
  Index panel_size() const { return depth() * 2 * width; }
  /// Where W[j, p] is.
  Index at(Index j, Index p) const { return j / width * panel_size() + (p / 2 * width + j % width) * 2 + p % 2; }
};

/// Packs W [n, k], rounded to nearest, ties to even.
inline void pack_weight(const float* weight, Index ld, const Bfloat16Weights& to) {
  parallel_for(to.panels(), 65536 / (to.panel_size() + 1) + 1, [=](Index begin, Index end) {
    for (Index at = begin * to.panel_size(); at < end * to.panel_size(); ++at) to.numbers[at] = bfloat16();
    for (Index j = begin * to.width; j < end * to.width && j < to.n; ++j)
      for (Index p = 0; p < to.k; ++p) to.numbers[to.at(j, p)] = bfloat16(weight[j * ld + p]);
  });
}

/// out [k] = factor * row j of the weights.
inline void unpack_row(const Bfloat16Weights& w, Index j, float factor, float* out) {
  for (Index p = 0; p < w.k; ++p) out[p] = factor * float(w.numbers[w.at(j, p)]);
}

namespace detail {
/// out [2 * depth, width] = the panel's numbers.
inline void unpack_panel(const Bfloat16Weights& w, Index panel, float* out) {
  constexpr Index width = Bfloat16Weights::width;
  constexpr bool first_is_low = std::endian::native == std::endian::little;
  const bfloat16* pairs = w.numbers + panel * w.panel_size();
  for (Index p = 0; p < w.depth(); ++p, pairs += 2 * width, out += 2 * width) {
    std::uint32_t both[width];
    std::memcpy(both, pairs, sizeof both);
    float* const low = first_is_low ? out : out + width;
    float* const high = first_is_low ? out + width : out;
    for (Index q = 0; q < width; ++q) low[q] = std::bit_cast<float>(both[q] << 16);
    for (Index q = 0; q < width; ++q) high[q] = std::bit_cast<float>(both[q] & 0xFFFF0000u);
  }
}
}  // namespace detail

/// y = finish(act(x W^T + bias)).
/// Shape: x [rows, k] with rows ldx apart, y [rows, n] with rows ldy apart
inline void packed_product(const Bfloat16Weights& w, Index rows, const float* x, Index ldx, float* y, Index ldy,
                           const Epilogue<float>& epilogue) {
  if (rows <= 0 || w.n <= 0) return;
#ifdef GLOSS_BACKEND_EIGEN
  float* const weight = detail::workspace<0>().get<float>((w.n + rows) * w.k);
  float* const rounded = weight + w.n * w.k;
  for (Index j = 0; j < w.n; ++j) unpack_row(w, j, 1, weight + j * w.k);
  for (Index i = 0; i < rows * w.k; ++i) rounded[i] = float(bfloat16(x[i / w.k * ldx + i % w.k]));
  gemm<float>(false, true, rows, w.n, w.k, 1, rounded, w.k, weight, w.k, 0, y, ldy, epilogue);
#else
  constexpr Index most = 16 * detail::tile_rows;  // rows of a block
  const detail::Product<float> product{false, true, rows, w.n, w.k, 1, x, ldx, nullptr, w.k, 0, y, ldy, epilogue};
  const detail::GemmKernels<float>* kernels = &product.kernels;
  Index depth = w.k, a_row = w.k;
#ifdef GLOSS_BFLOAT16_TILES
  // few rows wait for the weights, however long the arithmetic takes
  const bool has_tiles = detail::uses_bfloat16_tiles() || (rows <= detail::tile_rows && detail::has_bfloat16_tiles());
  if (has_tiles) kernels = &detail::bfloat16_kernels, depth = w.depth(), a_row = ((depth + 15) / 16 | 1) * 16;
#else
  constexpr bool has_tiles = false;
#endif
  float* const a = detail::workspace<1>().get<float>(rows * a_row);
  parallel_for(rows, 32768 / (w.k + 1) + 1, [&](Index begin, Index end) {
#ifdef GLOSS_BFLOAT16_TILES
    if (has_tiles) return detail::bfloat16_rows(end - begin, w.k, x + begin * ldx, ldx, a + begin * a_row, a_row);
#endif
    detail::round_to_bfloat16(end - begin, w.k, x + begin * ldx, ldx, a + begin * a_row);
  });
  const Index blocks = (rows + most - 1) / most, unit_work = (rows < most ? rows : most) * w.width * w.k / 2;
  parallel_for(w.panels() * blocks, detail::work_per_thread / (unit_work + 1) + 1, [&](Index begin, Index end) {
    Index unpacked = -1;  // the panel in the workspace
    for (Index unit = begin; unit < end; ++unit) {
      const Index panel = unit / blocks, j = panel * w.width, columns = w.n - j < w.width ? w.n - j : w.width;
      const auto* b = reinterpret_cast<const float*>(w.numbers + panel * w.panel_size());
#ifdef GLOSS_BFLOAT16_TILES
      if (has_tiles && rows == 1) {  // for which the table's tiles have two rows: half the reading speed
        constexpr int vectors = Bfloat16Weights::width / 16;
        float sums[16 * vectors];
        detail::bfloat16_tile<1, vectors>(depth, a, a_row, 1, b, w.width, sums, w.width, 1, 0);
        std::memcpy(y + j, sums, static_cast<std::size_t>(columns) * sizeof(float));
        detail::gemm_end(product, 0, j, 1, columns);
        continue;
      }
#endif
      if (!has_tiles) {
        float* const numbers = detail::workspace<0>().get<float>(2 * w.depth() * w.width);
        if (panel != unpacked) detail::unpack_panel(w, panel, numbers);
        b = numbers, unpacked = panel;
      }
      const Index last = (unit % blocks + 1) * most < rows ? (unit % blocks + 1) * most : rows;
      for (Index i = unit % blocks * most; i < last; i += detail::tile_rows) {
        const Index stop = last - i < detail::tile_rows ? last - i : detail::tile_rows;
        for (Index q = 0; q < columns; q += kernels->width()) {
          const Index some = columns - q < kernels->width() ? columns - q : kernels->width();
          detail::gemm_rows<float>(*kernels, stop, some, kernels->width(some), depth, a + i * a_row, a_row, 1, b + q,
                                   w.width, y + i * ldy + j + q, ldy, 1, 0);
        }
        detail::gemm_end(product, i, j, stop, columns);
      }
    }
  });
#endif
}

}  // namespace gloss::inline GLOSS_ABI::kernels
