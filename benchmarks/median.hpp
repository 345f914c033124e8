// Times single calls in a Google Benchmark, whose own time is the mean.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <gloss/core/clock.hpp>

namespace bench {

inline double median(std::vector<double> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

/// Runs call() in the benchmark's loop; the counter median_s is the median of its times.
template <class Call>
void time_calls(benchmark::State& state, const Call& call) {
  std::vector<double> times;
  for (auto _ : state) {
    const double begin = gloss::monotonic_seconds();
    call();
    times.push_back(gloss::monotonic_seconds() - begin);
  }
  state.counters["median_s"] = median(std::move(times));
}

}  // namespace bench
