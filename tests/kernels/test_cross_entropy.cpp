#include <gloss/kernels/cross_entropy.hpp>

#include "support/catch.hpp"
#include "support/kernel_data.hpp"

namespace k = gloss::kernels;
using namespace test;

namespace {

std::vector<std::int64_t> random_targets(Index rows, Index n, std::int64_t ignored) {
  std::mt19937 engine(9);
  std::vector<std::int64_t> target(static_cast<std::size_t>(rows));
  for (auto& id : target)
    id = engine() % 5 == 0 ? ignored : static_cast<std::int64_t>(engine() % static_cast<unsigned>(n));
  return target;
}

// The target matrix as the Annotated Transformer builds it, or as PyTorch's documentation defines it.
std::vector<double> target_matrix(const std::vector<std::int64_t>& target, Index n, bool annotated, Index padding,
                                  double smoothing) {
  const Index rows = static_cast<Index>(target.size());
  const double off = annotated ? smoothing / static_cast<double>(n - 2) : smoothing / static_cast<double>(n);
  std::vector<double> t(static_cast<std::size_t>(rows * n), off);
  for (Index r = 0; r < rows; ++r) {
    double* row = t.data() + r * n;
    const auto id = target[static_cast<std::size_t>(r)];
    if (id == padding) {
      std::fill(row, row + n, 0.0);
      continue;
    }
    row[id] = annotated ? 1 - smoothing : 1 - smoothing + off;
    if (annotated) row[padding] = 0;
  }
  return t;
}

template <class T>
void check_against_matrix(Index rows, Index n, bool annotated, Index padding, double smoothing) {
  const auto x = random_values<T>(rows * n, 1, -5, 5);
  const auto dloss = random_values<T>(rows, 2);
  const auto target = random_targets(rows, n, padding);
  const auto t = target_matrix(target, n, annotated, padding, smoothing);
  const auto rule =
      annotated ? k::label_smoothing_target(n, padding, smoothing) : k::cross_entropy_target(n, padding, smoothing);
  std::vector<double> want(static_cast<std::size_t>(rows)), want_dx(x.size());
  for (Index r = 0; r < rows; ++r) {
    double sum = 0, t_sum = 0;
    for (Index i = r * n; i < (r + 1) * n; ++i) sum += std::exp(static_cast<double>(x[static_cast<std::size_t>(i)]));
    for (Index i = r * n; i < (r + 1) * n; ++i) t_sum += t[static_cast<std::size_t>(i)];
    for (Index i = r * n; i < (r + 1) * n; ++i) {
      const auto s = static_cast<std::size_t>(i);
      const double log_p = x[s] - std::log(sum);
      double& loss = want[static_cast<std::size_t>(r)];
      loss -= t[s] * log_p;
      if (annotated && t[s] > 0) loss += t[s] * std::log(t[s]);
      want_dx[s] = dloss[static_cast<std::size_t>(r)] * (std::exp(log_p) * t_sum - t[s]);
    }
  }
  INFO("n " << n << " annotated " << annotated << " smoothing " << smoothing);
  std::vector<T> loss(want.size()), max(want.size()), log_sum(want.size()), dx(x.size());
  k::cross_entropy_forward(x.data(), target.data(), loss.data(), max.data(), log_sum.data(), rows, n, rule);
  CHECK(difference(loss, want) < tolerance<T> * 4);
  k::cross_entropy_backward(dloss.data(), 1, x.data(), target.data(), max.data(), log_sum.data(), dx.data(), rows, n,
                            rule);
  CHECK(difference(dx, want_dx) < tolerance<T> * 4);
  auto in_place = x;
  k::cross_entropy_backward(dloss.data(), 1, in_place.data(), target.data(), max.data(), log_sum.data(),
                            in_place.data(), rows, n, rule);
  CHECK(same_bits(in_place, dx));
}

}  // namespace

TEMPLATE_TEST_CASE("cross_entropy: equals the loss and gradient of an explicit target matrix", "", float, double) {
  for (const Index n : {3, 4, 15, 16, 17, 50, 333})
    for (const double smoothing : {0.0, 0.1, 1.0}) {
      check_against_matrix<TestType>(13, n, true, 0, smoothing);
      check_against_matrix<TestType>(13, n, true, n - 1, smoothing);
      check_against_matrix<TestType>(13, n, false, -100, smoothing);
      check_against_matrix<TestType>(13, n, false, 1, smoothing);
    }
}

TEMPLATE_TEST_CASE("cross_entropy: one gradient for all rows, and large logits stay finite", "", float, double) {
  using T = TestType;
  const std::vector<T> x = {T(1000), T(-1000), T(1000)};
  const std::int64_t target = 2;
  T loss, max, log_sum, dx[3];
  const T dloss = 2;
  const auto rule = k::cross_entropy_target(3, -100, 0);
  k::cross_entropy_forward(x.data(), &target, &loss, &max, &log_sum, 1, 3, rule);
  CHECK(loss == Approx(std::log(2.0)));
  k::cross_entropy_backward(&dloss, 0, x.data(), &target, &max, &log_sum, dx, 1, 3, rule);
  CHECK(dx[0] == Approx(1).epsilon(1e-6));
  CHECK(dx[1] == T(0));
  CHECK(dx[2] == Approx(-1).epsilon(1e-6));
  k::cross_entropy_forward(x.data(), &target, &loss, &max, &log_sum, 0, 3, rule);
}

TEMPLATE_TEST_CASE("cross_entropy: a column of -infinity whose target is 0 counts nothing", "", float, double) {
  using T = TestType;
  const T x[] = {-std::numeric_limits<T>::infinity(), 1, 2, 1, 0};
  const std::int64_t target = 2;
  T loss = 0, max = 0, log_sum = 0, dx[5] = {};
  const T one = 1;
  const auto rule = k::label_smoothing_target(5, 0, 0.4);
  k::cross_entropy_forward(x, &target, &loss, &max, &log_sum, 1, 5, rule);
  CHECK(loss == Approx(0.0474001).epsilon(1e-5));
  k::cross_entropy_backward(&one, 0, x, &target, &max, &log_sum, dx, 1, 5, rule);
  CHECK(dx[0] == 0);
  CHECK(dx[2] == Approx(std::exp(2 - max - log_sum) - 0.6).epsilon(1e-5));
}

TEMPLATE_TEST_CASE("cross_entropy: the same bits for any number of threads", "", float, double) {
  using T = TestType;
  const Index rows = 300, n = 211;
  const auto x = random_values<T>(rows * n, 1);
  const auto target = random_targets(rows, n, 0);
  const auto rule = k::label_smoothing_target(n, 0, 0.1);
  CHECK(same_for_any_threads([&] {
    std::vector<T> loss(static_cast<std::size_t>(rows)), max(loss.size()), log_sum(loss.size()), dx(x.size());
    const T one = 1;
    k::cross_entropy_forward(x.data(), target.data(), loss.data(), max.data(), log_sum.data(), rows, n, rule);
    k::cross_entropy_backward(&one, 0, x.data(), target.data(), max.data(), log_sum.data(), dx.data(), rows, n, rule);
    dx.insert(dx.end(), loss.begin(), loss.end());
    return dx;
  }));
}
