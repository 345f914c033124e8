// The embedding table.
#pragma once

#include <cmath>

#include <gloss/nn/init.hpp>
#include <gloss/nn/module.hpp>
#include <gloss/ops/embedding.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct EmbeddingOptions {
  Index padding_idx = no_index;  // the id whose row begins as 0 and gets no gradient; negative ones count from the end
  double max_norm = INFINITY;    // rows that are looked up are first shortened to this norm, where they stand
  double norm_type = 2;          // which norm max_norm means
  bool scale_grad_by_freq = false;  // the gradient of a row is divided by how often its id stands in the batch
};

/// Row ids[...] of a table, for each id. With a max_norm the call changes the table, so that one model may then not
/// serve many threads.
/// Shape: ids [...] -> [..., embedding_dim]
/// Errors: IndexError for an id outside [0, num_embeddings) or a padding_idx outside [-num_embeddings, num_embeddings);
/// ShapeError for a negative size.
/// PyTorch: torch.nn.Embedding, with its initialisation N(0, 1); there are no sparse gradients
/// Keys: weight [num_embeddings, embedding_dim]
template <Real T>
struct Embedding final : Module<T> {
  Parameter<T> weight;
  EmbeddingOptions options;

  GLOSS_COLD Embedding(Index num_embeddings, Index embedding_dim, EmbeddingOptions given = {}) : options(given) {
    if (num_embeddings < 0 || embedding_dim < 0)
      fail<ShapeError>("Embedding: negative size: num_embeddings ", num_embeddings, ", embedding_dim ", embedding_dim);
    const Index padding = gloss::detail::padding_row("Embedding", options.padding_idx, num_embeddings);
    weight = Parameter<T>(randn<T>({num_embeddings, embedding_dim}));
    if (padding >= 0) weight.detach().select(0, padding).zero_();
  }
  /// A table that is there already; frozen, unless said otherwise, it is not trained.
  /// Errors: ShapeError when it is no matrix. PyTorch: Embedding.from_pretrained
  static Embedding from_pretrained(const Tensor<T>& embeddings, bool freeze = true, EmbeddingOptions options = {}) {
    return Embedding(embeddings, freeze, options);
  }

  Tensor<T> operator()(const Tensor<std::int64_t>& ids) const {
    if (options.max_norm < INFINITY) embedding_renorm_(weight, ids, options.max_norm, options.norm_type);
    return this->output(embedding(
        ids, weight, 1, {.padding_idx = options.padding_idx, .scale_grad_by_freq = options.scale_grad_by_freq}));
  }
  void visit(Visitor<T>& v) override { v("weight", weight); }

 private:
  Embedding(const Tensor<T>& embeddings, bool freeze, EmbeddingOptions given) : options(given) {
    if (embeddings.dim() != 2)
      fail<ShapeError>("Embedding: embeddings have shape ", embeddings.shape(), ", a matrix is wanted");
    static_cast<void>(gloss::detail::padding_row("Embedding", options.padding_idx, embeddings.size(0)));
    weight = Parameter<T>(embeddings.detach().clone());
    if (freeze) weight.requires_grad_(false);
  }
};

GLOSS_INSTANTIATE(struct Embedding<float>)
GLOSS_INSTANTIATE(struct Embedding<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
