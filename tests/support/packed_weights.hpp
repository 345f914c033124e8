// What the tests of products with packed weights share.
#pragma once

#include <cstdint>
#include <vector>

#include <gloss/core/shape.hpp>
#include <gloss/kernels/gemm.hpp>

#include "support/catch.hpp"
#include "support/kernel_data.hpp"
#include "support/threads.hpp"

namespace gloss_test {

/// Packed weights [n, k] with their memory, in one of the forms of kernels/gemm/.
template <class Form>
struct PackedWeights {
  std::vector<std::uint32_t> memory;
  Form w;

  PackedWeights(gloss::Index n, gloss::Index k, const std::vector<float>& weight) {
    w.n = n, w.k = k;
    memory.resize(std::size_t(w.bytes() / 4), 0xFFFFFFFF);  // NaN where it stands for a number
    w.place(reinterpret_cast<std::uint8_t*>(memory.data()));
    pack_weight(weight.data(), k, w);
  }
};

/// Products of random numbers by weights in this form have the same bits with any number of threads.
template <class Form, class Random>
void check_threads(Random random_values) {
  using gloss::Index;
  const Index sizes[][3] = {{1, 900, 700}, {300, 100, 256}, {40, 64, 1000}, {16, 500, 63}};
  for (const auto& [rows, n, k] : sizes) {
    const std::vector<float> x = random_values(rows * k), weight = random_values(n * k);
    const PackedWeights<Form> p(n, k, weight);
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 3, 8}) {
      const Threads used(threads);
      std::vector<float>& y = results.emplace_back(std::size_t(rows * n));
      packed_product(p.w, rows, x.data(), k, y.data(), n, {});
      CHECK(test::same_bits(y, results[0]));
    }
  }
}

}  // namespace gloss_test
