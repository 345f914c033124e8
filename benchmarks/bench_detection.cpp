// ResNet-50 on images of 224 x 224 and DETR-R50 on one of 800 x 800, forward in evaluation without a graph, from random
// weights. benchmarks/peers/detection.py times the same models of transformers.
#include <benchmark/benchmark.h>

#include <gloss/gloss.hpp>
#include <gloss/models/detr.hpp>
#include <gloss/models/resnet.hpp>

#include "median.hpp"

using namespace gloss;

namespace {

void resnet50(benchmark::State& state) {
  static const auto model = [] {
    models::ResNetForImageClassification<float> m(models::ResNetConfig::of_layers(50));
    m.eval();
    return m;
  }();
  const NoGradGuard no_grad;
  const Tensor<float> x = randn<float>({state.range(0), 3, 224, 224});
  model(x);
  bench::time_calls(state, [&] { benchmark::DoNotOptimize(model(x).data()); });
}

void detr_r50(benchmark::State& state) {
  static const auto model = [] {
    models::DetrForObjectDetection<float> m(models::DetrConfig{.num_labels = 91});
    m.eval();
    return m;
  }();
  const NoGradGuard no_grad;
  const Tensor<float> x = randn<float>({1, 3, state.range(0), state.range(0)});
  model({x});
  bench::time_calls(state, [&] { benchmark::DoNotOptimize(model({x}).boxes.data()); });
}

BENCHMARK(resnet50)->Name("resnet50/batch")->Arg(1)->Arg(8)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(detr_r50)->Name("detr_r50/side")->Arg(800)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
