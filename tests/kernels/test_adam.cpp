#include <gloss/kernels/adam.hpp>

#include "support/catch.hpp"
#include "support/kernel_data.hpp"

namespace k = gloss::kernels;
using namespace test;

TEMPLATE_TEST_CASE("adam: ten steps equal PyTorch's formulas one element at a time", "", float, double) {
  using T = TestType;
  for (const Index n : {0, 1, 15, 16, 17, 100}) {
    for (const bool decoupled : {false, true}) {
      auto p = random_values<T>(n, 1);
      std::vector<T> m(p.size()), v(p.size());
      std::vector<double> want(p.begin(), p.end()), want_m(p.size()), want_v(p.size());
      for (Index step = 1; step <= 10; ++step) {
        const auto g = random_values<T>(n, static_cast<unsigned>(step));
        k::adam_step(p.data(), g.data(), m.data(), v.data(), n, 0.01, 0.9, 0.98, 1e-9, 0.1, decoupled, step);
        for (std::size_t i = 0; i < p.size(); ++i) {
          double gi = g[i];
          if (decoupled)
            want[i] -= 0.01 * 0.1 * want[i];
          else
            gi += 0.1 * want[i];
          want_m[i] = 0.9 * want_m[i] + 0.1 * gi;
          want_v[i] = 0.98 * want_v[i] + 0.02 * gi * gi;
          const double m_hat = want_m[i] / (1 - std::pow(0.9, step)), v_hat = want_v[i] / (1 - std::pow(0.98, step));
          want[i] -= 0.01 * m_hat / (std::sqrt(v_hat) + 1e-9);
        }
      }
      INFO("n " << n << " decoupled " << decoupled);
      CHECK(difference(p, want) < tolerance<T> * 4);
      CHECK(difference(m, want_m) < tolerance<T> * 4);
      CHECK(difference(v, want_v) < tolerance<T> * 4);
    }
  }
}

TEMPLATE_TEST_CASE("sgd: steps equal PyTorch's formulas one element at a time", "", float, double) {
  using T = TestType;
  for (const double momentum : {0.0, 0.9}) {
    for (const bool nesterov : {false, true}) {
      const Index n = 37;
      auto p = random_values<T>(n, 1);
      std::vector<T> buffer(p.size());
      std::vector<double> want(p.begin(), p.end()), want_buffer(p.size());
      const double dampening = nesterov ? 0 : 0.2;
      for (int step = 0; step < 5; ++step) {
        const auto g = random_values<T>(n, static_cast<unsigned>(step));
        k::sgd_step(p.data(), g.data(), momentum == 0 ? nullptr : buffer.data(), n, 0.1, momentum, dampening, 0.01,
                    nesterov, step + 1);
        for (std::size_t i = 0; i < p.size(); ++i) {
          double d = g[i] + 0.01 * want[i];
          if (momentum != 0) {
            want_buffer[i] = step == 0 ? d : momentum * want_buffer[i] + (1 - dampening) * d;
            d = nesterov ? d + momentum * want_buffer[i] : want_buffer[i];
          }
          want[i] -= 0.1 * d;
        }
      }
      CHECK(difference(p, want) < tolerance<T> * 4);
    }
  }
}

TEMPLATE_TEST_CASE("adam: the same bits for any number of threads", "", float, double) {
  using T = TestType;
  const Index n = 100003;
  const auto start = random_values<T>(n, 1), g = random_values<T>(n, 2);
  CHECK(same_for_any_threads([&] {
    auto p = start;
    std::vector<T> m(p.size()), v(p.size());
    for (Index step = 1; step <= 3; ++step)
      k::adam_step(p.data(), g.data(), m.data(), v.data(), n, 1e-3, 0.9, 0.999, 1e-8, 0.0, false, step);
    return p;
  }));
}
