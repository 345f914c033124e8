// AT's "Generator": the last linear map and log-softmax.
#pragma once

#include <gloss/nn/linear.hpp>
#include <gloss/ops/softmax.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// y = log_softmax(x W^T + b).
/// Shape: [..., d_model] -> [..., vocab], log-probabilities
/// Errors: ShapeError when x does not end in d_model.
/// Source: paper 3.4. AT: Generator
/// Keys: proj.weight [vocab, d_model], proj.bias [vocab]
template <Real T>
struct Generator final : nn::Module<T> {
  nn::Linear<T> proj;

  Generator(Index d_model, Index vocab) : proj(d_model, vocab) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(log_softmax(proj(x), -1)); }
  void visit(nn::Visitor<T>& v) override { v("proj", proj); }
};

GLOSS_INSTANTIATE(struct Generator<float>)
GLOSS_INSTANTIATE(struct Generator<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer
