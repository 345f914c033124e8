// MultiheadAttention and the Transformer family against PyTorch, each option alone and at random:
// tests/golden/generate_nn_transformer.py says what the file holds.
#include <string>
#include <type_traits>
#include <vector>

#include <gloss/nn/attention_mask.hpp>
#include <gloss/nn/transformer.hpp>
#include <gloss/ops/hyperbolic.hpp>
#include <gloss/ops/where.hpp>

#include "support/golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

const gloss_test::Golden& golden() {
  static const gloss_test::Golden file("nn_transformer.safetensors");
  return file;
}

/// An activation with a parameter. PyTorch: torch.nn.PReLU
template <Real T>
struct LearntSlope final : nn::Module<T> {
  nn::Parameter<T> weight{full<T>({1}, T(0.25))};
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(where(x > T{0}, x, x * weight)); }
  void visit(nn::Visitor<T>& v) override { v("weight", weight); }
};

/// An encoder that knows nothing of masks.
template <Real T>
struct LinearEncoder final : nn::Module<T> {
  nn::Linear<T> linear;
  explicit LinearEncoder(Index d_model) : linear(d_model, d_model) {}
  Tensor<T> operator()(const Tensor<T>& src, const nn::TransformerEncoderMasks<T>&) const { return linear(src); }
  void visit(nn::Visitor<T>& v) override { v("linear", linear); }
};

/// Largest |a - b| over the largest |b|, or over 1; infinity when shapes or NaNs differ.
template <class T>
double difference(const Tensor<T>& a, const Tensor<double>& b) {
  if (a.shape() != b.shape()) return INFINITY;
  const Tensor<T> x = a.detach().contiguous();
  double worst = 0, scale = 1;
  for (Index i = 0; i < b.numel(); ++i) {
    const double p = static_cast<double>(x.data()[i]), q = b.data()[i];
    if (std::isnan(p) && std::isnan(q)) continue;
    if (!(std::abs(p - q) <= worst)) worst = std::isnan(p - q) ? INFINITY : std::abs(p - q);
    if (std::abs(q) > scale) scale = std::abs(q);
  }
  return worst / scale;
}

template <Real T>
class Case {
 public:
  Case(const std::string& kind, Index number) : prefix_(kind + "/" + std::to_string(number) + "/") {
    for (int i = 0; golden().has(key("input", std::to_string(i))); ++i)
      inputs_.push_back(leaf("input/" + std::to_string(i)));
  }
  const std::string& prefix() const { return prefix_; }
  Index option(const std::string& name, Index otherwise = 0) const {
    return golden().integer(key("option", name), otherwise);
  }
  double real(const std::string& name, double otherwise = 0) const {
    return golden().real(key("option", name), otherwise);
  }
  std::optional<bool> hint(const std::string& name) const {
    if (!golden().has(key("option", name))) return {};
    return option(name) != 0;
  }
  /// Input i; the last one stands for those that are the same tensor.
  const Tensor<T>& input(std::size_t i) const { return inputs_[std::min(i, inputs_.size() - 1)]; }
  nn::AttentionMask<T> mask(const std::string& name) {
    const auto* stored = golden().file().find(key("mask", name));
    if (!stored) return {};
    if (stored->dtype == io::Dtype::BOOL) return golden().tensor<bool>(key("mask", name));
    masks_.emplace_back(name, leaf("mask/" + name));
    return masks_.back().second;
  }
  nn::TransformerLayerOptions<T> layer_options() const {
    const nn::FeedForwardActivation<T> activations[] = {"relu", "gelu", [](const Tensor<T>& x) { return tanh(x); },
                                                        LearntSlope<T>{}};
    return {.dim_feedforward = option("dim_feedforward", 5),
            .dropout = real("dropout"),
            .activation = activations[option("activation")],
            .layer_norm_eps = real("layer_norm_eps", 1e-5),
            .batch_first = option("batch_first") != 0,
            .norm_first = option("norm_first") != 0,
            .bias = option("bias", 1) != 0};
  }

  /// The module has PyTorch's state: by name and shape, and in its order where that is on file.
  template <class M>
  void load(M& module) const {
    std::string text;
    NoGradGuard no_grad;
    Index count = 0;
    for (const auto& [name, p] : module.named_parameters()) {
      ++count;
      text += (text.empty() ? "" : "\n") + name + " " + to_string(p.shape());
      REQUIRE(golden().has(key("state", name)));
      const Tensor<T> wanted = golden().template tensor<T>(key("state", name));
      REQUIRE(p.shape() == wanted.shape());
      Tensor<T>(p).copy_(wanted);
    }
    for (const auto& stored : golden().file().tensors()) count -= stored.name.starts_with(prefix_ + "state/");
    CHECK(count == 0);
    const auto& lists = golden().file().metadata();
    if (const auto found = lists.find("keys/" + prefix_.substr(0, prefix_.size() - 1)); found != lists.end())
      CHECK(text == found->second);
    module.train(option("eval") == 0);
  }

  /// Outputs and every gradient.
  template <class M>
  void check(const M& module, const std::vector<Tensor<T>>& outputs) const {
    const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-10;
    const auto compare = [&](const Tensor<T>& found, const std::string& name) {
      INFO(name);
      REQUIRE(golden().has(prefix_ + name));
      CHECK(difference(found, golden().tensor<double>(prefix_ + name)) <= tolerance);
    };
    CHECK(!golden().has(prefix_ + "output/" + std::to_string(outputs.size())));
    Tensor<T> total;  // of the products with the given gradients
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      compare(outputs[i], "output/" + std::to_string(i));
      const Tensor<T> part = sum(outputs[i] * golden().template tensor<T>(prefix_ + "d_output/" + std::to_string(i)));
      total = total.defined() ? total + part : part;
    }
    total.backward();
    const auto gradient = [](const Tensor<T>& x) { return x.grad().defined() ? x.grad() : zeros_like(x); };
    for (std::size_t i = 0; i < inputs_.size(); ++i) compare(gradient(inputs_[i]), "d_input/" + std::to_string(i));
    for (const auto& [name, mask] : masks_) compare(gradient(mask), "d_mask/" + name);
    for (const auto& [name, p] : module.named_parameters()) compare(gradient(p), "d_state/" + name);
  }

 private:
  std::string key(const std::string& what, const std::string& name) const { return prefix_ + what + "/" + name; }
  Tensor<T> leaf(const std::string& name) const { return golden().template tensor<T>(prefix_ + name).requires_grad_(); }
  std::string prefix_;
  std::vector<Tensor<T>> inputs_;
  std::vector<std::pair<std::string, Tensor<T>>> masks_;
};

/// run(case) for each case of a kind.
template <Real T, class F>
void each_case(const std::string& kind, F run) {
  const Index count = golden().integer("count/" + kind, 0);
  CHECK(count > 0);
  for (Index i = 0; i < count; ++i) {
    Case<T> c(kind, i);
    INFO(c.prefix());
    run(c);
  }
}

template <Real T>
std::optional<nn::LayerNorm<T>> final_norm(const Case<T>& c) {
  if (c.option("norm") == 0) return {};
  return nn::LayerNorm<T>(4);
}

template <Real T, class M>
void check_transformer(Case<T>& c, M model) {
  c.load(model);
  const Tensor<T> y = model(c.input(0), c.input(1),
                            {.src_mask = c.mask("src_mask"),
                             .tgt_mask = c.mask("tgt_mask"),
                             .memory_mask = c.mask("memory_mask"),
                             .src_key_padding_mask = c.mask("src_key_padding_mask"),
                             .tgt_key_padding_mask = c.mask("tgt_key_padding_mask"),
                             .memory_key_padding_mask = c.mask("memory_key_padding_mask"),
                             .src_is_causal = c.hint("src_is_causal"),
                             .tgt_is_causal = c.hint("tgt_is_causal"),
                             .memory_is_causal = c.option("memory_is_causal") != 0});
  c.check(model, {y});
}

}  // namespace

TEMPLATE_TEST_CASE("MultiheadAttention: PyTorch's keys, outputs, weights and gradients in every case", "", float,
                   double) {
  using T = TestType;
  each_case<T>("mha", [](Case<T>& c) {
    nn::MultiheadAttention<T> attention(4, c.option("num_heads", 2),
                                        {.dropout = c.real("dropout"),
                                         .bias = c.option("bias", 1) != 0,
                                         .add_bias_kv = c.option("add_bias_kv") != 0,
                                         .add_zero_attn = c.option("add_zero_attn") != 0,
                                         .kdim = c.option("kdim"),
                                         .vdim = c.option("vdim"),
                                         .batch_first = c.option("batch_first") != 0});
    c.load(attention);
    const Index same = c.option("same", 1), weights = c.option("weights");
    const Tensor<T>& query = c.input(0);
    const Tensor<T>& key = same == 3 ? query : c.input(1);
    const Tensor<T>& value = same == 1 ? c.input(2) : key;
    const nn::MultiheadAttentionCall<T> call{.key_padding_mask = c.mask("key_padding_mask"),
                                             .attn_mask = c.mask("attn_mask"),
                                             .average_attn_weights = weights == 1,
                                             .is_causal = c.option("is_causal") != 0};
    if (weights == 0) return c.check(attention, {attention(query, key, value, call)});
    const auto [y, w] = attention.with_weights(query, key, value, call);
    {
      NoGradGuard no_grad;  // the fused op
      const auto [same_y, same_w] = attention.with_weights(query, key, value, call);
      const double slack = std::is_same_v<T, float> ? 1e-5 : 1e-13;
      CHECK(gloss_test::difference(same_y, y) <= slack);
      CHECK(gloss_test::difference(same_w, w) <= slack);
    }
    c.check(attention, {y, w});
  });
}

TEMPLATE_TEST_CASE("TransformerEncoderLayer: PyTorch's keys, outputs and gradients in every case", "", float, double) {
  using T = TestType;
  each_case<T>("encoder_layer", [](Case<T>& c) {
    nn::TransformerEncoderLayer<T> layer(4, c.option("nhead", 2), c.layer_options());
    c.load(layer);
    c.check(layer, {layer(c.input(0), {.src_mask = c.mask("src_mask"),
                                       .src_key_padding_mask = c.mask("src_key_padding_mask"),
                                       .is_causal = c.option("is_causal") != 0})});
  });
}

TEMPLATE_TEST_CASE("TransformerDecoderLayer: PyTorch's keys, outputs and gradients in every case", "", float, double) {
  using T = TestType;
  each_case<T>("decoder_layer", [](Case<T>& c) {
    nn::TransformerDecoderLayer<T> layer(4, c.option("nhead", 2), c.layer_options());
    c.load(layer);
    c.check(layer, {layer(c.input(0), c.input(1),
                          {.tgt_mask = c.mask("tgt_mask"),
                           .memory_mask = c.mask("memory_mask"),
                           .tgt_key_padding_mask = c.mask("tgt_key_padding_mask"),
                           .memory_key_padding_mask = c.mask("memory_key_padding_mask"),
                           .tgt_is_causal = c.option("tgt_is_causal") != 0,
                           .memory_is_causal = c.option("memory_is_causal") != 0})});
  });
}

TEMPLATE_TEST_CASE("TransformerEncoder: PyTorch's keys, outputs and gradients in every case", "", float, double) {
  using T = TestType;
  each_case<T>("encoder", [](Case<T>& c) {
    nn::TransformerEncoder<T> encoder(nn::TransformerEncoderLayer<T>(4, c.option("nhead", 2), c.layer_options()),
                                      c.option("layers", 1), final_norm(c));
    c.load(encoder);
    c.check(encoder, {encoder(c.input(0), {.mask = c.mask("mask"),
                                           .src_key_padding_mask = c.mask("src_key_padding_mask"),
                                           .is_causal = c.hint("is_causal")})});
  });
}

TEMPLATE_TEST_CASE("TransformerDecoder: PyTorch's keys, outputs and gradients in every case", "", float, double) {
  using T = TestType;
  each_case<T>("decoder", [](Case<T>& c) {
    nn::TransformerDecoder<T> decoder(nn::TransformerDecoderLayer<T>(4, c.option("nhead", 2), c.layer_options()),
                                      c.option("layers", 1), final_norm(c));
    c.load(decoder);
    c.check(decoder, {decoder(c.input(0), c.input(1),
                              {.tgt_mask = c.mask("tgt_mask"),
                               .memory_mask = c.mask("memory_mask"),
                               .tgt_key_padding_mask = c.mask("tgt_key_padding_mask"),
                               .memory_key_padding_mask = c.mask("memory_key_padding_mask"),
                               .tgt_is_causal = c.hint("tgt_is_causal"),
                               .memory_is_causal = c.option("memory_is_causal") != 0})});
  });
}

TEMPLATE_TEST_CASE("Transformer: PyTorch's keys, outputs and gradients in every case", "", float, double) {
  using T = TestType;
  each_case<T>("transformer", [](Case<T>& c) {
    const nn::TransformerLayerOptions<T> layers = c.layer_options();
    const nn::TransformerOptions<T> options{.num_encoder_layers = c.option("num_encoder_layers", 1),
                                            .num_decoder_layers = c.option("num_decoder_layers", 1),
                                            .dim_feedforward = layers.dim_feedforward,
                                            .dropout = layers.dropout,
                                            .activation = layers.activation,
                                            .layer_norm_eps = layers.layer_norm_eps,
                                            .batch_first = layers.batch_first,
                                            .norm_first = layers.norm_first,
                                            .bias = layers.bias};
    const Index nhead = c.option("nhead", 2);
    using Default = nn::Transformer<T>;
    if (c.option("custom") == 1)
      check_transformer(c, nn::Transformer<T, LinearEncoder<T>>(4, nhead, options, LinearEncoder<T>(4),
                                                                Default::default_decoder(4, nhead, options)));
    else if (c.option("custom") == 2)
      check_transformer(c, Default(4, nhead, options, Default::default_encoder(4, nhead, options),
                                   {nn::TransformerDecoderLayer<T>(4, nhead, layers), options.num_decoder_layers}));
    else
      check_transformer(c, Default(4, nhead, options));
  });
}
