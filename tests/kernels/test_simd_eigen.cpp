// The vectors on Eigen's arrays against plain loops: every operator, for each type and size that an instruction set asks
// for, whatever the kernels of this program are made of.
#include <gloss/kernels/simd/eigen.hpp>
#include <gloss/kernels/simd/eigen_core.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace gloss;
using namespace gloss::kernels::detail;

namespace {

template <class T>
using IntLike = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

/// Numbers of either sign, and the special ones.
template <class T>
std::vector<T> samples(std::size_t n, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::vector<T> v(n);
  if constexpr (std::is_floating_point_v<T>) {
    using L = std::numeric_limits<T>;
    std::uniform_real_distribution<T> uniform(-4, 4);
    for (T& x : v) x = uniform(engine);
    const T special[] = {T(0),       -T(0),      L::infinity(), -L::infinity(), L::quiet_NaN(), L::denorm_min(),
                         (L::min)(), (L::max)(), T(1)};
    for (std::size_t i = 0; i < n; i += 3) v[i] = special[engine() % std::size(special)];
  } else {
    for (T& x : v) x = static_cast<T>(engine());
    for (std::size_t i = 0; i < n; i += 3) v[i] = static_cast<T>(engine() % 3) - T(1);
  }
  return v;
}

template <class T>
bool same(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(a) && std::isnan(b)) return true;
  return std::memcmp(&a, &b, sizeof a) == 0;
}

template <class T, Index n, class R, class F>
void check(const Pack<R, n>& result, F expected) {
  Index wrong = 0;
  for (Index i = 0; i < n; ++i) wrong += !same(result[i], static_cast<R>(expected(i)));
  CHECK(wrong == 0);
}

template <class T, Index n>
Pack<T, n> pack(const T* p) {
  return Pack<T, n>::load(p);
}

/// The second half of a turned round, then every second of b.
template <class T, Index n, int... i>
void check_shuffle(const Pack<T, n>& a, const Pack<T, n>& b, std::integer_sequence<int, i...>) {
  constexpr int half = n / 2;
  const Pack<T, n> r = shuffle_lanes<(i < half ? n - 1 - i : n + 2 * (i - half))...>(a, b);
  check<T>(r, [&](Index j) { return j < half ? a[n - 1 - j] : b[2 * (j - half)]; });
}

template <class T, Index n>
void check_operators(unsigned seed) {
  using P = Pack<T, n>;
  using Int = IntLike<T>;
  CAPTURE(n, seed, sizeof(T), std::is_floating_point_v<T>);
  const std::vector<T> as = samples<T>(n, seed), bs = samples<T>(n, 1000 + seed);
  const P a = pack<T, n>(as.data()), b = pack<T, n>(bs.data());
  const auto at = [](const std::vector<T>& v, Index i) { return v[static_cast<std::size_t>(i)]; };
  check<T>(P{}, [](Index) { return T(0); });
  check<T>(P(T(3)), [](Index) { return T(3); });
  const auto truth = [](bool x) { return -Int{x}; };
  check<T>(a < b, [&](Index i) { return truth(at(as, i) < at(bs, i)); });
  check<T>(a <= b, [&](Index i) { return truth(at(as, i) <= at(bs, i)); });
  check<T>(a > b, [&](Index i) { return truth(at(as, i) > at(bs, i)); });
  check<T>(a >= b, [&](Index i) { return truth(at(as, i) >= at(bs, i)); });
  check<T>(a == b, [&](Index i) { return truth(at(as, i) == at(bs, i)); });
  check<T>(a != b, [&](Index i) { return truth(at(as, i) != at(bs, i)); });
  check<T>(select_lanes(a < b, a, b), [&](Index i) { return at(as, i) < at(bs, i) ? at(as, i) : at(bs, i); });
  check_shuffle(a, b, std::make_integer_sequence<int, static_cast<int>(n)>());
  if constexpr (std::is_floating_point_v<T>) {
    check<T>(a + b, [&](Index i) { return at(as, i) + at(bs, i); });
    check<T>(a - b, [&](Index i) { return at(as, i) - at(bs, i); });
    check<T>(a * b, [&](Index i) { return at(as, i) * at(bs, i); });
    check<T>(a / b, [&](Index i) { return at(as, i) / at(bs, i); });
    check<T>(-a, [&](Index i) { return -at(as, i); });
    check<T>(T(1) / a, [&](Index i) { return T(1) / at(as, i); });
    const P root = square_root(a);
    for (Index i = 0; i < n; ++i) {
      const T exact = std::sqrt(at(as, i));
      const bool finite = std::isfinite(exact) && exact != 0;
      CHECK((finite ? std::abs(root[i] / exact - 1) <= std::numeric_limits<T>::epsilon()
                    : same(std::abs(root[i]), std::abs(exact))));
    }
  } else {
    using U = std::make_unsigned_t<T>;
    const auto u = [&](const std::vector<T>& v, Index i) { return static_cast<U>(at(v, i)); };
    check<T>(a + b, [&](Index i) { return static_cast<T>(u(as, i) + u(bs, i)); });
    check<T>(a - b, [&](Index i) { return static_cast<T>(u(as, i) - u(bs, i)); });
    check<T>(a * b, [&](Index i) { return static_cast<T>(u(as, i) * u(bs, i)); });
    check<T>(a & b, [&](Index i) { return at(as, i) & at(bs, i); });
    check<T>(a | b, [&](Index i) { return at(as, i) | at(bs, i); });
    check<T>(a ^ b, [&](Index i) { return at(as, i) ^ at(bs, i); });
    check<T>(~a, [&](Index i) { return ~at(as, i); });
    check<T>(a << T(5), [&](Index i) { return static_cast<T>(u(as, i) << 5); });
    check<T>(a >> T(5), [&](Index i) { return at(as, i) >> 5; });
    check<T>(shift_left_lanes<23>(a), [&](Index i) { return static_cast<T>(u(as, i) << 23); });
    check<T>(shift_right_lanes<23>(a), [&](Index i) { return at(as, i) >> 23; });
  }
  T copy[n] = {};
  for (Index m = 0; m < n; ++m) {
    copy_some<n>(copy, as.data(), m);
    Index wrong = 0;
    for (Index i = 0; i < n; ++i) wrong += !same(copy[i], i < m ? at(as, i) : T(0));
    CHECK(wrong == 0);
  }
}

template <class T, Index n>
void check_transpose() {
  Pack<T, n> square[n];
  for (Index r = 0; r < n; ++r)
    for (Index c = 0; c < n; ++c) square[r][c] = static_cast<T>(n * r + c);
  transpose_packs(static_cast<Pack<T, n>*>(square));
  for (Index r = 0; r < n; ++r) check<T>(square[r], [&](Index c) { return n * c + r; });
}

}  // namespace

TEST_CASE("simd on Eigen: operators are those of the numbers, NaN, infinities and overflow included") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    check_operators<float, 16>(seed), check_operators<float, 8>(seed), check_operators<float, 4>(seed);
    check_operators<double, 8>(seed), check_operators<double, 4>(seed);
    check_operators<std::int32_t, 16>(seed), check_operators<std::int32_t, 8>(seed),
        check_operators<std::int32_t, 4>(seed);
    check_operators<std::uint32_t, 16>(seed), check_operators<std::uint32_t, 4>(seed);
    check_operators<std::int64_t, 8>(seed), check_operators<std::int64_t, 4>(seed);
    check_operators<std::uint64_t, 8>(seed), check_operators<std::uint64_t, 4>(seed);
  }
}

TEST_CASE("simd on Eigen: a square of vectors is turned on its diagonal") {
  check_transpose<float, 16>(), check_transpose<float, 8>(), check_transpose<float, 4>();
  check_transpose<double, 8>(), check_transpose<double, 4>(), check_transpose<double, 2>();
}
