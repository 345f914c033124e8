// Products with packed weights panel by panel, on all threads: what their forms have in common.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/gemm.hpp>

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// y = finish(act(product + bias)): product(panel, i, r, columns, c) writes rows [i, i + r) of so many columns of a
/// panel of `width` to c, their part of y; r is `most` but for the last rows. The weights have `bytes` for each output.
/// Shape: y [rows, n] with rows ldy apart
template <class F>
void each_panel(Index rows, Index n, Index bytes, Index width, float* y, Index ldy, const Epilogue<float>& epilogue,
                const F& product, Index most = 96) {
  const auto& others = GLOSS_ON_ISA(detail::gemm_kernels<float>);
  const Index panels = (n + width - 1) / width, blocks = (rows + most - 1) / most;
  const Index unit_work = (rows < most ? rows : most) * width * bytes / 4;
  parallel_for(panels * blocks, work_per_thread / (unit_work + 1) + 1, [&](Index begin, Index end) {
    for (Index unit = begin; unit < end; ++unit) {
      const Index panel = unit / blocks, j = panel * width, columns = n - j < width ? n - j : width;
      const Index i = unit % blocks * most, r = rows - i < most ? rows - i : most;
      float* const c = y + i * ldy + j;
      product(panel, i, r, columns, c);
      const bool relu = epilogue.activation == Activation::relu;
      const float* const bias = epilogue.bias != nullptr ? epilogue.bias + j : nullptr;
      if (bias != nullptr || relu) others.end(r, columns, c, ldy, bias, relu);
      if (epilogue.finish) epilogue.finish(epilogue.how, i, j, r, columns, c, ldy);
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail
