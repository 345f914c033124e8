// A batch of texts without its padding
#pragma once

#include <vector>

#include <gloss/ops/cat.hpp>
#include <gloss/ops/embedding.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// The tokens of a batch of texts one behind the other, without padding, so that layers cost what there is to read and
/// not what the longest text has: attention is told lengths(), and everything else sees rows.
///   const PackedTexts texts(attention_mask);
///   y = texts.unpack(layer(texts.pack(x), {.lengths = texts.lengths()}));
/// Errors: ShapeError for a mask that is not [batch, n], and for x that does not fit it.
class PackedTexts {
 public:
  /// attention_mask [batch, n]: 0 is padding, wherever it stands.
  explicit PackedTexts(const Tensor<std::int64_t>& attention_mask) {
    if (attention_mask.dim() != 2)
      fail<ShapeError>("PackedTexts: attention_mask ", attention_mask.shape(), " must be [batch, n]");
    batch_ = attention_mask.size(0), n_ = attention_mask.size(1);
    const Tensor<std::int64_t> mask = attention_mask.contiguous();
    std::vector<std::int64_t> places, back(static_cast<std::size_t>(mask.numel()), 0);
    for (Index text = 0; text < batch_; ++text) {
      const auto before = static_cast<Index>(places.size());
      for (Index i = text * n_; i < (text + 1) * n_; ++i) {
        if (mask.data()[i] == 0) continue;
        places.push_back(i);
        back[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(places.size());  // row 0 is that of padding
      }
      if (const Index length = static_cast<Index>(places.size()) - before; length > 0) lengths_.push_back(length);
    }
    places_ = from_vector(places), back_ = from_vector(back);
  }

  /// How many tokens each text has, without texts that have none.
  const std::vector<Index>& lengths() const { return lengths_; }
  /// Shape: [batch, n, d] -> [1, tokens, d]
  template <Real T>
  Tensor<T> pack(const Tensor<T>& x) const {
    if (x.dim() != 3 || x.size(0) != batch_ || x.size(1) != n_)
      fail<ShapeError>("PackedTexts: x ", x.shape(), " must be [", batch_, ", ", n_, ", d]");
    return embedding(places_, x.flatten(0, 1)).unsqueeze(0);
  }
  /// Zeros where padding is.
  /// Shape: [1, tokens, d] -> [batch, n, d]
  template <Real T>
  Tensor<T> unpack(const Tensor<T>& x) const {
    if (x.dim() != 3 || x.size(0) != 1 || x.size(1) != places_.numel())
      fail<ShapeError>("PackedTexts: x ", x.shape(), " must be [1, ", places_.numel(), ", d]");
    const Tensor<T> rows = cat(std::vector<Tensor<T>>{zeros<T>({1, x.size(2)}), x.select(0, 0)}, 0);
    return embedding(back_, rows).unflatten(0, {batch_, n_});
  }

 private:
  Index batch_ = 0, n_ = 0;
  std::vector<Index> lengths_;
  Tensor<std::int64_t> places_;  // of each token, its place in the batch
  Tensor<std::int64_t> back_;    // of each place, its token's row, counted from 1; 0 for padding
};

}  // namespace gloss::inline GLOSS_ABI::models
