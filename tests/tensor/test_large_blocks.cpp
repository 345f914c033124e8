// Blocks above 1 MB: split and joined again, without holes that nothing fits into.
#include <algorithm>
#include <random>
#include <vector>

#include <gloss/tensor/large_blocks.hpp>
#include <gloss/tensor/storage_block.hpp>
#include <gloss/tensor/tensor.hpp>

#include "support/catch.hpp"

using namespace gloss;

namespace {
constexpr Index MB = 1 << 20;
Tensor<std::uint8_t> block(Index bytes) { return empty<std::uint8_t>({bytes}); }
}  // namespace

TEST_CASE("size_class: the smallest that holds so many bytes") {
  for (std::size_t bytes = 1; bytes < 5000; ++bytes) {
    const int c = detail::size_class(bytes);
    const bool fits = detail::class_bytes(c) >= bytes && (c == 0 || detail::class_bytes(c - 1) < bytes);
    if (!fits) FAIL("class " << c << " for " << bytes << " bytes");
  }
  CHECK(detail::class_bytes(detail::size_class(std::size_t{1} << 60)) == std::size_t{1} << 60);
}

#if !defined(__SANITIZE_ADDRESS__) && defined(__linux__)  // else each block has memory of its own
TEST_CASE("large blocks: a freed one serves several smaller ones, and these a larger one again") {
  empty_cache();
  { const auto a = block(30 * MB); }
  const std::size_t asked = memory_stats().requests;
  for (int round = 0; round < 3; ++round) {
    { const auto a = block(14 * MB), b = block(9 * MB), c = block(6 * MB); }
    { const auto a = block(9 * MB), b = block(6 * MB), c = block(14 * MB); }
    { const auto a = block(30 * MB); }
  }
  CHECK(memory_stats().requests == asked);
}

TEST_CASE("large blocks: no more than a few pages are wasted in each") {
  for (const Index bytes : {MB + 1, 5 * MB - 1, 9 * MB, 17 * MB + 12345, 70 * MB}) {
    const std::size_t before = memory_stats().in_use;
    const auto a = block(bytes);
    const std::size_t taken = memory_stats().in_use - before;
    CHECK(taken >= static_cast<std::size_t>(bytes));
    CHECK(taken < static_cast<std::size_t>(bytes) + MB / 4 + 2 * 4096);
  }
}

TEST_CASE("large blocks: equal blocks that follow each other do not lie alike modulo a page") {
  empty_cache();
  const auto a = block(4 * MB), b = block(4 * MB), c = block(4 * MB);
  const auto at = [](const Tensor<std::uint8_t>& x) { return reinterpret_cast<std::uintptr_t>(x.data()) % 4096; };
  CHECK(at(a) != at(b));
  CHECK(at(b) != at(c));
  CHECK(at(a) % 64 == 0);
}

TEST_CASE("large blocks: any order of asking and dropping; in the end all is one piece") {
  empty_cache();
  reset_peak_memory();
  const MemoryStats before = memory_stats();
  std::mt19937 random(1);
  std::vector<Tensor<std::uint8_t>> held;
  std::size_t most = 0;
  for (int i = 0; i < 4000; ++i) {
    if (held.size() < 3 || (held.size() < 24 && random() % 2 == 0)) {
      held.push_back(block(MB + 1 + static_cast<Index>(random() % (random() % 8 == 0 ? 40 * MB : 4 * MB))));
      held.back().data()[0] = held.back().data()[held.back().numel() - 1] = static_cast<std::uint8_t>(held.size());
    } else {
      std::swap(held[random() % held.size()], held.back());
      held.pop_back();
    }
    most = (std::max)(most, memory_stats().in_use + memory_stats().cached);
    if (i % 500 != 499) continue;
    std::vector<std::pair<const std::uint8_t*, Index>> places;
    for (const auto& x : held) places.emplace_back(x.data(), x.numel());
    std::sort(places.begin(), places.end());
    for (std::size_t k = 1; k < places.size(); ++k)
      if (places[k - 1].first + places[k - 1].second > places[k].first) FAIL("two blocks overlap");
  }
  CHECK(most < 3 * (memory_stats().peak - before.in_use) + before.in_use + before.cached);
  held.clear();
  CHECK(memory_stats().in_use == before.in_use);
  empty_cache();
  CHECK(memory_stats().cached == before.cached);
}
#endif
