// DETR: objects in images as a set, found by queries.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gloss/io/key_map.hpp>
#include <gloss/models/activation.hpp>
#include <gloss/models/detr_config.hpp>
#include <gloss/models/detr_loss.hpp>
#include <gloss/models/resnet.hpp>
#include <gloss/nn/clones.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/multihead_attention.hpp>
#include <gloss/nn/positions/sine_2d.hpp>
#include <gloss/ops/any.hpp>
#include <gloss/ops/interpolate.hpp>
#include <gloss/ops/sigmoid.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What an encoder layer and a decoder layer have in common: z = norm(x + dropout(self_attn(x + p, x + p, x))), where p
/// are positions, and y = norm(z + dropout(fc2(dropout(act(fc1(z)))))).
/// Keys: self_attn., self_attn_layer_norm., fc1., fc2., final_layer_norm.
template <Real T>
struct DetrLayer : nn::Module<T> {
  nn::MultiheadAttention<T> self_attn;
  nn::LayerNorm<T> self_attn_layer_norm, final_layer_norm;
  nn::Linear<T> fc1, fc2;
  nn::FeedForwardActivation<T> act;
  double dropout, activation_dropout;

  void visit(nn::Visitor<T>& v) override {
    v("self_attn", self_attn), v("self_attn_layer_norm", self_attn_layer_norm);
    v("fc1", fc1), v("fc2", fc2), v("final_layer_norm", final_layer_norm);
  }

 protected:
  DetrLayer(const DetrConfig& c, Index heads, Index ffn_dim)
      : self_attn(c.d_model, heads, {.dropout = c.attention_dropout, .batch_first = true}),
        self_attn_layer_norm(c.d_model),
        final_layer_norm(c.d_model),
        fc1(c.d_model, ffn_dim),
        fc2(ffn_dim, c.d_model),
        act(activation<T>(c.activation_function)),
        dropout(c.dropout),
        activation_dropout(c.activation_dropout) {}
  Tensor<T> attend(const Tensor<T>& x, const Tensor<T>& positions, const nn::AttentionMask<T>& hidden) const {
    const Tensor<T> placed = x + positions;
    return self_attn_layer_norm.of_sum(x, self_attn(placed, placed, x, {.key_padding_mask = hidden}), dropout,
                                       this->is_training());
  }
  Tensor<T> feed_forward(const Tensor<T>& z) const {
    const Tensor<T> y = fc2(act.after(fc1, z, activation_dropout, this->is_training()));
    return final_layer_norm.of_sum(z, y, dropout, this->is_training());
  }
};

/// Shape: x [batch, n, d_model], positions that stretch to it -> [batch, n, d_model]
template <Real T>
struct DetrEncoderLayer final : DetrLayer<T> {
  explicit DetrEncoderLayer(const DetrConfig& c) : DetrLayer<T>(c, c.encoder_attention_heads, c.encoder_ffn_dim) {}
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& positions, const nn::AttentionMask<T>& hidden) const {
    return this->output(this->feed_forward(this->attend(x, positions, hidden)));
  }
};

/// Between the two of DetrLayer the queries look at the image: norm(z + dropout(encoder_attn(z + queries, memory +
/// positions, memory))).
/// Shape: x [batch, queries, d_model] -> the same
/// Keys: also encoder_attn., encoder_attn_layer_norm.
template <Real T>
struct DetrDecoderLayer final : DetrLayer<T> {
  nn::MultiheadAttention<T> encoder_attn;
  nn::LayerNorm<T> encoder_attn_layer_norm;

  explicit DetrDecoderLayer(const DetrConfig& c)
      : DetrLayer<T>(c, c.decoder_attention_heads, c.decoder_ffn_dim),
        encoder_attn(c.d_model, c.decoder_attention_heads, {.dropout = c.attention_dropout, .batch_first = true}),
        encoder_attn_layer_norm(c.d_model) {}
  /// placed_memory: memory + positions.
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& queries, const Tensor<T>& memory,
                       const Tensor<T>& placed_memory, const nn::AttentionMask<T>& hidden) const {
    const Tensor<T> z = this->attend(x, queries, {});
    const Tensor<T> seen = encoder_attn(z + queries, placed_memory, memory, {.key_padding_mask = hidden});
    return this->output(
        this->feed_forward(encoder_attn_layer_norm.of_sum(z, seen, this->dropout, this->is_training())));
  }
  void visit(nn::Visitor<T>& v) override {
    DetrLayer<T>::visit(v);
    v("encoder_attn", encoder_attn), v("encoder_attn_layer_norm", encoder_attn_layer_norm);
  }
};

/// Positions that are trained: half of the channels for the column, half for the row, of at most 50 of each.
/// Shape: height and width -> [1, 2 features, height, width]
/// Errors: IndexError for a larger map.
/// transformers: DetrLearnedPositionEmbedding
/// Keys: row_embeddings., column_embeddings.
template <Real T>
struct DetrLearnedPositions final : nn::Module<T> {
  nn::Embedding<T> row_embeddings, column_embeddings;

  explicit DetrLearnedPositions(Index features) : row_embeddings(50, features), column_embeddings(50, features) {
    nn::init::uniform_(row_embeddings.weight), nn::init::uniform_(column_embeddings.weight);
  }
  Tensor<T> operator()(Index height, Index width) const {
    const Index features = row_embeddings.weight.size(1);
    const Tensor<T> across = column_embeddings(arange<std::int64_t>(0, width)).unsqueeze(0);
    const Tensor<T> down = row_embeddings(arange<std::int64_t>(0, height)).unsqueeze(1);
    const Shape all{height, width, features};
    return this->output(cat<T>({across.expand(all), down.expand(all)}, -1).permute({2, 0, 1}).unsqueeze(0));
  }
  void visit(nn::Visitor<T>& v) override {
    v("row_embeddings", row_embeddings), v("column_embeddings", column_embeddings);
  }
};

/// Images of one size, with a mask where some are filled up to it.
/// Shape: pixel_values [batch, num_channels, h, w], pixel_mask [batch, h, w]
template <Real T>
struct DetrInput {
  Tensor<T> pixel_values;
  Tensor<std::int64_t> pixel_mask = {};  // 1: of the image, 0: padding; all count where it is left out
};

/// The queries as the last layer leaves them, the image as the encoder does, and, with auxiliary_loss, the queries as
/// each layer does.
template <Real T>
struct DetrModelOutput {
  Tensor<T> last_hidden_state, encoder_last_hidden_state;
  std::vector<Tensor<T>> intermediate;
};

/// A ResNet's last map as tokens, an encoder over them, and a decoder whose tokens are the object queries.
/// Shape: [batch, num_channels, h, w] -> last_hidden_state [batch, num_queries, d_model], encoder_last_hidden_state
/// [batch, h / 32 w / 32, d_model]
/// Errors: ShapeError for images or a mask of another shape.
/// Source: Carion et al. 2020.
/// transformers: DetrModel
/// Keys: backbone., position_embedding. if trained, query_position_embeddings., input_projection., encoder.layers.,
/// decoder.layers., decoder.layernorm.
template <Real T>
struct DetrModel final : nn::Module<T> {
  DetrConfig config;
  ResNetBackbone<T> backbone;
  std::optional<DetrLearnedPositions<T>> learned_positions;
  nn::Embedding<T> query_position_embeddings;
  nn::Conv2d<T> input_projection;
  std::vector<DetrEncoderLayer<T>> encoder;
  std::vector<DetrDecoderLayer<T>> decoder;
  nn::LayerNorm<T> decoder_norm;

  explicit DetrModel(const DetrConfig& c)
      : config((c.check(), c)),
        backbone(c.resnet()),
        query_position_embeddings(c.num_queries, c.d_model),
        input_projection(backbone.config.hidden_sizes.back(), c.d_model, 1),
        encoder(nn::repeated(c.encoder_layers, [&] { return DetrEncoderLayer<T>(c); })),
        decoder(nn::repeated(c.decoder_layers, [&] { return DetrDecoderLayer<T>(c); })),
        decoder_norm(c.d_model) {
    if (c.position_embedding_type == "learned") learned_positions.emplace(c.d_model / 2);
    for (const auto& [name, p] : this->named_parameters())
      if (p.dim() == 2 && (name.starts_with("encoder.") || name.starts_with("decoder."))) nn::init::xavier_uniform_(p);
  }
  DetrModelOutput<T> operator()(const DetrInput<T>& in) const {
    const Tensor<T> map = backbone(in.pixel_values);
    const Index batch = map.size(0), height = map.size(2), width = map.size(3);
    const Tensor<bool> padding = padding_of(in, height, width);
    const auto tokens = [](const Tensor<T>& x) { return x.flatten(2).transpose(1, 2); };
    const Tensor<T> positions = tokens(positions_of(padding, height, width));
    const nn::AttentionMask<T> hidden =
        padding.defined() ? nn::AttentionMask<T>(padding.flatten(1)) : nn::AttentionMask<T>();
    DetrModelOutput<T> out;
    Tensor<T> memory = gloss::dropout(tokens(input_projection(map)), config.dropout, this->is_training());
    for (const auto& layer : encoder) memory = layer(memory, positions, hidden);
    out.encoder_last_hidden_state = memory;
    const Tensor<T> queries = query_position_embeddings.weight.unsqueeze(0), placed = memory + positions;
    Tensor<T> x = zeros<T>({batch, config.num_queries, config.d_model});
    for (const auto& layer : decoder) {
      x = layer(x, queries, memory, placed, hidden);
      if (!config.auxiliary_loss) continue;
      out.intermediate.push_back(decoder_norm(x));
      if (config.feeds_normed_layers) x = out.intermediate.back();
    }
    out.last_hidden_state = this->output(decoder_norm(x));
    return out;
  }
  void visit(nn::Visitor<T>& v) override {
    v("backbone", backbone);
    if (learned_positions) v("position_embedding", *learned_positions);
    v("query_position_embeddings", query_position_embeddings), v("input_projection", input_projection);
    v("encoder.layers", encoder), v("decoder.layers", decoder), v("decoder.layernorm", decoder_norm);
  }

 private:
  /// Which places of the map are padding; undefined where none is.
  Tensor<bool> padding_of(const DetrInput<T>& in, Index height, Index width) const {
    if (!in.pixel_mask.defined()) return {};
    const Shape& image = in.pixel_values.shape();
    if (in.pixel_mask.shape() != Shape{image[0], image[2], image[3]})
      fail<ShapeError>("DetrModel: pixel_mask ", in.pixel_mask.shape(), " must be ",
                       Shape{image[0], image[2], image[3]});
    const Tensor<bool> padding = interpolate(cast<T>(in.pixel_mask), {height, width}) == 0;
    return any(padding).item() ? padding : Tensor<bool>{};
  }
  Tensor<T> positions_of(const Tensor<bool>& padding, Index height, Index width) const {
    if (learned_positions) return (*learned_positions)(height, width);
    const nn::PositionEmbeddingSine<T> sine(config.d_model / 2, {.temperature = config.temperature, .normalize = true});
    return sine(padding.defined() ? padding : zeros<bool>({1, height, width}));
  }
};

/// Three linear layers with relu between them.
/// Keys: layers.
template <Real T>
struct DetrBoxHead final : nn::Module<T> {
  std::vector<nn::Linear<T>> layers;

  explicit DetrBoxHead(Index d) {
    for (const Index out : {d, d, Index{4}}) layers.emplace_back(d, out);
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    return this->output(layers[2](layers[1].with_relu(layers[0].with_relu(x))));
  }
  void visit(nn::Visitor<T>& v) override { v("layers", layers); }
};

/// A set of num_queries classes and boxes for each image.
/// Shape: [batch, num_channels, h, w] -> logits [batch, num_queries, num_labels + 1], boxes [batch, num_queries, 4]
/// Errors: ShapeError for images or a mask of another shape.
/// Source: Carion et al. 2020.
/// transformers: DetrForObjectDetection
/// Keys: model., class_labels_classifier., bbox_predictor.; transformers': keys(); the original's: original_keys()
template <Real T>
struct DetrForObjectDetection final : nn::Module<T> {
  using Config = DetrConfig;
  static constexpr std::string_view architecture = "DetrForObjectDetection";
  DetrConfig config;
  DetrModel<T> model;
  nn::Linear<T> class_labels_classifier;
  DetrBoxHead<T> bbox_predictor;

  explicit DetrForObjectDetection(const DetrConfig& c)
      : config((c.check(), c.with_sizes())),
        model(config),
        class_labels_classifier(c.d_model, c.num_labels + 1),
        bbox_predictor(c.d_model) {}
  DetrPrediction<T> operator()(const DetrInput<T>& in) const { return predict(model(in).last_hidden_state); }
  /// The predictions of the last layer, first, and with auxiliary_loss of those before it: what detr_loss takes.
  std::vector<DetrPrediction<T>> predictions(const DetrInput<T>& in) const {
    const DetrModelOutput<T> y = model(in);
    std::vector<DetrPrediction<T>> all = {predict(y.last_hidden_state)};
    for (std::size_t i = 0; i + 1 < y.intermediate.size(); ++i) all.push_back(predict(y.intermediate[i]));
    return all;
  }
  /// detr_loss with the weights of the Config; a target for each image.
  Tensor<T> loss(const DetrInput<T>& in, const std::vector<DetrTarget<T>>& targets) const {
    return detr_loss(predictions(in), targets, config.weights());
  }
  void visit(nn::Visitor<T>& v) override {
    v("model", model), v("class_labels_classifier", class_labels_classifier), v("bbox_predictor", bbox_predictor);
  }
  /// The names of Hugging Face's files: with its own ResNet as eyes, in which form they are written, or with timm's.
  static io::KeyMap keys() {
    const std::string eyes = "model.backbone.conv_encoder.model.";
    io::KeyMap map;
    map.rules.push_back({{eyes + "**.num_batches_tracked"}, {}});
    add_resnet_rules(map, eyes, "model.backbone.");
    map.rules.push_back({{eyes + "**"}, {"model.backbone.**"}});
    for (const std::string attention : {"self_attn.", "encoder_attn."}) {
      const std::string here = "model.*.layers.*." + attention;
      map.rules.push_back({{here + "q_proj.*", here + "k_proj.*", here + "v_proj.*"}, {here + "in_proj_*"}});
    }
    return map;
  }
  /// The names of the original's files, in which "model" is the state dict.
  static io::KeyMap original_keys() {
    io::KeyMap map;
    const auto rule = [&](const std::string& theirs, const std::string& ours) {
      map.rules.push_back({{theirs}, {ours}});
    };
    map.rules.push_back({{"backbone.0.body.**.num_batches_tracked"}, {}});
    rule("backbone.0.body.**", "model.backbone.**");
    rule("backbone.1.row_embed.weight", "model.position_embedding.row_embeddings.weight");
    rule("backbone.1.col_embed.weight", "model.position_embedding.column_embeddings.weight");
    rule("input_proj.*", "model.input_projection.*");
    rule("query_embed.weight", "model.query_position_embeddings.weight");
    const std::string theirs = "transformer.*.layers.*.", ours = "model.*.layers.*.";
    rule(theirs + "linear1.*", ours + "fc1.*"), rule(theirs + "linear2.*", ours + "fc2.*");
    rule(theirs + "norm1.*", ours + "self_attn_layer_norm.*");
    rule("transformer.encoder.layers.*.norm2.*", "model.encoder.layers.*.final_layer_norm.*");
    rule("transformer.decoder.layers.*.norm2.*", "model.decoder.layers.*.encoder_attn_layer_norm.*");
    rule("transformer.decoder.layers.*.norm3.*", "model.decoder.layers.*.final_layer_norm.*");
    rule(theirs + "self_attn.**", ours + "self_attn.**");
    rule(theirs + "multihead_attn.**", ours + "encoder_attn.**");
    rule("transformer.decoder.norm.*", "model.decoder.layernorm.*");
    rule("class_embed.*", "class_labels_classifier.*");
    rule("bbox_embed.**", "bbox_predictor.**");
    return map;
  }

 private:
  DetrPrediction<T> predict(const Tensor<T>& queries) const {
    return {class_labels_classifier(queries), sigmoid(bbox_predictor(queries))};
  }
};

}  // namespace gloss::inline GLOSS_ABI::models
