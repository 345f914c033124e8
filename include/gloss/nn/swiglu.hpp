// The feed-forward network with a gate that today's decoders have.
#pragma once

#include <gloss/nn/linear.hpp>
#include <gloss/ops/glu.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct SwiGLUOptions {
  bool bias = false;
};

/// y = down_proj(silu(gate_proj(x)) up_proj(x)).
/// Shape: [..., d_model] -> [..., d_model]
/// Errors: ShapeError when x does not end in d_model, or a size is negative.
/// Source: Shazeer 2020, FFN_SwiGLU; the names are those of LLaMA's MLP in Hugging Face Transformers.
/// PyTorch: none; torch.nn.functional.silu(gate) * up between three torch.nn.Linear
/// Keys: gate_proj., up_proj., down_proj.
template <Real T>
struct SwiGLU final : Module<T> {
  Linear<T> gate_proj, up_proj, down_proj;

  SwiGLU(Index d_model, Index d_ff, SwiGLUOptions options = {})
      : gate_proj(d_model, d_ff, {.bias = options.bias}),
        up_proj(d_model, d_ff, {.bias = options.bias}),
        down_proj(d_ff, d_model, {.bias = options.bias}) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(down_proj(swiglu(gate_proj(x), up_proj(x)))); }
  void visit(Visitor<T>& v) override {
    v("gate_proj", gate_proj);
    v("up_proj", up_proj);
    v("down_proj", down_proj);
  }
};

}  // namespace gloss::inline GLOSS_ABI::nn
