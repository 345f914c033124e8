// Scaled dot-product attention: forward and forward + backward, 8 heads of width 64, lengths 64 to 8192, causal or not.
// Every case is first compared with the naive kernel, from length 1024 on in some rows of every result.
// benchmarks/peers/attention.py times PyTorch on the same cases. plain/* is the same work with an explicit matrix of
// scores, by the library's own products and softmax: where it loses, tiles are the right choice.
#include <benchmark/benchmark.h>

#include <gloss/kernels/attention.hpp>
#include <gloss/kernels/gemm.hpp>
#include <gloss/kernels/softmax.hpp>

#include "median.hpp"

#include "../tests/support/attention_naive.hpp"
#include "../tests/support/kernel_data.hpp"

namespace {

using gloss::Index;

struct Case {
  std::vector<float> q, k, v, o, stats, d_o, dq, dk, dv;
  gloss::kernels::AttentionArgs<float> args;
  gloss::kernels::AttentionGrads<float> grads;

  Case(Index batch, Index heads, Index len, Index width, bool causal) {
    const Index n = batch * heads * len * width;
    q = test::random_values<float>(n, 1);
    k = test::random_values<float>(n, 2);
    v = test::random_values<float>(n, 3);
    d_o = test::random_values<float>(n, 4);
    for (auto* x : {&o, &dq, &dk, &dv}) x->resize(q.size());
    stats.resize(static_cast<std::size_t>(batch * heads * 2 * len));
    const auto s = test::attention_strides(heads, len, width, false);
    args = {.batch = batch,
            .heads = heads,
            .len_q = len,
            .len_k = len,
            .d_k = width,
            .d_v = width,
            .q = q.data(),
            .k = k.data(),
            .v = v.data(),
            .o = o.data(),
            .q_strides = s,
            .k_strides = s,
            .v_strides = s,
            .o_strides = s,
            .stats = stats.data(),
            .scale = static_cast<float>(1 / std::sqrt(static_cast<double>(width))),
            .causal = causal};
    grads = {.d_o = d_o.data(),
             .dq = dq.data(),
             .dk = dk.data(),
             .dv = dv.data(),
             .d_o_strides = s,
             .dq_strides = s,
             .dk_strides = s,
             .dv_strides = s};
  }
  /// Whether one head agrees with the definition: all of it, or the rows (of keys, too) of some queries and keys.
  bool is_right() const {
    Case one(1, 1, args.len_q, args.d_k, args.causal);
    attention_forward(one.args);
    attention_backward(one.args, one.grads);
    if (args.len_q > 512) return one.rows_are_right();
    const auto want = test::naive_attention(one.args, one.grads);
    return test::difference(one.o, want.o) < 1e-5 && test::difference(one.dq, want.dq) < 1e-4 &&
           test::difference(one.dk, want.dk) < 1e-4 && test::difference(one.dv, want.dv) < 1e-4;
  }

 private:
  /// For one head: a few rows of o, dq, dk and dv by the definition, in double.
  bool rows_are_right() const {
    const Index n = args.len_q, d = args.d_k;
    const auto dot = [&](const std::vector<float>& x, Index i, const std::vector<float>& y, Index j) {
      double sum = 0;
      for (Index c = 0; c < d; ++c)
        sum += static_cast<double>(x[at(i * d + c)]) * static_cast<double>(y[at(j * d + c)]);
      return sum;
    };
    const auto sees = [&](Index i) { return args.causal ? i + 1 : n; };
    const auto probabilities = [&](Index i) {
      std::vector<double> p(at(sees(i)));
      double sum = 0;
      for (Index j = 0; j < sees(i); ++j) sum += p[at(j)] = std::exp(dot(q, i, k, j) * static_cast<double>(args.scale));
      for (double& x : p) x /= sum;
      return p;
    };
    const Index keys[] = {0, n / 3, n - 1};
    std::vector<double> want_dk(at(3 * d)), want_dv(at(3 * d));
    double error = 0;
    for (Index i = 0; i < n; ++i) {
      const bool whole_row = i == 0 || i == n / 2 - 1 || i == n - 1;
      if (!whole_row && n > 2048) continue;  // dk and dv, which every row adds to, are compared up to there
      const std::vector<double> p = probabilities(i);
      const double row_dot = dot(d_o, i, o, i);
      const auto ds = [&](Index j) {
        return p[at(j)] * (dot(d_o, i, v, j) - row_dot) * static_cast<double>(args.scale);
      };
      for (Index c = 0; whole_row && c < d; ++c) {
        double out = 0, d_q = 0;
        for (Index j = 0; j < sees(i); ++j) {
          out += p[at(j)] * static_cast<double>(v[at(j * d + c)]);
          d_q += ds(j) * static_cast<double>(k[at(j * d + c)]);
        }
        error = std::max({error, std::abs(out - static_cast<double>(o[at(i * d + c)])),
                          std::abs(d_q - static_cast<double>(dq[at(i * d + c)]))});
      }
      for (Index x = 0; x < 3; ++x)
        for (Index c = 0; keys[x] < sees(i) && c < d; ++c) {
          want_dk[at(x * d + c)] += ds(keys[x]) * static_cast<double>(q[at(i * d + c)]);
          want_dv[at(x * d + c)] += p[at(keys[x])] * static_cast<double>(d_o[at(i * d + c)]);
        }
    }
    for (Index x = 0; n <= 2048 && x < 3; ++x)
      for (Index c = 0; c < d; ++c)
        error = std::max({error, std::abs(want_dk[at(x * d + c)] - static_cast<double>(dk[at(keys[x] * d + c)])),
                          std::abs(want_dv[at(x * d + c)] - static_cast<double>(dv[at(keys[x] * d + c)]))});
    return error < 1e-4;
  }
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
};

void attention(benchmark::State& state, bool backward) {
  Case c(state.range(0), state.range(1), state.range(2), state.range(3), state.range(4) != 0);
  if (!c.is_right()) return state.SkipWithError("the result is not the naive kernel's");
  bench::time_calls(state, [&] {
    attention_forward(c.args);
    if (backward) attention_backward(c.args, c.grads);
    benchmark::DoNotOptimize(c.dq.data());
    benchmark::ClobberMemory();
  });
  // q k^T and p v, and five products of that size going back (the scores are computed again); half of all when causal
  const double product =
      2.0 * static_cast<double>(c.args.batch * c.args.heads * c.args.len_q * c.args.len_k * c.args.d_k);
  state.counters["FLOP/s"] = benchmark::Counter(product * (backward ? 7 : 2) * (c.args.causal ? 0.5 : 1),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

/// The forward pass with an explicit matrix of scores.
void plain(benchmark::State& state) {
  Case c(state.range(0), state.range(1), state.range(2), state.range(3), false);
  const Index heads = c.args.batch * c.args.heads, n = c.args.len_q, d = c.args.d_k;
  std::vector<float> scores(static_cast<std::size_t>(heads * n * n));
  std::vector<const float*> q, k, v, p;
  std::vector<float*> s, o;
  for (Index h = 0; h < heads; ++h) {
    q.push_back(c.q.data() + h * n * d), k.push_back(c.k.data() + h * n * d), v.push_back(c.v.data() + h * n * d);
    s.push_back(scores.data() + h * n * n), p.push_back(s.back()), o.push_back(c.o.data() + h * n * d);
  }
  bench::time_calls(state, [&] {
    gloss::kernels::gemm_batched(false, true, n, n, d, c.args.scale, q.data(), d, k.data(), d, 0.0f, s.data(), n,
                                 heads);
    gloss::kernels::softmax_forward(scores.data(), scores.data(), heads * n, n);
    gloss::kernels::gemm_batched(false, false, n, d, n, 1.0f, p.data(), n, v.data(), d, 0.0f, o.data(), d, heads);
    benchmark::ClobberMemory();
  });
}

void cases(benchmark::internal::Benchmark* b) {
  b->ArgNames({"batch", "heads", "len", "width", "causal"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  for (const int causal : {0, 1})
    for (const int len : {64, 128, 256, 512, 1024, 2048, 8192}) b->Args({1, 8, len, 64, causal});
  for (const int len : {16, 32, 64}) b->Args({64, 4, len, 32, 0});  // the toy translator
  b->Args({16, 8, 32, 64, 0});                                      // the base model
}
void plain_cases(benchmark::internal::Benchmark* b) {
  b->ArgNames({"batch", "heads", "len", "width"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  for (const int len : {8, 16, 32, 64, 128, 512}) b->Args({16, 8, len, 64});
}

BENCHMARK_CAPTURE(attention, forward, false)->Apply(cases);
BENCHMARK_CAPTURE(attention, forward_backward, true)->Apply(cases);
BENCHMARK(plain)->Name("math/plain")->Apply(plain_cases);  // compare.py looks for no peer of math/*

}  // namespace

BENCHMARK_MAIN();
