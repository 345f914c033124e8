#include <gloss/kernels/label_smoothing.hpp>

#include "support/catch.hpp"
#include "support/kernel_data.hpp"

namespace k = gloss::kernels;
using namespace test;

namespace {

// The smoothed distribution of one row, as the Annotated Transformer writes it.
double target_at(Index i, std::int64_t id, Index n, std::int64_t padding, double smoothing) {
  if (id == padding || i == padding) return 0;
  return i == id ? 1 - smoothing : smoothing / static_cast<double>(n - 2);
}

template <class T>
void check_against_loop(Index rows, Index n, std::int64_t padding, double smoothing) {
  INFO("rows " << rows << " n " << n << " padding " << padding << " smoothing " << smoothing);
  const auto x = random_values<T>(rows * n, 1, -9, 0);
  std::mt19937 engine(static_cast<unsigned>(n));
  std::vector<std::int64_t> target(static_cast<std::size_t>(rows));
  for (auto& id : target) id = static_cast<std::int64_t>(engine() % static_cast<unsigned>(n));
  const double dloss = 0.75;
  std::vector<double> want(target.size()), want_dx(x.size());
  for (Index r = 0; r < rows; ++r)
    for (Index i = 0; i < n; ++i) {
      const auto s = static_cast<std::size_t>(r * n + i);
      const double t = target_at(i, target[static_cast<std::size_t>(r)], n, padding, smoothing);
      if (t > 0) want[static_cast<std::size_t>(r)] += t * (std::log(t) - static_cast<double>(x[s]));
      want_dx[s] = -t * dloss;
    }
  const auto rule = k::label_smoothing_target(n, padding, smoothing);
  std::vector<double> loss(want.size());
  k::label_smoothing_forward(x.data(), target.data(), loss.data(), rows, n, rule);
  CHECK(difference(loss, want) < tolerance<T> * 4);
  std::vector<T> dx(x.size(), T(7));
  k::label_smoothing_backward(dloss, target.data(), dx.data(), rows, n, rule);
  CHECK(difference(dx, want_dx) < tolerance<T>);
}

}  // namespace

TEMPLATE_TEST_CASE("label_smoothing: equals a loop over the smoothed distribution", "", float, double) {
  std::mt19937 engine(5);
  for (int draw = 0; draw < 40; ++draw) {
    const Index rows = 1 + static_cast<Index>(engine() % 12), n = 3 + static_cast<Index>(engine() % 150);
    for (const std::int64_t padding : {std::int64_t{0}, std::int64_t{n - 1}, std::int64_t{-1}, std::int64_t{n}})
      for (const double smoothing : {0.0, 0.1, 1.0}) check_against_loop<TestType>(rows, n, padding, smoothing);
  }
  check_against_loop<TestType>(3, 5000, 17, 0.1);
  check_against_loop<TestType>(0, 4, 0, 0.1);
}

TEMPLATE_TEST_CASE("label_smoothing: what is given no probability may be -infinity", "", float, double) {
  using T = TestType;
  const T infinity = std::numeric_limits<T>::infinity();
  const std::int64_t target = 2;
  double loss = 0;
  for (const Index n : {4, 16, 17, 40}) {
    std::vector<T> x(static_cast<std::size_t>(n), T(-1));
    x[1] = -infinity;
    k::label_smoothing_forward(x.data(), &target, &loss, 1, n, k::label_smoothing_target(n, 1, 0.1));
    CHECK(std::isfinite(loss));
    k::label_smoothing_forward(x.data(), &target, &loss, 1, n, k::label_smoothing_target(n, 0, 0.1));
    CHECK(loss == std::numeric_limits<double>::infinity());
    k::label_smoothing_forward(x.data(), &target, &loss, 1, n, k::label_smoothing_target(n, 0, 0));
    CHECK(loss == 1);
    x[1] = T(-1), x[2] = -infinity;
    k::label_smoothing_forward(x.data(), &target, &loss, 1, n, k::label_smoothing_target(n, 0, 1));
    CHECK(std::isfinite(loss));
  }
}

TEMPLATE_TEST_CASE("label_smoothing: the same bits for any number of threads", "", float, double) {
  using T = TestType;
  const Index rows = 300, n = 211;
  const auto x = random_values<T>(rows * n, 1);
  std::vector<std::int64_t> target(static_cast<std::size_t>(rows));
  for (std::size_t r = 0; r < target.size(); ++r) target[r] = static_cast<std::int64_t>(r * 37 % 211);
  const auto rule = k::label_smoothing_target(n, 0, 0.1);
  CHECK(same_for_any_threads([&] {
    std::vector<double> loss(target.size());
    std::vector<T> dx(x.size());
    k::label_smoothing_forward(x.data(), target.data(), loss.data(), rows, n, rule);
    k::label_smoothing_backward(0.5, target.data(), dx.data(), rows, n, rule);
    loss.insert(loss.end(), dx.begin(), dx.end());
    return loss;
  }));
}
