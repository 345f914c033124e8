// What a Transformer's last layer looks at, in terms of its input.
#pragma once

#include <vector>

#include <gloss/ops/amax.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// How a layer's heads become one.
enum class HeadFusion { mean, max, min };

struct AttentionRolloutOptions {
  HeadFusion fusion = HeadFusion::mean;
  double residual = 0.5;  // the share of a token that goes past the attention
};

/// How much of each input token comes to each of the last layer's: with A_l the weights of layer l, one matrix of all
/// heads, and r the residual's share, B_l = (1 - r) A_l + r I with rows divided by their sums, and R = B_L ... B_2 B_1.
/// Shape: each [batch, heads, n, n] -> [batch, n, n], whose rows add up to 1
/// Errors: ShapeError when there are no attentions, or they have other shapes than the first; Error for a residual
/// outside [0, 1].
/// Source: Abnar and Zuidema 2020.
template <Real T>
Tensor<T> attention_rollout(const std::vector<Tensor<T>>& attentions, AttentionRolloutOptions options = {}) {
  if (attentions.empty()) fail<ShapeError>("attention_rollout: there are no attentions");
  const Shape& shape = attentions[0].shape();
  if (!(options.residual >= 0 && options.residual <= 1))
    fail("attention_rollout: residual ", options.residual, " is not in [0, 1]");
  const NoGradGuard no_grad;
  Tensor<T> rollout;
  for (const Tensor<T>& a : attentions) {
    if (shape.rank() != 4 || shape[2] != shape[3] || a.shape() != shape)
      fail<ShapeError>("attention_rollout: attentions ", a.shape(), " must all be [batch, heads, n, n]");
    const Tensor<T> one = options.fusion == HeadFusion::mean  ? mean(a, 1)
                          : options.fusion == HeadFusion::max ? amax(a, 1)
                                                              : amin(a, 1);
    const Tensor<T> mixed = one * (1 - options.residual) + eye<T>(shape[2]) * options.residual;
    const Tensor<T> layer = mixed / sum(mixed, -1, {.keepdim = true});
    rollout = rollout.defined() ? matmul(layer, rollout) : layer;
  }
  return rollout;
}

}  // namespace gloss::inline GLOSS_ABI::models
