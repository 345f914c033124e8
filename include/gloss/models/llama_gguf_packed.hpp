// Llama and Qwen that compute with the blocks of a GGUF file as they are.
#pragma once

#include <string>
#include <utility>

#include <gloss/io/gguf_packed.hpp>
#include <gloss/models/llama_gguf.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// A model for inference from a GGUF file, which keeps the file's blocks and computes with them, as io::keep_blocks
/// describes it; the numbers of the weights are those of llama_from_gguf, inputs become bytes 32 by 32. While it is
/// loaded there are both.
///   const auto model = models::packed_llama_from_gguf("SmolLM2-135M-Instruct.Q4_1.gguf");
/// Errors: as llama_from_gguf; Error when no weight of the file is in blocks that are kept.
template <class Config = LlamaConfig>
GLOSS_COLD LlamaForCausalLM<float, Config> packed_llama_from_gguf(const std::string& path,
                                                                  nn::QuantizeReport* report = nullptr) {
  auto model = llama_from_gguf<float, Config>(path);
  const Index width = model.config.width_of_head(), half = width / 2;
  const auto stored_row = [&](const std::string& name, Index j) {  // as halves_from_pairs
    const bool in_pairs =
        Config::model_type == "llama" && (name.ends_with("q_proj.weight") || name.ends_with("k_proj.weight"));
    return in_pairs ? j / width * width + j % half * 2 + j % width / half : j;
  };
  const io::Gguf file = io::load_gguf(path);
  nn::QuantizeReport kept = io::keep_blocks(model, file.tensor_file(), detail::gguf_keys(), stored_row);
  if (report) *report = std::move(kept);
  return model;
}

}  // namespace gloss::inline GLOSS_ABI::models
