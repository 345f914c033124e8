// GPT-2 as a header of models/ would have it: Config, block, model with its head, keys().
#pragma once

#include <gloss/gloss.hpp>
#include <gloss/io/key_map.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace models {

using namespace gloss;

/// What config.json says, under its names; what it does not say is as in GPT-2's smallest.
struct GptConfig {
  Index vocab_size = 50257, n_positions = 1024, n_embd = 768, n_layer = 12, n_head = 12;
  double layer_norm_epsilon = 1e-5;
  std::string activation_function = "gelu_new";
};

/// Errors: LoadError for what this model cannot be; the JSON library's for what is no JSON.
inline GptConfig read_config(const std::string& path) {
  const nlohmann::json json = nlohmann::json::parse(read_file(path));
  GptConfig c;
  const auto read = [&](const char* name, auto& field) { field = json.value(name, field); };
  read("vocab_size", c.vocab_size), read("n_positions", c.n_positions), read("n_embd", c.n_embd);
  read("n_layer", c.n_layer), read("n_head", c.n_head), read("layer_norm_epsilon", c.layer_norm_epsilon);
  read("activation_function", c.activation_function);
  if (c.activation_function != "gelu_new")
    fail<LoadError>("Gpt: activation_function is ", c.activation_function, ", only gelu_new is known");
  return c;
}

/// z = x + attn(ln_1(x)), y = z + c_proj(gelu(c_fc(ln_2(z)))).
/// Shape: [batch, n, n_embd] -> the same
/// Keys: ln_1., attn., ln_2., c_fc., c_proj.
template <Real T>
struct GptBlock final : nn::Module<T> {
  nn::LayerNorm<T> ln_1, ln_2;
  nn::MultiheadAttention<T> attn;
  nn::Linear<T> c_fc, c_proj;

  explicit GptBlock(const GptConfig& c)
      : ln_1(c.n_embd, {.eps = c.layer_norm_epsilon}),
        ln_2(ln_1),
        attn(c.n_embd, c.n_head, {.batch_first = true}),
        c_fc(c.n_embd, 4 * c.n_embd),
        c_proj(4 * c.n_embd, c.n_embd) {}
  Tensor<T> operator()(const Tensor<T>& x, const nn::AttentionMask<T>& hidden, nn::KeyValueCache<T>* cache) const {
    const Tensor<T> h = ln_1(x);
    const Tensor<T> z = x + attn(h, h, h, {.attn_mask = hidden, .cache = cache});
    return this->output(z + c_proj(gelu(c_fc(ln_2(z)), GeluKind::tanh)));
  }
  void visit(nn::Visitor<T>& v) override {
    v("ln_1", ln_1), v("attn", attn), v("ln_2", ln_2), v("c_fc", c_fc), v("c_proj", c_proj);
  }
};

/// GPT-2 with its head, which scores the token behind each position.
/// Shape: ids [batch, n] -> [batch, n, vocab_size]
/// Source: Radford et al. 2019. Keys: wte., wpe., h., ln_f., lm_head.; theirs: keys()
template <Real T>
struct Gpt final : nn::Module<T> {
  using Cache = nn::ModelCache<nn::KeyValueCache<T>>;
  nn::Embedding<T> wte, wpe;
  std::vector<GptBlock<T>> h;
  nn::LayerNorm<T> ln_f;
  nn::Linear<T> lm_head;

  explicit Gpt(const GptConfig& c)
      : wte(c.vocab_size, c.n_embd),
        wpe(c.n_positions, c.n_embd),
        h(nn::repeated(c.n_layer, [&] { return GptBlock<T>(c); })),
        ln_f(c.n_embd, {.eps = c.layer_norm_epsilon}),
        lm_head(c.n_embd, c.vocab_size, {.bias = false}) {
    lm_head.weight.tie(wte.weight);
  }

  /// For the ids behind those in the cache; without one, for all.
  Tensor<T> decode(const Tensor<std::int64_t>& ids, Cache* cache = nullptr) const {
    const Index start = cache ? cache->length : 0, n = ids.size(1);
    Tensor<T> x = wte(ids) + wpe(arange<std::int64_t>(start, start + n));
    nn::AttentionMask<T> hidden;  // what comes later; a cache hides it by itself
    if (!cache) hidden = triu(ones<bool>({n, n}), 1);
    if (cache) cache->begin(h.size());
    for (std::size_t i = 0; i < h.size(); ++i) x = h[i](x, hidden, cache ? &cache->layers[i] : nullptr);
    if (cache) cache->end();
    return ln_f(x);
  }
  Tensor<T> generator(const Tensor<T>& x) const { return lm_head(x); }
  Tensor<T> operator()(const Tensor<std::int64_t>& ids) const { return this->output(generator(decode(ids))); }
  void visit(nn::Visitor<T>& v) override {
    v("wte", wte), v("wpe", wpe), v("h", h), v("ln_f", ln_f), v("lm_head", lm_head);
  }

  /// The names of Hugging Face's files, where matrices are [in, out] and the causal mask is stored as well.
  static io::KeyMap keys() {
    return {.rules = {{{"transformer.h.*.attn.bias"}, {}},
                      {{"transformer.h.*.attn.c_attn.*"}, {"h.*.attn.in_proj_*"}, io::KeyLayout::transposed},
                      {{"transformer.h.*.attn.c_proj.*"}, {"h.*.attn.out_proj.*"}, io::KeyLayout::transposed},
                      {{"transformer.h.*.mlp.c_*.*"}, {"h.*.c_*.*"}, io::KeyLayout::transposed},
                      {{"lm_head.weight"}, {"lm_head.weight"}},
                      {{"transformer.**"}, {"**"}}},
            .optional_prefix = "transformer."};
  }
};

}  // namespace models
