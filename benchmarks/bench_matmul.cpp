// Matrix products at the base Transformer's shapes (512 words, d_model 512, d_ff 2048, a vocabulary of 8,000), at the
// toy one's (512 words, 128, 512, 1,000), and when decoding. Each is compared with the naive kernel before it is timed.
// FLOP/s is of the mean, median_s the median of single calls.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include <gloss/kernels/gemm.hpp>

using namespace gloss;

namespace {

using Values = std::vector<float>;

Values random_values(Index count) {
  static std::mt19937 engine(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Values values(static_cast<std::size_t>(count));
  for (float& v : values) v = uniform(engine);
  return values;
}

/// A product, `batch` times, on matrices without gaps.
struct Problem {
  bool trans_a, trans_b;
  Index m, n, k, batch;
  Values a = random_values(batch * m * k);
  Values b = random_values(batch * k * n);
  Values bias = random_values(n);
  Values c = Values(static_cast<std::size_t>(batch * m * n));
  std::vector<const float*> a_list = {}, b_list = {};
  std::vector<float*> c_list = {};

  Index lda() const { return trans_a ? m : k; }
  Index ldb() const { return trans_b ? k : n; }
  kernels::Epilogue<float> epilogue() const { return {batch == 1 && trans_b ? bias.data() : nullptr}; }

  void run() {
    if (batch == 1) {
      kernels::gemm(trans_a, trans_b, m, n, k, 1.0f, a.data(), lda(), b.data(), ldb(), 0.0f, c.data(), n, epilogue());
    } else {
      if (a_list.empty())
        for (Index e = 0; e < batch; ++e) {
          a_list.push_back(a.data() + e * m * k);
          b_list.push_back(b.data() + e * k * n);
          c_list.push_back(c.data() + e * m * n);
        }
      kernels::gemm_batched(trans_a, trans_b, m, n, k, 1.0f, a_list.data(), lda(), b_list.data(), ldb(), 0.0f,
                            c_list.data(), n, batch);
    }
  }
  /// The first and the last rows of the last matrix against three loops.
  bool right() const {
    const Index rows = std::min<Index>(m, 3);
    for (Index i : {Index{0}, m - rows}) {
      const Index e = batch - 1;
      Values expected(static_cast<std::size_t>(rows * n));
      kernels::gemm_naive(trans_a, trans_b, rows, n, k, 1.0f, a.data() + e * m * k + (trans_a ? i : i * lda()), lda(),
                          b.data() + e * k * n, ldb(), 0.0f, expected.data(), n, epilogue());
      const float* actual = c.data() + e * m * n + i * n;
      for (std::size_t at = 0; at < expected.size(); ++at)
        if (!(std::abs(expected[at] - actual[at]) <= 1e-6f * float(k + 8))) return false;
    }
    return true;
  }
};

void measure(benchmark::State& state, Problem problem) {
  problem.run();
  if (!problem.right()) {
    state.SkipWithError("the result differs from the naive kernel's");
    return;
  }
  std::vector<double> times;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    problem.run();
    benchmark::ClobberMemory();
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  const double flop = 2.0 * double(problem.m * problem.n * problem.k * problem.batch);
  state.counters["FLOP/s"] = benchmark::Counter(flop, benchmark::Counter::kIsIterationInvariantRate);
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  state.counters["median_s"] = times[times.size() / 2];
}

/// "name/1x2to3"
std::string title(std::string text, std::initializer_list<Index> sizes, const char* before_last) {
  const char* separator = "/";
  for (const Index& size : sizes) {
    text += &size + 1 == sizes.end() ? before_last : separator;
    text += std::to_string(size);
    separator = "x";
  }
  return text;
}

/// A layer y = x W^T + b on `rows` vectors, and its two gradients dx = dy W, dW = dy^T x.
void layer(const char* name, Index rows, Index out, Index in) {
  const std::string size = title(name, {rows, in, out}, "to");
  const auto add = [&](const char* what, bool trans_a, bool trans_b, Index m, Index n, Index k) {
    benchmark::RegisterBenchmark((size + what).c_str(), [=](benchmark::State& state) {
      measure(state, {trans_a, trans_b, m, n, k, 1});
    })->UseRealTime();
  };
  add("/forward", false, true, rows, out, in);
  if (rows <= 16) return;  // decoding has no gradients
  add("/input_gradient", false, false, rows, in, out);
  add("/weight_gradient", true, false, out, in, rows);
}

/// The two products of attention and their gradients, by head.
void heads(const char* name, Index batch, Index queries, Index keys, Index width) {
  const std::string size = title(name, {batch, queries, keys}, "x");
  const auto add = [&](const char* what, bool trans_a, bool trans_b, Index m, Index n, Index k) {
    benchmark::RegisterBenchmark((size + what).c_str(), [=](benchmark::State& state) {
      measure(state, {trans_a, trans_b, m, n, k, batch});
    })->UseRealTime();
  };
  add("/scores", false, true, queries, keys, width);
  add("/values", false, false, queries, width, keys);
  add("/values_gradient", true, false, keys, width, queries);
}

}  // namespace

int main(int argc, char* argv[]) {
  layer("projection", 512, 512, 512);
  layer("feed_forward_1", 512, 2048, 512);
  layer("feed_forward_2", 512, 512, 2048);
  layer("generator", 512, 8000, 512);
  layer("toy", 512, 128, 128);
  layer("toy_feed_forward_1", 512, 512, 128);
  layer("toy_feed_forward_2", 512, 128, 512);
  layer("toy_generator", 512, 1000, 128);
  layer("small", 64, 64, 64);
  for (Index rows : {1, 4, 8, 16}) {
    layer("decoding", rows, 512, 512);
    layer("decoding", rows, 2048, 512);
    layer("decoding", rows, 512, 2048);
    layer("decoding", rows, 8000, 512);
  }
  heads("attention", 128, 32, 32, 64);
  heads("attention", 128, 64, 64, 64);
  heads("attention", 16, 512, 512, 64);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
