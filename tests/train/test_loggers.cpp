// What people look at, plugged into the loop: each logger hears of every event of a fit.
#include <filesystem>
#include <functional>
#include <stdexcept>

#include <gloss/optim/adam.hpp>
#include <gloss/train/fit.hpp>
#include <gloss/train/history.hpp>
#include <gloss/train/log_files.hpp>
#include <gloss/train/progress_log.hpp>
#include <gloss/train/tensorboard.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/training_case.hpp"

using namespace gloss;
using gloss_test::SmallNet;
using gloss_test::squared_error;

namespace {

const std::vector<gloss_test::Points<double>>& batches() {
  static const auto of = gloss_test::in_batches(gloss_test::draw_points<double>(20, 3), {5, 5, 5, 5});
  return of;
}

/// Two epochs of four steps with all loggers; throws in step `fails_in`, as a program that is stopped there.
void run(const TempFolder& folder, bool resume, Index fails_in, train::History& history, std::string& screen) {
  manual_seed(4);
  SmallNet<double> model;
  optim::Adam<double> adam(model.parameters(), {.lr = 0.01});
  train::CsvLog csv(folder.file("log.csv"), {.resume = resume});
  train::JsonLog json(folder.file("log.jsonl"), {.resume = resume});
  train::TensorBoard board(folder.file("board"), {.resume = resume});
  double time = 0;
  train::ProgressLog bar({.unit = "points",
                          .write = [&](std::string_view part) { screen += part; },
                          .line_seconds = 2,
                          .seconds = [&] { return ++time; }});
  const auto stop = [&](const train::Event& event) {
    if (event.step == fails_in) throw std::runtime_error("stopped");
  };
  train::fit(model, adam, batches(), squared_error,
             {.epochs = 2,
              .validate = [&] { return train::evaluate(model, batches(), squared_error); },
              .checkpoint = folder.file("run"),
              .resume = resume,
              .loggers = {std::ref(csv), std::ref(json), std::ref(board), std::ref(history), std::ref(bar), stop}});
  bar.finish();
}

/// Without the times, which differ.
std::vector<train::Event> events_of(const std::string& csv) {
  std::vector<train::Event> events;
  train::replay_csv_log(csv, [&](const train::Event& event) { events.push_back(event); });
  return events;
}

}  // namespace

TEST_CASE("loggers: hear of every step, epoch and validation of a fit") {
  const TempFolder folder;
  train::History history;
  std::string screen;
  run(folder, false, -1, history, screen);
  CHECK(history.names()[0] == "loss");
  const auto curves = history.curves("loss");
  REQUIRE(curves.size() == 3);
  CHECK(curves[0].name == "train");
  CHECK(curves[0].x == std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(curves[1].x == std::vector<double>{4, 8});
  CHECK(curves[2].x == std::vector<double>{4, 8});
  CHECK(events_of(folder.file("log.csv")).size() == 12);
  CHECK(screen.find("epoch 2  ") != std::string::npos);
  CHECK(screen.find("  validation: loss ") != std::string::npos);
  CHECK(screen.find("8/8") != std::string::npos);
  CHECK(screen.find(" points/s") != std::string::npos);
}

TEST_CASE("loggers: a fit that was stopped and goes on leaves the logs of one that was not") {
  const TempFolder whole, stopped;
  train::History history, first_part, second_part;
  std::string screen;
  run(whole, false, -1, history, screen);
  CHECK_THROWS_WITH(run(stopped, false, 6, first_part, screen), "stopped");
  run(stopped, true, -1, second_part, screen);
  const auto a = events_of(whole.file("log.csv")), b = events_of(stopped.file("log.csv"));
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].phase == b[i].phase);
    CHECK(a[i].step == b[i].step);
    CHECK(a[i].items == b[i].items);
    CHECK(a[i].values == b[i].values);
  }
  train::History replayed;
  train::replay_csv_log(stopped.file("log.csv"), std::ref(replayed));
  CHECK(replayed.curves("loss")[0].y == history.curves("loss")[0].y);
  CHECK(std::distance(std::filesystem::directory_iterator(stopped.file("board")), {}) == 2);
}
