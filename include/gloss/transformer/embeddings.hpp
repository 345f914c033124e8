// AT's "Embeddings": token ids to vectors (paper 3.4).
#pragma once

#include <cmath>

#include <gloss/nn/embedding.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// y = lut[x] * sqrt(d_model).
/// Shape: ids [batch, n] -> [batch, n, d_model]
/// Errors: IndexError for an id outside the vocabulary.
/// Source: paper 3.4. AT: Embeddings
/// Keys: lut.weight [vocab, d_model]
template <Real T>
struct Embeddings final : nn::Module<T> {
  Index d_model;
  nn::Embedding<T> lut;

  Embeddings(Index width, Index vocab) : d_model(width), lut(vocab, width) {}
  Tensor<T> operator()(const Tensor<std::int64_t>& x) const {
    return this->output(embedding(x, lut.weight, std::sqrt(static_cast<double>(d_model))));
  }
  void visit(nn::Visitor<T>& v) override { v("lut", lut); }
};

/// The same under the name that others give it; nn::Embedding is PyTorch's, without the factor.
template <Real T>
using Embedding = Embeddings<T>;

GLOSS_INSTANTIATE(struct Embeddings<float>)
GLOSS_INSTANTIATE(struct Embeddings<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer
