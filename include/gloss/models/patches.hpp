// Images as sequences of patches, and the positions of a grid of patches.
#pragma once

#include <vector>

#include <gloss/nn/init.hpp>
#include <gloss/nn/module.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/conv.hpp>
#include <gloss/ops/einops.hpp>
#include <gloss/ops/interpolate.hpp>
#include <gloss/ops/linear.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// How many whole patches lie below each other and side by side in images.
/// Errors: ShapeError in the name of `model` for images that are not [batch, channels, height, width], or smaller
/// than a patch.
GLOSS_COLD inline Pair patch_grid(const char* model, const Shape& images, Pair patch) {
  if (images.rank() != 4) fail<ShapeError>(model, ": images ", images, " must be [batch, channels, height, width]");
  const Pair grid(images[2] / patch.h, images[3] / patch.w);
  if (grid.h < 1 || grid.w < 1)
    fail<ShapeError>(model, ": images ", images, " are smaller than a patch, ", patch.h, " x ", patch.w);
  return grid;
}

/// Each patch as a row, in the order of reading: y[b, i w + j, (c p + r) q + s] = x[b, c, i p + r, j q + s] for
/// patches of p x q. Rows and columns behind the last whole patch are left out.
/// Shape: [batch, channels, height, width] -> [batch, patches, channels p q]
/// Errors: ShapeError for images of other axes, or smaller than a patch.
template <Real T>
Tensor<T> patchify(const Tensor<T>& images, Pair patch) {
  const Pair grid = patch_grid("patchify", images.shape(), patch);
  const Tensor<T> whole = images.narrow(2, 0, grid.h * patch.h).narrow(3, 0, grid.w * patch.w);
  return rearrange(whole, "b c (h p) (w q) -> b (h w) (c p q)", {{"p", patch.h}, {"q", patch.w}});
}

/// What patchify came from: images of so many patches below each other and side by side.
/// Shape: [batch, grid.h grid.w, channels p q] -> [batch, channels, grid.h p, grid.w q]
/// Errors: ShapeError when the sizes do not fit.
template <Real T>
Tensor<T> unpatchify(const Tensor<T>& patches, Pair patch, Pair grid) {
  return rearrange(patches, "b (h w) (c p q) -> b c (h p) (w q)",
                   {{"p", patch.h}, {"q", patch.w}, {"h", grid.h}, {"w", grid.w}});
}

/// A linear map of each patch, y = W x + b: as a product with the patches that patchify gives, or as a convolution
/// whose kernel and stride are a patch, which is the same.
/// Shape: [batch, channels, height, width] -> [batch, patches, width of a token]
/// Errors: ShapeError for images of other axes or another number of channels, or smaller than a patch.
/// Source: Dosovitskiy et al. 2020, eq. 1.
/// Keys: proj.weight [width, channels, p, q], proj.bias [width]
template <Real T>
struct PatchEmbedding final : nn::Module<T> {
  nn::Parameter<T> weight, bias;
  Pair patch;

  PatchEmbedding(Index channels, Index width, Pair size) : patch(size) {
    weight = nn::Parameter<T>(empty<T>({width, channels, patch.h, patch.w}));
    nn::init::xavier_uniform_(weight.detach().flatten(1));
    bias = nn::Parameter<T>(zeros<T>({width}));
  }
  Pair grid(const Shape& images) const {
    const Pair patches = patch_grid("PatchEmbedding", images, patch);
    if (images[1] != weight.size(1))
      fail<ShapeError>("PatchEmbedding: images ", images, " have ", images[1], " channels, not ", weight.size(1));
    return patches;
  }
  Tensor<T> operator()(const Tensor<T>& images) const {
    grid(images.shape());
    return this->output(linear(patchify(images, patch), weight.flatten(1), bias));
  }
  Tensor<T> by_convolution(const Tensor<T>& images) const {
    grid(images.shape());
    return this->output(conv2d(images, weight, bias, {.stride = patch}).flatten(2).transpose(1, 2));
  }
  void visit(nn::Visitor<T>& v) override { v("proj.weight", weight), v("proj.bias", bias); }
};

/// Positions that were learnt for a grid of patches, for another grid: resized as an image whose channels are the
/// numbers of a position. Those of `extra` tokens before the patches stay as they are.
/// Shape: [1, extra + from.h from.w, d] -> [1, extra + to.h to.w, d]
/// Errors: ShapeError when the positions are not those of `from`.
/// transformers: interpolate_pos_encoding
template <Real T>
Tensor<T> resize_positions(const Tensor<T>& positions, Index extra, Pair from, Pair to,
                           InterpolateOptions options = {.mode = InterpolateMode::bicubic}) {
  if (positions.dim() != 3 || positions.size(0) != 1 || positions.size(1) != extra + from.h * from.w)
    fail<ShapeError>("resize_positions: ", positions.shape(), " are not positions of ", extra, " tokens and ", from.h,
                     " x ", from.w, " patches");
  if (from == to) return positions;
  const Tensor<T> map = rearrange(positions.narrow(1, extra, from.h * from.w), "1 (h w) d -> 1 d h w", {{"h", from.h}});
  const Tensor<T> resized = rearrange(interpolate(map, {to.h, to.w}, options), "1 d h w -> 1 (h w) d");
  return extra == 0 ? resized : cat(std::vector<Tensor<T>>{positions.narrow(1, 0, extra), resized}, 1);
}

}  // namespace gloss::inline GLOSS_ABI::models
