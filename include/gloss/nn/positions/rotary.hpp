// Rotary positions: queries and keys are turned by their position.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/nn/positions/sinusoidal.hpp>
#include <gloss/ops/embedding.hpp>
#include <gloss/ops/rotary.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct RotaryEmbeddingOptions {
  double base = 10000;
  bool interleaved = false;  ///< pairs (2i, 2i + 1), as in the paper and GPT-J; false: (i, i + dim/2), GPT-NeoX, Llama
  double scaling = 1;        ///< positions are divided by it, to read what is that many times as long (linear scaling)
};

/// Turns pair i of the first `dim` elements of each query and key by the angle position / scaling * base^(-2i/dim); the
/// others pass. For m and n the positions, (R_m q) . (R_n k) = q . R_(n - m) k: scores see distances only. Cosines and
/// sines for max_positions are computed once, in double, and are not in the state dict.
/// Shape: x [..., n, d], d >= dim, position_ids [n] or [batch, n] with x [batch, heads, n, d] -> as x
/// Errors: ShapeError when dim is odd or not positive, max_positions negative, x too narrow, or a sequence goes beyond
/// max_positions; IndexError for an id that does; Error when base or scaling is not positive.
/// Source: Su et al. 2021, 3.2; Chen et al. 2023 for scaling.
/// PyTorch: transformers' LlamaRotaryEmbedding with apply_rotary_pos_emb, torchtune.modules.RotaryPositionalEmbeddings
/// Keys: none: the tables of cosines and sines are buffers that are not persistent
template <Real T>
struct RotaryEmbedding final : Module<T> {
  Buffer<T> cosine, sine;  // [max_positions, dim / 2]
  bool interleaved;

  RotaryEmbedding(Index dim, Index max_positions, RotaryEmbeddingOptions options = {})
      : interleaved(options.interleaved) {
    if (dim <= 0 || dim % 2 != 0) fail<ShapeError>("RotaryEmbedding: dim ", dim, " is not even and positive");
    if (max_positions < 0) fail<ShapeError>("RotaryEmbedding: negative size: max_positions ", max_positions);
    if (!(options.base > 0)) fail("RotaryEmbedding: base ", options.base, " is not positive");
    if (!(options.scaling > 0)) fail("RotaryEmbedding: scaling ", options.scaling, " is not positive");
    const Tensor<T> table = sinusoidal_positions<T>(
        max_positions, dim, {.base = options.base, .interleaved = false, .scaling = options.scaling});
    sine = Buffer<T>(table.narrow(1, 0, dim / 2).contiguous(), {.persistent = false});
    cosine = Buffer<T>(table.narrow(1, dim / 2, dim / 2).contiguous(), {.persistent = false});
  }

  /// start: the position of x's first row, for decoding with a cache of keys.
  Tensor<T> operator()(const Tensor<T>& x, Index start = 0) const {
    check(x);
    const Index n = x.size(-2), most = cosine.size(0);
    if (start < 0 || n > most || start > most - n)
      fail<ShapeError>("RotaryEmbedding: ", n, " positions from ", start, " go beyond max_positions ", most);
    return this->output(rotary(x, cosine.narrow(0, start, n), sine.narrow(0, start, n), {.interleaved = interleaved}));
  }
  /// Positions row by row, as after padding on the left.
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<std::int64_t>& position_ids) const {
    check(x);
    Tensor<T> c = embedding(position_ids, cosine), s = embedding(position_ids, sine);
    if (position_ids.dim() == 2 && x.dim() == 4) c = c.unsqueeze(1), s = s.unsqueeze(1);  // the same for all heads
    return this->output(rotary(x, c, s, {.interleaved = interleaved}));
  }
  void visit(Visitor<T>& v) override {
    v("cosine", cosine);
    v("sine", sine);
  }

 private:
  void check(const Tensor<T>& x) const {
    if (x.dim() < 2 || x.size(-1) < 2 * cosine.size(1))
      fail<ShapeError>("RotaryEmbedding: x ", x.shape(), " is not [..., n, d] with d of at least ", 2 * cosine.size(1));
  }
};

}  // namespace gloss::inline GLOSS_ABI::nn
