// Dropout: 16 random bits decide each element; the backward pass reads one bit of it.
#pragma once

#include <bit>

#include <gloss/core/parallel_for.hpp>
#include <gloss/core/rng.hpp>
#include <gloss/kernels/simd/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

#ifdef GLOSS_VECTOR_TYPES
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
#endif

/// bits[8 b + j] = the j-th 16 bits of random block first + b, for b < blocks rounded up to a full vector.
inline void random16(const RandomBlock& random, std::uint64_t first, Index blocks, std::uint16_t* bits) {
  using U = std::uint64_t;
  if constexpr (std::endian::native != std::endian::little) {
    for (Index i = 0; i < 8 * blocks; ++i)
      bits[i] = static_cast<std::uint16_t>(
          random.words(first + static_cast<U>(i / 8))[static_cast<std::size_t>(i % 8 / 2)] >> (16 * (i % 2)));
    return;
  }
#ifdef GLOSS_BACKEND_EIGEN
  // philox() of core/rng.hpp on so many blocks at once, as a loop that compilers vectorise: Eigen has no such packets.
  constexpr Index many = lanes<U>;
  for (Index b = 0; b < blocks; b += many) {
    U out[2 * many];
    GLOSS_LANES for (Index i = 0; i < many; ++i) {
      constexpr U low = 0xFFFFFFFF;
      const U counter = random.first + first + static_cast<U>(b + i);
      U c0 = counter & low, c1 = counter >> 32, c2 = random.stream & low, c3 = random.stream >> 32;
      U key0 = random.seed & low, key1 = random.seed >> 32;
      GLOSS_UNROLL for (int round = 0; round < 10; ++round) {
        const U p0 = U{0xD2511F53u} * c0, p1 = U{0xCD9E8D57u} * c2;
        c0 = (p1 >> 32) ^ c1 ^ key0;
        c1 = p1 & low;
        c2 = (p0 >> 32) ^ c3 ^ key1;
        c3 = p0 & low;
        key0 = (key0 + 0x9E3779B9u) & low;
        key1 = (key1 + 0xBB67AE85u) & low;
      }
      out[2 * i] = c0 | (c1 << 32);
      out[2 * i + 1] = c2 | (c3 << 32);
    }
    std::memcpy(bits + 8 * b, out, sizeof out);
  }
#else
  // philox() of core/rng.hpp on one block per 64-bit lane; what lies in the upper halves does not matter.
  using V = Vec<U>;
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
#endif
}

/// lanes<T> numbers of 16 bits as integers of T's width.
template <class T>
GLOSS_INLINE IntVec<T> widen16(const std::uint16_t* p) {
#ifdef GLOSS_VECTOR_TYPES
  typedef std::uint16_t Shorts __attribute__((vector_size(2 * lanes<T>)));
  Shorts s;
  std::memcpy(&s, p, sizeof s);
  return __builtin_convertvector(s, IntVec<T>);
#else
  IntOf<T> wide[lanes<T>];
  for (Index i = 0; i < lanes<T>; ++i) wide[i] = p[i];
  return load<IntOf<T>>(wide);
#endif
}

/// What kept elements are multiplied by.
template <class T>
T dropout_scale(double p) {
  return p < 1 ? static_cast<T>(1 / (1 - p)) : T(0);
}

/// Elements whose 16 bits are below it are dropped.
inline std::uint32_t dropout_threshold(double p) { return static_cast<std::uint32_t>(p * 65536 + 0.5); }

/// What dropout needs of p: bits below the threshold drop an element, the others are scaled.
template <class T>
struct DropoutRule {
  IntOf<T> threshold;
  T scale;
  explicit DropoutRule(double p) : threshold(static_cast<IntOf<T>>(dropout_threshold(p))), scale(dropout_scale<T>(p)) {}
  GLOSS_INLINE Vec<T> operator()(Vec<T> x, const std::uint16_t* bits) const {
    return select<T>(widen16<T>(bits) < threshold, Vec<T>{}, x * scale);
  }
};

inline constexpr Index dropout_chunk = 1024;

/// Bit i of the result: whether bits[i] is not below the threshold, for 64 numbers.
GLOSS_INLINE std::uint64_t not_below(const std::uint16_t* bits, std::uint32_t threshold) {
  if (threshold > 0xFFFF) return 0;
  std::uint64_t kept = 0;
#if defined(GLOSS_VECTOR_TYPES) && defined(__GNUC__) && defined(__SSE2__)
  typedef std::uint16_t Shorts __attribute__((vector_size(16)));
  const Shorts least = static_cast<std::uint16_t>(threshold) - Shorts{};
  for (int i = 0; i < 64; i += 16) {
    Shorts low, high;
    std::memcpy(&low, bits + i, sizeof low);
    std::memcpy(&high, bits + i + 8, sizeof high);
    const auto bytes = __builtin_ia32_packsswb128(low >= least, high >= least);
    kept |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(__builtin_ia32_pmovmskb128(bytes))) << i;
  }
#else
  std::uint8_t bytes[64];
  constexpr int first = std::endian::native == std::endian::little ? 0 : 7;  // of eight
  for (int i = 0; i < 64; ++i) bytes[i ^ first] = bits[i] >= threshold;
  for (int i = 0; i < 64; i += 8) {  // a product moves the lowest bits of eight bytes into one
    std::uint64_t eight;
    std::memcpy(&eight, bytes + i, sizeof eight);
    kept |= (eight * 0x0102040810204080u >> 56) << i;
  }
#endif
  return kept;
}

/// All ones in lane i where bit i is set.
template <class T>
GLOSS_INLINE IntVec<T> bit_mask(std::uint64_t bits) {
  using Int = IntOf<T>;
  const IntVec<T> bit = kernels::lane_bits<Int>();
  return (splat<Int>(static_cast<Int>(bits & ((std::uint64_t{1} << lanes<T>)-1))) & bit) != Int{0};
}

/// out(i, m, keep) for the vectors [i, i + m) of 64 elements or fewer from `start`; bit i of `kept` is element i's.
template <class T, class F>
GLOSS_INLINE void each_kept_vector(Index start, Index size, std::uint64_t kept, F out) {
  each_vector<T>(size, [&](Index i, Index m) GLOSS_INLINE_LAMBDA { out(start + i, m, bit_mask<T>(kept >> i)); });
}

/// Draws which of n elements are kept: out(i, m, keep) for the vectors of [0, n). Where `mask` is not null, bit i % 64
/// of mask[i / 64] is set for those that are.
template <class T, class F>
void draw_kept(Index n, double p, const RandomBlock& random, std::int64_t* mask, F out) {
  const Index chunks = (n + dropout_chunk - 1) / dropout_chunk;
  const std::uint32_t threshold = dropout_threshold(p);
  parallel_for(chunks, 8, [=, &random](Index begin, Index end) {
    std::uint16_t bits[dropout_chunk] = {};
    for (Index c = begin; c < end; ++c) {
      const Index start = c * dropout_chunk, stop = n - start < dropout_chunk ? n : start + dropout_chunk;
      random16(random, static_cast<std::uint64_t>(start / 8), (stop - start + 7) / 8, bits);
      for (Index i = start; i < stop; i += 64) {
        const std::uint64_t kept = not_below(bits + (i - start), threshold);
        if (mask != nullptr) mask[i / 64] = static_cast<std::int64_t>(kept);
        each_kept_vector<T>(i, stop - i < 64 ? stop - i : 64, kept, out);
      }
    }
  });
}

/// out(i, m, keep) for the vectors of [0, n), by a mask that draw_kept wrote.
template <class T, class F>
void read_kept(Index n, const std::int64_t* mask, F out) {
  parallel_for((n + 63) / 64, 256, [=](Index begin, Index end) {
    for (Index w = begin; w < end; ++w)
      each_kept_vector<T>(64 * w, n - 64 * w < 64 ? n - 64 * w : 64, static_cast<std::uint64_t>(mask[w]), out);
  });
}

}  // namespace detail

/// How many 32-bit words dropout of n elements draws: Rng::reserve(dropout_words(n)).
constexpr Index dropout_words(Index n) { return (n + 1) / 2; }
/// How many words of 64 bits its mask has.
constexpr Index dropout_mask_words(Index n) { return (n + 63) / 64; }

/// y = x / (1 - p) where kept, 0 where dropped; y may be x. Element i is dropped when the (i mod 8)-th 16 bits of
/// random block i / 8 (low half of a word first) are below 65536 p, rounded: it depends on (random, i) alone.
/// mask [dropout_mask_words(n)] gets a bit for each element, for the backward pass; null where there is none.
template <class T>
void dropout(const T* x, T* y, std::int64_t* mask, Index n, double p, RandomBlock random) {
  const T scale = detail::dropout_scale<T>(p);
  detail::draw_kept<T>(n, p, random, mask, [=](Index i, Index m, IntVec<T> keep) GLOSS_INLINE_LAMBDA {
    store_n<T>(y + i, select<T>(keep, load_n<T>(x + i, m) * scale, Vec<T>{}), m);
  });
}
/// dx = dy / (1 - p) where the mask has a bit, else 0; dx may be dy.
template <class T>
void dropout_backward(const T* dy, const std::int64_t* mask, T* dx, Index n, double p) {
  const T scale = detail::dropout_scale<T>(p);
  detail::read_kept<T>(n, mask, [=](Index i, Index m, IntVec<T> keep) GLOSS_INLINE_LAMBDA {
    store_n<T>(dx + i, select<T>(keep, load_n<T>(dy + i, m) * scale, Vec<T>{}), m);
  });
}

/// The same for elements [first, first + n) of those that the mask is for; dy and dx begin at `first`.
template <class T>
GLOSS_NOINLINE void dropout_backward_from(Index first, const T* dy, const std::int64_t* mask, T* dx, Index n,
                                          double p) {
  const T scale = detail::dropout_scale<T>(p);
  for (Index i = 0; i < n; i += 64) {
    const Index size = n - i < 64 ? n - i : 64, word = (first + i) / 64, shift = (first + i) % 64;
    auto kept = static_cast<std::uint64_t>(mask[word]) >> shift;
    if (shift + size > 64) kept |= static_cast<std::uint64_t>(mask[word + 1]) << (64 - shift);
    detail::each_kept_vector<T>(i, size, kept, [=](Index k, Index m, IntVec<T> keep) GLOSS_INLINE_LAMBDA {
      store_n<T>(dx + k, select<T>(keep, load_n<T>(dy + k, m) * scale, Vec<T>{}), m);
    });
  }
}

/// y = residual + dropout(x) in one pass; y may be x or residual. Going back, dresidual is dy and dx is
/// dropout_backward's.
template <class T>
void add_dropout(const T* residual, const T* x, T* y, std::int64_t* mask, Index n, double p, RandomBlock random) {
  const T scale = detail::dropout_scale<T>(p);
  detail::draw_kept<T>(n, p, random, mask, [=](Index i, Index m, IntVec<T> keep) GLOSS_INLINE_LAMBDA {
    store_n<T>(y + i, load_n<T>(residual + i, m) + select<T>(keep, load_n<T>(x + i, m) * scale, Vec<T>{}), m);
  });
}

/// y = dropout(max(x, 0)) in one pass; NaN stays NaN where it is kept. y may be x.
template <class T>
void relu_dropout(const T* x, T* y, Index n, double p, RandomBlock random) {
  const T scale = detail::dropout_scale<T>(p);
  detail::draw_kept<T>(n, p, random, nullptr, [=](Index i, Index m, IntVec<T> keep) GLOSS_INLINE_LAMBDA {
    const Vec<T> v = load_n<T>(x + i, m);
    store_n<T>(y + i, select<T>(keep & ~(v < T(0)), v * scale, Vec<T>{}), m);
  });
}

/// dx = dy / (1 - p) where y > 0 or NaN, else 0: y says what was kept; dx may be dy.
template <class T>
void relu_dropout_backward(const T* y, const T* dy, T* dx, Index n, double p) {
  const T scale = detail::dropout_scale<T>(p);
  parallel_for(n, 8192, [=](Index begin, Index end) {
    each_vector<T>(end - begin, [&](Index j, Index m) GLOSS_INLINE_LAMBDA {
      const Index i = begin + j;
      store_n<T>(dx + i, select<T>(load_n<T>(y + i, m) <= T(0), Vec<T>{}, load_n<T>(dy + i, m) * scale), m);
    });
  });
}

#define GLOSS_DROPOUT(T)                                                                                    \
  GLOSS_INSTANTIATE(void dropout<T>(const T*, T*, std::int64_t*, Index, double, RandomBlock))               \
  GLOSS_INSTANTIATE(void dropout_backward<T>(const T*, const std::int64_t*, T*, Index, double))             \
  GLOSS_INSTANTIATE(void add_dropout<T>(const T*, const T*, T*, std::int64_t*, Index, double, RandomBlock)) \
  GLOSS_INSTANTIATE(void relu_dropout<T>(const T*, T*, Index, double, RandomBlock))                         \
  GLOSS_INSTANTIATE(void relu_dropout_backward<T>(const T*, const T*, T*, Index, double))
GLOSS_DROPOUT(float)
GLOSS_DROPOUT(double)
#undef GLOSS_DROPOUT

}  // namespace gloss::inline GLOSS_ABI::kernels
