// Llama and Qwen from GGUF files.
#pragma once

#include <string>
#include <vector>

#include <gloss/io/gguf.hpp>
#include <gloss/io/state_dict.hpp>
#include <gloss/models/llama.hpp>

namespace gloss::inline GLOSS_ABI::models {

namespace detail {

/// What a GGUF file's metadata says, as config.json would.
template <class Config>
GLOSS_COLD Config gguf_config(const io::Gguf& file, const std::string& path) {
  const auto architecture = file.value("general.architecture").as<std::string>();
  if (architecture != Config::model_type)
    fail<LoadError>("llama_from_gguf: ", path, ": its architecture is ", architecture, ", ", Config::model_type,
                    " is wanted");
  const std::string prefix = architecture + ".";
  const auto number = [&](const char* key) { return file.value(prefix + key).template as<Index>(); };
  Config c;
  c.vocab_size = file.tensor_file().entry("token_embd.weight").shape[0];
  c.hidden_size = number("embedding_length"), c.intermediate_size = number("feed_forward_length");
  c.num_hidden_layers = number("block_count"), c.num_attention_heads = number("attention.head_count");
  c.max_position_embeddings = number("context_length");
  c.rms_norm_eps = file.value(prefix + "attention.layer_norm_rms_epsilon").template as<double>();
  c.num_key_value_heads =
      file.find(prefix + "attention.head_count_kv") ? number("attention.head_count_kv") : c.num_attention_heads;
  if (file.find(prefix + "attention.key_length")) c.head_dim = number("attention.key_length");
  c.tie_word_embeddings = !file.tensor_file().find("output.weight");
  RopeParameters& rope = c.rope_parameters;
  if (const auto* base = file.find(prefix + "rope.freq_base")) rope.rope_theta = base->as<double>();
  if (file.tensor_file().find("rope_freqs.weight")) {  // a divisor for each frequency
    const Tensor<double> divisors = file.tensor_file().tensor<double>("rope_freqs.weight");
    rope.rope_type = "longrope", rope.attention_factor = 1;
    rope.short_factor = rope.long_factor = std::vector<double>(divisors.data(), divisors.data() + divisors.numel());
  }
  if (const auto* scaling = file.find(prefix + "rope.scaling.type")) {
    const auto kind = scaling->as<std::string>();
    if (kind == "linear") rope.rope_type = kind, rope.factor = file.value(prefix + "rope.scaling.factor").as<double>();
    if (kind != "linear" && kind != "none")
      fail<LoadError>("llama_from_gguf: ", path, ": rope.scaling.type ", kind, " is not known");
  }
  return c;
}

/// The names of llama.cpp's files.
inline io::KeyMap gguf_keys() {
  const std::string theirs = "blk.*.", ours = "model.layers.*.";
  io::KeyMap map{.rules = {{{"token_embd.weight"}, {"model.embed_tokens.weight"}},
                           {{"output_norm.weight"}, {"model.norm.weight"}},
                           {{"output.weight"}, {"lm_head.weight"}},
                           {{"rope_freqs.weight"}, {}},
                           {{theirs + "attn_norm.weight"}, {ours + "input_layernorm.weight"}},
                           {{theirs + "ffn_norm.weight"}, {ours + "post_attention_layernorm.weight"}},
                           {{theirs + "attn_output.*"}, {ours + "self_attn.o_proj.*"}},
                           {{theirs + "attn_q_norm.weight"}, {ours + "self_attn.q_norm.weight"}},
                           {{theirs + "attn_k_norm.weight"}, {ours + "self_attn.k_norm.weight"}}}};
  for (const std::string part : {"q", "k", "v"})
    map.rules.push_back({{theirs + "attn_" + part + ".*"}, {ours + "self_attn." + part + "_proj.*"}});
  for (const std::string part : {"gate", "up", "down"})
    map.rules.push_back({{theirs + "ffn_" + part + ".*"}, {ours + "mlp." + part + "_proj.*"}});
  return map;
}

/// Rows of a projection from llama.cpp's order, where the two numbers that are turned together are neighbours, to that
/// of transformers, where they are half a head apart.
template <Real T>
void halves_from_pairs(const nn::Linear<T>& projection, Index width) {
  for (const Tensor<T>& x : {Tensor<T>(projection.weight), Tensor<T>(projection.bias)})
    if (x.defined()) {
      const Tensor<T> pairs = x.detach().unflatten(0, {-1, width / 2, 2});
      x.detach().copy_(pairs.transpose(1, 2).contiguous().view(x.shape()));
    }
}

}  // namespace detail

/// A model from a GGUF file, its blocks of small numbers as floats. It is in evaluation mode; the tokenizer in the file
/// is not read here.
///   const auto model = models::llama_from_gguf<float>("SmolLM2-135M-Instruct.Q4_1.gguf");
///   const auto qwen = models::llama_from_gguf<float, models::Qwen2Config>("qwen2.gguf");
/// Errors: LoadError when the file is none, of another architecture, or lacks something; Error as Config::check.
template <Real T, class Config = LlamaConfig>
GLOSS_COLD LlamaForCausalLM<T, Config> llama_from_gguf(const std::string& path) {
  const io::Gguf file = io::load_gguf(path);
  LlamaForCausalLM<T, Config> model(detail::gguf_config<Config>(file, path));
  io::load_state_dict<T>(model, file.tensor_file(), {.keys = detail::gguf_keys()});
  if (Config::model_type == "llama")
    for (const auto& layer : model.model.layers) {
      detail::halves_from_pairs(layer.self_attn.q_proj, layer.self_attn.width);
      detail::halves_from_pairs(layer.self_attn.k_proj, layer.self_attn.width);
    }
  model.eval();
  return model;
}

}  // namespace gloss::inline GLOSS_ABI::models
