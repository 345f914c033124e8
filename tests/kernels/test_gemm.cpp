// Products against three plain loops, on every instruction set: every transposed form, sizes around every block edge,
// strides, epilogues.

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

#include <gloss/kernels/gemm.hpp>
#include <gloss/kernels/gemm/bfloat16.hpp>
#include <gloss/kernels/gemm/finish.hpp>

#include "support/catch.hpp"
#include "support/isa.hpp"

using namespace gloss;
using kernels::Activation;
using kernels::Epilogue;

namespace {

std::mt19937 engine(7);

template <class T>
std::vector<T> random_values(Index count) {
  std::vector<T> values(static_cast<std::size_t>(count));
  std::uniform_real_distribution<T> uniform(-1, 1);
  for (T& v : values) v = uniform(engine);
  return values;
}

Index random_index(Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(engine); }

struct Case {
  bool trans_a, trans_b;
  Index m, n, k, pad_a, pad_b, pad_c;
  double alpha = 1, beta = 0;
  bool bias = false;
  Activation activation = Activation::none;
};

template <class T>
struct Problem {
  /// Rows of random numbers with NaN between and behind them, so that a read beyond a row shows.
  static std::vector<T> factor(Index rows, Index columns, Index ld) {
    std::vector<T> values = random_values<T>(rows * ld);
    const T nan = std::numeric_limits<T>::quiet_NaN();
    for (Index i = 0; i < rows; ++i)
      for (Index j = columns; j < ld; ++j) values[std::size_t(i * ld + j)] = nan;
    values.insert(values.end(), 64, nan);
    return values;
  }

  Case s;
  Index lda, ldb, ldc;
  std::vector<T> a, b, c, bias;

  explicit Problem(const Case& shape)
      : s(shape),
        lda((s.trans_a ? s.m : s.k) + s.pad_a),
        ldb((s.trans_b ? s.k : s.n) + s.pad_b),
        ldc(s.n + s.pad_c),
        a(factor(s.trans_a ? s.k : s.m, s.trans_a ? s.m : s.k, lda)),
        b(factor(s.trans_b ? s.n : s.k, s.trans_b ? s.k : s.n, ldb)),
        c(random_values<T>(s.m * ldc)),
        bias(random_values<T>(s.n)) {
    if (s.beta == 0)  // so that a read of C shows
      for (Index i = 0; i < s.m; ++i)
        for (Index j = 0; j < s.n; ++j) c[std::size_t(i * ldc + j)] = std::numeric_limits<T>::quiet_NaN();
  }
  Epilogue<T> epilogue() const { return {s.bias ? bias.data() : nullptr, s.activation}; }
  std::vector<T> fast() const {
    std::vector<T> out = c;
    kernels::gemm<T>(s.trans_a, s.trans_b, s.m, s.n, s.k, T(s.alpha), a.data(), lda, b.data(), ldb, T(s.beta),
                     out.data(), ldc, epilogue());
    return out;
  }
  std::vector<T> naive() const {
    std::vector<T> out = c;
    kernels::gemm_naive<T>(s.trans_a, s.trans_b, s.m, s.n, s.k, T(s.alpha), a.data(), lda, b.data(), ldb, T(s.beta),
                           out.data(), ldc, epilogue());
    return out;
  }
};

/// The first difference beyond rounding, -1 when there is none. Padding between rows must be untouched.
template <class T>
Index first_difference(const std::vector<T>& x, const std::vector<T>& y, Index k) {
  const T tolerance = std::numeric_limits<T>::epsilon() * T(8 + 2 * k);  // the errors add up like a random walk
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i]) && std::isnan(y[i])) continue;
    if (!(std::abs(x[i] - y[i]) <= tolerance)) return static_cast<Index>(i);
  }
  return -1;
}

#ifndef GLOSS_BACKEND_EIGEN
/// Products of float are in bfloat16 while it lives.
struct InBfloat16 {
  InBfloat16() { kernels::detail::other_gemm = kernels::detail::gemm_bfloat16; }
  ~InBfloat16() { kernels::detail::other_gemm = nullptr; }
};

/// Calls f with tiles of pairs where the processor has them, whether or not they are the faster ones, and without; on
/// every instruction set.
template <class F>
void for_each_bfloat16(F f) {
  gloss_test::for_each_isa([&] {
    const InBfloat16 in_bfloat16;
#ifdef GLOSS_BFLOAT16_TILES
    bool& tiles = kernels::detail::prefers_bfloat16_tiles();
    const bool before = tiles;
    for (const bool wanted : {false, true}) {
      tiles = wanted;
      INFO("tiles of pairs: " << kernels::detail::uses_bfloat16_tiles());
      f();
    }
    tiles = before;
#else
    f();
#endif
  });
}

/// C of a problem from rounded factors, sums and all else in double.
std::vector<float> naive_bfloat16(const Problem<float>& p, const kernels::AddFinish<float>& add) {
  const auto in_double = [](const std::vector<float>& x, bool rounded) {
    std::vector<double> y;
    for (const float v : x) y.push_back(static_cast<double>(rounded ? float(bfloat16(v)) : v));
    return y;
  };
  const Case& s = p.s;
  const bool rounds = s.m > 16 && s.n > 8;
  const std::vector<double> a = in_double(p.a, rounds), b = in_double(p.b, rounds), bias = in_double(p.bias, false);
  std::vector<double> c = in_double(p.c, false);
  kernels::gemm_naive<double>(s.trans_a, s.trans_b, s.m, s.n, s.k, s.alpha, a.data(), p.lda, b.data(), p.ldb, s.beta,
                              c.data(), p.ldc, {s.bias ? bias.data() : nullptr, s.activation});
  std::vector<float> out(c.begin(), c.end());
  for (Index i = 0; i < s.m; ++i)
    for (Index j = 0; j < s.n; ++j) out[std::size_t(i * p.ldc + j)] += add.residual[i * add.ld + j];
  return out;
}

void check_bfloat16(const Case& s) {
  const Problem<float> p(s);
  const std::vector<float> residual = random_values<float>(s.m * s.n);
  const kernels::AddFinish<float> add{residual.data(), s.n};
  Epilogue<float> end = p.epilogue();
  end.finish = add.finish, end.how = &add;
  CAPTURE(s.trans_a, s.trans_b, s.m, s.n, s.k, s.pad_a, s.pad_b, s.pad_c, s.alpha, s.beta, s.bias);
  const std::vector<float> expected = naive_bfloat16(p, add);
  std::vector<float> fast = p.c;
  kernels::gemm<float>(s.trans_a, s.trans_b, s.m, s.n, s.k, float(s.alpha), p.a.data(), p.lda, p.b.data(), p.ldb,
                       float(s.beta), fast.data(), p.ldc, end);
  CHECK(first_difference(fast, expected, s.k) == -1);
}
#endif

template <class T>
void check(const Case& s) {
  const Problem<T> problem(s);
  CAPTURE(s.trans_a, s.trans_b, s.m, s.n, s.k, s.pad_a, s.pad_b, s.pad_c, s.alpha, s.beta, s.bias, sizeof(T));
  CHECK(first_difference(problem.fast(), problem.naive(), s.k) == -1);
}

Case random_case(int round) {
  const double scales[] = {0, 1, -0.5, 2};
  const Index limit = round % 3 == 0 ? 20 : round % 3 == 1 ? 80 : 200;
  Case s{};
  s.trans_a = round & 1;
  s.trans_b = round & 2;
  s.m = random_index(1, limit);
  s.n = random_index(1, limit);
  s.k = random_index(0, limit);
  s.pad_a = random_index(0, 1) * random_index(0, 20);
  s.pad_b = random_index(0, 1) * random_index(0, 20);
  s.pad_c = random_index(0, 1) * random_index(0, 20);
  s.alpha = scales[random_index(0, 3)];
  s.beta = scales[random_index(0, 3)];
  s.bias = random_index(0, 1) == 1;
  s.activation = random_index(0, 1) == 1 ? Activation::relu : Activation::none;
  return s;
}

template <class T>
bool same_bits(const std::vector<T>& x, const std::vector<T>& y) {
  return x.size() == y.size() && (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("gemm: random shapes, strides, forms and epilogues agree with three loops", "", float, double) {
  gloss_test::for_each_isa([] {
    for (int round = 0; round < 300; ++round) check<TestType>(random_case(round));
  });
}

TEMPLATE_TEST_CASE("gemm: shapes longer than every block agree with three loops", "", float, double) {
  gloss_test::for_each_isa([] {
    for (int form = 0; form < 4; ++form) {
      const bool ta = form & 1;
      const bool tb = form & 2;
      check<TestType>(
          {ta, tb, 403, 531, 1100, 3, 5, 7, 1, 0.5, true, Activation::relu});  // panels that meet A together
      check<TestType>({ta, tb, 61, 530, 1100, 0, 0, 0, 1, 1, true, Activation::relu});
      check<TestType>({ta, tb, 531, 67, 1031, 3, 5, 7, 1, 0, true, Activation::relu});
      check<TestType>({ta, tb, 40, 2111, 67, 0, 0, 0, 1, 0.5, false, Activation::none});
      check<TestType>({ta, tb, 2050, 33, 65, 0, 0, 0, 1, 0.5, false, Activation::none});
      check<TestType>({ta, tb, 6, 17, 5000, 0, 0, 0, 1, 0.5, true, Activation::none});
    }
  });
}

TEMPLATE_TEST_CASE("gemm: a few rows agree with three loops", "", float, double) {
  gloss_test::for_each_isa([] {
    for (int form = 0; form < 4; ++form)
      for (Index m = 1; m <= 17; ++m)
        for (Index k : {1, 7, 64, 257, 513}) {
          check<TestType>({bool(form & 1), bool(form & 2), m, 531, k, 0, 0, 0, 1, 0, true, Activation::relu});
          check<TestType>({bool(form & 1), bool(form & 2), m, 48, k, 1, 2, 3, 2, 1, false, Activation::none});
          check<TestType>({bool(form & 1), bool(form & 2), 48, m, k, 1, 2, 3, 2, 1, true, Activation::none});
        }
  });
}

TEMPLATE_TEST_CASE("gemm: empty sizes write what an empty sum gives", "", float, double) {
  gloss_test::for_each_isa([] {
    using T = TestType;
    for (int form = 0; form < 4; ++form) {
      check<T>({bool(form & 1), bool(form & 2), 5, 7, 0, 0, 0, 0, 1, 0, false, Activation::none});
      check<T>({bool(form & 1), bool(form & 2), 75, 77, 0, 0, 0, 1, 1, 0.5, true, Activation::relu});
      std::vector<T> c{3};
      kernels::gemm<T>(form & 1, form & 2, 0, 5, 4, T(1), nullptr, 4, nullptr, 5, T(0), c.data(), 5);
      kernels::gemm<T>(form & 1, form & 2, 5, 0, 4, T(1), nullptr, 5, nullptr, 5, T(0), c.data(), 1);
      kernels::gemm_batched<T>(form & 1, form & 2, 5, 3, 4, T(1), nullptr, 5, nullptr, 5, T(0), nullptr, 3, 0);
      CHECK(c[0] == T(3));
    }
  });
}

TEMPLATE_TEST_CASE("gemm: NaN and infinity spread as in PyTorch", "", float, double) {
  gloss_test::for_each_isa([] {
    using T = TestType;
    const T nan = std::numeric_limits<T>::quiet_NaN();
    const T infinity = std::numeric_limits<T>::infinity();
    for (Index m : {1, 5, 40}) {
      const Index n = 50, k = 30;
      std::vector<T> a(std::size_t(m * k), T(0)), b(std::size_t(k * n), T(1)), c(std::size_t(m * n));
      b[std::size_t(3 * n + 7)] = infinity;  // zero times infinity
      a[std::size_t(2)] = nan;
      kernels::gemm<T>(false, false, m, n, k, T(1), a.data(), k, b.data(), n, T(0), c.data(), n,
                       {nullptr, Activation::relu});
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < n; ++j) CHECK(std::isnan(c[std::size_t(i * n + j)]) == (i == 0 || j == 7));
    }
  });
}

TEMPLATE_TEST_CASE("gemm: what finishes a product gets each element once, where it is", "", float, double) {
  gloss_test::for_each_isa([] {
    using T = TestType;
    for (int round = 0; round < 200; ++round) {
      const Problem<T> p(random_case(round));
      const Case& s = p.s;
      const auto both = [&](Epilogue<T> end) {
        end.bias = s.bias ? p.bias.data() : nullptr;
        end.activation = s.activation;
        std::vector<T> fast = p.c, naive = p.c;
        kernels::gemm<T>(s.trans_a, s.trans_b, s.m, s.n, s.k, T(s.alpha), p.a.data(), p.lda, p.b.data(), p.ldb,
                         T(s.beta), fast.data(), p.ldc, end);
        kernels::gemm_naive<T>(s.trans_a, s.trans_b, s.m, s.n, s.k, T(s.alpha), p.a.data(), p.lda, p.b.data(), p.ldb,
                               T(s.beta), naive.data(), p.ldc, end);
        CAPTURE(s.trans_a, s.trans_b, s.m, s.n, s.k, s.alpha, s.beta);
        CHECK(first_difference(fast, naive, s.k) == -1);
      };
      const Index ld = s.n + random_index(0, 3);
      const std::vector<T> residual = random_values<T>(s.m * ld);
      const kernels::AddFinish<T> add{residual.data(), ld};
      both({nullptr, Activation::none, add.finish, &add});
      for (const bool by_tanh : {false, true}) {
        std::vector<T> before = p.c;
        const kernels::GeluFinish<T> gelu{before.data(), by_tanh};
        both({nullptr, Activation::none, gelu.finish, &gelu});
        CHECK(first_difference(before, p.naive(), s.k) == -1);
      }
    }
  });
}

TEMPLATE_TEST_CASE("gemm_several: each product is what gemm makes of it, and they may add up in one place", "", float,
                   double) {
  gloss_test::for_each_isa([] {
    using T = TestType;
    for (int round = 0; round < 100; ++round) {
      const Case s = random_case(round);
      const Index count = random_index(1, 6);
      std::vector<Problem<T>> problems;
      for (Index i = 0; i < count; ++i) problems.emplace_back(s);
      const Problem<T>& p = problems[0];
      std::vector<std::vector<T>> apart;
      std::vector<kernels::Factors<T>> each;
      for (const Problem<T>& x : problems) apart.push_back(x.c);
      for (std::size_t i = 0; i < apart.size(); ++i)
        each.push_back({problems[i].a.data(), problems[i].b.data(), apart[i].data(), T(s.beta),
                        s.bias ? problems[i].bias.data() : nullptr});
      kernels::gemm_several<T>(s.trans_a, s.trans_b, s.m, s.n, s.k, p.lda, p.ldb, p.ldc, each.data(), count);
      std::vector<T> sum = p.c, expected = p.c;
      CAPTURE(s.trans_a, s.trans_b, s.m, s.n, s.k, s.beta, count);
      for (std::size_t i = 0; i < apart.size(); ++i) {
        const Problem<T>& x = problems[i];
        const Epilogue<T> end{s.bias ? x.bias.data() : nullptr};
        const auto product = [&](std::vector<T> c, T beta) {
          kernels::gemm<T>(s.trans_a, s.trans_b, s.m, s.n, s.k, T(1), x.a.data(), x.lda, x.b.data(), x.ldb, beta,
                           c.data(), x.ldc, end);
          return c;
        };
        CHECK(same_bits(apart[i], product(x.c, T(s.beta))));
        expected = product(expected, i == 0 ? T(s.beta) : T(1));
        each[i].c = sum.data();
        if (i > 0) each[i].beta = T(1);
      }
      kernels::gemm_several<T>(s.trans_a, s.trans_b, s.m, s.n, s.k, p.lda, p.ldb, p.ldc, each.data(), count);
      CHECK(same_bits(sum, expected));
    }
  });
}

TEMPLATE_TEST_CASE("gemm_batched: every entry is the product of its pair", "", float, double) {
  gloss_test::for_each_isa([] {
    using T = TestType;
    const Index sizes[][3] = {{64, 64, 64},   {1, 33, 64}, {30, 64, 31}, {5, 3, 2},
                              {100, 90, 300}, {4, 6, 0},   {64, 1, 64}};
    for (const auto& [m, n, k] : sizes) {
      for (int form = 0; form < 4; ++form) {
        const Index batch = 5;
        std::vector<Problem<T>> problems;
        for (Index e = 0; e < batch; ++e)
          problems.emplace_back(Case{bool(form & 1), bool(form & 2), m, n, k, 1, 2, 3, 0.5, form < 2 ? 0.0 : 1.5});
        std::vector<std::vector<T>> out;
        std::vector<const T*> a, b;
        std::vector<T*> c;
        for (const Problem<T>& p : problems) {
          out.push_back(p.c);
          a.push_back(p.a.data());
          b.push_back(p.b.data());
        }
        for (std::vector<T>& o : out) c.push_back(o.data());
        const Problem<T>& p = problems.front();
        kernels::gemm_batched<T>(form & 1, form & 2, m, n, k, T(p.s.alpha), a.data(), p.lda, b.data(), p.ldb,
                                 T(p.s.beta), c.data(), p.ldc, batch);
        CAPTURE(m, n, k, form);
        for (std::size_t e = 0; e < problems.size(); ++e) CHECK(first_difference(out[e], problems[e].naive(), k) == -1);
      }
    }
  });
}

#ifdef _OPENMP
TEMPLATE_TEST_CASE("gemm: any number of threads gives the same bits", "", float, double) {
  gloss_test::for_each_isa([] {
    using T = TestType;
    const int before = omp_get_max_threads();
    const Index sizes[][3] = {{512, 300, 520}, {1, 2000, 700},  {3, 700, 2000},
                              {130, 40, 1500}, {33, 1030, 300}, {700, 5, 900}};
    for (const auto& [m, n, k] : sizes) {
      for (int form = 0; form < 4; ++form) {
        const Problem<T> problem({bool(form & 1), bool(form & 2), m, n, k, 0, 0, 0, 1, 1, true, Activation::relu});
        omp_set_num_threads(1);
        const std::vector<T> expected = problem.fast();
        for (const int threads : {2, 3, 4, 8}) {
          omp_set_num_threads(threads);
          CAPTURE(m, n, k, form, threads);
          CHECK(same_bits(problem.fast(), expected));
        }
      }
    }
    omp_set_num_threads(before);
  });
}
#endif

TEST_CASE("gemm: a dot product of two million floats keeps its digits") {
  const Index k = 2'000'000;
  const std::vector<float> a(static_cast<std::size_t>(k), 0.1f), b(static_cast<std::size_t>(k), 1.0f);
  float c = 0;
  kernels::gemm<float>(false, true, 1, 1, k, 1, a.data(), k, b.data(), k, 0, &c, 1);
  CHECK(static_cast<double>(c) == Approx(200'000.0).epsilon(5e-6));
}

#ifndef GLOSS_BACKEND_EIGEN
TEST_CASE("gemm in bfloat16: random shapes, strides, forms and epilogues agree with loops over rounded factors") {
  for_each_bfloat16([] {
    for (int round = 0; round < 300; ++round) check_bfloat16(random_case(round));
  });
}

TEST_CASE("gemm in bfloat16: shapes longer than every block agree with loops over rounded factors") {
  for_each_bfloat16([] {
    for (int form = 0; form < 4; ++form) {
      const bool ta = form & 1;
      const bool tb = form & 2;
      check_bfloat16({ta, tb, 61, 130, 2101, 0, 0, 0, 1, 1, true, Activation::relu});
      check_bfloat16({ta, tb, 431, 67, 1031, 3, 5, 7, 1, 0, true, Activation::relu});
      check_bfloat16({ta, tb, 40, 2111, 67, 0, 0, 0, 1, 0.5, false, Activation::none});
      check_bfloat16({ta, tb, 2150, 33, 65, 0, 0, 0, 1, 0.5, false, Activation::none});
    }
  });
}

TEST_CASE("gemm in bfloat16: the factors are rounded to nearest, ties to even, NaN and infinity stay") {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> ends = {0.0f,
                                   1.0f + 0x1p-8f,     // a tie, to 1
                                   1.0f + 0x1.8p-7f,   // a tie, to 1 + 2^-6
                                   1.0f + 0x1.02p-8f,  // more than a tie
                                   -1.0f - 0x1p-8f,
                                   0x1.ffp-1f,  // a tie, to 1
                                   3.0e38f,
                                   3.4e38f,  // to infinity
                                   -3.4e38f,
                                   infinity,
                                   -infinity,
                                   nan,
                                   0x1.234567p-100f};
  CHECK(float(bfloat16(3.4e38f)) == infinity);
  for_each_bfloat16([&] {
    std::vector<float> x = random_values<float>(200);
    x.insert(x.end(), ends.begin(), ends.end());
    const Index n = static_cast<Index>(x.size());
    const std::vector<float> ones(std::size_t(n), 1.0f);
    for (int form = 0; form < 4; ++form)
      for (const bool is_left : {true, false}) {
        std::vector<float> c(std::size_t(n * n), -1.0f);
        const float* const a = is_left ? x.data() : ones.data();
        const float* const b = is_left ? ones.data() : x.data();
        const Index lda = form & 1 ? n : 1, ldb = form & 2 ? 1 : n;
        kernels::gemm<float>(form & 1, form & 2, n, n, 1, 1.0f, a, lda, b, ldb, 0.0f, c.data(), n);
        Index wrong = 0;
        for (Index i = 0; i < n * n; ++i) {
          const float expected = float(bfloat16(x[std::size_t(is_left ? i / n : i % n)]));
          const float got = c[std::size_t(i)];
          wrong += std::isnan(expected) ? !std::isnan(got) : got != expected;
        }
        CAPTURE(form, is_left);
        CHECK(wrong == 0);
      }
  });
}

TEST_CASE("gemm in bfloat16: NaN and infinity spread") {
  for_each_bfloat16([] {
    const Index m = 40, n = 50, k = 30;
    std::vector<float> a(std::size_t(m * k), 0.0f), b(std::size_t(k * n), 1.0f), c(std::size_t(m * n));
    b[std::size_t(3 * n + 7)] = std::numeric_limits<float>::infinity();  // zero times infinity
    a[std::size_t(2)] = std::numeric_limits<float>::quiet_NaN();
    kernels::gemm<float>(false, false, m, n, k, 1.0f, a.data(), k, b.data(), n, 0.0f, c.data(), n);
    for (Index i = 0; i < m; ++i)
      for (Index j = 0; j < n; ++j) CHECK(std::isnan(c[std::size_t(i * n + j)]) == (i == 0 || j == 7));
  });
}

TEST_CASE("gemm in bfloat16: several products and batches are what one product is, bit by bit") {
  for_each_bfloat16([] {
    for (int round = 0; round < 40; ++round) {
      Case s = random_case(3 * round + 2);
      s.bias = false, s.activation = Activation::none, s.alpha = 1;
      const std::vector<Problem<float>> problems(3, Problem<float>(s));
      const Problem<float>& p = problems[0];
      std::vector<float> alone = p.c, sum = p.c, batched = p.c;
      std::vector<kernels::Factors<float>> each;
      for (std::size_t i = 0; i < problems.size(); ++i) {
        const Problem<float>& x = problems[i];
        const float beta = i == 0 ? float(s.beta) : 1.0f;
        kernels::gemm<float>(s.trans_a, s.trans_b, s.m, s.n, s.k, 1.0f, x.a.data(), x.lda, x.b.data(), x.ldb, beta,
                             alone.data(), x.ldc);
        each.push_back({x.a.data(), x.b.data(), sum.data(), beta});
      }
      kernels::gemm_several<float>(s.trans_a, s.trans_b, s.m, s.n, s.k, p.lda, p.ldb, p.ldc, each.data(), 3);
      CAPTURE(s.trans_a, s.trans_b, s.m, s.n, s.k, s.beta);
      CHECK(same_bits(sum, alone));
      const float *a = p.a.data(), *b = p.b.data();
      float* c = batched.data();
      kernels::gemm_batched<float>(s.trans_a, s.trans_b, s.m, s.n, s.k, 1.0f, &a, p.lda, &b, p.ldb, float(s.beta), &c,
                                   p.ldc, 1);
      CHECK(same_bits(batched, p.fast()));
    }
  });
}

#ifdef _OPENMP
TEST_CASE("gemm in bfloat16: any number of threads gives the same bits") {
  for_each_bfloat16([] {
    const int before = omp_get_max_threads();
    const Index sizes[][3] = {{512, 300, 520}, {17, 900, 700}, {2100, 60, 300}, {130, 40, 1500}, {33, 1030, 301}};
    for (const auto& [m, n, k] : sizes)
      for (int form = 0; form < 4; ++form) {
        const Problem<float> problem({bool(form & 1), bool(form & 2), m, n, k, 0, 0, 0, 1, 1, true, Activation::relu});
        omp_set_num_threads(1);
        const std::vector<float> expected = problem.fast();
        for (const int threads : {2, 3, 4, 8, 13}) {
          omp_set_num_threads(threads);
          CAPTURE(m, n, k, form, threads);
          CHECK(same_bits(problem.fast(), expected));
        }
      }
    omp_set_num_threads(before);
  });
}
#endif
#endif
