#include <gloss/kernels/activation.hpp>

#include "support/catch.hpp"
#include "support/kernel_data.hpp"

namespace k = gloss::kernels;
using namespace test;

namespace {

// f and its derivative in double, on every size around a vector and a few beyond.
template <class T, class Forward, class Backward, class F, class D>
void check(Forward forward, Backward backward, F f, D derivative, bool from_y = false, double low = -9) {
  for (const Index n : {0, 1, 3, 8, 15, 16, 17, 100}) {
    const auto x = random_values<T>(n, 1, low, 9), dy = random_values<T>(n, 2);
    std::vector<T> y(x.size()), dx(x.size());
    std::vector<double> want(x.size()), want_dx(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      want[i] = f(static_cast<double>(x[i]));
      want_dx[i] = dy[i] * derivative(static_cast<double>(x[i]));
    }
    forward(x.data(), y.data(), n);
    CHECK(difference(y, want) < tolerance<T>);
    backward(from_y ? y.data() : x.data(), dy.data(), dx.data(), n);
    CHECK(difference(dx, want_dx) < tolerance<T> * 4);
  }
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double gelu_u(double x) { return std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x); }

}  // namespace

TEMPLATE_TEST_CASE("activation: forward and backward equal the formulas", "", float, double) {
  using T = TestType;
  check<T>(
      k::tanh_forward<T>, k::tanh_backward<T>, [](double x) { return std::tanh(x); },
      [](double x) { return 1 - std::tanh(x) * std::tanh(x); }, true);
  check<T>(
      k::sigmoid_forward<T>, k::sigmoid_backward<T>, sigmoid, [](double x) { return sigmoid(x) * sigmoid(-x); }, true);
  check<T>(
      k::relu_forward<T>, k::relu_backward<T>, [](double x) { return x > 0 ? x : 0.0; },
      [](double x) { return x > 0 ? 1.0 : 0.0; }, true);
  check<T>(
      k::silu_forward<T>, k::silu_backward<T>, [](double x) { return x * sigmoid(x); },
      [](double x) { return sigmoid(x) + x * sigmoid(x) * sigmoid(-x); });
  check<T>(
      k::gelu_forward<T>, k::gelu_backward<T>, [](double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); },
      [](double x) { return (1 + std::erf(x / std::sqrt(2.0))) / 2 + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI); });
  check<T>(
      k::gelu_tanh_forward<T>, k::gelu_tanh_backward<T>, [](double x) { return x / 2 * (1 + std::tanh(gelu_u(x))); },
      [](double x) {
        const double t = std::tanh(gelu_u(x));
        return (1 + t) / 2 + x / 2 * (1 - t * t) * std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
      });
  const auto nothing = [](const T*, const T*, T* dx, Index n) { std::fill(dx, dx + n, T(0)); };
  const auto zero = [](double) { return 0.0; };
  check<T>(
      k::exp_forward<T>, nothing, [](double x) { return std::exp(x); }, zero);
  check<T>(
      k::log_forward<T>, nothing, [](double x) { return std::log(x); }, zero, false, 0);
}

TEST_CASE("activation: gelu's distribution function is within 2.5e-7 in float, and 0 or 1 far out") {
  const Index n = 100000;
  std::vector<float> x(n), y(n);
  for (Index i = 0; i < n; ++i) x[static_cast<std::size_t>(i)] = -12 + 24 * static_cast<float>(i) / n;
  k::gelu_forward(x.data(), y.data(), n);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double f = std::erfc(-x[i] / std::sqrt(2.0)) / 2;
    worst = std::max(worst, std::fabs(y[i] - x[i] * f) / std::fabs(x[i] == 0 ? 1 : x[i]));
    if (std::fabs(x[i]) > 6) CHECK(y[i] == (x[i] > 0 ? x[i] : 0));
  }
  CHECK(worst < 2.5e-7);  // 1.96e-7 with fused multiply-adds, 2.12e-7 without
}

TEMPLATE_TEST_CASE("activation: relu keeps NaN, and ends of the range are finite", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T x[4] = {nan, T(-800), T(800), inf};
  T y[4];
  k::relu_forward(x, y, 4);
  CHECK((std::isnan(y[0]) && y[1] == 0 && y[2] == 800 && y[3] == inf));
  const T dy[4] = {1, 2, 3, 4};
  k::relu_backward(y, dy, y, 4);
  CHECK((y[0] == 1 && y[1] == 0 && y[2] == 3 && y[3] == 4));
  k::gelu_forward(x, y, 4);
  CHECK((std::isnan(y[0]) && y[1] == 0 && y[2] == 800 && y[3] == inf));
  k::sigmoid_forward(x, y, 4);
  CHECK((std::isnan(y[0]) && y[1] == 0 && y[2] == 1 && y[3] == 1));
}

TEMPLATE_TEST_CASE("activation: the same bits for any number of threads", "", float, double) {
  using T = TestType;
  const auto x = random_values<T>(50001, 1);
  CHECK(same_for_any_threads([&] {
    std::vector<T> y(x.size()), dx(x.size());
    k::gelu_forward(x.data(), y.data(), 50001);
    k::gelu_backward(x.data(), y.data(), dx.data(), 50001);
    return dx;
  }));
}
