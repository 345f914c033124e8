// Positions looked up in a table that is trained: BERT's, GPT-2's, ViT's.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/embedding.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = x + weight[start ... start + n], or row by row as position_ids say. There are as many positions as rows: what
/// goes beyond them has never been trained, and is an error.
/// Shape: x [..., n, d], position_ids [n] or [..., n] -> as x
/// Errors: ShapeError when a sequence does not end by the last position or x does not end in d; IndexError for an id
/// outside [0, max_positions).
/// Source: Gehring et al. 2017; Devlin et al. 2019.
/// PyTorch: torch.nn.Embedding, as BERT's position_embeddings and GPT-2's wpe; its initialisation N(0, 1)
/// Keys: weight [max_positions, d]
template <Real T>
struct LearnedPositions final : Module<T> {
  Parameter<T> weight;

  LearnedPositions(Index max_positions, Index d) {
    if (max_positions < 0 || d < 0)
      fail<ShapeError>("LearnedPositions: negative size: max_positions ", max_positions, ", d ", d);
    weight = Parameter<T>(randn<T>({max_positions, d}));
  }

  /// start: the position of the first element, for decoding token by token.
  Tensor<T> operator()(const Tensor<T>& x, Index start = 0) const {
    check_width(x);
    return this->output(x + rows(x.size(-2), start));
  }
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<std::int64_t>& position_ids) const {
    check_width(x);
    return this->output(x + embedding(position_ids, weight));
  }
  /// The encodings alone: n of them, from `start`.
  Tensor<T> rows(Index n, Index start = 0) const {
    const Index most = weight.size(0);
    if (n < 0 || start < 0 || n > most || start > most - n)
      fail<ShapeError>("LearnedPositions: ", n, " positions from ", start, " go beyond max_positions ", most);
    return weight.narrow(0, start, n);
  }
  void visit(Visitor<T>& v) override { v("weight", weight); }

 private:
  void check_width(const Tensor<T>& x) const {
    if (x.dim() < 2 || x.size(-1) != weight.size(1))
      fail<ShapeError>("LearnedPositions: x ", x.shape(), " is not [..., n, ", weight.size(1), "]");
  }
};

}  // namespace gloss::inline GLOSS_ABI::nn
