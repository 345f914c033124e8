// Times single calls in a Google Benchmark, whose own time is the mean.
#pragma once

#include <algorithm>
#include <vector>

#include <benchmark/benchmark.h>

#include <gloss/core/clock.hpp>

namespace bench {

/// Runs call() in the benchmark's loop; the counter median_s is the median of its times.
template <class Call>
void time_calls(benchmark::State& state, const Call& call) {
  std::vector<double> times;
  for (auto _ : state) {
    const double begin = gloss::monotonic_seconds();
    call();
    times.push_back(gloss::monotonic_seconds() - begin);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  state.counters["median_s"] = times[times.size() / 2];
}

}  // namespace bench
