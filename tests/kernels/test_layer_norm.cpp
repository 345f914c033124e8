#include <gloss/kernels/layer_norm.hpp>

#include "support/catch.hpp"
#include "support/kernel_data.hpp"

namespace k = gloss::kernels;
using k::LayerNormKind;
using namespace test;

namespace {

// The formulas of PyTorch and of the Annotated Transformer, in double.
template <class T>
std::vector<double> naive(const std::vector<T>& x, const T* gamma, const T* beta, Index rows, Index n, double eps,
                          LayerNormKind kind) {
  std::vector<double> y(x.size());
  for (Index r = 0; r < rows; ++r) {
    const T* row = x.data() + r * n;
    double mean = 0, square = 0;
    for (Index i = 0; i < n; ++i) mean += row[i] / static_cast<double>(n);
    for (Index i = 0; i < n; ++i) square += (row[i] - mean) * (row[i] - mean);
    const double scale = kind == LayerNormKind::torch ? std::sqrt(square / static_cast<double>(n) + eps)
                                                      : std::sqrt(square / static_cast<double>(n - 1)) + eps;
    for (Index i = 0; i < n; ++i)
      y[static_cast<std::size_t>(r * n + i)] =
          (gamma ? gamma[i] : 1.0) * (row[i] - mean) / scale + (beta ? beta[i] : 0.0);
  }
  return y;
}

// The backward pass by the chain rule through mean and deviation, one step after the other, in double.
template <class T>
void naive_backward(const std::vector<T>& dy, const std::vector<T>& x, const T* gamma, Index rows, Index n, double eps,
                    LayerNormKind kind, std::vector<double>& dx, std::vector<double>& dgamma,
                    std::vector<double>& dbeta) {
  for (Index r = 0; r < rows; ++r) {
    const double count = static_cast<double>(n), used = kind == LayerNormKind::torch ? count : count - 1;
    double mean = 0, square = 0;
    for (Index i = 0; i < n; ++i) mean += x[static_cast<std::size_t>(r * n + i)] / count;
    for (Index i = 0; i < n; ++i) square += std::pow(x[static_cast<std::size_t>(r * n + i)] - mean, 2);
    const double root = kind == LayerNormKind::torch ? std::sqrt(square / used + eps) : std::sqrt(square / used);
    const double denominator = kind == LayerNormKind::torch ? root : root + eps;
    double d_denominator = 0, d_mean = 0;
    for (Index i = 0; i < n; ++i) {
      const auto s = static_cast<std::size_t>(r * n + i);
      const double d = x[s] - mean, g = dy[s] * (gamma ? gamma[i] : 1.0);
      dgamma[static_cast<std::size_t>(i)] += dy[s] * d / denominator;
      dbeta[static_cast<std::size_t>(i)] += dy[s];
      d_denominator -= g * d / (denominator * denominator);
      d_mean -= g / denominator;
    }
    for (Index i = 0; i < n; ++i) {
      const auto s = static_cast<std::size_t>(r * n + i);
      const double d = x[s] - mean, g = dy[s] * (gamma ? gamma[i] : 1.0);
      dx[s] = g / denominator + d_denominator * d / (used * root) + d_mean / count;
    }
  }
}

}  // namespace

TEMPLATE_TEST_CASE("layer_norm: forward and backward equal the naive loops for any size", "", float, double) {
  using T = TestType;
  for (const LayerNormKind kind : {LayerNormKind::torch, LayerNormKind::annotated}) {
    for (const Index n : {2, 3, 8, 15, 16, 17, 33, 64, 130, 512}) {
      const Index rows = 1 + n * 7 % 61;
      const double eps = 1e-5;
      const auto x = random_values<T>(rows * n, 1), dy = random_values<T>(rows * n, 2);
      const auto gamma = random_values<T>(n, 3), beta = random_values<T>(n, 4);
      for (const bool affine : {true, false}) {
        const T* g = affine ? gamma.data() : nullptr;
        const T* b = affine ? beta.data() : nullptr;
        std::vector<T> y(x.size()), dx(x.size()), dgamma(gamma.size()), dbeta(beta.size());
        std::vector<T> mean(static_cast<std::size_t>(rows)), rscale(mean.size());
        INFO("n " << n << " affine " << affine);
        k::layer_norm_forward(x.data(), g, b, y.data(), mean.data(), rscale.data(), rows, n, eps, kind);
        CHECK(difference(y, naive(x, g, b, rows, n, eps, kind)) < tolerance<T> * 4);
        std::vector<double> want_dx(x.size()), want_dgamma(gamma.size()), want_dbeta(beta.size());
        naive_backward(dy, x, g, rows, n, eps, kind, want_dx, want_dgamma, want_dbeta);
        std::vector<T> workspace(static_cast<std::size_t>(k::layer_norm_workspace(rows, n)), T(NAN));
        k::layer_norm_backward(dy.data(), x.data(), g, mean.data(), rscale.data(), dx.data(), dgamma.data(),
                               dbeta.data(), workspace.data(), rows, n, kind);
        const double slack = n == 2 ? 1e5 : 20;  // with two elements dx is all cancellation
        CHECK(difference(dx, want_dx) < tolerance<T> * slack);
        CHECK(difference(dgamma, want_dgamma) < tolerance<T> * 40);
        CHECK(difference(dbeta, want_dbeta) < tolerance<T> * 40);
        auto only = dx;
        k::layer_norm_backward<T>(dy.data(), x.data(), g, mean.data(), rscale.data(), only.data(), nullptr, nullptr,
                                  nullptr, rows, n, kind);
        CHECK(same_bits(only, dx));
        auto one = dgamma;
        k::layer_norm_backward<T>(dy.data(), x.data(), g, mean.data(), rscale.data(), nullptr, one.data(), nullptr,
                                  workspace.data(), rows, n, kind);
        CHECK(same_bits(one, dgamma));
      }
    }
  }
}

TEMPLATE_TEST_CASE("layer_norm: a constant row gives beta and no gradient through the deviation", "", float, double) {
  using T = TestType;
  const std::vector<T> x(8, T(2)), dy = random_values<T>(8, 5);
  for (const LayerNormKind kind : {LayerNormKind::torch, LayerNormKind::annotated}) {
    T y[8], dx[8], mean, rscale;
    k::layer_norm_forward<T>(x.data(), nullptr, nullptr, y, &mean, &rscale, 1, 8, 1e-6, kind);
    k::layer_norm_backward<T>(dy.data(), x.data(), nullptr, &mean, &rscale, dx, nullptr, nullptr, nullptr, 1, 8, kind);
    double dy_mean = 0;
    for (const T v : dy) dy_mean += v / 8.0;
    for (std::size_t i = 0; i < 8; ++i) {
      CHECK(y[i] == T(0));
      CHECK(dx[i] == Approx((dy[i] - dy_mean) * rscale).epsilon(1e-4));
    }
  }
}

TEMPLATE_TEST_CASE("layer_norm: one element is NaN with the unbiased deviation, as in PyTorch", "", float, double) {
  using T = TestType;
  const T x = 3;
  T y, mean, rscale;
  k::layer_norm_forward<T>(&x, nullptr, nullptr, &y, &mean, &rscale, 1, 1, 1e-6, LayerNormKind::annotated);
  CHECK(std::isnan(y));
  k::layer_norm_forward<T>(&x, nullptr, nullptr, &y, &mean, &rscale, 1, 1, 1e-6, LayerNormKind::torch);
  CHECK(y == T(0));
}

TEMPLATE_TEST_CASE("layer_norm: no rows give zero gradients of gamma and beta", "", float, double) {
  using T = TestType;
  T dgamma[3] = {1, 2, 3}, dbeta[3] = {1, 2, 3}, none = 0;
  k::layer_norm_backward<T>(&none, &none, nullptr, &none, &none, &none, dgamma, dbeta, &none, 0, 3,
                            LayerNormKind::torch);
  for (int i = 0; i < 3; ++i) CHECK((dgamma[i] == T(0) && dbeta[i] == T(0)));
}

TEMPLATE_TEST_CASE("layer_norm: the same bits for any number of threads", "", float, double) {
  using T = TestType;
  const Index rows = 1003, n = 67;
  const auto x = random_values<T>(rows * n, 1), dy = random_values<T>(rows * n, 2), gamma = random_values<T>(n, 3);
  CHECK(same_for_any_threads([&] {
    std::vector<T> y(x.size()), mean(static_cast<std::size_t>(rows)), rscale(mean.size());
    k::layer_norm_forward<T>(x.data(), gamma.data(), gamma.data(), y.data(), mean.data(), rscale.data(), rows, n, 1e-5,
                             LayerNormKind::torch);
    std::vector<T> out(x.size() + static_cast<std::size_t>(2 * n));
    std::vector<T> workspace(static_cast<std::size_t>(k::layer_norm_workspace(rows, n)));
    k::layer_norm_backward(dy.data(), x.data(), gamma.data(), mean.data(), rscale.data(), out.data() + 2 * n,
                           out.data(), out.data() + n, workspace.data(), rows, n, LayerNormKind::torch);
    return out;
  }));
}

TEST_CASE("layer_norm: a row of a million floats keeps its digits") {
  const Index n = 1 << 20;
  const float low = 10.0f, high = 10.01f;
  std::vector<float> x(n), y(n);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 2 == 0 ? low : high;
  float mean = 0, rscale = 0;
  k::layer_norm_forward<float>(x.data(), nullptr, nullptr, y.data(), &mean, &rscale, 1, n, 0, LayerNormKind::torch);
  CHECK(std::abs(mean - (low + high) / 2) < 5e-6f);
  CHECK(static_cast<double>(rscale) == Approx(2 / static_cast<double>(high - low)).epsilon(1e-4));
  CHECK(std::abs(y[0] + 1) < 1e-3f);
}
