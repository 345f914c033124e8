// One training step of the whole model at the sizes of benchmarks/peers/train_step.py: forward, label-smoothed loss,
// backward, Adam. Before anything is timed, the untrained model's loss and its first steps are checked.
//   bench_train_step --profile=base [trace.json]     where the time of ten steps goes, op by op, instead of timing
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include <gloss/io/atomic_file.hpp>
#include <gloss/tensor/profile.hpp>

#include "median.hpp"
#include "train_step.hpp"

using namespace gloss;

namespace {

using bench::Case, bench::Trainer, bench::cases, bench::smoothing;

/// An untrained model says nearly nothing: its loss lies near ln(vocab) minus the smoothed target's own entropy, and
/// steps on one batch lower it. (Its exact values are the golden tests' business.)
void check(const Case& c) {
  Rng rng(1);
  const RngGuard guard(rng);
  Trainer trainer(c, 0.0);
  const double n = static_cast<double>(c.vocab);
  const double entropy = -(1 - smoothing) * std::log(1 - smoothing) - smoothing * std::log(smoothing / (n - 2));
  const double first = trainer.step();
  double last = first;
  for (int i = 0; i < 4; ++i) last = trainer.step();
  const double expected = std::log(n) - entropy;
  if (!(std::abs(first - expected) < 1.5) || !(last < first)) {
    std::fprintf(stderr, "train_step/%s: wrong before timing: loss %g (about %g is right), after 4 steps %g\n", c.name,
                 first, expected, last);
    std::exit(1);
  }
}

void train_step(benchmark::State& state, const Case& c) {
  static std::map<std::string, std::unique_ptr<Trainer>>
      trainers;  // the library calls this several times for one result
  Rng rng(1);
  const RngGuard guard(rng);
  std::unique_ptr<Trainer>& trainer = trainers[c.name];
  if (!trainer) {
    check(c);
    trainer = std::make_unique<Trainer>(c);
    for (int i = 0; i < 3; ++i) trainer->step();
  }
  bench::time_calls(state, [&] { trainer->step(); });

  // Multiply-adds of the products: each weight meets each token once forward and twice backward; attention adds
  // 2 length^2 d_model per layer and direction for scores and mix.
  const double tokens = static_cast<double>(c.batch * c.length), d = static_cast<double>(c.d_model);
  const double layer = 4 * d * d, ff = 2 * d * static_cast<double>(c.d_ff);
  const double weights = static_cast<double>(c.N) * (3 * layer + 2 * ff) + d * static_cast<double>(c.vocab);
  const double attention = static_cast<double>(c.N) * 3 * 2 * static_cast<double>(c.length) * d;
  state.counters["FLOP/s"] =
      benchmark::Counter(3 * 2 * tokens * (weights + attention), benchmark::Counter::kIsIterationInvariantRate);
  state.counters["tokens/s"] = benchmark::Counter(tokens, benchmark::Counter::kIsIterationInvariantRate);
}

/// Ten warm steps under a Profile, as a table and, if a file is named, as a trace.
int profile(const std::string& name, const char* trace) {
  for (const Case& c : cases) {
    if (name != c.name) continue;
    Rng rng(1);
    const RngGuard guard(rng);
    Trainer trainer(c);
    for (int i = 0; i < 3; ++i) trainer.step();
    const double before = kernels::measure_fma_peak<float>();
    Profile listening;
    for (int i = 0; i < 10; ++i) trainer.step();
    listening.stop();
    const double after = kernels::measure_fma_peak<float>();
    std::printf("%s\n10 steps of train_step/%s\n%s", build_report().c_str(), c.name,
                listening.table(before > after ? before : after).c_str());
    if (trace) io::write_file_atomically(trace, listening.trace());
    return 0;
  }
  std::fprintf(stderr, "bench_train_step: there is no case %s\n", name.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]).starts_with("--profile="))
    return profile(std::string(argv[1]).substr(10), argc > 2 ? argv[2] : nullptr);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (const Case& c : cases)
    benchmark::RegisterBenchmark((std::string("train_step/") + c.name).c_str(), train_step, c)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  benchmark::RunSpecifiedBenchmarks();
}
