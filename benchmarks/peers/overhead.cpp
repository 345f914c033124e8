// The cases of bench_overhead.cpp in PyTorch's C++ library. overhead.py builds it and compares.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

namespace {

torch::Tensor eight(bool requires_grad) {
  return torch::ones({8}, torch::TensorOptions().dtype(torch::kFloat32).requires_grad(requires_grad));
}

void add_recorded(benchmark::State& state) {
  const torch::Tensor a = eight(true), b = eight(true);
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
}
BENCHMARK(add_recorded);

void add_unrecorded(benchmark::State& state) {
  const torch::Tensor a = eight(false), b = eight(false);
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
}
BENCHMARK(add_unrecorded);

void add_in_place(benchmark::State& state) {
  torch::Tensor a = eight(false), b = eight(false);
  for (auto _ : state) benchmark::DoNotOptimize(a.add_(b));
}
BENCHMARK(add_in_place);

void mul_recorded(benchmark::State& state) {
  const torch::Tensor a = eight(true), b = eight(true);
  for (auto _ : state) benchmark::DoNotOptimize(a * b);
}
BENCHMARK(mul_recorded);

void slice(benchmark::State& state) {
  const torch::Tensor a = eight(false);
  for (auto _ : state) benchmark::DoNotOptimize(a.slice(0, 2, 6));
}
BENCHMARK(slice);

void slice_recorded(benchmark::State& state) {
  const torch::Tensor a = eight(true);
  for (auto _ : state) benchmark::DoNotOptimize(a.slice(0, 2, 6));
}
BENCHMARK(slice_recorded);

void chain_forward_and_backward(benchmark::State& state) {
  torch::Tensor x = eight(true), w = eight(false);
  for (auto _ : state) {
    torch::Tensor y = x;
    for (int i = 0; i < 10; ++i) y = y * w + w;
    y.sum().backward();
    x.mutable_grad() = torch::Tensor();
  }
}
BENCHMARK(chain_forward_and_backward);

}  // namespace

int main(int argc, char** argv) {
  torch::set_num_threads(1);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
