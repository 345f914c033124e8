#include <gloss/kernels/simd_math.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <type_traits>

#include "support/catch.hpp"

namespace k = gloss::kernels;
using gloss::Index;

namespace {

// The largest error of f over [low, high] in units of the last place of the long double reference.
template <class T, class F, class Reference>
double worst_ulp(T low, T high, F f, Reference reference, bool relative_to_one = false) {
  std::mt19937_64 engine(7);
  std::uniform_real_distribution<double> pick(low, high);
  double worst = 0;
  for (int round = 0; round < 20000; ++round) {
    T x[k::lanes<T>], y[k::lanes<T>];
    for (T& value : x) value = static_cast<T>(pick(engine));
    k::store<T>(y, f(k::load<T>(x)));
    for (Index i = 0; i < k::lanes<T>; ++i) {
      const long double want = reference(static_cast<long double>(x[i]));
      const T rounded = relative_to_one ? T(1) : static_cast<T>(std::fabs(want));
      const T ulp = std::nextafter(rounded, std::numeric_limits<T>::infinity()) - rounded;
      worst = std::max(worst, static_cast<double>(std::fabs(y[i] - want) / ulp));
    }
  }
  return worst;
}

template <class T, class F>
T at(T x, F f) {
  return f(k::splat<T>(x))[0];
}

}  // namespace

TEMPLATE_TEST_CASE("simd_math: within a few units of the last place", "", float, double) {
  using T = TestType;
  using V = k::Vec<T>;
  const bool f32 = std::is_same_v<T, float>;
  CHECK(worst_ulp<T>(
            T(-20), T(20), [](V x) { return k::exp<T>(x); }, [](long double x) { return std::exp(x); }) < 2);
  CHECK(worst_ulp<T>(
            f32 ? T(-87.3) : T(-708.3), f32 ? T(88.7) : T(709.7), [](V x) { return k::exp<T>(x); },
            [](long double x) { return std::exp(x); }) < 2);
  CHECK(worst_ulp<T>(
            T(0.3), T(3), [](V x) { return k::log<T>(x); }, [](long double x) { return std::log(x); }) < 2);
  CHECK(worst_ulp<T>(
            T(0), T(1e30), [](V x) { return k::log<T>(x); }, [](long double x) { return std::log(x); }) < 2);
  CHECK(worst_ulp<T>(
            T(0), std::numeric_limits<T>::min(), [](V x) { return k::log<T>(x); },
            [](long double x) { return std::log(x); }) < 2);
  CHECK(worst_ulp<T>(
            T(-1), T(1), [](V x) { return k::tanh<T>(x); }, [](long double x) { return std::tanh(x); }) < 4);
  CHECK(worst_ulp<T>(
            T(-12), T(12), [](V x) { return k::tanh<T>(x); }, [](long double x) { return std::tanh(x); }) < 4);
  CHECK(worst_ulp<T>(
            T(-1), T(1), [](V x) { return k::erf<T>(x); }, [](long double x) { return std::erf(x); }) < 4);
  CHECK(worst_ulp<T>(
            T(-7), T(7), [](V x) { return k::erf<T>(x); }, [](long double x) { return std::erf(x); }) < 4);
  CHECK(worst_ulp<T>(
            T(0), T(9), [](V x) { return k::sqrt<T>(x); }, [](long double x) { return std::sqrt(x); }) < 0.51);
  CHECK(worst_ulp<T>(
            T(-30), T(30), [](V x) { return k::sigmoid<T>(x); }, [](long double x) { return 1 / (1 + std::exp(-x)); }) <
        4);
}

TEMPLATE_TEST_CASE("simd_math: the ends of the range", "", float, double) {
  using T = TestType;
  using V = k::Vec<T>;
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const auto exp = [](V x) { return k::exp<T>(x); };
  const auto log = [](V x) { return k::log<T>(x); };
  const auto tanh = [](V x) { return k::tanh<T>(x); };
  const auto erf = [](V x) { return k::erf<T>(x); };
  CHECK(at<T>(T(0), exp) == T(1));
  CHECK(at<T>(-inf, exp) == T(0));
  CHECK(at<T>(inf, exp) == inf);
  CHECK(at<T>(T(1000), exp) == inf);
  CHECK(at<T>(sizeof(T) == 4 ? T(-87.4) : T(-708.5), exp) == T(0));
  CHECK(at<T>(sizeof(T) == 4 ? T(88.8) : T(709.8), exp) == inf);
  CHECK(at<T>(std::numeric_limits<T>::lowest(), exp) == T(0));
  CHECK(at<T>(T(1), log) == T(0));
  CHECK(at<T>(T(0), log) == -inf);
  CHECK(at<T>(inf, log) == inf);
  CHECK(std::isnan(at<T>(T(-1), log)));
  CHECK(at<T>(inf, tanh) == T(1));
  CHECK(at<T>(-inf, tanh) == T(-1));
  CHECK(at<T>(T(1e-20), tanh) == T(1e-20));
  CHECK(std::signbit(at<T>(T(-0.0), tanh)));
  CHECK(at<T>(inf, erf) == T(1));
  CHECK(at<T>(-inf, erf) == T(-1));
  for (const T y : {at<T>(nan, exp), at<T>(nan, log), at<T>(nan, tanh), at<T>(nan, erf)}) CHECK(std::isnan(y));
}

TEMPLATE_TEST_CASE("simd: partial loads and stores touch only what they name", "", float, double) {
  using T = TestType;
  T x[k::lanes<T>], y[k::lanes<T>];
  for (Index n = 0; n < k::lanes<T>; ++n) {
    for (Index i = 0; i < k::lanes<T>; ++i) x[i] = T(i + 1), y[i] = T(-1);
    const k::Vec<T> v = k::load_partial<T>(x, n, T(9));
    k::store_partial<T>(y, v, n);
    T sum = 0;
    for (Index i = 0; i < k::lanes<T>; ++i) {
      CHECK(v[i] == (i < n ? T(i + 1) : T(9)));
      CHECK(y[i] == (i < n ? T(i + 1) : T(-1)));
      sum += v[i];
    }
    CHECK(k::hsum<T>(v) == sum);
    CHECK(k::hmax<T>(v) == T(n > 9 ? n : (n < k::lanes<T> ? 9 : n)));
  }
}
