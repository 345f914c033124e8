// fit with a Loader: it goes on in the middle of an epoch, and the checkpoint tells what has been
#include <gloss/data/loader.hpp>
#include <gloss/optim/sgd.hpp>
#include <gloss/train/fit.hpp>
#include <gloss/train/read_events.hpp>

#include "support/temp_folder.hpp"
#include "support/tensors.hpp"
#include "support/training_case.hpp"

using namespace gloss;

namespace {

/// Points with noise of their own, in batches that a Loader makes; stopped after so many steps, or with 0 not.
train::FitReport run(const std::string& path, Index workers, bool resume, Index stop) {
  Rng rng(3);
  const RngGuard use(rng);
  gloss_test::SmallNet<float> model(0.1);
  optim::SGD<float> sgd(model.parameters(), {.lr = 0.05, .momentum = 0.9});
  const auto points = gloss_test::draw_points<float>(45, 2);
  const data::Map noisy(data::TensorDataset(points.x, points.y), [](const auto& point, Rng& draws) {
    const auto& [x, y] = point;
    return std::tuple(x + 0.1f * uniform_float(draws()), y);
  });
  data::Loader batches(noisy, {.batch_size = 8, .shuffle = true, .workers = workers, .seed = 5});
  return train::fit(model, sgd, batches,
                    [](const auto& net, const auto& batch) {
                      const auto& [x, y] = batch;
                      return train::BatchLoss(mse_loss(net(x), y), y.size(0));
                    },
                    {.epochs = 3, .checkpoint = path, .resume = resume, .loggers = {[stop](const train::Event& event) {
                                                                          if (event.step == stop)
                                                                            train::StopFlag::raise();
                                                                        }}});
}

}  // namespace

TEST_CASE("fit with a Loader: stopped after any step it ends with the same file, with any number of workers") {
  const TempFolder folder;
  const std::string whole = folder.file("whole.st"), stopped = folder.file("stopped.st");
  run(whole, 0, false, 0);
  for (Index stop = 1; stop < 18; ++stop) {
    run(stopped, stop % 3, false, stop);
    run(stopped, (stop + 1) % 3, true, 0);
    INFO("stopped after step " << stop);
    const bool same = read_file(stopped) == read_file(whole);
    CHECK(same);
  }
}

TEST_CASE("read_events: the epochs that a checkpoint tells of") {
  const TempFolder folder;
  const std::string path = folder.file("a.st");
  const train::FitReport report = run(path, 1, false, 0);
  const std::vector<train::Event> events = train::read_events(path);
  REQUIRE(events.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(events[i].phase == "epoch");
    CHECK(events[i].step == static_cast<Index>(6 * (i + 1)));
    CHECK(events[i].values == report.events[i].values);
  }
  CHECK_THROWS_AS(train::read_events(folder.file("none")), LoadError);
  CHECK_THROWS_AS(train::read_events(folder.write("b.st", "text")), LoadError);
}
