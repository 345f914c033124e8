// Scaled dot-product attention: forward and forward + backward, 8 heads of width 64, lengths 64 to 2048, causal or not.
// Every case is first compared with the naive kernel. benchmarks/peers/attention.py times PyTorch on the same cases.
#include <benchmark/benchmark.h>

#include <gloss/kernels/attention.hpp>

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
  /// Whether one head agrees with the definition (all of them would take minutes at length 2048).
  bool is_right() const {
    Case one(1, 1, args.len_q, args.d_k, args.causal);
    attention_forward(one.args);
    attention_backward(one.args, one.grads);
    const auto want = test::naive_attention(one.args, one.grads);
    return test::difference(one.o, want.o) < 1e-5 && test::difference(one.dq, want.dq) < 1e-4 &&
           test::difference(one.dk, want.dk) < 1e-4 && test::difference(one.dv, want.dv) < 1e-4;
  }
};

void attention(benchmark::State& state, bool backward) {
  Case c(state.range(0), state.range(1), state.range(2), state.range(3), state.range(4) != 0);
  if (!c.is_right()) return state.SkipWithError("the result is not the naive kernel's");
  for (auto _ : state) {
    attention_forward(c.args);
    if (backward) attention_backward(c.args, c.grads);
    benchmark::DoNotOptimize(c.dq.data());
    benchmark::ClobberMemory();
  }
  // q k^T and p v, and five products of that size going back (the scores are computed again); half of all when causal
  const double product =
      2.0 * static_cast<double>(c.args.batch * c.args.heads * c.args.len_q * c.args.len_k * c.args.d_k);
  state.counters["FLOP/s"] = benchmark::Counter(product * (backward ? 7 : 2) * (c.args.causal ? 0.5 : 1),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

void cases(benchmark::internal::Benchmark* b) {
  b->ArgNames({"batch", "heads", "len", "width", "causal"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  for (const int causal : {0, 1})
    for (const int len : {64, 128, 256, 512, 1024, 2048}) b->Args({1, 8, len, 64, causal});
  for (const int len : {16, 32, 64}) b->Args({64, 4, len, 32, 0});  // the toy translator
}

BENCHMARK_CAPTURE(attention, forward, false)->Apply(cases);
BENCHMARK_CAPTURE(attention, forward_backward, true)->Apply(cases);

}  // namespace

BENCHMARK_MAIN();
