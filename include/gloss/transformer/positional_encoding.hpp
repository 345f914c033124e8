// AT's "PositionalEncoding": sines and cosines of geometrically growing wavelengths (paper 3.5).
#pragma once

#include <gloss/nn/dropout.hpp>
#include <gloss/nn/positions/sinusoidal.hpp>
#include <gloss/ops/add.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// PE[pos, 2i] = sin(pos / 10000^(2i / d_model)), PE[pos, 2i + 1] = cos of the same; y = dropout(x + PE).
/// Shape: [batch, n, d_model] -> the same, n <= max_len
/// Errors: ShapeError when n > max_len or x does not end in d_model.
/// Source: paper 3.5. AT: PositionalEncoding
/// Keys: pe [1, max_len, d_model], a buffer
template <Real T>
struct PositionalEncoding final : nn::Module<T> {
  nn::Dropout<T> dropout;
  nn::Buffer<T> pe;

  GLOSS_COLD PositionalEncoding(Index d_model, double p_drop, Index max_len = 5000) : dropout(p_drop) {
    pe = nn::Buffer<T>(nn::sinusoidal_positions<T>(max_len, d_model).unsqueeze(0));
  }

  /// start: the position of x's first element, for decoding token by token.
  Tensor<T> operator()(const Tensor<T>& x, Index start = 0) const {
    if (x.dim() != 3 || x.size(-1) != pe.size(-1) || start + x.size(1) > pe.size(1))
      fail<ShapeError>("PositionalEncoding: x ", x.shape(), " from position ", start, " does not fit max_len ",
                       pe.size(1), " and d_model ", pe.size(2));
    return this->output(dropout(x + pe.narrow(1, start, x.size(1))));
  }
  void visit(nn::Visitor<T>& v) override {
    v("dropout", dropout);
    v("pe", pe);
  }
};

GLOSS_INSTANTIATE(struct PositionalEncoding<float>)
GLOSS_INSTANTIATE(struct PositionalEncoding<double>)

}  // namespace gloss::inline GLOSS_ABI::transformer
