// What decoding keeps of the positions that it has read: their keys and values, layer by layer.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <type_traits>
#include <vector>

#include <gloss/nn/parameter.hpp>
#include <gloss/ops/attention.hpp>

namespace gloss::inline GLOSS_ABI::nn {

namespace detail {
/// Rows of a dense tensor: row i of the result is row rows[i]. Not index_select, whose gradient every program that
/// decodes would compile.
template <class T>
Tensor<T> select_rows(const Tensor<T>& x, const Tensor<std::int64_t>& rows) {
  Shape shape = x.shape();
  const Index row = shape[0] > 0 ? x.numel() / shape[0] : 0;
  shape[0] = rows.numel();
  Tensor<T> y = empty<T>(shape);
  for (Index i = 0; row > 0 && i < shape[0]; ++i)
    std::memcpy(y.data() + i * row, x.data() + rows.at({i}) * row, static_cast<std::size_t>(row) * sizeof(T));
  return y;
}
}  // namespace detail

template <Real T>
struct KeyValueCache;

namespace detail {
/// Another form in which a cache holds keys and values, as nn/cache_precision.hpp defines it.
template <class T>
struct CacheForm {
  bool (*suits)(Index width);
  Index (*held)(Index width);               // numbers that a row takes in memory
  Tensor<T> (*pack)(const Tensor<T>& x);    // [..., width] -> [..., held(width)]
  Tensor<T> (*unpack)(const Tensor<T>& x);  // the way back
  Tensor<T> (*attend)(const KeyValueCache<T>& cache, const Tensor<T>& q, const AttentionOptions<T>& options,
                      Tensor<T>* weights);
};
/// That of caches of float that begin, null for numbers as they are.
inline constinit std::atomic<const CacheForm<float>*> cache_form{nullptr};
}  // namespace detail

/// Keys and values of one attention, of all positions that it has read. A value: a copy has its own.
template <Real T>
struct KeyValueCache final {
  Buffer<T> key, value;  // [entries, heads, capacity, width]; the first `length` positions are in use
  // Undefined, or [batch, length]: position j of row b lies in entry key_rows[b, j], so that hypotheses that go on from
  // the same one share what it has read.
  Tensor<std::int64_t> key_rows;
  Index length = 0;
  const detail::CacheForm<T>* form = nullptr;  // in which rows are held, where they are not numbers

  Index positions() const { return length; }
  struct KeysAndValues {
    Tensor<T> key, value;  // [batch, heads, length, width]
  };
  /// Views of the cache; copies, where rows share entries or are held in another form.
  KeysAndValues all() const {
    KeysAndValues all = as_held();
    if (form) all.key = form->unpack(all.key), all.value = form->unpack(all.value);
    return all;
  }

  /// Puts the keys and values of further positions behind those that are there; memory grows by doubling.
  /// Shape: k [batch, heads, n, d_k], v [batch, heads, n, d_v] -> all so far, as all() has them
  /// Errors: ShapeError when they do not fit those that are there; GradError when they want a gradient, which would end
  /// here.
  KeysAndValues append(const Tensor<T>& k, const Tensor<T>& v) {
    add(k, v);
    separate();
    return all();
  }
  /// Attention of queries to the positions so far and to further ones, which are put behind them first. It is virtual
  /// so only programs that make a cache compile it.
  /// Shape: q [batch, heads, n, d_k], k and v as append's -> [batch, heads, n, d_v]
  /// Errors: as append and scaled_dot_product_attention.
  virtual Tensor<T> attend(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v,
                           const AttentionOptions<T>& options, Tensor<T>* weights) {
    add(k, v);
    return attend(q, options, weights);
  }
  /// Attention of queries to the positions so far.
  /// Shape: q [batch, heads, n, d_k] -> [batch, heads, n, d_v]
  /// Errors: as scaled_dot_product_attention.
  Tensor<T> attend(const Tensor<T>& q, AttentionOptions<T> options, Tensor<T>* weights = nullptr) {
    if (form) return form->attend(*this, q, options, weights);
    if (q.size(2) > kernels::detail::attention_few<T>) separate();
    options.key_rows = key_rows;
    return scaled_dot_product_attention(q, key.narrow(2, 0, length), value.narrow(2, 0, length), options, weights);
  }
  /// Row i becomes the old row rows[i]; the number of rows may change. Nothing is copied: rows share entries, each
  /// writes what comes next into its own. Unchecked.
  void select_rows(const Tensor<std::int64_t>& rows) {
    if (!key.defined()) return;
    const Tensor<std::int64_t> selected = empty<std::int64_t>({rows.numel(), length});
    std::int64_t* to = selected.data();
    for (Index i = 0; i < rows.numel(); ++i) {
      const std::int64_t row = rows.at({i});
      for (Index j = 0; j < length; ++j) *to++ = key_rows.defined() ? key_rows.at({row, j}) : row;
    }
    key_rows = selected;
  }
  /// Forgets what came behind the first n positions.
  /// Errors: IndexError when there are fewer.
  void truncate(Index n) {
    if (n < 0 || n > length) fail<IndexError>("KeyValueCache: cannot truncate ", length, " positions to ", n);
    length = n;
    if (key_rows.defined()) key_rows = key_rows.narrow(1, 0, n);
  }

 private:
  Index held(Index width) const { return form ? form->held(width) : width; }
  KeysAndValues as_held() const {
    const Tensor<T> k = key.narrow(2, 0, length), v = value.narrow(2, 0, length);
    if (!key_rows.defined()) return {k, v};
    return {gloss::detail::gather_keys(k, key_rows), gloss::detail::gather_keys(v, key_rows)};
  }
  void check_fits(const Tensor<T>& x, const Tensor<T>& there, Index batch, const char* what) const {
    if (x.dim() == 4 && (!there.defined() || (x.size(0) == batch && x.size(1) == there.size(1) &&
                                              held(x.size(3)) == there.size(3) && (!form || form->suits(x.size(3))))))
      return;
    if (!there.defined()) fail<ShapeError>("KeyValueCache: ", what, " ", x.shape(), " must have four axes");
    Shape shape = form ? form->unpack(there).shape() : there.shape();
    shape[0] = batch;
    fail<ShapeError>("KeyValueCache: ", what, " ", x.shape(), " does not fit those that are there, ", shape);
  }
  Index batch() const { return key_rows.defined() ? key_rows.size(0) : key.size(0); }

  void add(const Tensor<T>& k, const Tensor<T>& v) {
    if (is_grad_enabled() && (k.requires_grad() || v.requires_grad()))
      fail<GradError>("KeyValueCache: no gradient goes through a cache; a NoGradGuard says that none is wanted");
    const Index rows = key.defined() ? batch() : 0;
    check_fits(k, key, rows, "key");
    check_fits(v, value, rows, "value");
    if (k.size(2) != v.size(2))
      fail<ShapeError>("KeyValueCache: key ", k.shape(), " and value ", v.shape(), " differ in length");
    const Index n = k.size(2);
    if (!key.defined()) {
      if constexpr (std::is_same_v<T, float>) {
        form = detail::cache_form.load(std::memory_order_relaxed);
        if (form && !(form->suits(k.size(3)) && form->suits(v.size(3)))) form = nullptr;
      }
      const auto room = [&](const Tensor<T>& x) {
        return Buffer<T>(empty<T>({x.size(0), x.size(1), (std::max)(Index{16}, n), held(x.size(3))}));
      };
      key = room(k), value = room(v);
    }
    const Index capacity = key.size(2);
    if (length + n > capacity)
      move_to((std::max)(2 * capacity, length + n));
    else if (batch() > key.size(0))
      move_to(capacity);
    const auto put = [&](const Tensor<T>& there, const Tensor<T>& x) {
      there.narrow(0, 0, x.size(0)).narrow(2, length, n).copy_(form ? form->pack(x.detach()) : x.detach());
    };
    put(key, k), put(value, v);
    length += n;
    if (key_rows.defined()) own_the_last(n);
  }
  /// The last n positions of each row are in its own entry.
  void own_the_last(Index n) {
    const Tensor<std::int64_t> grown = empty<std::int64_t>({batch(), length});
    grown.narrow(1, 0, length - n).copy_(key_rows);
    for (Index i = 0; i < batch(); ++i) std::fill_n(grown.data() + (i + 1) * length - n, n, i);
    key_rows = grown;
  }
  /// Gives each row an entry of its own.
  void separate() {
    if (key_rows.defined()) move_to(key.size(2));
  }
  /// The same with room for so many positions.
  void move_to(Index capacity) {
    const auto [k, v] = as_held();
    const auto moved = [&](const Tensor<T>& x) {
      const Tensor<T> y = empty<T>({x.size(0), x.size(1), capacity, x.size(3)});
      y.narrow(2, 0, length).copy_(x);
      return Buffer<T>(y);
    };
    key = moved(k), value = moved(v);
    key_rows = {};
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
