// Swin-T on images of 224 x 224 pixels and TimeSformer-B on 8 frames of them, forward, in evaluation, without a graph.
// benchmarks/peers/swin_timesformer.py times transformers on the same cases.
#include <string>

#include <benchmark/benchmark.h>

#include <gloss/gloss.hpp>
#include <gloss/models/swin.hpp>
#include <gloss/models/timesformer.hpp>

#include "median.hpp"

using namespace gloss;

namespace {

template <class M>
void add(const std::string& name, const Shape& shape) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) {
                                 manual_seed(1);
                                 M model(typename M::Config{});
                                 model.eval();
                                 const NoGradGuard no_grad;
                                 const Tensor<float> x = randn<float>(shape);
                                 const auto call = [&] {
                                   const auto y = model(x);
                                   benchmark::DoNotOptimize(&y);
                                 };
                                 call();  // the first one waits for memory
                                 bench::time_calls(state, call);
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  add<models::SwinModel<float>>("swin_t/batch:1", {1, 3, 224, 224});
  add<models::SwinModel<float>>("swin_t/batch:8", {8, 3, 224, 224});
  add<models::TimesformerModel<float>>("timesformer_b/batch:1", {1, 8, 3, 224, 224});
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
