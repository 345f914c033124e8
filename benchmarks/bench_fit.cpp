// bench_fit [steps]: whether a loader's workers hide what an item takes, and whether a long run stays as fast and as
// small as it began. Prints time and memory of each tenth of so many small steps (20,000), then seconds of three rounds.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <tuple>
#include <utility>

#include <gloss/core/clock.hpp>
#include <gloss/data.hpp>
#include <gloss/gloss.hpp>
#include <gloss/train.hpp>

#include "peak_resident.hpp"

using namespace gloss;

namespace {

constexpr Index features = 256, classes = 10;

template <Real T>
struct Net final : nn::Module<T> {
  nn::Linear<T> in, middle, out;
  explicit Net(Index width) : in(features, width), middle(width, width), out(width, classes) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return out(gelu(middle(gelu(in(x))))); }
  void visit(nn::Visitor<T>& v) override { v("in", in), v("middle", middle), v("out", out); }
};

/// Items that take so many milliseconds each, as from a slow disk.
struct Items {
  Tensor<float> x;
  Tensor<std::int64_t> y;
  double ms = 0;
  Index size() const { return x.size(0); }
  std::pair<Tensor<float>, std::int64_t> get(Index i) const {
    if (ms > 0) std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(ms));
    return {x.select(0, i), y.data()[i]};
  }
};

train::BatchLoss<float> loss_of(const Net<float>& net, const std::tuple<Tensor<float>, Tensor<std::int64_t>>& batch) {
  const auto& [x, y] = batch;
  return train::BatchLoss(cross_entropy(net(x), y), y.size(0));
}

}  // namespace

int main(int argc, char** argv) {
  const Index steps = argc > 1 ? std::atoi(argv[1]) : 20000;
  manual_seed(1);
  Items items{randn<float>({2048, features}), randint(0, classes, {2048})};
  Net<float> small(32);
  optim::AdamW<float> adamw(small.parameters(), {.lr = 1e-3});
  data::Loader ready(items, {.batch_size = 32, .shuffle = true, .workers = 1, .seed = 1});
  double before = monotonic_seconds();
  Index step = 0;
  const auto show = [&] {
    std::printf("step %lld: %.3f s for a tenth, at most %.1f MB\n", static_cast<long long>(step += steps / 10),
                monotonic_seconds() - before, peak_resident());
    std::fflush(stdout);
    before = monotonic_seconds();
    return train::Scalars{};
  };
  train::fit(small, adamw, ready, loss_of,
             {.max_steps = steps, .clip_norm = 1, .validate = show, .validate_every = steps / 10});
  for (int round = 0; round < 3; ++round)
    for (const auto& [ms, workers] : {std::pair{0.0, 0}, {1.5, 0}, {1.5, 4}}) {
      manual_seed(2);
      Net<float> net(2048);
      optim::AdamW<float> adam(net.parameters(), {.lr = 1e-4});
      items.ms = ms;
      data::Loader batches(items, {.batch_size = 32, .shuffle = true, .workers = workers, .seed = 1});
      const train::FitReport report = train::fit(net, adam, batches, loss_of, {.epochs = 2});
      std::printf("%.1f ms an item, %d workers: %.2f s, sum of weights %.9g\n", ms, workers, report.seconds,
                  static_cast<double>(sum(net.middle.weight.detach()).item()));
      std::fflush(stdout);
    }
}
