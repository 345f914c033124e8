#include <gloss/kernels/dropout.hpp>
#include <gloss/kernels/gelu_dropout.hpp>

#include "support/catch.hpp"
#include "support/kernel_data.hpp"

namespace k = gloss::kernels;
using gloss::RandomBlock;
using namespace test;

namespace {

// The rule as documented, one element at a time.
bool dropped(const RandomBlock& random, Index i, double p) {
  const std::uint32_t word = random.words(static_cast<std::uint64_t>(i / 8))[static_cast<std::size_t>(i % 8 / 2)];
  return static_cast<double>((word >> (16 * (i % 2))) & 0xFFFF) < std::floor(65536 * p + 0.5);
}

}  // namespace

TEMPLATE_TEST_CASE("dropout: equals the rule one element at a time", "", float, double) {
  using T = TestType;
  const RandomBlock random{0x123456789ABCDEFu, 0xFEDCBA9876543210u,
                           0xFFFFFFF0u};  // the counter carries into its upper word
  for (const Index n : {0, 1, 2, 7, 8, 9, 16, 31, 63, 64, 65, 1000, 1023, 1024, 1025, 5000}) {
    for (const double p : {0.0, 0.1, 0.5, 1.0}) {
      const auto x = random_values<T>(n, 1), residual = random_values<T>(n, 2);
      std::vector<T> y(x.size()), sum(x.size()), want(x.size()), want_sum(x.size()), want_relu(x.size());
      std::vector<std::int64_t> mask(static_cast<std::size_t>(k::dropout_mask_words(n)));
      for (Index i = 0; i < n; ++i) {
        const auto s = static_cast<std::size_t>(i);
        want[s] = dropped(random, i, p) ? T(0) : x[s] * static_cast<T>(1 / (1 - p));
        want_sum[s] = residual[s] + want[s];
        want_relu[s] = want[s] > 0 ? want[s] : T(0);
      }
      INFO("n " << n << " p " << p);
      k::dropout(x.data(), y.data(), mask.data(), n, p, random);
      CHECK(same_bits(y, want));
      k::add_dropout(residual.data(), x.data(), sum.data(), nullptr, n, p, random);
      CHECK(difference(sum, want_sum) < tolerance<T>);
      auto in_place = x;
      k::dropout(in_place.data(), in_place.data(), nullptr, n, p, random);
      CHECK(same_bits(in_place, y));
      k::dropout_backward(x.data(), mask.data(), in_place.data(), n, p);  // x as the gradient
      CHECK(same_bits(in_place, y));
      k::relu_dropout(x.data(), y.data(), n, p, random);
      CHECK(same_bits(y, want_relu));
    }
  }
}

TEST_CASE("dropout: drops a fraction p, without pattern in neighbours") {
  const Index n = 1 << 20;
  const std::vector<float> x(static_cast<std::size_t>(n), 1.0f);
  std::vector<float> y(x.size());
  gloss::Rng rng(42);
  k::dropout(x.data(), y.data(), nullptr, n, 0.1, rng.reserve(k::dropout_words(n)));
  double dropped_count = 0, both = 0, sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    dropped_count += y[i] == 0;
    both += i > 0 && y[i] == 0 && y[i - 1] == 0;
    sum += y[i];
  }
  CHECK(dropped_count / static_cast<double>(n) == Approx(0.1).margin(0.0015));
  CHECK(both / static_cast<double>(n) == Approx(0.01).margin(0.0005));
  CHECK(sum / static_cast<double>(n) == Approx(1.0).margin(0.002));
}

TEMPLATE_TEST_CASE("dropout: after relu or gelu in one pass, the same as one after the other", "", float, double) {
  using T = TestType;
  const RandomBlock random{5, 6, 7};
  for (const Index n : {0, 1, 15, 64, 100, 1027}) {
    const auto x = random_values<T>(n, 1, -6, 6), dy = random_values<T>(n, 2);
    std::vector<T> y(x.size()), want(x.size()), dx(x.size());
    std::vector<std::int64_t> mask(static_cast<std::size_t>(k::dropout_mask_words(n))), want_mask = mask;
    for (const double p : {0.1, 0.5, 1.0}) {
      for (const bool by_tanh : {false, true}) {
        INFO("n " << n << " p " << p << " tanh " << by_tanh);
        by_tanh ? k::gelu_tanh_forward(x.data(), want.data(), n) : k::gelu_forward(x.data(), want.data(), n);
        k::dropout(want.data(), want.data(), want_mask.data(), n, p, random);
        k::gelu_dropout(x.data(), y.data(), mask.data(), n, p, random, by_tanh);
        CHECK(difference(y, want) < tolerance<T> / 4);
        CHECK(mask == want_mask);
        k::dropout_backward(dy.data(), mask.data(), want.data(), n, p);
        by_tanh ? k::gelu_tanh_backward(x.data(), want.data(), want.data(), n)
                : k::gelu_backward(x.data(), want.data(), want.data(), n);
        k::gelu_dropout_backward(x.data(), dy.data(), mask.data(), dx.data(), n, p, by_tanh);
        CHECK(difference(dx, want) < tolerance<T> / 4);
      }
      k::relu_dropout(x.data(), y.data(), n, p, random);
      k::relu_dropout_backward(y.data(), dy.data(), dx.data(), n, p);
      k::relu_backward(y.data(), dy.data(), want.data(), n);
      k::dropout_backward(want.data(), mask.data(), want.data(), n, p);
      CHECK(same_bits(dx, want));
    }
  }
}

TEST_CASE("dropout: two draws from one stream share no bits") {
  gloss::Rng rng(1);
  const RandomBlock first = rng.reserve(k::dropout_words(9)), second = rng.reserve(k::dropout_words(9));
  CHECK(second.first == first.first + 2);  // nine elements need two blocks of eight
}

TEMPLATE_TEST_CASE("dropout: the same bits for any number of threads", "", float, double) {
  using T = TestType;
  const Index n = 70001;
  const auto x = random_values<T>(n, 1);
  CHECK(same_for_any_threads([&] {
    std::vector<T> y(x.size());
    k::add_dropout(x.data(), x.data(), y.data(), nullptr, n, 0.3, RandomBlock{1, 2, 3});
    return y;
  }));
  CHECK(same_for_any_threads([&] {
    std::vector<std::int64_t> mask(static_cast<std::size_t>(k::dropout_mask_words(n)));
    std::vector<T> y(x.size());
    k::gelu_dropout(x.data(), y.data(), mask.data(), n, 0.3, RandomBlock{1, 2, 3}, false);
    k::gelu_dropout_backward(x.data(), y.data(), mask.data(), y.data(), n, 0.3, false);
    k::relu_dropout(y.data(), y.data(), n, 0.3, RandomBlock{1, 2, 3});
    return y;
  }));
}
