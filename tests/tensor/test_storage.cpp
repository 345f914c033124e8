// The memory under tensors: what is asked from the system, kept and given back.
#include <cstdint>
#include <thread>
#include <vector>

#include <gloss/tensor/tensor.hpp>

#include "support/catch.hpp"

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
        for (const auto& x : held) wrong[static_cast<std::size_t>(t)] += x.at({0}) != mine || x.at({-1}) != mine;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
  CHECK(memory_stats().in_use == before.in_use);
}
