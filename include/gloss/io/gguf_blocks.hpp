// The block types of ggml's quantised tensors, and what a block's elements are as floats. All but the sum with the
// minimum is exact in float, so that there is one right answer to the bit. Numbers are little endian.
#pragma once

#include <cstdint>
#include <cstring>

#include <gloss/core/float16.hpp>
#include <gloss/io/tensor_file.hpp>

namespace gloss::inline GLOSS_ABI::io {

namespace detail {

inline float half_at(const char* bytes) {
  std::uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return static_cast<float>(float16::from_bits(bits));
}
inline unsigned byte_at(const char* bytes, int i) { return static_cast<unsigned char>(bytes[i]); }

/// What 32 numbers have in common: x = scale * (code - middle) + minimum. Types of such parts have scale(block, part)
/// and codes(block, part, put), which calls put(i, code).
struct GgufScale {
  float scale, minimum;
};

/// Blocks of 32: scale d, perhaps minimum m, perhaps 32 fifth bits, and 16 bytes whose low halves are the first 16
/// numbers q and whose high halves the others. x = d q + m; without m, q counts from the middle of its range.
template <bool has_fifth_bit, bool with_minimum>
struct Blocks32 {
  static constexpr bool has_minimum = with_minimum;
  static constexpr int head = has_minimum ? 4 : 2, bytes = head + (has_fifth_bit ? 4 : 0) + 16, parts = 1;
  static constexpr int middle = has_minimum ? 0 : has_fifth_bit ? 16 : 8;
  static GgufScale scale(const char* block, int) { return {half_at(block), has_minimum ? half_at(block + 2) : 0}; }
  template <class F>
  static void codes(const char* block, int, F put) {
    std::uint32_t fifth = 0;
    if constexpr (has_fifth_bit) std::memcpy(&fifth, block + head, sizeof fifth);
    for (int i = 0; i < 16; ++i) {
      const unsigned both = byte_at(block, bytes - 16 + i);
      put(i, static_cast<int>((both & 15) | (fifth >> i & 1) << 4));
      put(i + 16, static_cast<int>(both >> 4 | (fifth >> (i + 16) & 1) << 4));
    }
  }
};

/// Q8_0, blocks of 32: scale d and 32 signed bytes. x = d q.
struct BlocksQ8 {
  static constexpr bool has_minimum = false;
  static constexpr int bytes = 34, parts = 1, middle = 0;
  static GgufScale scale(const char* block, int) { return {half_at(block), 0}; }
  template <class F>
  static void codes(const char* block, int, F put) {
    for (int i = 0; i < 32; ++i) put(i, static_cast<std::int8_t>(block[2 + i]));
  }
};

/// Q4_K and Q5_K, blocks of 256, in eight parts of 32: scales d and e of the block; 12 bytes with a scale s and a
/// minimum m of 6 bits for each part; perhaps 32 bytes of fifth bits, of which byte i has those of the i-th numbers;
/// and 128 bytes, of which 32 have in their halves the numbers q of two parts. x = d s q - e m.
template <bool has_fifth_bit>
struct Blocks256 {
  static constexpr bool has_minimum = true;
  static constexpr int low = has_fifth_bit ? 48 : 16, bytes = low + 128, parts = 8, middle = 0;
  static GgufScale scale(const char* block, int part) {
    const char* const packed = block + 4;
    const int p = part % 4;
    unsigned s = byte_at(packed, p), m = byte_at(packed, p + 4);
    if (part < 4) {
      s &= 63, m &= 63;
    } else {  // four bits in the last four bytes, the upper two left over in the first eight
      const unsigned both = byte_at(packed, p + 8);
      s = (both & 15) | s >> 6 << 4;
      m = both >> 4 | m >> 6 << 4;
    }
    return {half_at(block) * static_cast<float>(s), -(half_at(block + 2) * static_cast<float>(m))};
  }
  template <class F>
  static void codes(const char* block, int part, F put) {
    for (int i = 0; i < 32; ++i) {
      unsigned q = byte_at(block, low + part / 2 * 32 + i) >> (part % 2 * 4) & 15;
      if constexpr (has_fifth_bit) q |= (byte_at(block, 16 + i) >> part & 1) << 4;
      put(i, static_cast<int>(q));
    }
  }
};

/// BlockDecoder for these.
template <class Blocks>
void decode_parts(const char* block, float* GLOSS_RESTRICT out, Index count) {
  for (; count-- > 0; block += Blocks::bytes)
    for (int part = 0; part < Blocks::parts; ++part, out += 32) {
      const GgufScale both = Blocks::scale(block, part);
      Blocks::codes(block, part, [&](int i, int code) {
        const float x = both.scale * static_cast<float>(code - Blocks::middle);
        out[i] = Blocks::has_minimum ? x + both.minimum : x;
      });
    }
}

/// Q6_K, blocks of 256, in two halves of four parts of 32: for each half 64 bytes, of which 32 have in their halves the
/// lower four bits of two parts; then for each 32 bytes of the upper two bits of its four parts; then a signed scale s
/// for every 16 numbers; then the scale d of the block. x = d s (q - 32).
inline void decode_q6_k(const char* block, float* GLOSS_RESTRICT out, Index count) {
  for (; count-- > 0; block += 210, out += 256) {
    const float d = half_at(block + 208);
    for (int group = 0; group < 16; ++group) {  // of 16 numbers
      const int half = group / 8, part = group / 2 % 4, first = group % 2 * 16;
      const char* const lower = block + half * 64 + part % 2 * 32 + first;
      const char* const upper = block + 128 + half * 32 + first;
      const float scale = d * static_cast<float>(static_cast<std::int8_t>(block[192 + group]));
      for (int i = 0; i < 16; ++i) {
        const unsigned q = (byte_at(lower, i) >> (part / 2 * 4) & 15) | (byte_at(upper, i) >> (part * 2) & 3) << 4;
        out[group * 16 + i] = scale * static_cast<float>(static_cast<int>(q) - 32);
      }
    }
  }
}

}  // namespace detail

/// An element type of GGUF: one that a Tensor or StoredTensor has, or one in blocks.
struct GgufElement {
  std::uint32_t id;  // in the file
  Dtype dtype;
  BlockType blocks = {};  // of Dtype::OTHER
};
/// Those that can be read.
inline constexpr GgufElement gguf_elements[] = {
    {0, Dtype::F32},
    {1, Dtype::F16},
    {30, Dtype::BF16},
    {28, Dtype::F64},
    {24, Dtype::I8},
    {25, Dtype::I16},
    {26, Dtype::I32},
    {27, Dtype::I64},
    {2, Dtype::OTHER, {"Q4_0", 32, 18, detail::decode_parts<detail::Blocks32<false, false>>}},
    {3, Dtype::OTHER, {"Q4_1", 32, 20, detail::decode_parts<detail::Blocks32<false, true>>}},
    {6, Dtype::OTHER, {"Q5_0", 32, 22, detail::decode_parts<detail::Blocks32<true, false>>}},
    {7, Dtype::OTHER, {"Q5_1", 32, 24, detail::decode_parts<detail::Blocks32<true, true>>}},
    {8, Dtype::OTHER, {"Q8_0", 32, 34, detail::decode_parts<detail::BlocksQ8>}},
    {12, Dtype::OTHER, {"Q4_K", 256, 144, detail::decode_parts<detail::Blocks256<false>>}},
    {13, Dtype::OTHER, {"Q5_K", 256, 176, detail::decode_parts<detail::Blocks256<true>>}},
    {14, Dtype::OTHER, {"Q6_K", 256, 210, detail::decode_q6_k}},
};

}  // namespace gloss::inline GLOSS_ABI::io
