// What shows in long trainings only: memory and time that grow, and data that a training waits for. Times are measured
// here, so CMake lets it run alone.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <thread>

#include <gloss/data/loader.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/train/fit.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"
#include "support/training_case.hpp"

using namespace gloss;
using gloss_test::bits_of;
using gloss_test::draw_points;
using gloss_test::in_batches;
using gloss_test::SmallNet;
using gloss_test::squared_error;
using Points = gloss_test::Points<float>;

namespace {

/// Bytes of the process that are in memory; 0 where nobody says.
std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * 4096;
}

SmallNet<float> net() {
  Rng rng(1);
  const RngGuard use(rng);
  return SmallNet<float>(0.1);
}

/// 300 steps of a net that has no past.
double seconds_of_new_training(const std::vector<Points>& batches) {
  SmallNet<float> model = net();
  optim::Adam<float> adam(model.parameters(), {.lr = 1e-4});
  const double began = monotonic_seconds();
  train::fit(model, adam, batches, squared_error, {.max_steps = 300, .clip_norm = 1});
  return monotonic_seconds() - began;
}

}  // namespace

TEST_CASE("fit: memory and time of a step do not grow in 20,000 steps") {
  const TempFolder folder;
  const std::vector<Points> batches = in_batches(draw_points<float>(800, 3), std::vector<Index>(100, 8));
  SmallNet<float> model = net();
  optim::Adam<float> adam(model.parameters(), {.lr = 1e-4});
  train::WeightAverage<float> average(model);
  // Other programs can double the time of a step for a while, so each 500 steps are timed beside a short training that
  // begins anew: what grows is the ratio of the two.
  std::vector<double> chunks;
  std::size_t early = 0;
  double began = 0, spent = 0;
  const auto measure = [&](const train::Event& event) {
    if (event.phase != "train") return;
    if (event.step % 500 == 1) began = monotonic_seconds(), spent = 0;
    if (event.step % 500 == 0)
      chunks.push_back((monotonic_seconds() - began - spent) / seconds_of_new_training(batches));
    if (event.step == 4000) early = resident_bytes();
  };
  const auto validate = [&] {  // whose time is not the steps'
    const double now = monotonic_seconds();
    train::Scalars values = train::evaluate(model, batches, squared_error);
    spent += monotonic_seconds() - now;
    return values;
  };
  train::fit(model, adam, batches, squared_error,
             {.max_steps = 20000,
              .clip_norm = 1,
              .average = &average,
              .validate = validate,
              .checkpoint = train::Checkpoint(folder.file("run.st")),
              .save_every = 4000,
              .loggers = {measure}});
  REQUIRE(chunks.size() == 40);
  const auto middle = [&](std::ptrdiff_t from, std::ptrdiff_t to) {
    std::vector<double> part(chunks.begin() + from, chunks.begin() + to);
    std::sort(part.begin(), part.end());
    return part[part.size() / 2];
  };
  INFO("500 steps took " << middle(0, 20) << " new trainings at first, " << middle(20, 40) << " at last");
  CHECK(middle(20, 40) < 1.15 * middle(0, 20));
#if !defined(__SANITIZE_ADDRESS__)
  INFO("resident after 4,000 steps " << early << " bytes, after 20,000 " << resident_bytes());
  CHECK(resident_bytes() < early + (std::size_t{1} << 20));
#endif
}

TEST_CASE("Loader: four workers feed a training that the data would hold back as data in memory do") {
  constexpr Index n = 100, size = 8;
  const Points points = draw_points<float>(n * size, 3);
  const data::LazyDataset slow(n * size, [&](Index i) {  // as a disk would be, which takes no processor
    std::this_thread::sleep_for(std::chrono::milliseconds(4));
    return std::pair(points.x[i], points.y[i]);
  });
  const data::LazyDataset fast(n * size, [&](Index i) { return std::pair(points.x[i], points.y[i]); });
  // A step waits as long as a larger model would compute. A batch takes the data 32 ms, so four workers one in 8 ms.
  const auto loss = [](const auto& model, const auto& batch) {
    std::this_thread::sleep_for(std::chrono::milliseconds(12));
    return mse_loss(model(std::get<0>(batch)), std::get<1>(batch));
  };
  const auto run = [&](const auto& set, Index workers) {
    data::Loader batches(set, {.batch_size = size, .shuffle = true, .workers = workers});
    SmallNet<float> model = net();
    optim::Adam<float> adam(model.parameters(), {.lr = 1e-3});
    Rng rng(4);
    const RngGuard use(rng);
    const train::FitReport report = train::fit(model, adam, batches, loss, {.epochs = 1});
    return std::pair(report.seconds, bits_of(model));
  };
  double memory = 1e9, four = 1e9;
  // The best of each, in as many rounds as a busy machine needs.
  for (int round = 0; round < 3 || (round < 12 && memory <= 0.95 * four); ++round) {
    const auto [seconds, bits] = run(fast, 0);
    const auto [seconds_of_four, bits_of_four] = run(slow, 4);
    CHECK(bits == bits_of_four);
    memory = (std::min)(memory, seconds);
    four = (std::min)(four, seconds_of_four);
  }
  const auto [alone, same_bits] = run(slow, 0);
  CHECK(same_bits == run(fast, 0).second);
  INFO("in memory " << memory << " s, four workers " << four << " s, none " << alone << " s");
  CHECK(alone > 2 * memory);  // the data hold it back
  CHECK(memory > 0.95 * four);
}
