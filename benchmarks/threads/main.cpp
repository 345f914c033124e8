// What compare.sh builds for each GLOSS_THREADS: the median time of a few calls that wait for threads often or seldom, as
// lines "case microseconds".
#include <algorithm>
#include <cstdio>
#include <vector>

#include <gloss/core/clock.hpp>
#include <gloss/core/parallel_for.hpp>
#include <gloss/ops/layer_norm.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/softmax.hpp>

#include "../train_step.hpp"

using namespace gloss;

namespace {

/// For about a third of a second, after a few calls that count nothing.
template <class Call>
void time_case(const char* name, const Call& call) {
  for (int i = 0; i < 3; ++i) call();
  std::vector<double> times;
  const double end = monotonic_seconds() + 0.3;
  for (double begin = monotonic_seconds(); begin < end || times.size() < 5;) {
    call();
    const double now = monotonic_seconds();
    times.push_back(now - begin);
    begin = now;
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  std::printf("%s %.3f\n", name, 1e6 * times[times.size() / 2]);
}

}  // namespace

int main() {
  manual_seed(1);
  time_case("a_hundred_empty_loops", [] {
    for (int i = 0; i < 100; ++i) parallel_for(1000, 1, [](Index, Index) {});
  });
  const Tensor<float> small = randn<float>({256, 256}), large = randn<float>({2048, 1024});
  time_case("product_of_256", [&] { matmul(small, small); });
  const Tensor<float> rows = randn<float>({512, 512}), weight = ones<float>({512}), bias = zeros<float>({512});
  time_case("layer_norm_of_512", [&] { layer_norm(rows, weight, bias); });
  time_case("softmax_of_8_MB", [&] { softmax(large, -1); });
  bench::Trainer toy(bench::cases[1]);
  time_case("train_step_toy", [&] { toy.step(); });
}
