#include <gloss/kernels/simd/math.hpp>
#include <gloss/kernels/simd/simd.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "support/catch.hpp"

namespace k = gloss::kernels;
using gloss::Index;

namespace {

// Where x stands among all numbers of its type.
template <class T>
std::int64_t place(T x) {
  k::IntOf<T> bits;
  std::memcpy(&bits, &x, sizeof x);
  return std::signbit(x) ? std::numeric_limits<k::IntOf<T>>::min() - std::int64_t{bits} : std::int64_t{bits};
}
template <class T>
T number_at(std::int64_t place) {
  const auto bits = static_cast<k::IntOf<T>>(place < 0 ? -place : place);
  T x;
  std::memcpy(&x, &bits, sizeof x);
  return place < 0 ? -x : x;
}

// The largest error of f in units of the last place of the long double reference, over 200,000 numbers of [low, high]
// that lie evenly in the order of all numbers, so that each power of two has as many. Subnormal results do not count.
template <class T, class F, class Reference>
double worst_ulp(T low, T high, F f, Reference reference) {
  constexpr std::int64_t samples = 200000;
  const std::int64_t first = place(low);
  const double step = (static_cast<double>(place(high)) - static_cast<double>(first)) / samples;
  double worst = 0;
  for (std::int64_t s = 0; s < samples; s += k::lanes<T>) {
    T x[k::lanes<T>], y[k::lanes<T>];
    for (Index i = 0; i < k::lanes<T>; ++i)
      x[i] = number_at<T>(static_cast<std::int64_t>(static_cast<std::uint64_t>(first) +
                                                    static_cast<std::uint64_t>(static_cast<double>(s + i) * step)));
    k::store<T>(y, f(k::load<T>(x)));
    for (Index i = 0; i < k::lanes<T>; ++i) {
      const long double want = reference(static_cast<long double>(x[i]));
      const T rounded = static_cast<T>(std::fabs(want));
      if (rounded < std::numeric_limits<T>::min()) continue;
      const T ulp = std::nextafter(rounded, std::numeric_limits<T>::infinity()) - rounded;
      const double error = static_cast<double>(std::fabs(y[i] - want) / ulp);
      worst = std::isnan(error) ? error : std::max(worst, error);
    }
  }
  return worst;
}

template <class T, class F>
T at(T x, F f) {
  return f(k::splat<T>(x))[0];
}

}  // namespace

TEMPLATE_TEST_CASE("simd_math: the errors stay below what the header says, over each function's whole range", "", float,
                   double) {
  using T = TestType;
  using V = k::Vec<T>;
  const bool f32 = std::is_same_v<T, float>;
  const auto exp = [](T low, T high) {
    return worst_ulp(
        low, high, [](V x) { return k::exp<T>(x); }, [](long double x) { return std::exp(x); });
  };
  const auto log = [](T low, T high) {
    return worst_ulp(
        low, high, [](V x) { return k::log<T>(x); }, [](long double x) { return std::log(x); });
  };
  const auto tanh = [](T low, T high) {
    return worst_ulp(
        low, high, [](V x) { return k::tanh<T>(x); }, [](long double x) { return std::tanh(x); });
  };
  const auto erf = [](T low, T high) {
    return worst_ulp(
        low, high, [](V x) { return k::erf<T>(x); }, [](long double x) { return std::erf(x); });
  };
  const auto sigmoid = [](T low, T high) {
    return worst_ulp(
        low, high, [](V x) { return k::sigmoid<T>(x); }, [](long double x) { return 1 / (1 + std::exp(-x)); });
  };
  const T most = f32 ? T(88.7) : T(709.7), least = f32 ? T(-87.3) : T(-708.3);
  CHECK(exp(least, T(0)) <= 1);
  CHECK(exp(T(0), most) <= 1);
  CHECK(exp(T(0.1), T(8)) <= 1);  // where most numbers of use are, and only few samples of the whole range
  CHECK(exp(T(-20), T(-0.1)) <= 1);
  CHECK(log(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()) <= 1);
  CHECK(log(std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::min()) <= 1);
  CHECK(log(T(0.5), T(2)) <= 1);
  CHECK(tanh(T(-30), T(30)) <= 2.5);
  CHECK(tanh(T(0.01), T(5)) <= 2.5);
  CHECK(erf(T(-7), T(7)) <= 1.5);
  CHECK(erf(T(0.1), T(4)) <= 1.5);
  CHECK(sigmoid(T(-80), T(0)) <= 2.5);
  CHECK(sigmoid(T(-20), T(-0.1)) <= 2.5);
  CHECK(sigmoid(T(0), T(40)) <= 2.5);
  CHECK(worst_ulp(
            T(0), std::numeric_limits<T>::max(), [](V x) { return k::sqrt<T>(x); },
            [](long double x) { return std::sqrt(x); }) < 0.51);
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
