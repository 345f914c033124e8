// MAE: a ViT that learns from images without labels, by filling in what was hidden from it.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/models/vit.hpp>
#include <gloss/nn/load_state_dict.hpp>
#include <gloss/ops/embedding.hpp>
#include <gloss/ops/sort.hpp>
#include <gloss/ops/sqrt.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/ops/var.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What config.json says, under its names; what it does not say is as in vit-mae-base.
/// transformers: ViTMAEConfig
struct ViTMAEConfig {
  static constexpr std::string_view model_type = "vit_mae";
  Index hidden_size = 768, num_hidden_layers = 12, num_attention_heads = 12, intermediate_size = 3072;
  std::string hidden_act = "gelu";
  double hidden_dropout_prob = 0, attention_probs_dropout_prob = 0;
  double initializer_range = 0.02, layer_norm_eps = 1e-12;
  Index image_size = 224, patch_size = 16, num_channels = 3;
  bool qkv_bias = true;
  Index decoder_num_attention_heads = 16, decoder_hidden_size = 512, decoder_num_hidden_layers = 8;
  Index decoder_intermediate_size = 2048;
  double mask_ratio = 0.75;
  bool norm_pix_loss = false;

  template <class Field>
  void fields(Field&& field) {
    field("hidden_size", hidden_size), field("num_hidden_layers", num_hidden_layers);
    field("num_attention_heads", num_attention_heads), field("intermediate_size", intermediate_size);
    field("hidden_act", hidden_act), field("hidden_dropout_prob", hidden_dropout_prob);
    field("attention_probs_dropout_prob", attention_probs_dropout_prob);
    field("initializer_range", initializer_range), field("layer_norm_eps", layer_norm_eps);
    field("image_size", image_size), field("patch_size", patch_size), field("num_channels", num_channels);
    field("qkv_bias", qkv_bias), field("decoder_num_attention_heads", decoder_num_attention_heads);
    field("decoder_hidden_size", decoder_hidden_size), field("decoder_num_hidden_layers", decoder_num_hidden_layers);
    field("decoder_intermediate_size", decoder_intermediate_size), field("mask_ratio", mask_ratio);
    field("norm_pix_loss", norm_pix_loss);
  }
  /// Errors: Error for sizes that make no sense.
  void check() const {
    encoder().check();
    if (hidden_size % 4 != 0 || decoder_hidden_size % 4 != 0)
      fail("ViTMAEConfig: hidden_size ", hidden_size, " and decoder_hidden_size ", decoder_hidden_size,
           " must be multiples of 4");
    if (!(mask_ratio >= 0 && mask_ratio < 1)) fail("ViTMAEConfig: mask_ratio ", mask_ratio, " is not in [0, 1)");
  }
  /// That of a ViT with the same encoder.
  ViTConfig encoder() const {
    return {.hidden_size = hidden_size,
            .num_hidden_layers = num_hidden_layers,
            .num_attention_heads = num_attention_heads,
            .intermediate_size = intermediate_size,
            .hidden_act = hidden_act,
            .hidden_dropout_prob = hidden_dropout_prob,
            .attention_probs_dropout_prob = attention_probs_dropout_prob,
            .initializer_range = initializer_range,
            .layer_norm_eps = layer_norm_eps,
            .image_size = image_size,
            .patch_size = patch_size,
            .num_channels = num_channels,
            .qkv_bias = qkv_bias};
  }
  VisionTransformerOptions encoder_options() const {
    VisionTransformerOptions o = encoder().options();
    o.dropout = 0;
    return o;
  }
  ViTBlockOptions decoder_block() const {
    ViTBlockOptions o = encoder().options().block;
    o.width = decoder_hidden_size, o.heads = decoder_num_attention_heads, o.mlp_width = decoder_intermediate_size;
    return o;
  }
};

/// Fixed positions of a grid of patches, with a row of zeros for the class token before them. With w_k = 10000^(-4k/d),
/// the four quarters of the patch in row i and column j are sin(j w_k), cos(j w_k), sin(i w_k), cos(i w_k).
/// Shape: [1, 1 + grid.h grid.w, d], d a multiple of 4
/// Source: He et al. 2021; the columns come first in their program and in its files.
template <Real T>
GLOSS_COLD Tensor<T> sine_positions(Pair grid, Index d) {
  Tensor<T> y = zeros<T>({1, 1 + grid.h * grid.w, d});
  const Index quarter = d / 4;
  T* row = y.data();
  for (Index i = 0; i < grid.h; ++i)
    for (Index j = 0; j < grid.w; ++j) {
      row += d;
      for (Index k = 0; k < quarter; ++k) {
        const double w = 1 / std::pow(10000, static_cast<double>(k) / static_cast<double>(quarter));
        const double across = static_cast<double>(j) * w, down = static_cast<double>(i) * w;
        row[k] = static_cast<T>(std::sin(across)), row[quarter + k] = static_cast<T>(std::cos(across));
        row[2 * quarter + k] = static_cast<T>(std::sin(down)), row[3 * quarter + k] = static_cast<T>(std::cos(down));
      }
    }
  return y;
}

/// Which patches are hidden.
template <Real T>
struct PatchMask {
  Tensor<std::int64_t> kept;     // [batch, kept]: the patches that are seen
  Tensor<std::int64_t> restore;  // [batch, patches]: where each is when those that are seen stand before the others
  Tensor<T> mask;                // [batch, patches]: 1 for what is hidden, 0 for what is seen
};

/// Those patches are seen whose noise is least.
/// Shape: noise [batch, patches]
template <Real T>
GLOSS_COLD PatchMask<T> random_masking(const Tensor<T>& noise, double mask_ratio) {
  const Index batch = noise.size(0), n = noise.size(1);
  const Index seen = static_cast<Index>(static_cast<double>(n) * (1 - mask_ratio));
  const Tensor<std::int64_t> order = argsort(noise, 1).contiguous();
  PatchMask<T> out{order.narrow(1, 0, seen), empty<std::int64_t>({batch, n}), ones<T>({batch, n})};
  for (Index b = 0; b < batch; ++b)
    for (Index place = 0; place < n; ++place) {
      const Index patch = b * n + order.data()[b * n + place];
      out.restore.data()[patch] = place;
      if (place < seen) out.mask.data()[patch] = 0;
    }
  return out;
}

/// y[b, i] = x[b, ids[b, i]].
/// Shape: x [batch, n, d], ids [batch, m] -> [batch, m, d]
template <Real T>
Tensor<T> take_tokens(const Tensor<T>& x, const Tensor<std::int64_t>& ids) {
  const Tensor<std::int64_t> first = (arange<std::int64_t>(x.size(0)) * x.size(1)).unsqueeze(1);
  return embedding(ids + first, x.flatten(0, 1));
}

/// What the model says of every patch, seen or not, [batch, patches, patch_size^2 num_channels], and what was hidden.
template <Real T>
struct ViTMAEOutput {
  Tensor<T> logits;
  PatchMask<T> mask;
};

/// The encoder sees some of the patches; a decoder, a narrower Transformer, says from their features what is in the
/// others. Of a model so trained the encoder is what is wanted: classifier_from.
/// The pixels of a patch are in the order rows, columns, channels; with norm_pix_loss they are told from the patch's
/// mean in units of its deviation.
/// Shape: images [batch, num_channels, height, width], noise [batch, patches] -> logits [batch, patches, patch_size^2
/// num_channels]
/// Errors: as VisionTransformer; ShapeError for noise of another shape; Error as ViTMAEConfig::check.
/// Source: He et al. 2021.
/// transformers: ViTMAEForPreTraining, with interpolate_pos_encoding; its first weights are drawn otherwise
/// Keys: vit., decoder_embed., mask_token [1, 1, decoder_hidden_size], decoder_pos_embed, decoder_blocks.,
/// decoder_norm., decoder_pred.; theirs: keys() and meta_keys()
template <Real T>
struct ViTMAEForPreTraining final : nn::Module<T> {
  using Config = ViTMAEConfig;
  static constexpr std::string_view architecture = "ViTMAEForPreTraining";
  ViTMAEConfig config;
  VisionTransformer<T> vit;
  nn::Linear<T> decoder_embed;
  nn::Parameter<T> mask_token, decoder_pos_embed;
  std::vector<ViTBlock<T>> decoder_blocks;
  nn::LayerNorm<T> decoder_norm;
  nn::Linear<T> decoder_pred;

  explicit ViTMAEForPreTraining(const ViTMAEConfig& c)
      : config((c.check(), c)),
        vit(c.encoder_options()),
        decoder_embed(c.hidden_size, c.decoder_hidden_size),
        mask_token(randn<T>({1, 1, c.decoder_hidden_size}) * c.initializer_range),
        decoder_pos_embed(sine_positions<T>(vit.trained_grid(), c.decoder_hidden_size)),
        decoder_norm(c.decoder_hidden_size, {.eps = c.layer_norm_eps}),
        decoder_pred(c.decoder_hidden_size, c.patch_size * c.patch_size * c.num_channels) {
    for (Index i = 0; i < c.decoder_num_hidden_layers; ++i) decoder_blocks.emplace_back(c.decoder_block());
    for (const auto& [name, p] : this->named_parameters()) {
      if (name.ends_with("weight") && p.dim() > 1) nn::init::xavier_uniform_(p.detach().flatten(1));
      if (name.ends_with("bias")) nn::init::zeros_(p);
    }
    vit.pos_embed.detach().copy_(sine_positions<T>(vit.trained_grid(), c.hidden_size));
    vit.pos_embed.requires_grad_(false);
    decoder_pos_embed.requires_grad_(false);
  }

  /// Patches with the least noise are seen; it is drawn from the current Rng where none is given.
  ViTMAEOutput<T> operator()(const Tensor<T>& images, Tensor<T> noise = {}) const {
    const Tensor<T> positions = vit.positions_for(images.shape());
    const Tensor<T> patches = vit.embed(images, positions);
    const Shape wanted{patches.size(0), patches.size(1)};
    if (!noise.defined()) noise = rand<T>(wanted);
    if (noise.shape() != wanted) fail<ShapeError>("ViTMAEForPreTraining: noise ", noise.shape(), " must be ", wanted);
    const PatchMask<T> mask = random_masking(noise, config.mask_ratio);
    const Tensor<T> seen = vit.encode(vit.with_prefix(take_tokens(patches, mask.kept), positions));
    return {this->output(decode(seen, mask.restore)), mask};
  }
  /// The mean square over the pixels of what was hidden.
  Tensor<T> loss(const Tensor<T>& images, const ViTMAEOutput<T>& y) const {
    Tensor<T> target = pixels(images);
    if (config.norm_pix_loss) target = (target - mean(target, -1, {.keepdim = true})) / deviation(target);
    const Tensor<T> error = y.logits - target;
    return sum(mean(error * error, -1) * y.mask.mask) / sum(y.mask.mask);
  }
  Tensor<T> loss(const Tensor<T>& images, const Tensor<T>& noise = {}) const {
    return loss(images, (*this)(images, noise));
  }

  /// The images, with `fill` in the place of what was hidden, and with what the model says in its place, of whole
  /// patches, outside the graph.
  struct Pictures {
    Tensor<T> masked, reconstructed;  // [batch, num_channels, height, width]
  };
  Pictures pictures(const Tensor<T>& images, const ViTMAEOutput<T>& y, double fill = 0) const {
    const NoGradGuard no_grad;
    const Tensor<T> real = pixels(images), mask = y.mask.mask.unsqueeze(-1);
    Tensor<T> said = y.logits.detach();
    if (config.norm_pix_loss) said = said * deviation(real) + mean(real, -1, {.keepdim = true});
    const Tensor<T> seen = real * (1 - mask);
    const auto images_of = [&](const Tensor<T>& x) {
      const Pair grid = vit.patch_embed.grid(images.shape());
      return rearrange(x, "b (h w) (p q c) -> b c (h p) (w q)",
                       {{"h", grid.h}, {"w", grid.w}, {"p", config.patch_size}, {"q", config.patch_size}});
    };
    return {images_of(seen + mask * fill), images_of(seen + mask * said)};
  }
  void visit(nn::Visitor<T>& v) override {
    v("vit", vit), v("decoder_embed", decoder_embed), v("mask_token", mask_token);
    v("decoder_pos_embed", decoder_pos_embed), v("decoder_blocks", decoder_blocks);
    v("decoder_norm", decoder_norm), v("decoder_pred", decoder_pred);
  }

  /// The decoder's layers are decoder_encoder.layer in what transformers 5 writes, and decoder_layers before.
  static io::KeyMap keys() {
    io::KeyMap map = vit_keys();
    map.optional_prefix = "";
    for (const char* layers : {"decoder.decoder_encoder.layer.*.", "decoder.decoder_layers.*."})
      add_vit_block_rules(map, layers, "decoder_blocks.*.");
    map.rules.push_back({{"decoder.mask_token"}, {"mask_token"}});
    map.rules.push_back({{"decoder.decoder_**"}, {"decoder_**"}});
    return map;
  }
  /// The names of Meta's own files: for io::load_state_dict.
  static io::KeyMap meta_keys() {
    return {.rules = {{{"mask_token"}, {"mask_token"}}, {{"decoder_**"}, {"decoder_**"}}, {{"**"}, {"vit.**"}}}};
  }

 private:
  Tensor<T> decode(const Tensor<T>& latent, const Tensor<std::int64_t>& restore) const {
    const Tensor<T> x = decoder_embed(latent);
    const Index batch = x.size(0), n = restore.size(1), seen = x.size(1) - 1, d = x.size(2);
    const std::vector<Tensor<T>> shuffled = {x.narrow(1, 1, seen), mask_token.expand({batch, n - seen, d})};
    Tensor<T> y = cat(std::vector<Tensor<T>>{x.narrow(1, 0, 1), take_tokens(cat(shuffled, 1), restore)}, 1);
    // of another number of patches: resized along their sequence, as transformers does it
    const Pair grid = vit.trained_grid();
    y = y + resize_positions(decoder_pos_embed, 1, {1, grid.h * grid.w}, {1, n});
    for (const ViTBlock<T>& block : decoder_blocks) y = block(y);
    return decoder_pred(decoder_norm(y)).narrow(1, 1, n);
  }
  /// Shape: [batch, channels, height, width] -> [batch, patches, p p channels]
  Tensor<T> pixels(const Tensor<T>& images) const {
    const Index p = config.patch_size;
    return rearrange(patchify(images, p), "b n (c p) -> b n (p c)", {{"p", p * p}});
  }
  static Tensor<T> deviation(const Tensor<T>& patches) { return sqrt(var(patches, -1, {.keepdim = true}) + 1e-6); }
};

/// A classifier with the encoder of a MAE; its head is new, and so is fc_norm where the config has that.
/// Errors: LoadError when the encoder has other sizes.
template <Real T>
ViTForImageClassification<T> classifier_from(const ViTMAEForPreTraining<T>& mae, const ViTConfig& config) {
  ViTForImageClassification<T> model(config);
  nn::load_state_dict(model.vit, mae.vit.state_dict(), {.strict = false});
  return model;
}

}  // namespace gloss::inline GLOSS_ABI::models
