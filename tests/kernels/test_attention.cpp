#include <gloss/core/bfloat16.hpp>
#include <gloss/kernels/attention.hpp>
#include <gloss/kernels/attention/bfloat16.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "support/attention_naive.hpp"
#include "support/catch.hpp"
#include "support/isa.hpp"
#include "support/kernel_data.hpp"

namespace k = gloss::kernels;
using namespace test;

namespace {

enum class Mask { none, padding, both_ends, full, odd_strides };
enum class Bias { none, full, one_for_all, per_head, per_key, per_query, odd_strides };

struct Case {
  Index batch = 1, heads = 2, len_q = 1, len_k = 1, d_k = 8, d_v = 8;
  bool projection = false, causal = false;
  Mask mask = Mask::none;
  double fill = -1e9, dropout = 0;
  Index group = 1;  // query heads for a head of keys
  Bias bias = Bias::none;
};

// One problem: its arrays, and the arguments that point into them.
template <class T>
struct Problem {
  std::vector<T> q, key, v, o, stats, weights, d_o, dq, dk, dv, bias, dbias;
  std::vector<char> mask;  // bytes, for std::vector<bool> has no elements to point at
  k::AttentionArgs<T> args;
  k::AttentionGrads<T> grads;

  explicit Problem(const Case& c) {
    const Index bh = c.batch * c.heads, kv = c.heads / c.group;
    q = random_values<T>(bh * c.len_q * c.d_k, 1);
    key = random_values<T>(c.batch * kv * c.len_k * c.d_k, 2);
    v = random_values<T>(c.batch * kv * c.len_k * c.d_v, 3);
    d_o = random_values<T>(bh * c.len_q * c.d_v, 4);
    o.resize(d_o.size());
    stats.resize(static_cast<std::size_t>(bh * 2 * c.len_q));
    weights.resize(static_cast<std::size_t>(bh * c.len_q * c.len_k), T(7));
    dq.resize(q.size(), T(7));
    dk.resize(key.size(), T(7));
    dv.resize(v.size(), T(7));
    const auto q_like = attention_strides(c.heads, c.len_q, c.d_k, c.projection);
    const auto k_like = attention_strides(kv, c.len_k, c.d_k, c.projection);
    const auto v_like = attention_strides(kv, c.len_k, c.d_v, c.projection);
    const auto o_like = attention_strides(c.heads, c.len_q, c.d_v, c.projection);
    args = {.batch = c.batch,
            .heads = c.heads,
            .len_q = c.len_q,
            .len_k = c.len_k,
            .d_k = c.d_k,
            .d_v = c.d_v,
            .group = c.group,
            .q = q.data(),
            .k = key.data(),
            .v = v.data(),
            .o = o.data(),
            .q_strides = q_like,
            .k_strides = k_like,
            .v_strides = v_like,
            .o_strides = o_like,
            .stats = stats.data(),
            .weights = weights.data(),
            .scale = static_cast<T>(1 / std::sqrt(static_cast<double>(c.d_k))),
            .causal = c.causal,
            .mask_fill = static_cast<T>(c.fill),
            .dropout = c.dropout,
            .random = {11, 12, 13}};
    grads = {.d_o = d_o.data(),
             .dq = dq.data(),
             .dk = dk.data(),
             .dv = dv.data(),
             .d_o_strides = o_like,
             .dq_strides = q_like,
             .dk_strides = k_like,
             .dv_strides = v_like};
    std::mt19937 engine(6);
    Index* const ms = args.mask_strides;
    if (c.mask == Mask::padding) {  // [batch, 1, 1, len_k], the last keys hidden
      mask.resize(static_cast<std::size_t>(c.batch * c.len_k));
      for (Index b = 0; b < c.batch; ++b)
        for (Index j = 0; j < c.len_k; ++j)
          mask[static_cast<std::size_t>(b * c.len_k + j)] = j == 0 || j < c.len_k / (2 + b);
      ms[0] = c.len_k, ms[3] = 1;
    } else if (c.mask == Mask::both_ends) {  // [1, heads, 1, len_k], the first keys hidden too
      for (Index h = 0; h < c.heads; ++h)
        for (Index j = 0; j < c.len_k; ++j) mask.push_back(j >= c.len_k / 3 + h && j < c.len_k - c.len_k / 4);
      ms[1] = c.len_k, ms[3] = 1;
    } else if (c.mask == Mask::full) {  // [batch, 1, len_q, len_k]: some rows see nothing, others all, others some
      mask.resize(static_cast<std::size_t>(c.batch * c.len_q * c.len_k));
      for (std::size_t n = 0; n < mask.size(); ++n) {
        const Index row = static_cast<Index>(n) / c.len_k % c.len_q;
        mask[n] = row % 5 == 3 ? 0 : row % 5 == 1 ? 1 : engine() % 3 != 0;
      }
      ms[0] = c.len_q * c.len_k, ms[2] = c.len_k, ms[3] = 1;
    } else if (c.mask == Mask::odd_strides) {  // [heads, len_k, len_q], key axis strided
      mask.resize(static_cast<std::size_t>(c.heads * c.len_q * c.len_k));
      for (char& m : mask) m = engine() % 2 != 0;
      ms[1] = c.len_q * c.len_k, ms[2] = 1, ms[3] = c.len_q;
    }
    if (c.bias != Bias::none) {
      const auto set = [](Index(&s)[4], Index b, Index h, Index i, Index j) { s[0] = b, s[1] = h, s[2] = i, s[3] = j; };
      const Index nm = c.len_q * c.len_k;
      Index(&s)[4] = args.bias_strides;
      if (c.bias == Bias::full) set(s, c.heads * nm, nm, c.len_k, 1);
      if (c.bias == Bias::one_for_all) set(s, 0, 0, c.len_k, 1);
      if (c.bias == Bias::per_head) set(s, 0, nm, c.len_k, 1);
      if (c.bias == Bias::per_key) set(s, c.len_k, 0, 0, 1);
      if (c.bias == Bias::per_query) set(s, 0, c.len_q, 1, 0);
      if (c.bias == Bias::odd_strides) set(s, nm, 0, 1, c.len_q);
      bias = random_values<T>(bh * nm, 5);
      dbias.resize(bias.size());
      args.bias = bias.data(), grads.dbias = dbias.data();
      set(grads.dbias_strides, s[0], s[1], s[2], s[3]);
    }
    if (!mask.empty()) args.mask = reinterpret_cast<const bool*>(mask.data());
  }
};

template <class T>
void check(const Case& c) {
  INFO("batch " << c.batch << " heads " << c.heads << " len_q " << c.len_q << " len_k " << c.len_k << " d_k " << c.d_k
                << " d_v " << c.d_v << " causal " << c.causal << " mask " << static_cast<int>(c.mask) << " dropout "
                << c.dropout << " projection " << c.projection << " fill " << c.fill << " group " << c.group << " bias "
                << static_cast<int>(c.bias));
  Problem<T> p(c);
  k::attention_forward(p.args);
  k::attention_backward(p.args, p.grads);
  if (c.bias != Bias::none) k::attention_bias_backward(p.args, p.grads);
  const NaiveAttention want = naive_attention(p.args, p.grads);
  const auto as_dense = [&](const std::vector<T>& x, const k::AttentionStrides& s, Index len, Index d,
                            Index group = 1) { return dense(x, s, c.batch, c.heads / group, len, d); };
  const double slack = tolerance<T> * 10 * (1 + static_cast<double>(std::max(c.len_q, c.len_k)) / 20);
  CHECK(difference(as_dense(p.o, p.args.o_strides, c.len_q, c.d_v), want.o) < tolerance<T> * 10);
  CHECK(difference(p.weights, want.weights) < tolerance<T> * 10);
  CHECK(difference(as_dense(p.dq, p.grads.dq_strides, c.len_q, c.d_k), want.dq) < slack);
  CHECK(difference(as_dense(p.dk, p.grads.dk_strides, c.len_k, c.d_k, c.group), want.dk) < slack);
  CHECK(difference(as_dense(p.dv, p.grads.dv_strides, c.len_k, c.d_v, c.group), want.dv) < slack);
  if (c.bias == Bias::none) return;
  std::vector<double> dbias(p.dbias.size());
  std::size_t from = 0;
  const Index* s = p.grads.dbias_strides;
  for (Index b = 0; b < c.batch; ++b)
    for (Index h = 0; h < c.heads; ++h)
      for (Index i = 0; i < c.len_q; ++i)
        for (Index j = 0; j < c.len_k; ++j)
          dbias[static_cast<std::size_t>(b * s[0] + h * s[1] + i * s[2] + j * s[3])] += want.dbias[from++];
  CHECK(difference(p.dbias, dbias) < slack * static_cast<double>(1 + c.batch * c.heads * c.len_q / 20));
}

}  // namespace

TEMPLATE_TEST_CASE("attention: equals the definition for any lengths and widths", "", float, double) {
  gloss_test::for_each_isa([] {
    for (const Index len : {1, 2, 4, 5, 8, 15, 16, 17, 33, 63, 64, 65, 130})
      for (const bool projection : {false, true}) {
        check<TestType>({.batch = 2, .len_q = len, .len_k = len, .d_k = 16, .d_v = 16, .projection = projection});
        check<TestType>({.len_q = len, .len_k = 70, .d_k = 5, .d_v = 3, .projection = projection});
        check<TestType>({.len_q = 20, .len_k = len, .d_k = 9, .d_v = 40, .projection = projection});
      }
    check<TestType>({.len_q = 40, .len_k = 50, .d_k = 129, .d_v = 100});
  });
}

TEMPLATE_TEST_CASE("attention: causal, with as many or more keys than queries", "", float, double) {
  gloss_test::for_each_isa([] {
    for (const Index len : {1, 3, 5, 16, 64, 65, 150}) {
      check<TestType>({.len_q = len, .len_k = len, .causal = true});
      check<TestType>({.len_q = len, .len_k = len + 37, .causal = true});
    }
  });
}

TEMPLATE_TEST_CASE("attention: masks of every kind, rows that see nothing are uniform over all keys", "", float,
                   double) {
  gloss_test::for_each_isa([] {
    for (const Mask mask : {Mask::padding, Mask::both_ends, Mask::full, Mask::odd_strides})
      for (const Index len : {1, 6, 8, 23, 64, 100, 200})
        for (const bool causal : {false, true}) {
          // causal hides keys altogether; with the mask on top a row sees nothing only where both say so
          check<TestType>({.batch = 2, .len_q = len, .len_k = len, .causal = causal, .mask = mask});
          check<TestType>({.batch = 2, .len_q = 20, .len_k = len, .mask = mask, .fill = -2});
          check<TestType>({.batch = 2, .len_q = 4, .len_k = len, .mask = mask, .dropout = 0.2});
        }
  });
}

TEMPLATE_TEST_CASE("attention: dropout follows the rule of kernels::dropout", "", float, double) {
  for (const Index len : {1, 9, 23, 64, 65, 130}) {
    check<TestType>({.batch = 2, .len_q = len, .len_k = len, .dropout = 0.3});
    check<TestType>({.len_q = 21, .len_k = len, .causal = len >= 21, .mask = Mask::full, .dropout = 0.1});
  }
}

TEMPLATE_TEST_CASE("attention: heads of keys shared by groups of query heads", "", float, double) {
  for (const Index len : {1, 3, 5, 40, 70, 300})
    for (const bool projection : {false, true}) {
      check<TestType>({.batch = 2, .heads = 4, .len_q = len, .len_k = len, .projection = projection, .group = 2});
      check<TestType>({.heads = 3, .len_q = len, .len_k = 20, .projection = projection, .dropout = 0.2, .group = 3});
      check<TestType>({.heads = 4, .len_q = len, .len_k = len + 9, .causal = true, .mask = Mask::padding, .group = 4});
    }
}

TEMPLATE_TEST_CASE("attention: a bias of every kind, and its gradient", "", float, double) {
  gloss_test::for_each_isa([] {
    for (const Bias bias :
         {Bias::full, Bias::one_for_all, Bias::per_head, Bias::per_key, Bias::per_query, Bias::odd_strides})
      for (const Index len : {1, 3, 5, 33, 70, 140})
        for (const bool causal : {false, true}) {
          check<TestType>({.batch = 2, .len_q = len, .len_k = len, .causal = causal, .bias = bias});
          check<TestType>({.batch = 3,
                           .heads = 2,
                           .len_q = len,
                           .len_k = len + 13,
                           .causal = causal,
                           .mask = Mask::full,
                           .dropout = 0.2,
                           .group = 2,
                           .bias = bias});
        }
  });
}

TEMPLATE_TEST_CASE("attention: a bias that grows along the keys lifts every tile above the last", "", float, double) {
  using T = TestType;
  Problem<T> p({.len_q = 40, .len_k = 200, .bias = Bias::per_key});
  for (std::size_t j = 0; j < 200; ++j) p.bias[j] = static_cast<T>(j) / 2;
  k::attention_forward(p.args);
  k::attention_backward(p.args, p.grads);
  const NaiveAttention want = naive_attention(p.args, p.grads);
  CHECK(difference(p.o, want.o) < tolerance<T> * 100);
  CHECK(difference(p.dq, want.dq) < tolerance<T> * 1000);
}

TEMPLATE_TEST_CASE("attention: what no query sees is not read", "", float, double) {
  using T = TestType;
  for (const Mask mask : {Mask::padding, Mask::both_ends}) {
    Case c{.batch = 2, .len_q = 70, .len_k = 140, .mask = mask};
    Problem<T> p(c), clean(c);
    const auto masked = [&](Index b, Index h, Index j) {
      return !p.args.mask[b * p.args.mask_strides[0] + h * p.args.mask_strides[1] + j];
    };
    for (Index b = 0; b < 2; ++b)
      for (Index h = 0; h < 2; ++h)
        for (Index j = 0; j < c.len_k; ++j)
          for (Index d = 0; masked(b, h, j) && d < 8; ++d) {
            const auto at = static_cast<std::size_t>(((b * 2 + h) * c.len_k + j) * 8 + d);
            p.key[at] = p.v[at] = std::numeric_limits<T>::quiet_NaN();
          }
    for (Problem<T>* x : {&p, &clean}) {
      x->args.weights = nullptr;
      k::attention_forward(x->args);
      k::attention_backward(x->args, x->grads);
    }
    CHECK(same_bits(p.o, clean.o));
    CHECK(same_bits(p.dq, clean.dq));
    CHECK(same_bits(p.dk, clean.dk));
    CHECK(same_bits(p.dv, clean.dv));
  }
}

TEMPLATE_TEST_CASE("attention: a row that sees only -infinity is NaN, the others are not", "", float, double) {
  using T = TestType;
  Case c{.len_q = 8, .len_k = 70, .mask = Mask::full, .fill = -std::numeric_limits<double>::infinity()};
  Problem<T> p(c);
  for (std::size_t j = 0; j < 66; ++j) p.mask[j] = 0;  // row 0 starts to see in the second tile
  p.mask[69] = 1;
  k::attention_forward(p.args);
  const NaiveAttention want = naive_attention(p.args, p.grads);
  CHECK(difference(p.o, want.o) < tolerance<T> * 10);
  CHECK(std::isnan(p.o[3 * 8]));
  CHECK_FALSE(std::isnan(p.o[0]));
}

TEMPLATE_TEST_CASE("attention: scores far apart neither overflow nor lose the largest", "", float, double) {
  using T = TestType;
  Case c{.len_q = 30, .len_k = 150};
  Problem<T> p(c);
  for (T& x : p.q) x *= 100;
  k::attention_forward(p.args);
  CHECK(difference(p.o, naive_attention(p.args, p.grads).o) < tolerance<T> * 1000);
}

TEMPLATE_TEST_CASE("attention: no queries, no keys, no heads", "", float, double) {
  using T = TestType;
  for (const Case& c : {Case{.len_q = 0, .len_k = 5}, Case{.batch = 0}, Case{.len_q = 3, .len_k = 0}}) {
    Problem<T> p(c);
    k::attention_forward(p.args);
    k::attention_backward(p.args, p.grads);
    for (const T x : p.o) CHECK(x == T(0));
    for (const T x : p.dq) CHECK(x == T(0));
    for (const T x : p.dk) CHECK(x == T(0));
  }
}

TEMPLATE_TEST_CASE("attention: gradients that are not wanted change nothing in the others", "", float, double) {
  using T = TestType;
  Problem<T> all({.len_q = 20, .len_k = 30}), one({.len_q = 20, .len_k = 30});
  one.args.weights = nullptr;
  one.grads.dq = one.grads.dv = nullptr;
  k::attention_forward(all.args);
  k::attention_backward(all.args, all.grads);
  k::attention_forward(one.args);
  k::attention_backward(one.args, one.grads);
  CHECK(same_bits(all.o, one.o));
  CHECK(same_bits(all.dk, one.dk));
}

TEMPLATE_TEST_CASE("attention: the same bits for any number of threads", "", float, double) {
  using T = TestType;
  const Case cases[] = {
      {.batch = 3, .len_q = 140, .len_k = 150, .mask = Mask::full, .dropout = 0.1, .bias = Bias::per_head},
      {.heads = 1, .len_q = 900, .len_k = 70, .bias = Bias::per_key},  // fewer heads than threads: runs of queries
      {.heads = 3, .len_q = 600, .len_k = 600, .causal = true, .group = 3},
      {.heads = 1, .len_q = 300, .len_k = 300, .causal = true}};
  for (const Case& c : cases)
    CHECK(same_for_any_threads([&] {
      Problem<T> p(c);
      k::attention_forward(p.args);
      k::attention_backward(p.args, p.grads);
      if (c.bias != Bias::none) k::attention_bias_backward(p.args, p.grads);
      for (const auto* x : {&p.dq, &p.dk, &p.dv, &p.dbias}) p.o.insert(p.o.end(), x->begin(), x->end());
      return p.o;
    }));
  check<T>(cases[1]);
  check<T>(cases[2]);
}

#ifndef GLOSS_BACKEND_EIGEN
TEST_CASE("attention: its product in bfloat16 is that of the rounded factors, as floats and in pairs") {
  std::mt19937 random(9);
  const auto below = [&](gloss::Index n) { return static_cast<gloss::Index>(random() % static_cast<unsigned>(n)); };
  std::uniform_real_distribution<float> draw(-1, 1);
  const auto numbers = [&](gloss::Index n) {
    std::vector<float> x(static_cast<std::size_t>(n));
    for (float& v : x) v = draw(random);
    return x;
  };
  const auto rounded = [](float x) { return static_cast<double>(float(gloss::bfloat16(x))); };
  using k::detail::attention_product_of_rounded;
  std::vector<decltype(&attention_product_of_rounded)> products = {attention_product_of_rounded,
                                                                   k::detail::attention_product_in_bfloat16};
#ifdef GLOSS_BFLOAT16_TILES
  if (k::detail::has_bfloat16_tiles()) products.push_back(k::detail::attention_product_of_pairs);
#endif
  for (int round = 0; round < 60; ++round) {
    const gloss::Index m = 8 * (1 + below(12)), n = 16 * (1 + below(5)), depth = 1 + below(70);
    const gloss::Index ldb = n + below(3), ldc = n + below(3);
    for (const bool by_rows : {true, false}) {
      const gloss::Index lda = (by_rows ? depth : m) + below(3);
      const std::vector<float> a = numbers(((by_rows ? m : depth) - 1) * lda + (by_rows ? depth : m)),
                               b = numbers((depth - 1) * ldb + n), before = numbers((m - 1) * ldc + n);
      for (const bool accumulate : {false, true})
        for (auto* const product : products) {
          std::vector<float> c = before;
          product(m, n, depth, a.data(), by_rows ? lda : 1, by_rows ? 1 : lda, b.data(), ldb, c.data(), ldc,
                  accumulate);
          double off = 0;
          bool kept = true;
          for (gloss::Index i = 0; i < m; ++i)
            for (gloss::Index j = 0; j < ldc && i * ldc + j < static_cast<gloss::Index>(c.size()); ++j) {
              const auto at = static_cast<std::size_t>(i * ldc + j);
              if (j >= n) {
                kept = kept && c[at] == before[at];
                continue;
              }
              double sum = accumulate ? static_cast<double>(before[at]) : 0.0;
              for (gloss::Index p = 0; p < depth; ++p)
                sum += rounded(a[static_cast<std::size_t>(by_rows ? i * lda + p : p * lda + i)]) *
                       rounded(b[static_cast<std::size_t>(p * ldb + j)]);
              off = std::max(off, std::abs(sum - static_cast<double>(c[at])));
            }
          CHECK(kept);
          CHECK(off < 1e-5);
        }
    }
  }
}
#endif
