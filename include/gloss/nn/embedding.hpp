// The embedding table.
#pragma once

#include <gloss/nn/init.hpp>
#include <gloss/nn/module.hpp>
#include <gloss/ops/embedding.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// Row ids[...] of a table, for each id.
/// Shape: ids [...] -> [..., embedding_dim]
/// Errors: IndexError for an id outside [0, num_embeddings).
/// PyTorch: torch.nn.Embedding, with its initialisation N(0, 1).
/// Keys: weight [num_embeddings, embedding_dim]
template <Real T>
struct Embedding final : Module<T> {
  Parameter<T> weight;

  Embedding(Index num_embeddings, Index embedding_dim) {
    if (num_embeddings < 0 || embedding_dim < 0)
      fail<ShapeError>("Embedding: negative size: num_embeddings ", num_embeddings, ", embedding_dim ", embedding_dim);
    weight = Parameter<T>(randn<T>({num_embeddings, embedding_dim}));
  }
  Tensor<T> operator()(const Tensor<std::int64_t>& ids) const { return this->output(embedding(ids, weight)); }
  void visit(Visitor<T>& v) override { v("weight", weight); }
};

}  // namespace gloss::inline GLOSS_ABI::nn
