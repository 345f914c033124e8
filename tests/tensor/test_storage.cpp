// The memory under tensors: what is asked from the system, kept and given back.
#include <cstdint>
#include <thread>
#include <vector>

#include <gloss/tensor/storage.hpp>
#include <gloss/tensor/tensor.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {
constexpr Index sizes[] = {1, 1000, 20000, 262144, 262144, 1048576, 3000000, 9000000};  // of floats, 4 B to 36 MB
}

TEST_CASE("storage: blocks of all sizes are aligned to 64 bytes and do not overlap") {
  std::vector<Tensor<float>> all;
  for (int round = 0; round < 3; ++round)
    for (const Index n : sizes) all.push_back(full<float>({n}, static_cast<float>(all.size())));
  bool aligned = true, intact = true;
  for (std::size_t i = 0; i < all.size(); ++i) {
    aligned = aligned && reinterpret_cast<std::uintptr_t>(all[i].data()) % 64 == 0;
    const float want = static_cast<float>(i), *x = all[i].data();
    for (Index j = 0; j < all[i].numel(); ++j) intact = intact && x[j] == want;
  }
  CHECK(aligned);
  CHECK(intact);
}

TEST_CASE("storage: more bytes than there are addresses") {
  CHECK_THROWS_WITH(StoragePool::instance().allocate((std::size_t{1} << 60) + 1),
                    "storage: 1152921504606846977 bytes are more than memory can hold");
}

TEST_CASE("storage: empty_cache gives back what is free and leaves alone what is in use") {
  empty_cache();
  const auto before = memory_stats();
  const Tensor<float> kept = full<float>({262144}, 3);
  {
    std::vector<Tensor<float>> others;
    for (int i = 0; i < 70; ++i) others.push_back(full<float>({262144}, 4));
    for (const Index n : sizes) others.push_back(full<float>({n}, 5));
  }
#if !defined(__SANITIZE_ADDRESS__)  // which has every free block back at once
  CHECK(memory_stats().cached > before.cached + 70 * 1048576);
#endif
  empty_cache();
  const auto after = memory_stats();
  CHECK(after.cached < before.cached + 40 * 1048576);  // no more than what lies beside `kept`
  CHECK(after.in_use == before.in_use + 1048576);
  for (Index i = 0; i < kept.numel(); i += 1000) CHECK(kept.data()[i] == 3);
  const Tensor<float> again = full<float>({262144}, 6);
  CHECK(again.data() != kept.data());
}

#if !defined(__SANITIZE_ADDRESS__)  // under which free memory is not kept, and too much of it is the end
namespace {
/// Sweeps come once in so many allocations while it lives.
struct Sweeps {
  explicit Sweeps(Index allocations) {
    empty_cache();
    set_cache_sweep(allocations);
  }
  ~Sweeps() { set_cache_sweep(8192); }
  Sweeps(const Sweeps&) = delete;
  Sweeps& operator=(const Sweeps&) = delete;
};
/// What a request of a server does, `size` times as large as usual: 10 tensors, of which 5 live at once.
void serve(Index size) {
  std::vector<Tensor<float>> held;
  for (const Index n : {100, 10000, 20000, 300000, 1000}) {
    held.push_back(empty<float>({n * size}));
    empty<float>({n * size / 2});
  }
  for (Index i = 1; i < size; ++i) held.push_back(empty<float>({20000}));  // some of usual size, but more of them
}
constexpr std::size_t region = 32 * 1048576;  // goes back as a whole only
std::size_t held_bytes() { return memory_stats().in_use + memory_stats().cached; }
}  // namespace

TEST_CASE("storage: memory that one large request took goes back while usual ones go on, which ask for nothing") {
  const Sweeps sweeps(500);
  for (int i = 0; i < 60; ++i) serve(1);
  const std::size_t usual = held_bytes();
  serve(100);
  const std::size_t after = held_bytes(), asked = memory_stats().requests;
  CHECK(after > usual + 100 * 1000000);
  for (int i = 0; i < 300; ++i) serve(1);
  CHECK(held_bytes() <= usual + region);
  CHECK(memory_stats().requests == asked);
  serve(100);  // and again: a period later, because of what had to be asked for again
  for (int i = 0; i < 1000; ++i) serve(1);
  CHECK(held_bytes() <= usual + region);
}

TEST_CASE("storage: a large request that came first goes back as well") {
  const Sweeps sweeps(500);
  const std::size_t before = held_bytes();
  serve(100);
  for (int i = 0; i < 300; ++i) serve(1);
  const std::size_t asked = memory_stats().requests;
  for (int i = 0; i < 300; ++i) serve(1);
  CHECK(held_bytes() < before + 2 * region);
  CHECK(memory_stats().requests == asked);
}

TEST_CASE("storage: set_cache_sweep(0) keeps all until empty_cache") {
  const Sweeps sweeps(0);
  serve(1);
  serve(100);
  const std::size_t after = held_bytes();
  for (int i = 0; i < 2000; ++i) serve(1);
  CHECK(held_bytes() == after);
  empty_cache();
  CHECK(held_bytes() < after);
  CHECK_ERROR(set_cache_sweep(-1), Error, "set_cache_sweep: -1 allocations");
}

TEST_CASE("storage: a loop with more allocations than sweeps have between them asks for nothing after some rounds") {
  const Sweeps sweeps(50);
  const auto round = [] {
    { const auto once = empty<float>({1000000}), twice = empty<float>({300}); }
    for (int i = 0; i < 2000; ++i) empty<float>({500});
  };
  for (int i = 0; i < 10; ++i) round();
  const std::size_t asked = memory_stats().requests;
  for (int i = 0; i < 10; ++i) round();
  CHECK(memory_stats().requests == asked);
}

TEST_CASE("storage: what cannot be had leaves the statistics as they were, after giving back what is free") {
  serve(1);
  reset_peak_memory();
  const MemoryStats before = memory_stats();
  CHECK(before.cached > 0);
  CHECK_ERROR(empty<float>({Index{1} << 58}), Error, "storage: out of memory asking for 1152921504606846976 bytes");
  const MemoryStats after = memory_stats();
  CHECK(after.peak == before.peak);
  CHECK(after.in_use == before.in_use);
  CHECK(after.requests == before.requests);
  CHECK(after.cached < before.cached);
}
#endif

TEST_CASE("storage: threads that ask, drop and trim at the same time get memory of their own") {
  const auto before = memory_stats();
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 60; ++round) {
        const float mine = static_cast<float>(t * 1000 + round);
        std::vector<Tensor<float>> held;
        for (const Index n : {Index{10}, Index{20000}, Index{50000 + 4000 * round}}) {
          held.push_back(empty<float>({n}));
          held.back().data()[0] = held.back().data()[n - 1] = mine;
        }
        if (round % 10 == t) empty_cache();
        if (round == 5) set_cache_sweep(20);
        for (const auto& x : held) wrong[static_cast<std::size_t>(t)] += x.at({0}) != mine || x.at({-1}) != mine;
      }
    });
  for (auto& thread : threads) thread.join();
  set_cache_sweep(8192);
  CHECK(wrong == std::vector<int>(4, 0));
  CHECK(memory_stats().in_use == before.in_use);
}
