// Floats rounded to bfloat16, and kept so, two in a word.
#pragma once

#include <cstdint>

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/simd/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {
/// The bits of x rounded to bfloat16, to nearest, ties to even, in the upper half of each lane; NaN stays NaN.
GLOSS_INLINE Vec<std::uint32_t> bfloat16_bits(Vec<float> x) {
  using U = std::uint32_t;
  const Vec<U> bits = bit_cast_to<U>(x);
  const Vec<U> odd = shift_right<U, 16>(bits) & splat<U>(1);
  const Vec<float> rounded = bit_cast_to<float>((bits + odd + splat<U>(0x7FFF)) & splat<U>(0xFFFF0000));
  return bit_cast_to<U>(select<float>(x != x, x + x, rounded)) & splat<U>(0xFFFF0000);
}
/// out [rows, columns] = x, rounded.
inline void round_rows_to_bfloat16(Index rows, Index columns, const float* x, Index ldx, float* out) {
  for (Index r = 0; r < rows; ++r)
    each_vector<float>(columns, [&](Index j, Index m) GLOSS_INLINE_LAMBDA {
      store_n<float>(out + r * columns + j, bit_cast_to<float>(bfloat16_bits(load_n<float>(x + r * ldx + j, m))), m);
    });
}
inline constexpr Index pair_grain = 65536;

/// What some words stand for: their upper halves, and their lower ones.
struct Bfloat16Pair {
  Vec<float> first, second;
};
GLOSS_INLINE Bfloat16Pair load_bfloat16_pair(const float* words, Index m) {
  using U = std::uint32_t;
  const Vec<U> word = bit_cast_to<U>(load_n<float>(words, m));
  return {bit_cast_to<float>(word & splat<U>(0xFFFF0000)), bit_cast_to<float>(shift_left<U, 16>(word))};
}
}  // namespace detail

/// How many words n numbers take.
inline Index bfloat16_words(Index n) { return (n + 1) / 2; }

/// x, rounded to nearest, ties to even: number i is in the upper half of word i, number i + words in the lower half.
/// Words are held as floats, of which they have no value.
/// Shape: x [n], words [bfloat16_words(n)].
inline void pack_bfloat16(Index n, const float* x, float* words) {
  using U = std::uint32_t;
  const Index half = n / 2, count = bfloat16_words(n);
  parallel_for(half, detail::pair_grain, [=](Index begin, Index end) {
    each_vector<float>(end - begin, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
      const Vec<U> high = detail::bfloat16_bits(load_n<float>(x + begin + i, m));
      const Vec<U> low = detail::bfloat16_bits(load_n<float>(x + count + begin + i, m));
      store_n<float>(words + begin + i, bit_cast_to<float>(high | shift_right<U, 16>(low)), m);
    });
  });
  if (count > half) {
    const Vec<U> last = detail::bfloat16_bits(load_n<float>(x + half, 1));
    store_n<float>(words + half, bit_cast_to<float>(last), 1);
  }
}

/// The numbers that pack_bfloat16 made words of.
/// Shape: words [bfloat16_words(n)], x [n].
inline void unpack_bfloat16(Index n, const float* words, float* x) {
  const Index half = n / 2, count = bfloat16_words(n);
  parallel_for(count, detail::pair_grain, [=](Index begin, Index end) {
    each_vector<float>(end - begin, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
      const detail::Bfloat16Pair pair = detail::load_bfloat16_pair(words + begin + i, m);
      store_n<float>(x + begin + i, pair.first, m);
      const Index left = half - begin - i;
      if (left > 0) store_n<float>(x + count + begin + i, pair.second, left < m ? left : m);
    });
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
