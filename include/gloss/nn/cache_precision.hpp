// The precision of the keys and values that decoding keeps.
#pragma once

#include <gloss/kernels/attention/few_packed.hpp>
#include <gloss/nn/key_value_cache.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// What caches of float hold.
enum class CachePrecision : unsigned char {
  float32,   // keys and values as they are
  bfloat16,  // rounded to nearest, ties to even, in half the memory
};

namespace detail {
/// Rows of n numbers of x, a tensor with four axes, as rows of m by f(row, to).
template <class F>
Tensor<float> each_row(const Tensor<float>& x, Index n, Index m, const F& f) {
  Shape shape = x.shape();
  shape[3] = m;
  const Tensor<float> rows = x.contiguous();
  Tensor<float> out = empty<float>(shape);
  const Index count = n > 0 ? rows.numel() / n : 0;
  for (Index r = 0; r < count; ++r) f(static_cast<const float*>(rows.data()) + r * n, out.data() + r * m);
  return out;
}
GLOSS_LAZY Tensor<float> attend_in_bfloat16(const KeyValueCache<float>& cache, const Tensor<float>& q,
                                            const AttentionOptions<float>& options, Tensor<float>* weights) {
  const Index batch = cache.key_rows.defined() ? cache.key_rows.size(0) : cache.key.size(0);
  const bool fits = q.dim() == 4 && q.size(0) == batch && q.size(3) == 2 * cache.key.size(3) && cache.key.size(1) > 0 &&
                    q.size(1) % cache.key.size(1) == 0;
  if (!fits || q.size(2) > kernels::detail::attention_few<float> || will_record({q, options.bias})) {
    const auto [k, v] = cache.all();
    return scaled_dot_product_attention(q, k, v, options, weights);
  }
  gloss::detail::AttentionRun<float> run;
  run.q = gloss::detail::as_heads(q), run.key_rows = cache.key_rows;
  run.k = cache.key.narrow(2, 0, cache.length), run.v = cache.value.narrow(2, 0, cache.length);
  run.scores = q.shape();
  run.scores[3] = cache.length;
  run.o = gloss::detail::empty_heads(run.q, 2 * cache.value.size(3));
  run.forward(options, weights, kernels::detail::attention_forward_packed);
  return run.o;
}
template <class = void>
inline constexpr CacheForm<float> cache_in_bfloat16 = {
    [](Index width) { return width % 2 == 0; }, [](Index width) { return width / 2; },
    [](const Tensor<float>& x) {
      const Index n = x.size(3);
      return each_row(x, n, n / 2, [n](const float* row, float* words) { kernels::pack_bfloat16(n, row, words); });
    },
    [](const Tensor<float>& x) {
      const Index n = x.size(3);
      return each_row(x, n, 2 * n,
                      [n](const float* words, float* row) { kernels::unpack_bfloat16(2 * n, words, row); });
    },
    attend_in_bfloat16<>};
}  // namespace detail

/// The precision in force.
inline CachePrecision cache_precision() {
  return detail::cache_form.load(std::memory_order_relaxed) ? CachePrecision::bfloat16 : CachePrecision::float32;
}
/// From now on caches of this process that are still empty will hold keys and values of float in this precision: those
/// of the positions that are read, and those of an encoder's output. Attention to them reads half as much and sums in
/// float. Keys or values of an odd width, and double, stay as they are.
/// PyTorch: the dtype of a cache of transformers
inline void set_cache_precision(CachePrecision precision) {
  detail::cache_form.store(precision == CachePrecision::bfloat16 ? &detail::cache_in_bfloat16<> : nullptr,
                           std::memory_order_relaxed);
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

}  // namespace gloss::inline GLOSS_ABI::nn
