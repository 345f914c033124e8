// Stochastic depth: whole samples are dropped from a branch.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/drop_path.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct DropPathOptions {
  bool scale_by_keep = true;  // what is kept is divided by 1 - drop_prob
};

/// In training, the whole of a sample is 0 with probability drop_prob; in evaluation, the identity. It stands on the
/// branch of a residual connection, x + drop_path(f(x)), whose block it so leaves out for that sample.
/// Shape: [N, ...] -> the same
/// Errors: Error when drop_prob is not in [0, 1], ShapeError for a scalar.
/// Source: Huang et al. 2016.
/// PyTorch: none; timm.layers.DropPath, and torchvision.ops.StochasticDepth in mode "row"
template <Real T>
struct DropPath final : Module<T> {
  double drop_prob;
  bool scale_by_keep;

  explicit DropPath(double p = 0, DropPathOptions options = {}) : drop_prob(p), scale_by_keep(options.scale_by_keep) {
    if (!(drop_prob >= 0 && drop_prob <= 1)) fail("DropPath: drop_prob ", drop_prob, " is not in [0, 1]");
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    return this->output(drop_path(x, drop_prob, this->is_training(), scale_by_keep));
  }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
