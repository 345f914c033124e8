// The passes between the products of the base Transformer (512 tokens, d_model 512, d_ff 2048, 8,000 words), forward
// and backward, as a program calls them: recorded, on tensors. benchmarks/peers/ops.py times PyTorch on the same cases.
// Every case is first compared with plain loops in double.
//
// median_s is the median over single calls. `copies` is how many times as long the pass takes as a plain copy that
// reads and writes as many bytes, each operand counted once, on the same threads. Memory, or the cache that holds the
// operands, is the limit of relu, dropout's way back, embedding, Adam (in place, and so far below a copy) and of
// softmax_vocabulary's and log_softmax's way back. Arithmetic is that of whatever computes exponentials (softmax,
// log_softmax, cross_entropy, gelu), draws random numbers (dropout) or reads each row several times (layer_norm).
//
// math/* are the vectors' functions beside the C library's, on 4,096 numbers.
//   bench_ops --peak     the floating-point operations a second that the processor can do, instead of timing
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <gloss/core/clock.hpp>
#include <gloss/gloss.hpp>
#include <gloss/kernels/fma_peak.hpp>
#include <gloss/kernels/simd/math.hpp>

#include "median.hpp"

using namespace gloss;

namespace {

using F = Tensor<float>;
using Doubles = std::vector<double>;

Doubles doubles(const F& x) {
  const F dense = x.detach().contiguous();
  return Doubles(dense.data(), dense.data() + dense.numel());
}
bool matches(const F& x, const Doubles& want) {
  const Doubles have = doubles(x);
  if (have.size() != want.size()) return false;
  double largest = 1e-30;
  for (const double w : want) largest = std::max(largest, std::abs(w));
  for (std::size_t i = 0; i < want.size(); ++i)
    if (!(std::abs(have[i] - want[i]) <= 3e-5 * largest)) return false;
  return true;
}

double median(std::vector<double> x) {
  std::nth_element(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2), x.end());
  return x[x.size() / 2];
}

/// Seconds that memcpy takes to read half of `bytes` and to write the other half, by the threads of parallel_for.
double copy_seconds(double bytes) {
  const double most = 1 << 28;
  const Index half = static_cast<Index>(std::min(bytes, most) / 2) + 1;
  const std::unique_ptr<char[]> from(new char[static_cast<std::size_t>(half)]),
      to(new char[static_cast<std::size_t>(half)]);
  std::memset(from.get(), 1, static_cast<std::size_t>(half));
  std::memset(to.get(), 2, static_cast<std::size_t>(half));
  std::vector<double> times;
  for (const double stop = monotonic_seconds() + 0.03; times.size() < 5 || monotonic_seconds() < stop;) {
    const double begin = monotonic_seconds();
    parallel_for(half, 1 << 15, [&](Index i, Index end) {
      std::memcpy(to.get() + i, from.get() + i, static_cast<std::size_t>(end - i));
    });
    times.push_back(monotonic_seconds() - begin);
  }
  return median(times) * std::max(1.0, bytes / most);
}

template <class Run>
void measure(benchmark::State& state, double bytes, const Run& run) {
  run();
  bench::time_calls(state, [&] {
    run();
    benchmark::ClobberMemory();
  });
  if (bytes > 0) state.counters["copies"] = state.counters["median_s"] / copy_seconds(bytes);
}

/// What a case is made of, on its first call.
struct Pass {
  std::vector<F> inputs;       // those with a gradient
  std::function<F()> forward;  // recorded
  Doubles y;                   // by plain loops
  std::function<std::vector<Doubles>(const Doubles& dy)> gradients;
};

/// NAME/forward and NAME/backward; the bytes are those that must be moved.
void add(const std::string& name, double forward_bytes, double backward_bytes, std::function<Pass()> make) {
  auto pass = std::make_shared<std::unique_ptr<Pass>>();
  const auto made = [pass, make]() -> Pass& {
    if (!*pass) *pass = std::make_unique<Pass>(make());
    return **pass;
  };
  const auto options = [](benchmark::internal::Benchmark* b) { b->UseRealTime()->Unit(benchmark::kMillisecond); };
  options(benchmark::RegisterBenchmark((name + "/forward").c_str(), [=](benchmark::State& state) {
    Pass& p = made();
    if (!matches(p.forward(), p.y)) return state.SkipWithError("the result is not that of the plain loops");
    measure(state, forward_bytes, [&] { benchmark::DoNotOptimize(p.forward().data()); });
  }));
  if (backward_bytes == 0) return;
  options(benchmark::RegisterBenchmark((name + "/backward").c_str(), [=](benchmark::State& state) {
    Pass& p = made();
    const F y = p.forward(), dy = y.dim() == 0 ? ones<float>({}) : randn<float>(y.shape());
    const auto run = [&] { return grad(y, p.inputs, {.retain_graph = true}, dy); };
    const std::vector<F> have = run();
    const std::vector<Doubles> want = p.gradients(doubles(dy));
    for (std::size_t i = 0; i < have.size(); ++i)
      if (!matches(have[i], want[i])) return state.SkipWithError("the gradient is not that of the plain loops");
    measure(state, backward_bytes, [&] { benchmark::DoNotOptimize(run()); });
  }));
}

F input(Shape shape) {
  F x = randn<float>(shape);
  x.requires_grad_();
  return x;
}
constexpr double mb(double floats) { return 4 * floats; }

/// y_i = f(x_i), dx_i = dy_i slope(x_i).
void add_elementwise(const std::string& name, Shape shape, std::function<F(const F&)> op, double (*f)(double),
                     double (*slope)(double)) {
  const double n = static_cast<double>(shape.numel());
  add(name, mb(2 * n), mb(3 * n), [=] {
    const F x = input(shape);
    const Doubles in = doubles(x);
    Doubles y;
    for (const double v : in) y.push_back(f(v));
    return Pass{{x},
                [=] { return op(x); },
                y,
                [=](const Doubles& dy) {
                  Doubles dx;
                  for (std::size_t i = 0; i < in.size(); ++i) dx.push_back(dy[i] * slope(in[i]));
                  return std::vector<Doubles>{dx};
                }};
  });
}

void add_softmax(const std::string& name, Shape shape, bool logarithm) {
  const double numbers = static_cast<double>(shape.numel());
  add(name, mb(2 * numbers), mb(3 * numbers), [=] {
    const F x = input(shape);
    const Doubles in = doubles(x);
    const auto n = static_cast<std::size_t>(shape[shape.rank() - 1]);
    Doubles p(in.size());
    for (std::size_t r = 0; r < in.size(); r += n) {
      double sum = 0;
      for (std::size_t i = r; i < r + n; ++i) sum += std::exp(in[i]);
      for (std::size_t i = r; i < r + n; ++i) p[i] = std::exp(in[i]) / sum;
    }
    Doubles y = p;
    if (logarithm)
      for (double& v : y) v = std::log(v);
    return Pass{{x},
                [=] { return logarithm ? log_softmax(x, -1) : softmax(x, -1); },
                y,
                [=](const Doubles& dy) {
                  Doubles dx(in.size());
                  for (std::size_t r = 0; r < in.size(); r += n) {
                    double sum = 0;
                    for (std::size_t i = r; i < r + n; ++i) sum += logarithm ? dy[i] : dy[i] * p[i];
                    for (std::size_t i = r; i < r + n; ++i)
                      dx[i] = logarithm ? dy[i] - p[i] * sum : p[i] * (dy[i] - sum);
                  }
                  return std::vector<Doubles>{dx};
                }};
  });
}

/// layer_norm, or add_layer_norm of x and a residual.
void time_layer_norm(Index rows, Index n, bool sum_first) {
  const double numbers = static_cast<double>(rows * n), more = sum_first ? 1 : 0;
  add(sum_first ? "add_layer_norm" : "layer_norm", mb((2 + 2 * more) * numbers), mb(3 * numbers), [=] {
    const F x = input({rows, n}), residual = input({rows, n}), gamma = input({n}), beta = input({n});
    const Doubles in = doubles(sum_first ? residual + x : x), g = doubles(gamma), b = doubles(beta);
    const auto w = static_cast<std::size_t>(n);
    Doubles y(in.size()), d(in.size()), scale(in.size() / w);
    for (std::size_t r = 0; r < scale.size(); ++r) {
      double mean = 0, square = 0;
      for (std::size_t i = 0; i < w; ++i) mean += in[r * w + i] / static_cast<double>(n);
      for (std::size_t i = 0; i < w; ++i) square += (in[r * w + i] - mean) * (in[r * w + i] - mean);
      scale[r] = 1 / std::sqrt(square / static_cast<double>(n) + 1e-5);
      for (std::size_t i = 0; i < w; ++i) {
        d[r * w + i] = (in[r * w + i] - mean) * scale[r];
        y[r * w + i] = d[r * w + i] * g[i] + b[i];
      }
    }
    return Pass{{x, gamma, beta},
                [=] { return sum_first ? add_layer_norm(residual, x, gamma, beta) : layer_norm(x, gamma, beta); },
                y,
                [=](const Doubles& dy) {
                  Doubles dx(in.size()), dg(w), db(w);
                  for (std::size_t r = 0; r < scale.size(); ++r) {
                    double sum = 0, dot = 0;
                    for (std::size_t i = 0, at = r * w; i < w; ++i, ++at) {
                      sum += dy[at] * g[i] / static_cast<double>(n);
                      dot += dy[at] * g[i] * d[at] / static_cast<double>(n);
                      dg[i] += dy[at] * d[at];
                      db[i] += dy[at];
                    }
                    for (std::size_t i = 0, at = r * w; i < w; ++i, ++at)
                      dx[at] = scale[r] * (dy[at] * g[i] - sum - d[at] * dot);
                  }
                  return std::vector<Doubles>{dx, dg, db};
                }};
  });
}

void add_cross_entropy(Index rows, Index n) {
  const double numbers = static_cast<double>(rows * n);
  add("cross_entropy", mb(numbers), mb(2 * numbers), [=] {
    const F x = input({rows, n});
    const auto target = randint<std::int64_t>(0, n, {rows});
    const Doubles in = doubles(x);
    const auto w = static_cast<std::size_t>(n);
    double loss = 0;
    Doubles dx(in.size());
    for (std::size_t r = 0; r < in.size() / w; ++r) {
      double sum = 0;
      for (std::size_t i = 0; i < w; ++i) sum += std::exp(in[r * w + i]);
      for (std::size_t i = 0; i < w; ++i) {
        const bool here = static_cast<Index>(i) == target.data()[r];
        const double t = 0.1 / static_cast<double>(n) + (here ? 0.9 : 0);
        loss -= t * (in[r * w + i] - std::log(sum)) / static_cast<double>(rows);
        dx[r * w + i] = (std::exp(in[r * w + i]) / sum - t) / static_cast<double>(rows);
      }
    }
    return Pass{{x},
                [=] { return cross_entropy(x, target, {.label_smoothing = 0.1}); },
                {loss},
                [=](const Doubles&) { return std::vector<Doubles>{dx}; }};
  });
}

void add_embedding(Index count, Index vocab, Index n) {
  const double numbers = static_cast<double>(count * n);
  // going back, all of the gradient is written, and what the ids touch is read again
  add("embedding", mb(2 * numbers), mb(static_cast<double>(vocab * n) + 3 * numbers), [=] {
    const F weight = input({vocab, n});
    const auto ids = randint<std::int64_t>(0, vocab, {count});
    const auto w = static_cast<std::size_t>(n);
    const Doubles table = doubles(weight);
    Doubles y;
    for (Index r = 0; r < count; ++r)
      for (std::size_t i = 0; i < w; ++i) y.push_back(table[static_cast<std::size_t>(ids.data()[r]) * w + i]);
    return Pass{{weight},
                [=] { return embedding(ids, weight); },
                y,
                [=](const Doubles& dy) {
                  Doubles dw(table.size());
                  for (std::size_t at = 0; at < dy.size(); ++at)
                    dw[static_cast<std::size_t>(ids.data()[at / w]) * w + at % w] += dy[at];
                  return std::vector<Doubles>{dw};
                }};
  });
}

/// The draw is read off the result, whose share of zeros must be p; it is the same in every call, so that the gradient
/// can be compared.
void add_dropout_case(const std::string& name, Shape shape, std::function<F(const F&)> op, double least) {
  const double n = static_cast<double>(shape.numel());
  add(name, mb(2 * n), mb(2 * n), [=] {
    const F x = input(shape);
    const auto run = [=] {
      Rng rng(5);
      const RngGuard guard(rng);
      return op(x);
    };
    const Doubles in = doubles(x), have = doubles(run());
    Doubles y, slope;
    double dropped = 0, positive = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
      const bool kept = have[i] != 0;
      if (in[i] > least) ++positive, dropped += !kept;
      slope.push_back(kept ? 1 / 0.9 : 0);
      y.push_back(in[i] * slope[i]);
      if (kept && in[i] <= least) y[i] = 1e9;  // wrong
    }
    if (std::abs(dropped / positive - 0.1) > 0.01) y.clear();
    return Pass{{x}, run, y, [=](const Doubles& dy) {
                  Doubles dx;
                  for (std::size_t i = 0; i < dy.size(); ++i) dx.push_back(dy[i] * slope[i]);
                  return std::vector<Doubles>{dx};
                }};
  });
}

/// One step on the shapes of the base Transformer's parameters.
template <class Optimizer>
void add_adam(const std::string& name, bool decoupled) {
  benchmark::RegisterBenchmark(
      (name + "/step").c_str(),
      [=](benchmark::State& state) {
        std::vector<Shape> shapes(3, Shape{8000, 512});
        shapes.push_back({8000});
        const auto several = [&](int times, Shape shape) {
          shapes.insert(shapes.end(), static_cast<std::size_t>(times), shape);
        };
        several(6 * 4 + 6 * 8, {512, 512});
        several(6 * 4 + 6 * 8, {512});
        several(12, {2048, 512});
        several(12, {2048});
        several(12, {512, 2048});
        several(12, {512});
        several(2 * (6 * 2 + 6 * 3 + 2), {512});
        Rng rng(1);
        const RngGuard guard(rng);
        std::vector<F> parameters;
        double numbers = 0;
        for (const Shape& shape : shapes) {
          parameters.push_back(input(shape));
          parameters.back().set_grad(randn<float>(shape));
          numbers += static_cast<double>(shape.numel());
        }
        Optimizer adam(parameters, {.lr = 1e-4, .betas = {0.9, 0.98}, .eps = 1e-9, .weight_decay = 0.01});
        const Doubles before = doubles(parameters[3]), g = doubles(parameters[3].grad());
        adam.step();
        Doubles want;
        for (std::size_t i = 0; i < g.size(); ++i) {  // the first step's m / (1 - b1) is g, v / (1 - b2) is g^2
          const double slope = g[i] + (decoupled ? 0 : 0.01 * before[i]);
          want.push_back(before[i] * (decoupled ? 1 - 1e-4 * 0.01 : 1) - 1e-4 * slope / (std::abs(slope) + 1e-9));
        }
        if (!matches(parameters[3], want)) return state.SkipWithError("the step is not that of the plain loop");
        measure(state, mb(7 * numbers), [&] { adam.step(); });  // p, g, m, v are read, p, m, v written
      })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

template <class T, class V, class S>
void add_math(const std::string& name, double low, double high, V vector, S scalar) {
  const auto run = [=](auto f) {
    return [=](benchmark::State& state) {
      constexpr Index n = 4096;
      std::vector<T> x, y(n);
      for (Index i = 0; i < n; ++i) x.push_back(static_cast<T>(low + (high - low) * static_cast<double>(i) / n));
      measure(state, 0, [&] { f(x.data(), y.data(), n); });
      state.counters["ns"] = benchmark::Counter(state.counters["median_s"] * 1e9 / n);
    };
  };
  benchmark::RegisterBenchmark((name + "/vector").c_str(), run([=](const T* x, T* y, Index n) {
                                 for (Index i = 0; i < n; i += kernels::lanes<T>)
                                   kernels::store<T>(y + i, vector(kernels::load<T>(x + i)));
                               }));
  benchmark::RegisterBenchmark((name + "/libm").c_str(), run([=](const T* x, T* y, Index n) {
                                 for (Index i = 0; i < n; ++i) y[i] = scalar(x[i]);
                               }));
}
template <class T>
void add_maths(const std::string& type) {
  using V = kernels::Vec<T>;
  add_math<T>(
      "math/exp/" + type, -20, 20, [](V x) { return kernels::exp<T>(x); }, [](T x) { return std::exp(x); });
  add_math<T>(
      "math/log/" + type, 1e-3, 9, [](V x) { return kernels::log<T>(x); }, [](T x) { return std::log(x); });
  add_math<T>(
      "math/tanh/" + type, -5, 5, [](V x) { return kernels::tanh<T>(x); }, [](T x) { return std::tanh(x); });
  add_math<T>(
      "math/erf/" + type, -4, 4, [](V x) { return kernels::erf<T>(x); }, [](T x) { return std::erf(x); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--peak")
    return std::printf("%.4g\n", kernels::measure_fma_peak<float>()) < 0;
  time_layer_norm(512, 512, false);
  time_layer_norm(512, 512, true);
  add_softmax("softmax_attention", {16, 8, 32, 32}, false);
  add_softmax("softmax_vocabulary", {512, 8000}, false);
  add_softmax("log_softmax", {512, 8000}, true);
  add_elementwise(
      "gelu", {512, 2048}, [](const F& x) { return gelu(x); },
      [](double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); },
      [](double x) {
        return 0.5 * std::erfc(-x / std::sqrt(2.0)) + x * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0));
      });
  add_elementwise(
      "relu", {512, 2048}, [](const F& x) { return relu(x); }, [](double x) { return x > 0 ? x : 0; },
      [](double x) { return x > 0 ? 1.0 : 0.0; });
  add_cross_entropy(512, 8000);
  add_embedding(512, 8000, 512);
  const auto drop = [](const F& x) { return dropout(x, 0.1); };
  add_dropout_case("dropout_d_model", {512, 512}, drop, -1e9);
  add_dropout_case("dropout_d_ff", {512, 2048}, drop, -1e9);
  add_dropout_case(
      "relu_dropout", {512, 2048}, [](const F& x) { return relu_dropout(x, 0.1); }, 0);
  add_adam<optim::Adam<float>>("adam", false);
  add_adam<optim::AdamW<float>>("adamw", true);
  add_maths<float>("float");
  add_maths<double>("double");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  Rng rng(1);
  const RngGuard guard(rng);
  benchmark::RunSpecifiedBenchmarks();
}
