// Adam's step with moments of two bytes or one, in one pass over memory.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <gloss/core/bfloat16.hpp>
#include <gloss/kernels/adam.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Elements whose moments are unpacked, stepped and packed together; those of one byte share a scale.
inline constexpr Index moment_block = 256;

/// What decides whether a number between two that can be kept becomes the one above. A moment takes in a thousandth of
/// what is new: rounded to the nearest it would stay where it is, rounded by chance it is right in the mean. The chance
/// of element i depends on the key and i alone, so on no thread.
struct RoundingChance {
  std::uint32_t key;

  /// 32 random bits. Source: the finalizer of MurmurHash3, by Austin Appleby
  std::uint32_t bits(Index i) const {
    std::uint32_t h = static_cast<std::uint32_t>(i) * 0x9E3779B1u ^ key;
    h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
    h = (h ^ (h >> 13)) * 0xC2B2AE35u;
    return h ^ (h >> 16);
  }
};

/// m and v as bfloat16.
template <class T>
struct Bfloat16Moments {
  bfloat16 *m, *v;

  void read(Index first, Index n, T* m_out, T* v_out) const {
    for (Index k = 0; k < n; ++k) m_out[k] = static_cast<T>(static_cast<float>(m[first + k]));
    for (Index k = 0; k < n; ++k) v_out[k] = static_cast<T>(static_cast<float>(v[first + k]));
  }
  /// Rounded to the nearest, or by chance.
  void write(Index first, Index n, const T* m_in, const T* v_in, const RoundingChance* chance) const {
    for (Index k = 0; k < n; ++k) {
      const auto a = static_cast<float>(m_in[k]), b = static_cast<float>(v_in[k]);
      const std::uint32_t bits = chance ? chance->bits(first + k) : 0;
      m[first + k] = chance ? rounded(a, bits & 0xFFFFu) : bfloat16(a);
      v[first + k] = chance ? rounded(b, bits >> 16) : bfloat16(b);
    }
  }

 private:
  static bfloat16 rounded(float x, std::uint32_t below) {
    if (!std::isfinite(x)) return bfloat16(x);
    return bfloat16::from_bits(static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(x) + below) >> 16));
  }
};

/// m and v as a byte c each, with a scale s for each block: m = sign(c) (c / 127)^2 s and v = (c / 255)^4 s, where s is
/// the largest |m| or v of the block, which is kept exactly. So steps are small near 0, alike for m and sqrt(v). A v
/// above 0 does not become 0, by which m would be divided.
template <class T>
struct ByteMoments {
  std::int8_t* m;
  std::uint8_t* v;
  T *m_scale, *v_scale;

  void read(Index first, Index n, T* m_out, T* v_out) const {
    const T m_most = m_scale[first / moment_block], v_most = v_scale[first / moment_block];
    for (Index k = 0; k < n; ++k) {
      const T c = static_cast<T>(m[first + k]) / 127;
      m_out[k] = c * std::abs(c) * m_most;
    }
    for (Index k = 0; k < n; ++k) v_out[k] = fourth_power(static_cast<T>(v[first + k]) / 255) * v_most;
  }
  void write(Index first, Index n, const T* m_in, const T* v_in, const RoundingChance* chance) const {
    const T m_most = m_scale[first / moment_block] = largest(m_in, n);
    const T v_most = v_scale[first / moment_block] = largest(v_in, n);
    const bool m_has = m_most > 0 && std::isfinite(m_most), v_has = v_most > 0 && std::isfinite(v_most);
    for (Index k = 0; k < n; ++k) {
      const std::uint32_t bits = chance ? chance->bits(first + k) : 0x80008000u;
      const T x = m_has ? std::abs(m_in[k]) / m_most : T(0), y = v_has ? v_in[k] / v_most : T(0);
      const T c = code(x, std::sqrt(x) * 127, bits & 0xFFFFu, [](T q) { return (q / 127) * (q / 127); });
      const T d = code(y, std::sqrt(std::sqrt(y)) * 255, bits >> 16, [](T q) { return fourth_power(q / 255); });
      m[first + k] = static_cast<std::int8_t>(m_in[k] < 0 ? -c : c);
      v[first + k] = static_cast<std::uint8_t>(d == 0 && y > 0 ? 1 : d);
    }
  }

 private:
  static T fourth_power(T q) { return (q * q) * (q * q); }
  /// NaN when one is.
  static T largest(const T* x, Index n) {
    T most = 0;
    for (Index k = 0; k < n; ++k) {
      const T size = std::abs(x[k]);
      if (size > most || std::isnan(size)) most = size;
    }
    return most;
  }
  /// Of a value in [0, 1] and its place among the codes the code below, or that above, as 16 bits of chance say.
  template <class Value>
  static T code(T x, T place, std::uint32_t chance, Value value) {
    const T below = std::floor(place), low = value(below), high = value(below + 1);
    return (x - low) * 65536 > (high - low) * (static_cast<T>(chance) + T(0.5)) ? below + 1 : below;
  }
};

/// adam_step, with moments that are kept in fewer bytes.
template <class T, class Moments>
void compact_adam_step(const AdamFactors<T>& f, T* p, const T* g, Index n, const Moments& moments,
                       RoundingChance chance) {
  parallel_for((n + moment_block - 1) / moment_block, 32, [&](Index begin, Index end) {
    T m[moment_block], v[moment_block];
    for (Index block = begin; block < end; ++block) {
      const Index first = block * moment_block, count = (std::min)(moment_block, n - first);
      moments.read(first, count, m, v);
      adam_elements<T>(f, p + first, g + first, m, v, nullptr, count);
      moments.write(first, count, m, v, &chance);
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
