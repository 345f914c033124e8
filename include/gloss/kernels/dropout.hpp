// Dropout: 16 random bits decide each element. The same call on the gradient is the backward pass, so no mask is kept.
#pragma once

#include <bit>

#include <gloss/core/parallel_for.hpp>
#include <gloss/core/rng.hpp>
#include <gloss/kernels/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

/// The low halves of the 64-bit lanes multiplied to 64 bits.
GLOSS_INLINE Vec<std::uint64_t> multiply_low(Vec<std::uint64_t> a, Vec<std::uint64_t> b) {
#if defined(__GNUC__) && !defined(__clang__) && GLOSS_VECTOR_BYTES == 64 && defined(__AVX512F__)
  typedef int Ints __attribute__((vector_size(64)));
  typedef long long LongLongs __attribute__((vector_size(64)));
  return (Vec<std::uint64_t>)__builtin_ia32_pmuludq512_mask((Ints)a, (Ints)b, LongLongs{},
                                                            static_cast<unsigned char>(-1));
#elif defined(__GNUC__) && !defined(__clang__) && GLOSS_VECTOR_BYTES == 32 && defined(__AVX2__)
  typedef int Ints __attribute__((vector_size(32)));
  return (Vec<std::uint64_t>)__builtin_ia32_pmuludq256((Ints)a, (Ints)b);
#elif defined(__GNUC__) && !defined(__clang__) && GLOSS_VECTOR_BYTES == 16 && defined(__SSE2__)
  typedef int Ints __attribute__((vector_size(16)));
  return (Vec<std::uint64_t>)__builtin_ia32_pmuludq128((Ints)a, (Ints)b);
#else
  return (a & std::uint64_t{0xFFFFFFFF}) * (b & std::uint64_t{0xFFFFFFFF});
#endif
}

/// bits[8 b + j] = the j-th 16 bits of random block first + b, for b < blocks rounded up to a full vector.
inline void random16(const RandomBlock& random, std::uint64_t first, Index blocks, std::uint16_t* bits) {
  using U = std::uint64_t;
  using V = Vec<U>;
  if constexpr (std::endian::native != std::endian::little) {
    for (Index i = 0; i < 8 * blocks; ++i)
      bits[i] = static_cast<std::uint16_t>(
          random.words(first + static_cast<U>(i / 8))[static_cast<std::size_t>(i % 8 / 2)] >> (16 * (i % 2)));
    return;
  }
  // philox() of core/rng.hpp on one block per 64-bit lane; what lies in the upper halves does not matter.
  const V multiplier0 = splat<U>(0xD2511F53u), multiplier1 = splat<U>(0xCD9E8D57u);
  for (Index b = 0; b < blocks; b += lanes<U>) {
    const V counter = iota<U>() + (random.first + first + static_cast<U>(b));
    V c0 = counter, c1 = counter >> U{32}, c2 = splat<U>(random.stream), c3 = c2 >> U{32};
    auto key0 = static_cast<std::uint32_t>(random.seed), key1 = static_cast<std::uint32_t>(random.seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const V p0 = multiply_low(multiplier0, c0), p1 = multiply_low(multiplier1, c2);
      c0 = (p1 >> U{32}) ^ c1 ^ U { key0 };
      c1 = p1;
      c2 = (p0 >> U{32}) ^ c3 ^ U { key1 };
      c3 = p0;
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    const V low = (c0 & U{0xFFFFFFFF}) | (c1 << U{32}), high = (c2 & U{0xFFFFFFFF}) | (c3 << U{32});
    U out[2 * lanes<U>];
    for (Index i = 0; i < lanes<U>; ++i) {
      out[2 * i] = low[i];
      out[2 * i + 1] = high[i];
    }
    std::memcpy(bits + 8 * b, out, sizeof out);
  }
}

/// lanes<T> numbers of 16 bits as integers of T's width.
template <class T>
GLOSS_INLINE IntVec<T> widen16(const std::uint16_t* p) {
#if defined(__GNUC__) || defined(__clang__)
  typedef std::uint16_t Shorts __attribute__((vector_size(2 * lanes<T>)));
  Shorts s;
  std::memcpy(&s, p, sizeof s);
  return __builtin_convertvector(s, IntVec<T>);
#else
  return IntVec<T>::make([&](Index i) { return p[i]; });
#endif
}

/// What dropout needs of p: bits below the threshold drop an element, the others are scaled.
template <class T>
struct DropoutRule {
  IntOf<T> threshold;
  T scale;
  explicit DropoutRule(double p)
      : threshold(static_cast<IntOf<T>>(p * 65536 + 0.5)), scale(p < 1 ? static_cast<T>(1 / (1 - p)) : T(0)) {}
  GLOSS_INLINE Vec<T> operator()(Vec<T> x, const std::uint16_t* bits) const {
    return select<T>(widen16<T>(bits) < threshold, Vec<T>{}, x * scale);
  }
};

inline constexpr Index dropout_chunk = 1024;

/// out(i, m, bits) for the vectors of [0, n), in chunks whose random bits stay in the first-level cache.
template <class T, class F>
void each_dropout_vector(Index n, const RandomBlock& random, F out) {
  const Index chunks = (n + dropout_chunk - 1) / dropout_chunk;
  parallel_for(chunks, 8, [&](Index begin, Index end) {
    std::uint16_t bits[dropout_chunk];
    for (Index c = begin; c < end; ++c) {
      const Index start = c * dropout_chunk, left = n - start, size = left < dropout_chunk ? left : dropout_chunk;
      random16(random, static_cast<std::uint64_t>(start / 8), (size + 7) / 8, bits);
      each_vector<T>(size, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { out(start + i, m, bits + i); });
    }
  });
}

}  // namespace detail

/// How many 32-bit words dropout of n elements draws: Rng::reserve(dropout_words(n)).
constexpr Index dropout_words(Index n) { return (n + 1) / 2; }

/// y = x / (1 - p) where kept, 0 where dropped; y may be x. Element i is dropped when the (i mod 8)-th 16 bits of
/// random block i / 8 (low half of a word first) are below 65536 p, rounded: it depends on (random, i) alone.
template <class T>
void dropout(const T* x, T* y, Index n, double p, RandomBlock random) {
  const detail::DropoutRule<T> rule(p);
  detail::each_dropout_vector<T>(n, random, [=](Index i, Index m, const std::uint16_t* bits) GLOSS_INLINE_LAMBDA {
    store_n<T>(y + i, rule(load_n<T>(x + i, m), bits), m);
  });
}

/// y = residual + dropout(x) in one pass; y may be x or residual.
template <class T>
void add_dropout(const T* residual, const T* x, T* y, Index n, double p, RandomBlock random) {
  const detail::DropoutRule<T> rule(p);
  detail::each_dropout_vector<T>(n, random, [=](Index i, Index m, const std::uint16_t* bits) GLOSS_INLINE_LAMBDA {
    store_n<T>(y + i, load_n<T>(residual + i, m) + rule(load_n<T>(x + i, m), bits), m);
  });
}

GLOSS_INSTANTIATE(void dropout<float>(const float*, float*, Index, double, RandomBlock))
GLOSS_INSTANTIATE(void dropout<double>(const double*, double*, Index, double, RandomBlock))
GLOSS_INSTANTIATE(void add_dropout<float>(const float*, const float*, float*, Index, double, RandomBlock))
GLOSS_INSTANTIATE(void add_dropout<double>(const double*, const double*, double*, Index, double, RandomBlock))

}  // namespace gloss::inline GLOSS_ABI::kernels
