// What an op costs apart from its arithmetic: tensors of eight numbers. benchmarks/peers/overhead.py times the same in
// PyTorch's C++ library.
#include <benchmark/benchmark.h>

#include <gloss/ops/add.hpp>
#include <gloss/ops/in_place.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sum.hpp>

using namespace gloss;

namespace {

Tensor<float> eight(bool requires_grad) {
  Tensor<float> x = ones<float>({8});
  if (requires_grad) x.requires_grad_();
  return x;
}

void add_recorded(benchmark::State& state) {
  const Tensor<float> a = eight(true), b = eight(true);
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
}
BENCHMARK(add_recorded);

void add_unrecorded(benchmark::State& state) {
  const Tensor<float> a = eight(false), b = eight(false);
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
}
BENCHMARK(add_unrecorded);

void add_in_place(benchmark::State& state) {
  const Tensor<float> a = eight(false), b = eight(false);
  for (auto _ : state) benchmark::DoNotOptimize(add_(a, b));
}
BENCHMARK(add_in_place);

void mul_recorded(benchmark::State& state) {
  const Tensor<float> a = eight(true), b = eight(true);
  for (auto _ : state) benchmark::DoNotOptimize(a * b);
}
BENCHMARK(mul_recorded);

void slice(benchmark::State& state) {
  const Tensor<float> a = eight(false);
  for (auto _ : state) benchmark::DoNotOptimize(a.slice(0, 2, 6));
}
BENCHMARK(slice);

void slice_recorded(benchmark::State& state) {
  const Tensor<float> a = eight(true);
  for (auto _ : state) benchmark::DoNotOptimize(a.slice(0, 2, 6));
}
BENCHMARK(slice_recorded);

void chain_forward_and_backward(benchmark::State& state) {
  const Tensor<float> x = eight(true), w = eight(false);
  for (auto _ : state) {
    Tensor<float> y = x;
    for (int i = 0; i < 10; ++i) y = y * w + w;
    sum(y).backward();
    x.zero_grad();
  }
}
BENCHMARK(chain_forward_and_backward);

}  // namespace

BENCHMARK_MAIN();
