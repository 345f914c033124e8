// The memory of the base training step (benchmarks/train_step.hpp, benchmarks/peers/memory.py), in MB = 10^6 bytes:
//   memory/base          the largest resident size of the process, less what it was at the start
//   memory/base_beyond   the same less four copies of the parameters: weights, gradients, Adam's two moments
// `process` is the whole process's peak, `pool_peak` the largest that tensors held together, `asked_late` how many
// blocks the pool asked the system for after the second step (0 is right).
#include <benchmark/benchmark.h>

#include "peak_resident.hpp"
#include "train_step.hpp"

namespace {

const double at_start = peak_resident();

struct Measured {
  double parameters, resident, process, pool_peak, asked_late;
};

/// Six steps, once in a process: the peak cannot be taken back.
const Measured& measured() {
  static const Measured result = [] {
    gloss::Rng rng(1);
    const gloss::RngGuard guard(rng);
    bench::Trainer trainer(bench::cases[0]);
    for (int i = 0; i < 2; ++i) trainer.step();
    const std::size_t asked = gloss::memory_stats().requests;
    for (int i = 0; i < 4; ++i) trainer.step();
    const gloss::MemoryStats stats = gloss::memory_stats();
    const double process = peak_resident();
    return Measured{static_cast<double>(trainer.num_parameters()) * sizeof(float) / 1e6, process - at_start, process,
                    static_cast<double>(stats.peak) / 1e6, static_cast<double>(stats.requests - asked)};
  }();
  return result;
}

void report(benchmark::State& state, double copies) {
  const Measured& m = measured();
  for (auto _ : state) benchmark::DoNotOptimize(m.resident);
  state.counters["MB"] = m.resident - copies * m.parameters;
  state.counters["process"] = m.process;
  state.counters["pool_peak"] = m.pool_peak;
  state.counters["asked_late"] = m.asked_late;
}
BENCHMARK_CAPTURE(report, all, 0)->Name("memory/base");
BENCHMARK_CAPTURE(report, beyond, 4)->Name("memory/base_beyond");

}  // namespace

BENCHMARK_MAIN();
