// What decoding keeps of the positions that it has read: their keys and values, layer by layer.
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstring>
#include <type_traits>
#include <vector>

#include <gloss/kernels/bfloat16_pairs.hpp>
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
inline constinit std::atomic<bool> caches_in_bfloat16{false};

/// out [..., n, width / 2] = the rows of x [..., n, width] in bfloat16, as kernels::pack_bfloat16 lays them.
template <class T>
Tensor<T> packed_rows(const Tensor<T>& x) {
  Shape shape = x.shape();
  const Index width = shape[3], words = shape[3] = width / 2;
  const Tensor<T> rows = x.contiguous();
  Tensor<T> out = empty<T>(shape);
  for (Index r = 0; words > 0 && r < rows.numel() / width; ++r)
    kernels::pack_bfloat16(width, static_cast<const T*>(rows.data()) + r * width, out.data() + r * words);
  return out;
}
/// The way back.
template <class T>
Tensor<T> unpacked_rows(const Tensor<T>& x) {
  Shape shape = x.shape();
  const Index words = shape[3], width = shape[3] = 2 * words;
  const Tensor<T> rows = x.contiguous();
  Tensor<T> out = empty<T>(shape);
  for (Index r = 0; words > 0 && r < rows.numel() / words; ++r)
    kernels::unpack_bfloat16(width, static_cast<const T*>(rows.data()) + r * words, out.data() + r * width);
  return out;
}
}  // namespace detail

/// What caches of float hold.
enum class CachePrecision : unsigned char {
  float32,   // keys and values as they are
  bfloat16,  // rounded to nearest, ties to even, in half the memory
};

/// The precision in force.
inline CachePrecision cache_precision() {
  return detail::caches_in_bfloat16.load(std::memory_order_relaxed) ? CachePrecision::bfloat16
                                                                    : CachePrecision::float32;
}
/// From now on caches of this process that are still empty will hold keys and values of float in this precision: those
/// of the positions that are read, and those of an encoder's output. Attention to them reads half as much and sums in
/// float. Keys or values of an odd width, and double, stay as they are.
/// PyTorch: the dtype of a cache of transformers
inline void set_cache_precision(CachePrecision precision) {
  detail::caches_in_bfloat16.store(precision == CachePrecision::bfloat16, std::memory_order_relaxed);
}
/// The precision while it lives, for the whole process; caches that were begun meanwhile keep theirs.
class [[nodiscard]] CachePrecisionGuard {
 public:
  explicit CachePrecisionGuard(CachePrecision precision) : saved_(cache_precision()) { set_cache_precision(precision); }
  ~CachePrecisionGuard() { set_cache_precision(saved_); }
  CachePrecisionGuard(const CachePrecisionGuard&) = delete;
  CachePrecisionGuard& operator=(const CachePrecisionGuard&) = delete;

 private:
  CachePrecision saved_;
};

/// Keys and values of one attention, of all positions that it has read. A value: a copy has its own.
template <Real T>
struct KeyValueCache final {
  // [entries, heads, capacity, width], or, in bfloat16, width / 2 words; the first `length` positions are in use
  Buffer<T> key, value;
  // Undefined, or [batch, length]: position j of row b lies in entry key_rows[b, j], so that hypotheses that go on from
  // the same one share what it has read.
  Tensor<std::int64_t> key_rows;
  Index length = 0;
  bool is_packed = false;  // in bfloat16

  Index positions() const { return length; }
  struct KeysAndValues {
    Tensor<T> key, value;  // [batch, heads, length, width]
  };
  /// Views of the cache; copies, where rows share entries or are in bfloat16.
  KeysAndValues all() const {
    const KeysAndValues held = as_held();
    if constexpr (std::is_same_v<T, float>)
      if (is_packed) return {detail::unpacked_rows(held.key), detail::unpacked_rows(held.value)};
    return held;
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
    if constexpr (std::is_same_v<T, float>)
      if (is_packed) return attend_packed(q, options, weights);
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
  /// Words that a row takes, or numbers.
  Index held(Index width) const { return is_packed ? width / 2 : width; }
  KeysAndValues as_held() const {
    const Tensor<T> k = key.narrow(2, 0, length), v = value.narrow(2, 0, length);
    if (!key_rows.defined()) return {k, v};
    return {gloss::detail::gather_keys(k, key_rows), gloss::detail::gather_keys(v, key_rows)};
  }
  /// See attend. A template, so that instantiating the class for double leaves it out.
  template <std::same_as<float> U = T>
  Tensor<T> attend_packed(const Tensor<T>& q, const AttentionOptions<T>& options, Tensor<T>* weights) const {
    const bool fits = q.dim() == 4 && q.size(0) == batch() && held(q.size(3)) == key.size(3) && q.size(3) % 2 == 0 &&
                      key.size(1) > 0 && q.size(1) % key.size(1) == 0;
    if (!fits || q.size(2) > kernels::detail::attention_few<T> || will_record({q, options.bias})) {
      const auto [k, v] = all();
      return scaled_dot_product_attention(q, k, v, options, weights);
    }
    gloss::detail::AttentionRun<T> run;
    run.q = gloss::detail::as_heads(q), run.k = key.narrow(2, 0, length), run.v = value.narrow(2, 0, length);
    run.key_rows = key_rows;
    run.scores = q.shape();
    run.scores[3] = length;
    run.o = gloss::detail::empty_heads(run.q, 2 * value.size(3));
    run.forward(options, weights, kernels::detail::attention_forward_few<T, true>);
    return run.o;
  }
  void check_fits(const Tensor<T>& x, const Tensor<T>& there, Index batch, const char* what) const {
    if (x.dim() == 4 && (!there.defined() || (x.size(0) == batch && x.size(1) == there.size(1) &&
                                              held(x.size(3)) == there.size(3) && (!is_packed || x.size(3) % 2 == 0))))
      return;
    if (!there.defined()) fail<ShapeError>("KeyValueCache: ", what, " ", x.shape(), " must have four axes");
    Shape shape = there.shape();
    shape[0] = batch;
    if (is_packed) shape[3] *= 2;
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
      is_packed = std::is_same_v<T, float> && cache_precision() == CachePrecision::bfloat16 && k.size(3) % 2 == 0 &&
                  v.size(3) % 2 == 0;
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
    const auto put = [&](const Tensor<T>& there, Tensor<T> x) {
      x = x.detach();
      if constexpr (std::is_same_v<T, float>)
        if (is_packed) x = detail::packed_rows(x);
      there.narrow(0, 0, x.size(0)).narrow(2, length, n).copy_(x);
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
