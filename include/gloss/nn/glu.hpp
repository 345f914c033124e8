// The gated linear unit.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/glu.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = a sigmoid(b), a and b the two halves of x along dim.
/// Shape: [..., 2 n, ...] -> [..., n, ...]
/// Errors: IndexError when x has no axis dim, ShapeError when its size is odd.
/// Source: Dauphin et al. 2017.
/// PyTorch: torch.nn.GLU
template <Real T>
struct GLU final : Module<T> {
  Index dim;

  explicit GLU(Index axis = -1) : dim(axis) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(glu(x, dim)); }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
