// The activations that config files name.
#pragma once

#include <string>

#include <gloss/nn/feed_forward_activation.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sigmoid.hpp>
#include <gloss/ops/silu.hpp>
#include <gloss/ops/tanh.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What `hidden_act`, `activation_function` and the like stand for: gelu (by erf), gelu_new and gelu_pytorch_tanh (by
/// tanh), quick_gelu (x sigmoid(1.702 x)), relu, silu or swish, tanh.
/// Errors: Error for another name.
/// transformers: ACT2FN
template <Real T>
nn::FeedForwardActivation<T> activation(const std::string& name) {
  if (name == "gelu" || name == "relu") return name.c_str();
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast")
    return [](const Tensor<T>& x) { return gelu(x, GeluKind::tanh); };
  if (name == "quick_gelu") return [](const Tensor<T>& x) { return x * sigmoid(x * 1.702); };
  if (name == "silu" || name == "swish") return [](const Tensor<T>& x) { return silu(x); };
  if (name == "tanh") return [](const Tensor<T>& x) { return gloss::tanh(x); };
  fail("activation: '", name,
       "' is none of gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, quick_gelu, relu, silu, swish, tanh");
}

}  // namespace gloss::inline GLOSS_ABI::models
