// A residual connection, the dropout before it and the normalisation after it in one pass over memory, forward beside
// backward.
#pragma once

#include <gloss/kernels/activation.hpp>
#include <gloss/kernels/dropout.hpp>
#include <gloss/kernels/layer_norm.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// s = residual + dropout(x), or residual + x where p is 0; y = layer_norm(s): add_dropout and layer_norm_forward,
/// which say the rest, on a few rows at a time, whose numbers are still in cache. s may be x or y.
/// Shape: residual, x, s, y [rows, n].
template <class T>
void add_layer_norm_forward(const T* residual, const T* x, T* s, std::int64_t* mask, double p, RandomBlock random,
                            const T* gamma, const T* beta, T* y, T* mean, T* rscale, Index rows, Index n, double eps,
                            LayerNormKind kind) {
  if (rows == 0) return;
  Index height = 64;  // as many rows as begin with a word of the mask
  while (height > 1 && height * n % 128 == 0) height /= 2;
  constexpr Index most = 4096;  // numbers
  if (height * n < most) height *= most / (height * n);
  parallel_for((rows + height - 1) / height, detail::row_grain(height * n), [=](Index begin, Index end) {
    for (Index block = begin; block < end; ++block) {
      const Index first = block * height, here = rows - first < height ? rows - first : height, at = first * n;
      RandomBlock part = random;
      part.first += static_cast<std::uint64_t>(at / 8);
      if (p > 0)
        add_dropout(residual + at, x + at, s + at, mask != nullptr ? mask + at / 64 : nullptr, here * n, p, part);
      else
        detail::map_vectors<T>(residual + at, x + at, s + at, here * n,
                               [](Vec<T> a, Vec<T> b) GLOSS_INLINE_LAMBDA { return a + b; });
      layer_norm_forward(static_cast<const T*>(s + at), gamma, beta, y + at, mean + first, rscale + first, here, n, eps,
                         kind);
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
