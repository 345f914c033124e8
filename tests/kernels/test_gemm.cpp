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
  Case s;
  Index lda, ldb, ldc;
  std::vector<T> a, b, c, bias;

  explicit Problem(const Case& shape)
      : s(shape),
        lda((s.trans_a ? s.m : s.k) + s.pad_a),
        ldb((s.trans_b ? s.k : s.n) + s.pad_b),
        ldc(s.n + s.pad_c),
        a(random_values<T>((s.trans_a ? s.k : s.m) * lda)),
        b(random_values<T>((s.trans_b ? s.n : s.k) * ldb)),
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
