// Contrast within a batch: InfoNCE
#pragma once

#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/mm.hpp>
#include <gloss/ops/normalize.hpp>

namespace gloss::inline GLOSS_ABI {

struct InfoNceLossOptions {
  double temperature = 0.07;
  bool symmetric = false;  // the mean of both directions, as CLIP has it
  LossReduction reduction = LossReduction::mean;
};

/// loss = -log softmax(cos(query_i, key_j) / temperature)_i by rows: row i of the keys belongs to row i of the queries,
/// and the others are what it is told from.
/// Shape: query and key [n, d] -> [], or [n] for reduction none.
/// Errors: ShapeError when they differ or are no matrices, Error for a temperature that is not above 0.
/// Backward: made of ops.
/// Source: van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding"; symmetric: Radford
/// et al. 2021
/// PyTorch: cross_entropy(normalize(query) @ normalize(key).T / temperature, arange(n))
template <Real T>
Tensor<T> info_nce_loss(const Tensor<T>& query, const Tensor<T>& key, InfoNceLossOptions options = {}) {
  if (query.dim() != 2 || key.shape() != query.shape())
    fail<ShapeError>("info_nce_loss: two matrices of one shape are wanted: query ", query.shape(), ", key ",
                     key.shape());
  if (!(options.temperature > 0)) fail("info_nce_loss: temperature ", options.temperature, " is not above 0");
  const Tensor<T> logits = mm(normalize(query) / options.temperature, normalize(key).transpose(0, 1));
  const Tensor<std::int64_t> own = arange<std::int64_t>(query.size(0));
  const CrossEntropyOptions by_row{.reduction = options.reduction};
  const Tensor<T> loss = cross_entropy(logits, own, by_row);
  return options.symmetric ? (loss + cross_entropy(logits.transpose(0, 1), own, by_row)) / 2 : loss;
}

}  // namespace gloss::inline GLOSS_ABI
