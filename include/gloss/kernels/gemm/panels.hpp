// Products with packed weights tile by tile, on all threads: what their forms have in common.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/gemm.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// y = finish(act(tiles + bias)): tile(panel, i, r, columns, c) writes rows [i, i + r) of so many columns of a panel of
/// `width` to c, their part of y.
/// Shape: y [rows, n] with rows ldy apart
template <class F>
void each_panel_tile(Index rows, Index n, Index k, Index width, Index most_rows, float* y, Index ldy,
                     const Epilogue<float>& epilogue, const F& tile) {
  constexpr Index most = 96;  // rows of a block
  const auto& others = GLOSS_ON_ISA(detail::gemm_kernels<float>);
  const Index panels = (n + width - 1) / width, blocks = (rows + most - 1) / most;
  const Index unit_work = (rows < most ? rows : most) * width * k / 4;
  parallel_for(panels * blocks, work_per_thread / (unit_work + 1) + 1, [&](Index begin, Index end) {
    for (Index unit = begin; unit < end; ++unit) {
      const Index panel = unit / blocks, j = panel * width, columns = n - j < width ? n - j : width;
      const Index last = (unit % blocks + 1) * most < rows ? (unit % blocks + 1) * most : rows;
      for (Index i = unit % blocks * most, r; i < last; i += r) {
        r = last - i < most_rows ? last - i : most_rows;
        float* const c = y + i * ldy + j;
        tile(panel, i, r, columns, c);
        const bool relu = epilogue.activation == Activation::relu;
        const float* const bias = epilogue.bias != nullptr ? epilogue.bias + j : nullptr;
        if (bias != nullptr || relu) others.end(r, columns, c, ldy, bias, relu);
        if (epilogue.finish) epilogue.finish(epilogue.how, i, j, r, columns, c, ldy);
      }
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
