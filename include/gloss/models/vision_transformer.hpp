// The Transformer of patches that ViT, DINOv2 and MAE have in common, with the names of timm and of Meta's files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gloss/models/activation.hpp>
#include <gloss/models/init.hpp>
#include <gloss/models/patches.hpp>
#include <gloss/nn/drop_path.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/ops/dropout.hpp>
#include <gloss/ops/glu.hpp>
#include <gloss/ops/multi_head_attention.hpp>
#include <gloss/ops/where.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// Of a block.
struct ViTBlockOptions {
  Index width = 768, heads = 12, mlp_width = 3072;
  std::string activation = "gelu";
  bool gated = false;  // y = fc2(silu(a) b), where fc1 gives a and b; mlp_width is that of each
  bool qkv_bias = true;
  double dropout = 0;                      // behind the attention and behind the MLP
  double attention_dropout = 0;            // of the weights
  double drop_path = 0;                    // of the block's two branches
  std::optional<double> layer_scale = {};  // what the branches' scales begin with; none: there are no scales
  double eps = 1e-6;
};

/// y = proj(attention of qkv(x)); no token is hidden from another.
/// Shape: x [batch, n, width] -> the same
/// Keys: qkv. [3 width, width], proj.
template <Real T>
struct ViTAttention final : nn::Module<T> {
  Index heads;
  double dropout;
  nn::Linear<T> qkv, proj;

  explicit ViTAttention(const ViTBlockOptions& o)
      : heads(o.heads),
        dropout(o.attention_dropout),
        qkv(o.width, 3 * o.width, {.bias = o.qkv_bias}),
        proj(o.width, o.width) {
    if (heads < 1 || o.width % heads != 0)
      fail("ViTAttention: the width ", o.width, " is not a multiple of ", heads, " heads");
  }
  /// weights, where wanted, becomes [batch, heads, n, n], outside the graph.
  Tensor<T> operator()(const Tensor<T>& x, Tensor<T>* weights = nullptr) const {
    const AttentionOptions<T> options{.dropout = this->is_training() ? dropout : 0};
    return this->output(proj(multi_head_attention(std::vector<Tensor<T>>{qkv(x)}, heads, options, weights)));
  }
  void visit(nn::Visitor<T>& v) override { v("qkv", qkv), v("proj", proj); }
};

/// y = fc2(activation(fc1(x))), or gated.
/// Keys: fc1., fc2.; gated w12., w3.
template <Real T>
struct ViTMlp final : nn::Module<T> {
  bool gated;
  nn::FeedForwardActivation<T> act;
  nn::Linear<T> fc1, fc2;

  explicit ViTMlp(const ViTBlockOptions& o)
      : gated(o.gated),
        act(activation<T>(o.activation)),
        fc1(o.width, (o.gated ? 2 : 1) * o.mlp_width),
        fc2(o.mlp_width, o.width) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (!gated) return this->output(fc2(act.after(fc1, x, 0, false)));
    const Tensor<T> both = fc1(x);
    const Index n = both.size(-1) / 2;
    return this->output(fc2(swiglu(both.narrow(-1, 0, n), both.narrow(-1, n, n))));
  }
  void visit(nn::Visitor<T>& v) override { v(gated ? "w12" : "fc1", fc1), v(gated ? "w3" : "fc2", fc2); }
};

/// z = x + drop_path(ls1 dropout(attn(norm1(x)))), y = z + drop_path(ls2 dropout(mlp(norm2(z)))).
/// Shape: x [batch, n, width] -> the same
/// Errors: Error for a width that is not a multiple of the heads, an unknown activation, a drop_path outside [0, 1].
/// Source: Dosovitskiy et al. 2020, eq. 2 and 3; Touvron et al. 2021 for the scales ls1 and ls2 of each channel.
/// Keys: norm1., attn., ls1.gamma [width], norm2., mlp., ls2.gamma [width]
template <Real T>
struct ViTBlock final : nn::Module<T> {
  nn::LayerNorm<T> norm1, norm2;
  ViTAttention<T> attn;
  ViTMlp<T> mlp;
  nn::Parameter<T> ls1, ls2;
  nn::DropPath<T> drop_path;
  double dropout;

  explicit ViTBlock(const ViTBlockOptions& o)
      : norm1(o.width, {.eps = o.eps}), norm2(norm1), attn(o), mlp(o), drop_path(o.drop_path), dropout(o.dropout) {
    if (!o.layer_scale) return;
    for (nn::Parameter<T>* scale : {&ls1, &ls2})
      *scale = nn::Parameter<T>(full<T>({o.width}, static_cast<T>(*o.layer_scale)));
  }
  Tensor<T> operator()(const Tensor<T>& x, Tensor<T>* weights = nullptr) const {
    const Tensor<T> z = added(x, attn(norm1(x), weights), ls1);
    return this->output(added(z, mlp(norm2(z)), ls2));
  }
  void visit(nn::Visitor<T>& v) override {
    v("norm1", norm1), v("attn", attn), v("ls1.gamma", ls1);
    v("norm2", norm2), v("mlp", mlp), v("ls2.gamma", ls2), v("drop_path", drop_path);
  }

 private:
  Tensor<T> added(const Tensor<T>& x, const Tensor<T>& branch, const Tensor<T>& scale) const {
    if (!scale.defined() && drop_path.drop_prob == 0) return add_dropout(x, branch, dropout, this->is_training());
    const Tensor<T> y = gloss::dropout(branch, dropout, this->is_training());
    return x + drop_path(scale.defined() ? y * scale : y);
  }
};

/// Of a VisionTransformer.
struct VisionTransformerOptions {
  ViTBlockOptions block = {};  // drop_path is that of the last block
  Index depth = 12;
  bool rising_drop_path = true;  // from 0 in the first block; else all have the same
  Pair image_size = 224, patch_size = 16;
  Index channels = 3;
  bool class_token = true;     // before the patches
  bool class_position = true;  // positions have a row for it
  Index registers = 0;         // tokens between it and the patches, without a position
  bool mask_token = false;     // which stands for patches that are hidden
  bool last_norm = true;
  bool antialias = false;  // positions of a smaller grid count all of the larger one's
  double dropout = 0;      // of the tokens
  double initializer_range = 0.02;
};

/// Patches as tokens, with positions; before them a class token and registers; the blocks; a last norm. Images of
/// another size than image_size have the positions resized, bicubically.
/// Shape: [batch, channels, height, width] -> [batch, class token + registers + patches, width]
/// Errors: ShapeError for images of other axes or another number of channels, or smaller than a patch, and for a mask
/// that is not [batch, patches]; Error as ViTBlock.
/// Source: Dosovitskiy et al. 2020; Darcet et al. 2023 for the registers.
/// Keys: cls_token [1, 1, width], reg_token [1, registers, width], mask_token [1, width], pos_embed [1, class token +
/// patches, width], patch_embed., blocks., norm.
template <Real T>
struct VisionTransformer final : nn::Module<T> {
  VisionTransformerOptions options;
  nn::Parameter<T> cls_token, reg_token, mask_token, pos_embed;
  PatchEmbedding<T> patch_embed;
  std::vector<ViTBlock<T>> blocks;
  std::optional<nn::LayerNorm<T>> norm;

  explicit VisionTransformer(const VisionTransformerOptions& o)
      : options(o), patch_embed(o.channels, o.block.width, o.patch_size) {
    const Index width = o.block.width;
    const Pair grid = trained_grid();
    const auto token = [&](Index n) { return nn::Parameter<T>(zeros<T>({1, n, width})); };
    options.class_position = o.class_position && o.class_token;
    if (o.class_token) cls_token = token(1);
    if (o.registers > 0) reg_token = token(o.registers);
    if (o.mask_token) mask_token = nn::Parameter<T>(zeros<T>({1, width}));
    pos_embed = token((options.class_position ? 1 : 0) + grid.h * grid.w);
    ViTBlockOptions block = o.block;
    for (Index i = 0; i < o.depth; ++i) {
      if (o.rising_drop_path && o.depth > 1)
        block.drop_path = o.block.drop_path * static_cast<double>(i) / static_cast<double>(o.depth - 1);
      blocks.emplace_back(block);
    }
    if (o.last_norm) norm.emplace(width, nn::LayerNormOptions{.eps = o.block.eps});
    init_normal_(*this, o.initializer_range);
  }

  /// How many tokens stand before the patches.
  Index prefix() const { return (options.class_token ? 1 : 0) + options.registers; }

  /// attentions, where wanted, gets the weights of each block, [batch, heads, n, n]. masked [batch, patches]: for which
  /// patches the mask token stands.
  Tensor<T> operator()(const Tensor<T>& images, std::vector<Tensor<T>>* attentions = nullptr,
                       const Tensor<bool>& masked = {}) const {
    const Tensor<T> positions = positions_for(images.shape());
    return this->output(encode(with_prefix(embed(images, positions, masked), positions), attentions));
  }

  /// Its steps. The positions of these images:
  Tensor<T> positions_for(const Shape& images) const {
    return resize_positions(pos_embed, options.class_position ? 1 : 0, trained_grid(), patch_embed.grid(images),
                            {.mode = InterpolateMode::bicubic, .antialias = options.antialias});
  }
  /// Patches with positions;
  Tensor<T> embed(const Tensor<T>& images, const Tensor<T>& positions, const Tensor<bool>& masked = {}) const {
    Tensor<T> x = patch_embed(images);
    if (masked.defined()) {
      if (!mask_token.defined()) fail("VisionTransformer: patches are masked, and there is no mask token");
      if (masked.shape() != Shape{x.size(0), x.size(1)})
        fail<ShapeError>("VisionTransformer: masked ", masked.shape(), " must be ", Shape{x.size(0), x.size(1)});
      x = where(masked.unsqueeze(-1), mask_token, x);
    }
    return x + positions.narrow(1, positions.size(1) - x.size(1), x.size(1));
  }
  /// before them class token and registers;
  Tensor<T> with_prefix(const Tensor<T>& patches, const Tensor<T>& positions) const {
    std::vector<Tensor<T>> tokens;
    const auto put = [&](const Tensor<T>& x) { tokens.push_back(x.expand({patches.size(0), x.size(1), x.size(2)})); };
    if (options.class_token) put(options.class_position ? cls_token + positions.narrow(1, 0, 1) : Tensor<T>(cls_token));
    if (options.registers > 0) put(reg_token);
    tokens.push_back(patches);
    return dropout(tokens.size() > 1 ? cat(tokens, 1) : patches, options.dropout, this->is_training());
  }
  /// blocks and norm.
  Tensor<T> encode(Tensor<T> x, std::vector<Tensor<T>>* attentions = nullptr) const {
    if (attentions) attentions->assign(blocks.size(), {});
    for (std::size_t i = 0; i < blocks.size(); ++i) x = blocks[i](x, attentions ? &(*attentions)[i] : nullptr);
    return norm ? (*norm)(x) : x;
  }
  Pair trained_grid() const {
    return {options.image_size.h / options.patch_size.h, options.image_size.w / options.patch_size.w};
  }
  void visit(nn::Visitor<T>& v) override {
    v("cls_token", cls_token), v("reg_token", reg_token), v("mask_token", mask_token), v("pos_embed", pos_embed);
    v("patch_embed", patch_embed), v("blocks", blocks);
    if (norm) v("norm", *norm);
  }
};

}  // namespace gloss::inline GLOSS_ABI::models
