// Counter-based random numbers: element i of a draw depends on (seed, stream, i) alone, never on threads.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI {

/// The Philox 4x32-10 bijection: four random words from a 128-bit counter and a 64-bit key.
/// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// The part of a random stream that one operation draws from; plain data, so a backward pass can draw the same again.
/// Block b holds four 32-bit words.
struct RandomBlock {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  std::uint64_t first = 0;  // index of the first block

  /// The four words of a block.
  constexpr std::array<std::uint32_t, 4> words(std::uint64_t block) const {
    const std::uint64_t c = first + block;
    return philox({static_cast<std::uint32_t>(c), static_cast<std::uint32_t>(c >> 32),
                   static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
                  {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  }
  constexpr std::uint32_t word(std::uint64_t i) const { return words(i / 4)[i % 4]; }
};

/// A seeded random stream. Copying it copies its position; two streams of one seed are independent.
class Rng {
 public:
  using result_type = std::uint32_t;  // with operator(), min and max, what std::shuffle asks for

  explicit constexpr Rng(std::uint64_t seed = 0, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// What it was made of.
  constexpr std::uint64_t seed() const { return seed_; }
  constexpr std::uint64_t stream() const { return stream_; }
  /// How many blocks of four words have been handed out; seed, stream and position are the whole state.
  constexpr std::uint64_t position() const { return position_; }
  constexpr void set_position(std::uint64_t position) {
    position_ = position;
    used_ = 4;
  }

  /// Reserves enough blocks for n 32-bit words and moves past them.
  constexpr RandomBlock reserve(Index n_words) {
    const RandomBlock block{seed_, stream_, position_};
    position_ += (static_cast<std::uint64_t>(n_words) + 3) / 4;
    used_ = 4;
    return block;
  }

  /// Next 32-bit word, for shuffles and other scalar draws.
  constexpr std::uint32_t operator()() {
    if (used_ == 4) {
      words_ = reserve(4).words(0);
      used_ = 0;
    }
    return words_[used_++];
  }
  static constexpr std::uint32_t(min)() { return 0; }
  static constexpr std::uint32_t(max)() { return 0xFFFFFFFFu; }

  /// Uniform integer in [0, n), without modulo bias.
  constexpr std::uint32_t below(std::uint32_t n) {
    std::uint64_t product = std::uint64_t{(*this)()} * n;
    if (static_cast<std::uint32_t>(product) < n) {
      const std::uint32_t reject = (0u - n) % n;
      while (static_cast<std::uint32_t>(product) < reject) product = std::uint64_t{(*this)()} * n;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t position_ = 0;
  std::array<std::uint32_t, 4> words_{};
  unsigned used_ = 4;
};

/// Uniform in [0, 1): the top 24 bits of a word for float, 53 bits of two words for double.
constexpr float uniform_float(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }
constexpr double uniform_double(std::uint32_t high, std::uint32_t low) {
  return static_cast<double>(((std::uint64_t{high} << 32) | low) >> 11) * 0x1p-53;
}

}  // namespace gloss::inline GLOSS_ABI
