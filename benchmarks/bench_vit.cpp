// ViT-B/16 on images of 224 x 224: forward with batches of 1 and 8, and a training step (forward, backward, AdamW)
// with 8. vit/memory is the largest resident size of the process, less what it was at the start, in MB = 10^6 bytes,
// once three such steps were done. benchmarks/peers/vit.py does the same with transformers. median_s is the median
// over single calls. With --saved_bfloat16 training steps keep what their backward reads in bfloat16.
#include <cstring>

#include <benchmark/benchmark.h>

#include <gloss/gloss.hpp>
#include <gloss/models/vit.hpp>
#include <gloss/ops/saved_precision.hpp>

#include "median.hpp"
#include "peak_resident.hpp"

using namespace gloss;

namespace {

constexpr double flops = 35.1e9;  // of one image forward

const double at_start = peak_resident();

models::ViTForImageClassification<float> make_model() {
  models::ViTConfig config;
  config.num_labels = 1000;
  return models::ViTForImageClassification<float>(config);
}

void forward(benchmark::State& state, Index batch) {
  auto model = make_model();
  model.eval();
  const Tensor<float> x = randn<float>({batch, 3, 224, 224});
  const NoGradGuard no_grad;
  const auto call = [&] { benchmark::DoNotOptimize(model(x).data()); };
  call();
  bench::time_calls(state, call);
  state.counters["FLOP/s"] =
      benchmark::Counter(flops * static_cast<double>(batch), benchmark::Counter::kIsIterationInvariantRate);
}

/// Training steps with batches of 8.
struct Trainer {
  models::ViTForImageClassification<float> model = make_model();
  optim::AdamW<float> adam{model.parameters(), {.lr = 1e-4}};
  Tensor<float> x = randn<float>({8, 3, 224, 224});
  Tensor<std::int64_t> y = arange<std::int64_t>(8);

  void step() {
    model.loss(x, y).backward();
    adam.step();
    adam.zero_grad();
  }
};

void train(benchmark::State& state) {
  Trainer trainer;
  trainer.step();
  bench::time_calls(state, [&] { trainer.step(); });
  state.counters["FLOP/s"] = benchmark::Counter(3 * 8 * flops, benchmark::Counter::kIsIterationInvariantRate);
}

void memory(benchmark::State& state) {
  static const double resident = [] {  // once in a process: the peak cannot be taken back
    Trainer trainer;
    for (int i = 0; i < 3; ++i) trainer.step();
    return peak_resident() - at_start;
  }();
  for (auto _ : state) benchmark::DoNotOptimize(resident);
  state.counters["MB"] = resident;
}

BENCHMARK_CAPTURE(forward, one, 1)->Name("vit/forward/1")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(forward, eight, 8)->Name("vit/forward/8")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(train)->Name("vit/train/8")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(memory)->Name("vit/memory");

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--saved_bfloat16") == 0) {
    set_saved_precision(SavedPrecision::bfloat16);
    argv[1] = argv[0], --argc, ++argv;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
