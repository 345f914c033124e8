// Swin's relative position bias: a trained number for each way two pixels of a window can lie to each other.
#pragma once

#include <gloss/nn/init.hpp>
#include <gloss/nn/module.hpp>
#include <gloss/ops/embedding.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// Which row of the bias table belongs to pixels i and j of a window: (row_i - row_j + h - 1)(2w - 1) + column_i -
/// column_j + w - 1, with the pixels row by row.
/// Shape: h, w -> [h w, h w], from 0 to (2h - 1)(2w - 1) - 1
/// Errors: ShapeError when a size is not positive.
/// PyTorch: timm.layers.gen_relative_position_index
GLOSS_LAZY Tensor<std::int64_t> swin_position_index(Index h, Index w) {
  if (h <= 0 || w <= 0) fail<ShapeError>("swin_position_index: a window of ", h, " x ", w, " has no pixels");
  const Index n = h * w;
  Tensor<std::int64_t> index = empty<std::int64_t>({n, n});
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j)
      index.data()[i * n + j] = (i / w - j / w + h - 1) * (2 * w - 1) + i % w - j % w + w - 1;
  return index;
}

struct SwinPositionBiasOptions {
  bool persistent_index = true;  // relative_position_index is part of the state dict
};

/// B[head, i, j] = table[index[i, j], head], which is added to the scaled scores of a window: softmax(q k^T / sqrt(d) +
/// B) v. It is the `bias` of scaled_dot_product_attention, which gives the table its gradient.
/// Shape: -> [num_heads, h w, h w]
/// Errors: ShapeError when a size is not positive.
/// Source: Liu et al. 2021, eq. 4; initialised as there, normal with deviation 0.02, cut at 2.
/// PyTorch: transformers' SwinRelativePositionBias, timm.layers.RelPosBias
/// Keys: relative_position_bias_table [(2h - 1)(2w - 1), num_heads]; relative_position_index [h w, h w], an int64
/// buffer, which Swin's own checkpoints hold and those of newer timm and transformers do not
template <Real T>
struct SwinPositionBias final : Module<T> {
  Parameter<T> relative_position_bias_table;
  Buffer<std::int64_t> relative_position_index;
  Index height, width;

  SwinPositionBias(Index h, Index w, Index num_heads, SwinPositionBiasOptions options = {}) : height(h), width(w) {
    if (h <= 0 || w <= 0 || num_heads <= 0)
      fail<ShapeError>("SwinPositionBias: window ", h, " x ", w, " with ", num_heads, " heads: all must be positive");
    relative_position_bias_table = Parameter<T>(trunc_normal<T>({(2 * h - 1) * (2 * w - 1), num_heads}, {.std = 0.02}));
    relative_position_index = Buffer<std::int64_t>(swin_position_index(h, w), {.persistent = options.persistent_index});
  }
  Tensor<T> operator()() const {
    return this->output(
        embedding(relative_position_index, relative_position_bias_table).permute({2, 0, 1}).contiguous());
  }
  /// That of a smaller window: of the first h rows and w columns.
  /// Shape: -> [num_heads, h w, h w]
  /// Errors: IndexError when the window has not so many.
  Tensor<T> operator()(Index h, Index w) const {
    const Tensor<T> bias = (*this)();
    if (h == height && w == width) return bias;
    const Tensor<T> places = bias.view({bias.size(0), height, width, height, width});
    return places.narrow(1, 0, h).narrow(2, 0, w).narrow(3, 0, h).narrow(4, 0, w).reshape({-1, h * w, h * w});
  }
  void visit(Visitor<T>& v) override {
    v("relative_position_bias_table", relative_position_bias_table);
    v("relative_position_index", relative_position_index);
  }
};

}  // namespace gloss::inline GLOSS_ABI::nn
