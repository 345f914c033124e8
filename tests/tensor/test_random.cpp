// Random tensors: their distributions (fixed seeds, so no test can fail by chance), streams and threads.
#include <algorithm>
#include <cmath>
#include <gloss/tensor/random.hpp>
#include <gloss/tensor/tensor.hpp>
#include <numeric>
#include <set>
#include <thread>
#include <vector>
#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::same_bits;

namespace {

const Index n = 100'000;

/// Kolmogorov and Smirnov: the largest distance between the empirical and the stated distribution function, times
/// sqrt(n). A right distribution exceeds 1.95 once in 1000 times.
template <class T, class F>
double ks(const Tensor<T>& x, F distribution) {
  std::vector<T> sorted = gloss_test::values(x);
  std::sort(sorted.begin(), sorted.end());
  const double count = static_cast<double>(sorted.size());
  double worst = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const double p = distribution(static_cast<double>(sorted[i])), rank = static_cast<double>(i);
    worst = std::max({worst, p - rank / count, (rank + 1) / count - p});
  }
  return worst * std::sqrt(count);
}
double normal(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

template <class T>
double correlation(const Tensor<T>& a, const Tensor<T>& b) {
  double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
  const double count = static_cast<double>(a.numel());
  for (Index i = 0; i < a.numel(); ++i) ma += static_cast<double>(a.data()[i]), mb += static_cast<double>(b.data()[i]);
  ma /= count, mb /= count;
  for (Index i = 0; i < a.numel(); ++i) {
    const double p = static_cast<double>(a.data()[i]) - ma, q = static_cast<double>(b.data()[i]) - mb;
    aa += p * p, bb += q * q, ab += p * q;
  }
  return ab / std::sqrt(aa * bb);
}

/// Every kind of draw, in a fixed order, for one seed.
template <class T>
std::vector<Tensor<T>> one_of_each(std::uint64_t seed, Index count) {
  Rng rng(seed);
  RngGuard use(rng);
  return {rand<T>({count}),         randn<T>({count}),       bernoulli<T>({count}, 0.3),
          trunc_normal<T>({count}), exponential<T>({count}), bernoulli(full<T>({count}, T(0.5)))};
}

}  // namespace

TEMPLATE_TEST_CASE("random: each draw follows its distribution", "", float, double) {
  using T = TestType;
  Rng rng(41);
  RngGuard use(rng);
  CHECK(ks(rand<T>({n}), [](double x) { return x; }) < 1.95);
  CHECK(ks(rand<T>({n}, -3, 5), [](double x) { return (x + 3) / 8; }) < 1.95);
  CHECK(ks(randn<T>({n}), normal) < 1.95);
  CHECK(ks(randn<T>({n}, 2, 3), [](double x) { return normal((x - 2) / 3); }) < 1.95);
  CHECK(ks(exponential<T>({n}, 2), [](double x) { return 1 - std::exp(-2 * x); }) < 1.95);
  auto truncated = [](double low, double high) {
    return [=](double x) { return (normal(x) - normal(low)) / (normal(high) - normal(low)); };
  };
  CHECK(ks(trunc_normal<T>({n}), truncated(-2, 2)) < 1.95);
  CHECK(ks(trunc_normal<T>({n}, {.low = 1, .high = 3}), truncated(1, 3)) < 1.95);
  const auto shifted = trunc_normal<T>({n}, {.mean = 5, .std = 0.02, .low = 4.97, .high = 5.01});
  CHECK(ks(shifted, [&](double x) { return truncated(-1.5, 0.5)((x - 5) / 0.02); }) < 1.95);
  for (Index i = 0; i < n; ++i) {
    CHECK_FALSE((shifted.data()[i] < T(4.97) || shifted.data()[i] > T(5.01)));
    if (shifted.data()[i] < T(4.97)) break;
  }
}

TEMPLATE_TEST_CASE("random: moments are those of the distribution", "", float, double) {
  using T = TestType;
  Rng rng(42);
  RngGuard use(rng);
  auto moment = [](const Tensor<T>& x, int k) {
    double total = 0;
    for (Index i = 0; i < x.numel(); ++i) total += std::pow(static_cast<double>(x.data()[i]), k);
    return total / static_cast<double>(x.numel());
  };
  const double root_n = std::sqrt(static_cast<double>(n));
  const auto x = randn<T>({n});  // E x^k = 0, 1, 0, 3 with variances 1, 2, 15, 96
  CHECK(std::abs(moment(x, 1)) < 4 * 1 / root_n);
  CHECK(std::abs(moment(x, 2) - 1) < 4 * std::sqrt(2) / root_n);
  CHECK(std::abs(moment(x, 3)) < 4 * std::sqrt(15) / root_n);
  CHECK(std::abs(moment(x, 4) - 3) < 4 * std::sqrt(96) / root_n);
  CHECK(std::abs(correlation(x.slice(0, 0, n - 1).contiguous(), x.slice(0, 1).contiguous())) < 4 / root_n);
  const auto e = exponential<T>({n});  // E x^k = k!
  CHECK(std::abs(moment(e, 1) - 1) < 4 / root_n);
  CHECK(std::abs(moment(e, 2) - 2) < 4 * std::sqrt(20) / root_n);
}

TEST_CASE("bernoulli: as often as p says; 0 and 1 are certain") {
  Rng rng(43);
  RngGuard use(rng);
  for (double p : {0.0, 0.001, 0.25, 0.5, 0.9, 1.0}) {
    const auto x = bernoulli<bool>({n}, p);
    const auto ones = std::count(x.data(), x.data() + n, true);
    CHECK(std::abs(static_cast<double>(ones) - p * n) <= 4 * std::sqrt(p * (1 - p) * n));
  }
  const auto each = bernoulli(Tensor<double>{0, 1, 0, 1});
  CHECK(gloss_test::values(each) == std::vector<double>{0, 1, 0, 1});
  CHECK(bernoulli<float>({2, 0}, 0.5).shape() == Shape{2, 0});
  CHECK(bernoulli(scalar<float>(1)).item() == 1);
  CHECK_ERROR(bernoulli<float>({2}, 1.5), Error, "bernoulli: p 1.5 is not in [0, 1]");
  CHECK_ERROR(bernoulli<float>({2}, NAN), Error, "bernoulli: p nan is not in [0, 1]");
  CHECK_ERROR(bernoulli(Tensor<double>{0.5, -1}), Error, "bernoulli: p -1 is not in [0, 1]");
}

TEST_CASE("randint: uniform over the range, ends included and excluded; chi-square") {
  Rng rng(44);
  RngGuard use(rng);
  const auto x = randint<std::int32_t>(-5, 16, {n});
  std::vector<double> counts(21);
  for (Index i = 0; i < n; ++i) counts.at(static_cast<std::size_t>(x.data()[i] + 5)) += 1;
  double chi2 = 0;
  for (double c : counts) chi2 += (c - n / 21.0) * (c - n / 21.0) / (n / 21.0);
  CHECK(chi2 < 45.3);  // 20 degrees of freedom, 99.9 %
  CHECK(randint(7, 8, {3, 2}).at({2, 1}) == 7);
  CHECK(randint(0, 5, {0}).numel() == 0);
  CHECK_ERROR(randint(3, 3, {1}), Error, "randint: empty or too wide range [3, 3)");
  CHECK_ERROR(randint(0, Index{1} << 33, {1}), Error, "randint: empty or too wide range [0, 8589934592)");
  CHECK_ERROR(randint<std::uint8_t>(0, 257, {1}), Error, "randint: range [0, 257) does not fit uint8");
  CHECK_ERROR(randint<std::uint8_t>(-1, 3, {1}), Error, "randint: range [-1, 3) does not fit uint8");
  CHECK_NOTHROW(randint<std::uint8_t>(0, 256, {1}));
}

TEST_CASE("randperm: a permutation, and each order of four as likely as another; chi-square") {
  Rng rng(45);
  RngGuard use(rng);
  auto big = gloss_test::values(randperm(1'000'000));
  CHECK_FALSE(std::is_sorted(big.begin(), big.end()));
  std::sort(big.begin(), big.end());
  bool complete = true;
  for (std::size_t i = 0; i < big.size(); ++i) complete = complete && big[i] == static_cast<std::int64_t>(i);
  CHECK(complete);
  std::vector<double> counts(256);
  const int draws = 24'000;
  for (int i = 0; i < draws; ++i) {
    const auto p = randperm(4);
    counts[static_cast<std::size_t>(p.at({0}) * 64 + p.at({1}) * 16 + p.at({2}) * 4 + p.at({3}))] += 1;
  }
  double chi2 = 0;
  int orders = 0;
  for (double c : counts)
    if (c > 0) chi2 += (c - draws / 24.0) * (c - draws / 24.0) / (draws / 24.0), ++orders;
  CHECK(orders == 24);
  CHECK(chi2 < 49.7);  // 23 degrees of freedom, 99.9 %
  CHECK(randperm(0).numel() == 0);
  CHECK(randperm(1).item() == 0);
  CHECK_ERROR(randperm(-1), ShapeError, "empty: negative size in [-1]");
  CHECK_ERROR(randperm(Index{1} << 32), Error, "randperm: 4294967296 is too many");
}

TEST_CASE("random: options that make no sense are refused") {
  CHECK_ERROR(trunc_normal<float>({1}, {.low = 2, .high = 2}), Error, "trunc_normal: low 2 is not below high 2");
  CHECK_ERROR(trunc_normal<float>({1}, {.std = 0}), Error, "trunc_normal: std 0 is not above 0");
  CHECK_ERROR(exponential<float>({1}, 0), Error, "exponential: rate 0 is not above 0");
}

TEMPLATE_TEST_CASE("random: one seed gives the same bits again, another seed or stream others", "", float, double) {
  using T = TestType;
  const auto a = one_of_each<T>(1, 1001), again = one_of_each<T>(1, 1001), other = one_of_each<T>(2, 1001);
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(same_bits(a[i], again[i]));
    CHECK_FALSE(same_bits(a[i], other[i]));
  }
  manual_seed(7);
  const auto x = rand<T>({10});
  manual_seed(7);
  CHECK(same_bits(x, rand<T>({10})));
  CHECK_FALSE(same_bits(x, rand<T>({10})));
}

TEST_CASE("random: streams of one seed and neighbouring seeds are independent") {
  std::vector<Tensor<double>> draws;
  for (std::uint64_t seed : {0u, 1u})
    for (std::uint64_t stream : {0u, 1u, 2u}) {
      Rng rng(seed, stream);
      RngGuard use(rng);
      draws.push_back(rand<double>({n}));
      draws.push_back(rand<double>({n}));  // and one draw of the next of the same stream
    }
  for (std::size_t i = 0; i < draws.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      CHECK(std::abs(correlation(draws[i], draws[j])) < 4.5 / std::sqrt(static_cast<double>(n)));
}

TEMPLATE_TEST_CASE("random: the bits do not depend on the number of threads", "", float, double) {
  using T = TestType;
  const auto on = [](int threads) {
    const gloss_test::Threads use(threads);
    return one_of_each<T>(3, 70'001);
  };
  const auto one = on(1);
  for (int threads : {2, 3, 5}) {
    const auto many = on(threads);
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], many[i]));
  }
}

TEST_CASE("rand: never high itself, though low + (high - low) u would round up to it") {
  Rng rng(46);
  RngGuard use(rng);
  const auto x = rand<float>({1'000'000}, 5, 6);
  CHECK(*std::max_element(x.data(), x.data() + x.numel()) < 6);
  const auto still = rand<float>({3}, 2, 2);
  CHECK(gloss_test::values(still) == std::vector<float>{2, 2, 2});
}

TEST_CASE("randint, randperm: take the words of the stream one by one, as below() does, and none more") {
  Rng rng(47), same(47);
  RngGuard use(rng);
  for (const Index n : {0, 1, 3, 4, 5, 1000}) {
    const auto x = randint(0, 3'000'000'000, {n});  // three draws in ten are rejected
    for (Index i = 0; i < n; ++i) REQUIRE(x.at({i}) == same.below(3'000'000'000));
    const auto order = randperm(n);
    std::vector<std::int64_t> expected(static_cast<std::size_t>(n));
    std::iota(expected.begin(), expected.end(), 0);
    for (auto i = static_cast<std::uint32_t>(n); i-- > 1;) std::swap(expected[i], expected[same.below(i + 1)]);
    CHECK(gloss_test::values(order) == expected);
    CHECK(rng.position() == same.position());
    CHECK(rng() == same());
  }
}

TEST_CASE("random: threads draw from one stream, each other numbers, and together what one draws alone") {
  const int n_threads = 4;
  const auto sorted = [](std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v;
  };
  const auto draw = [](std::vector<double>& out) {
    for (int i = 0; i < 50; ++i) {
      for (const double x : gloss_test::values(rand<double>({10}))) out.push_back(x);  // 5 blocks
      for (const auto x : gloss_test::values(randint(0, 1 << 30, {8}))) out.push_back(static_cast<double>(x));
    }
  };
  manual_seed(48);
  std::vector<std::vector<double>> drawn(n_threads);
  std::vector<std::thread> threads;
  for (auto& mine : drawn) threads.emplace_back([&] { draw(mine); });
  for (auto& t : threads) t.join();
  CHECK(current_rng().position() == n_threads * 50 * (5 + 2));
  std::set<double> distinct;
  for (const auto& mine : drawn) distinct.insert(mine.begin(), mine.end());
  CHECK(distinct.size() == n_threads * 50 * 18);

  manual_seed(49);  // of one kind of draw alone, the numbers are those of one thread
  std::vector<double> alone, together;
  for (int i = 0; i < 200; ++i)
    for (const double x : gloss_test::values(rand<double>({10}))) alone.push_back(x);
  manual_seed(49);
  threads.clear();
  for (auto& mine : drawn)
    threads.emplace_back([&mine] {
      mine.clear();
      for (int i = 0; i < 50; ++i)
        for (const double x : gloss_test::values(rand<double>({10}))) mine.push_back(x);
    });
  for (auto& t : threads) t.join();
  for (const auto& mine : drawn) together.insert(together.end(), mine.begin(), mine.end());
  CHECK(sorted(together) == sorted(alone));
}

TEST_CASE("random: while draws are skipped no stream goes on") {
  Rng rng(5), other(5);
  const RngGuard use(rng);
  {
    const SkipDrawsGuard skip;
    CHECK(rand<float>({100}).shape() == Shape{100});
    CHECK(randn<double>({3, 4}).shape() == Shape{3, 4});
  }
  CHECK(rng.take(0) == other.take(0));
  CHECK(same_bits(rand<float>({4}), [&] {
    const RngGuard of_other(other);
    return rand<float>({4});
  }()));
}
