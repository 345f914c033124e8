#include <gloss/kernels/embedding.hpp>

#include "support/catch.hpp"
#include "support/kernel_data.hpp"

namespace k = gloss::kernels;
using namespace test;

namespace {

std::vector<std::int64_t> random_ids(Index rows, Index num) {
  std::mt19937 engine(5);
  std::vector<std::int64_t> ids(static_cast<std::size_t>(rows));
  for (auto& id : ids) id = static_cast<std::int64_t>(engine() % static_cast<unsigned>(num));
  return ids;
}

}  // namespace

TEMPLATE_TEST_CASE("embedding: forward and backward equal the naive loops", "", float, double) {
  using T = TestType;
  for (const Index n : {0, 1, 7, 16, 33, 128}) {
    for (const Index rows : {0, 1, 40}) {
      const Index num = n == 33 ? 100 : 7;
      const auto weight = random_values<T>(num * n, 1), dy = random_values<T>(rows * n, 2);
      const auto ids = random_ids(rows, num);
      std::vector<T> y(dy.size()), want(dy.size()), dweight(weight.size(), T(1)), want_dweight(weight.size(), T(1));
      for (Index r = 0; r < rows; ++r) {
        const auto id = ids[static_cast<std::size_t>(r)];
        for (Index i = 0; i < n; ++i) {
          want[static_cast<std::size_t>(r * n + i)] = 3 * weight[static_cast<std::size_t>(id * n + i)];
          if (id != 2)
            want_dweight[static_cast<std::size_t>(id * n + i)] += 3 * dy[static_cast<std::size_t>(r * n + i)];
        }
      }
      k::embedding_forward(weight.data(), ids.data(), y.data(), rows, n, T(3));
      CHECK(same_bits(y, want));
      k::embedding_backward(dy.data(), ids.data(), dweight.data(), rows, n, T(3), 2);
      CHECK(difference(dweight, want_dweight) < tolerance<T> * 4);
    }
  }
}

TEMPLATE_TEST_CASE("embedding: repeated ids add up to the same bits for any number of threads", "", float, double) {
  using T = TestType;
  const Index rows = 2000, n = 65, num = 131;
  const auto dy = random_values<T>(rows * n, 2);
  const auto ids = random_ids(rows, num);
  CHECK(same_for_any_threads([&] {
    std::vector<T> dweight(static_cast<std::size_t>(num * n));
    k::embedding_backward(dy.data(), ids.data(), dweight.data(), rows, n);
    return dweight;
  }));
}
