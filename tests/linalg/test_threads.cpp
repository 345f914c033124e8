// The threads share the batch, so that every matrix has the same bits for any number of them.
#include <gloss/linalg/cholesky.hpp>
#include <gloss/linalg/eigh.hpp>
#include <gloss/linalg/inv.hpp>
#include <gloss/linalg/qr.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;

TEST_CASE("linalg: the same bits for any number of threads") {
  const Tensor<float> a = randn<float>({70, 24, 24}) + eye<float>(24) * 9, b = randn<float>({70, 24, 2});
  const Tensor<float> spd = matmul(a, a.transpose(1, 2));
  const auto all = [&] {
    const auto [q, r] = linalg::qr(a);
    const auto [w, v] = linalg::eigh(spd);
    return std::vector{
        linalg::solve(a, b), linalg::inv(a), linalg::cholesky(spd), linalg::solve_triangular(a, b), q, r, w, v};
  };
  const auto on = [&](int n) {
    const gloss_test::Threads use(n);
    return all();
  };
  const auto one = on(1);
  for (const int n : {2, 3, 8}) {
    const auto several = on(n);
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(gloss_test::same_bits(several[i], one[i]));
  }
}
