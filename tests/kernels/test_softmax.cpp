#include <gloss/kernels/softmax.hpp>

#include "support/catch.hpp"
#include "support/kernel_data.hpp"

namespace k = gloss::kernels;
using namespace test;

namespace {

// The definition, in double, for one row.
template <class T>
std::vector<double> naive_log_softmax(const std::vector<T>& x, Index rows, Index n) {
  std::vector<double> y(x.size());
  for (Index r = 0; r < rows; ++r) {
    const T* row = x.data() + r * n;
    const double max = *std::max_element(row, row + n);
    double sum = 0;
    for (Index i = 0; i < n; ++i) sum += std::exp(row[i] - max);
    for (Index i = 0; i < n; ++i) y[static_cast<std::size_t>(r * n + i)] = row[i] - max - std::log(sum);
  }
  return y;
}

}  // namespace

TEMPLATE_TEST_CASE("softmax: forward and backward equal the naive loops for any size", "", float, double) {
  using T = TestType;
  for (const Index n : {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 333}) {
    const Index rows = 1 + n % 5;
    const auto x = random_values<T>(rows * n, 1, -20, 20), dy = random_values<T>(rows * n, 2);
    std::vector<T> y(x.size()), dx(x.size());
    const auto log_y = naive_log_softmax(x, rows, n);
    std::vector<double> want(x.size()), want_dx(x.size()), want_log_dx(x.size());
    for (Index r = 0; r < rows; ++r) {
      double dot = 0, sum = 0;
      for (Index i = r * n; i < (r + 1) * n; ++i) {
        const auto s = static_cast<std::size_t>(i);
        want[s] = std::exp(log_y[s]);
        dot += want[s] * dy[s];
        sum += dy[s];
      }
      for (Index i = r * n; i < (r + 1) * n; ++i) {
        const auto s = static_cast<std::size_t>(i);
        want_dx[s] = want[s] * (dy[s] - dot);
        want_log_dx[s] = dy[s] - want[s] * sum;
      }
    }
    INFO("n " << n);
    k::softmax_forward(x.data(), y.data(), rows, n);
    CHECK(difference(y, want) < tolerance<T>);
    k::softmax_backward(y.data(), dy.data(), dx.data(), rows, n);
    CHECK(difference(dx, want_dx) < tolerance<T> * 5);
    k::log_softmax_forward(x.data(), y.data(), rows, n);
    CHECK(difference(y, log_y) < tolerance<T>);
    k::log_softmax_backward(y.data(), dy.data(), dx.data(), rows, n);
    CHECK(difference(dx, want_log_dx) < tolerance<T> * 20);

    auto in_place = x;
    k::log_softmax_forward(in_place.data(), in_place.data(), rows, n);
    CHECK(same_bits(in_place, y));
  }
}

TEMPLATE_TEST_CASE("softmax: no rows and no columns are fine", "", float, double) {
  TestType x = 1;
  k::softmax_forward(&x, &x, 0, 5);
  k::log_softmax_forward(&x, &x, 0, 5);
  k::softmax_forward(&x, &x, 3, 0);
  k::log_softmax_forward(&x, &x, 3, 0);
  CHECK(x == TestType(1));
}

TEMPLATE_TEST_CASE("softmax: -infinity is probability 0, and a row of it is NaN", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  for (const Index n : {2, 16, 19}) {
    std::vector<T> x(static_cast<std::size_t>(2 * n), -inf), y(x.size());
    x[1] = 3;
    k::softmax_forward(x.data(), y.data(), 2, n);
    CHECK(y[0] == T(0));
    CHECK(y[1] == T(1));
    CHECK(std::isnan(y[static_cast<std::size_t>(n)]));
    k::log_softmax_forward(x.data(), y.data(), 2, n);
    CHECK(y[0] == -inf);
    CHECK(y[1] == T(0));
    CHECK(std::isnan(y[static_cast<std::size_t>(n)]));
  }
}

TEMPLATE_TEST_CASE("softmax: the same bits for any number of threads", "", float, double) {
  using T = TestType;
  const Index rows = 301, n = 203;
  const auto x = random_values<T>(rows * n, 3), dy = random_values<T>(rows * n, 4);
  CHECK(same_for_any_threads([&] {
    std::vector<T> y(x.size()), dx(x.size());
    k::softmax_forward(x.data(), y.data(), rows, n);
    k::softmax_backward(y.data(), dy.data(), dx.data(), rows, n);
    return dx;
  }));
  CHECK(same_for_any_threads([&] {
    std::vector<T> y(x.size()), dx(x.size());
    k::log_softmax_forward(x.data(), y.data(), rows, n);
    k::log_softmax_backward(y.data(), dy.data(), dx.data(), rows, n);
    return dx;
  }));
}
