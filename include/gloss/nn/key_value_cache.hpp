// What decoding keeps of the positions that it has read: their keys and values, layer by layer.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include <gloss/nn/parameter.hpp>
#include <gloss/ops/attention.hpp>

namespace gloss::inline GLOSS_ABI::nn {

namespace detail {
/// Rows of a dense tensor: row i of the result is row rows[i], of which the first `used` of each `length` numbers
/// count. Not index_select, whose gradient every program that decodes would compile.
template <class T>
Tensor<T> select_rows(const Tensor<T>& x, const Tensor<std::int64_t>& rows, Index blocks, Index length, Index used) {
  Shape shape = x.shape();
  shape[0] = rows.numel();
  Tensor<T> y = empty<T>(shape);
  const auto size = [](Index n) { return static_cast<std::size_t>(n) * sizeof(T); };
  for (Index i = 0; used > 0 && i < shape[0]; ++i) {
    const T* from = x.data() + rows.at({i}) * blocks * length;
    T* to = y.data() + i * blocks * length;
    if (used == length) {
      std::memcpy(to, from, size(blocks * length));
      continue;
    }
    for (Index b = 0; b < blocks; ++b) std::memcpy(to + b * length, from + b * length, size(used));
  }
  return y;
}
template <class T>
Tensor<T> select_rows(const Tensor<T>& x, const Tensor<std::int64_t>& rows) {
  const Index row = x.size(0) > 0 ? x.numel() / x.size(0) : 0;
  return select_rows(x, rows, 1, row, row);
}
}  // namespace detail

/// Keys and values of one attention, of all positions that it has read. A value: a copy has its own.
template <Real T>
struct KeyValueCache final {
  Buffer<T> key, value;  // [batch, heads, capacity, width]; the first `length` positions are in use
  Index length = 0;

  Index positions() const { return length; }
  struct KeysAndValues {
    Tensor<T> key, value;  // [batch, heads, length, width], views of the cache
  };
  KeysAndValues all() const { return {key.narrow(2, 0, length), value.narrow(2, 0, length)}; }

  /// Puts the keys and values of further positions behind those that are there; memory grows by doubling.
  /// Shape: k [batch, heads, n, d_k], v [batch, heads, n, d_v] -> all so far
  /// Errors: ShapeError when they do not fit those that are there; GradError when they want a gradient, which would end
  /// here.
  KeysAndValues append(const Tensor<T>& k, const Tensor<T>& v) {
    if (is_grad_enabled() && (k.requires_grad() || v.requires_grad()))
      fail<GradError>("KeyValueCache: no gradient goes through a cache; a NoGradGuard says that none is wanted");
    check_fits(k, key, "key");
    check_fits(v, value, "value");
    if (k.size(2) != v.size(2))
      fail<ShapeError>("KeyValueCache: key ", k.shape(), " and value ", v.shape(), " differ in length");
    const Index n = k.size(2);
    put(key, k, n);
    put(value, v, n);
    length += n;
    return all();
  }
  /// Attention of queries to the positions so far and to further ones, which append() takes first. It is virtual so
  /// only programs that make a cache compile it.
  /// Shape: q [batch, heads, n, d_k], k and v as append's -> [batch, heads, n, d_v]
  /// Errors: as append and scaled_dot_product_attention.
  virtual Tensor<T> attend(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v,
                           const AttentionOptions<T>& options, Tensor<T>* weights) {
    const auto [keys, values] = append(k, v);
    return scaled_dot_product_attention(q, keys, values, options, weights);
  }
  /// Row i becomes the old row rows[i]; the number of rows may change. Unchecked.
  void select_rows(const Tensor<std::int64_t>& rows) {
    if (!key.defined()) return;
    const auto select = [&](const Tensor<T>& x) {
      return Buffer<T>(detail::select_rows(x, rows, x.size(1), x.size(2) * x.size(3), length * x.size(3)));
    };
    key = select(key);
    value = select(value);
  }
  /// Forgets what came behind the first n positions.
  /// Errors: IndexError when there are fewer.
  void truncate(Index n) {
    if (n < 0 || n > length) fail<IndexError>("KeyValueCache: cannot truncate ", length, " positions to ", n);
    length = n;
  }

 private:
  static void check_fits(const Tensor<T>& x, const Tensor<T>& there, const char* what) {
    if (x.dim() == 4 &&
        (!there.defined() || (x.size(0) == there.size(0) && x.size(1) == there.size(1) && x.size(3) == there.size(3))))
      return;
    if (!there.defined()) fail<ShapeError>("KeyValueCache: ", what, " ", x.shape(), " must have four axes");
    fail<ShapeError>("KeyValueCache: ", what, " ", x.shape(), " does not fit those that are there, ", there.shape());
  }
  void put(Buffer<T>& there, const Tensor<T>& x, Index n) const {
    const Index capacity = there.defined() ? there.size(2) : 0;
    if (length + n > capacity || !there.defined()) {
      Tensor<T> grown = empty<T>({x.size(0), x.size(1), (std::max)({Index{16}, 2 * capacity, length + n}), x.size(3)});
      if (length > 0) grown.narrow(2, 0, length).copy_(there.narrow(2, 0, length));
      there = Buffer<T>(grown);
    }
    there.narrow(2, length, n).copy_(x.detach());
  }
};

/// The two caches of a decoder layer: of the positions that it has read, and of the memory that it looks at.
template <Real T>
struct DecoderLayerCache {
  KeyValueCache<T> self_attn, memory;

  Index positions() const { return self_attn.length; }
  void select_rows(const Tensor<std::int64_t>& rows) {
    self_attn.select_rows(rows);
    memory.select_rows(rows);
  }
  void truncate(Index n) { self_attn.truncate(n); }
};

/// The caches of all layers of a model, a KeyValueCache or a DecoderLayerCache each. A forward that is given one reads
/// only the positions that are new, and sees those before them in the cache; see MultiheadAttentionCall.
template <class LayerCache>
struct ModelCache {
  std::vector<LayerCache> layers;
  Index length = 0;  // positions read by all layers

  /// What a stack of layers calls before it reads. Whatever a pass that threw has left behind is forgotten.
  /// Errors: Error for no layers, which cannot remember how far they have read.
  void begin(std::size_t number_of_layers) {
    if (number_of_layers == 0) fail("ModelCache: there is no layer to keep anything for");
    layers.resize(number_of_layers);
    truncate(length);
  }
  /// What it calls afterwards.
  void end() { length = layers.front().positions(); }

  /// Row i becomes the old row rows[i]; the number of rows may change. Unchecked.
  void select_rows(const Tensor<std::int64_t>& rows) {
    for (LayerCache& layer : layers) layer.select_rows(rows);
  }
  /// Forgets what came behind the first n positions, as if it had not been read.
  /// Errors: IndexError when there are fewer.
  void truncate(Index n) {
    if (n < 0 || n > length) fail<IndexError>("ModelCache: cannot truncate ", length, " positions to ", n);
    for (LayerCache& layer : layers) layer.truncate(n);
    length = n;
  }
};

GLOSS_INSTANTIATE(struct KeyValueCache<float>)
GLOSS_INSTANTIATE(struct KeyValueCache<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
