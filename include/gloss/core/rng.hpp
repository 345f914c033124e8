// Counter-based random numbers: element i of a draw depends on (seed, stream, i) alone, never on threads.
#pragma once

#include <array>
#include <atomic>
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
  friend constexpr bool operator==(const RandomBlock&, const RandomBlock&) = default;
};

class Rng;
namespace detail {
/// Hears where every draw on its thread begins and may put it elsewhere: so checkpoint draws the same again.
class DrawListener {
 public:
  /// `word` is the first of the words that the stream has just handed out; those from the returned one on are used.
  virtual std::uint64_t drawn(const Rng& rng, std::uint64_t word) = 0;
  inline static constinit thread_local DrawListener* current = nullptr;

 protected:
  ~DrawListener() = default;
};

/// Word i of a stream; the block that it is in is kept, since its other words are often the next.
inline std::uint32_t word_of_stream(std::uint64_t seed, std::uint64_t stream, std::uint64_t i) {
  struct Last {
    RandomBlock block{.first = ~std::uint64_t{0}};
    std::array<std::uint32_t, 4> words{};
  };
  static constinit thread_local Last last;
  const RandomBlock block{seed, stream, i / 4};
  if (!(last.block == block)) last = {block, block.words(0)};
  return last.words[i % 4];
}

/// Uniform integer in [0, n), without modulo bias.
template <class Words>
std::uint32_t uniform_below(Words& words, std::uint32_t n) {
  std::uint64_t product = std::uint64_t{words()} * n;
  if (static_cast<std::uint32_t>(product) < n) {
    const std::uint32_t reject = (0u - n) % n;
    while (static_cast<std::uint32_t>(product) < reject) product = std::uint64_t{words()} * n;
  }
  return static_cast<std::uint32_t>(product >> 32);
}
}  // namespace detail

/// A seeded random stream. Copying it copies its position; two streams of one seed are independent. It is for one
/// thread at a time, but for the process's default stream, which is safe to share (see current_rng).
class Rng {
 public:
  using result_type = std::uint32_t;  // with operator(), min and max, what std::shuffle asks for

  explicit constexpr Rng(std::uint64_t seed = 0, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}
  Rng(const Rng& other) : seed_(other.seed()), stream_(other.stream()), next_(get(other.next_)) {}
  Rng& operator=(const Rng& other) {
    set(seed_, other.seed());
    set(stream_, other.stream());
    set(next_, get(other.next_));
    return *this;
  }

  /// What it was made of.
  std::uint64_t seed() const { return get(seed_); }
  std::uint64_t stream() const { return get(stream_); }
  /// How many blocks of four words have been handed out, at most 2^62; seed, stream and position are the whole state.
  std::uint64_t position() const { return blocks(get(next_)); }
  void set_position(std::uint64_t position) { set(next_, 4 * position); }

  /// Reserves enough blocks for n 32-bit words and moves past them.
  RandomBlock reserve(Index n_words) {
    const std::uint64_t wanted = 4 * blocks(static_cast<std::uint64_t>(n_words));
    std::uint64_t next = get(next_);
    while (!move(next, 4 * blocks(next) + wanted)) {
    }
    return {seed(), stream(), heard(4 * blocks(next)) / 4};
  }
  /// The number of the first of the stream's next n 32-bit words, and moves past them.
  std::uint64_t take(std::uint64_t n_words) {
    std::uint64_t next = get(next_);
    while (!move(next, next + n_words)) {
    }
    return heard(next);
  }

  /// Next 32-bit word, for shuffles and other scalar draws.
  std::uint32_t operator()() { return detail::word_of_stream(seed(), stream(), take(1)); }
  static constexpr std::uint32_t(min)() { return 0; }
  static constexpr std::uint32_t(max)() { return 0xFFFFFFFFu; }

  /// Uniform integer in [0, n), without modulo bias.
  std::uint32_t below(std::uint32_t n) { return detail::uniform_below(*this, n); }

 private:
  using Number = std::atomic<std::uint64_t>;
  static std::uint64_t get(const Number& x) { return x.load(std::memory_order_relaxed); }
  static void set(Number& x, std::uint64_t value) { x.store(value, std::memory_order_relaxed); }
  static constexpr std::uint64_t blocks(std::uint64_t words) { return words / 4 + (words % 4 != 0); }
  /// Moves from one word to another; false, with the word where it is, when another thread has moved it.
  bool move(std::uint64_t& from, std::uint64_t to) {
    if (is_shared_) return next_.compare_exchange_weak(from, to, std::memory_order_relaxed);
    set(next_, to);  // a tenth of the time
    return true;
  }
  std::uint64_t heard(std::uint64_t word) const {
    detail::DrawListener* const listener = detail::DrawListener::current;
    return listener ? listener->drawn(*this, word) : word;
  }

  Number seed_;
  Number stream_;
  Number next_ = 0;  // number of the next word

 protected:
  bool is_shared_ = false;
};

namespace detail {
/// A stream from which threads draw together: each word is drawn by one of them.
struct SharedRng : Rng {
  constexpr SharedRng() { is_shared_ = true; }
};

/// `count` integers below some n from a stream, word by word as Rng::below takes them but reserved together.
class BelowDraws {
 public:
  BelowDraws(Rng& rng, Index count) : rng_(rng), left_(static_cast<std::uint64_t>(count)) {}
  std::uint32_t below(std::uint32_t n) {
    const std::uint32_t drawn = uniform_below(*this, n);
    --left_;
    return drawn;
  }
  std::uint32_t operator()() {
    if (next_ == end_) {  // each integer that is left needs a word at least
      next_ = rng_.take(left_);
      end_ = next_ + left_;
      words_ = block_.words(next_ / 4);
    } else if (next_ % 4 == 0) {
      words_ = block_.words(next_ / 4);
    }
    return words_[next_++ % 4];
  }

 private:
  Rng& rng_;
  RandomBlock block_{rng_.seed(), rng_.stream()};
  std::uint64_t left_, next_ = 0, end_ = 0;
  std::array<std::uint32_t, 4> words_{};
};
}  // namespace detail

/// Uniform in [0, 1): the top 24 bits of a word for float, 53 bits of two words for double.
constexpr float uniform_float(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }
constexpr double uniform_double(std::uint32_t high, std::uint32_t low) {
  return static_cast<double>(((std::uint64_t{high} << 32) | low) >> 11) * 0x1p-53;
}

}  // namespace gloss::inline GLOSS_ABI
