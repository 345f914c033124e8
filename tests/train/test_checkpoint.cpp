// Everything that a training depends on, in a file
#include <cstdio>
#include <string>
#include <vector>

#include <gloss/core/file.hpp>
#include <gloss/io/module_file.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/groups.hpp>
#include <gloss/optim/schedules/cosine_annealing_lr.hpp>
#include <gloss/optim/schedules/reduce_lr_on_plateau.hpp>
#include <gloss/optim/sgd.hpp>
#include <gloss/train/checkpoint.hpp>
#include <gloss/train/early_stopping.hpp>
#include <gloss/train/weight_average.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"
#include "support/training_case.hpp"

using namespace gloss;
using gloss_test::SmallNet;

namespace {

/// A training by hand, with all that a checkpoint takes.
struct Training {
  SmallNet<float> model{0.3};
  optim::AdamW<float> adam{optim::Groups(model, optim::AdamWOptions{.lr = 0.02, .weight_decay = 0.1})};
  optim::CosineAnnealingLR<float> schedule{adam, {.T_max = 40}};
  train::WeightAverage<float> average{model, {.decay = 0.8}};
  train::EarlyStopping stopping{{.patience = 50}};
  Rng rng{5, 9};
  Tensor<double> losses = zeros<double>({20});
  std::string note;
  Index step = 0;
  double last = 0;
  bool warm = false;
  train::Checkpoint checkpoint;

  explicit Training(const std::string& path) : checkpoint(path) {
    checkpoint.add("model", model), checkpoint.add("optimizer", adam), checkpoint.add("schedule", schedule);
    checkpoint.add("average", average), checkpoint.add("stopping", stopping), checkpoint.add("rng", rng);
    checkpoint.add("losses", losses), checkpoint.add("note", note), checkpoint.add("step", step);
    checkpoint.add("last", last), checkpoint.add("warm", warm);
  }
  void run(Index until) {
    const RngGuard use(rng);
    static const auto data = gloss_test::draw_points<float>(32, 1);
    for (; step < until; ++step) {
      rng();  // a word alone: the stream stands within a block
      const Tensor<float> loss = gloss_test::squared_error(model, data);
      loss.backward();
      adam.step(), adam.zero_grad(), schedule.step(), average.update();
      last = loss.item();
      stopping.step(last);
      losses.at({step}) = last;
      note = "after \"" + std::to_string(step) + "\"\n";
      warm = step > 3;
    }
  }
};

}  // namespace

TEST_CASE("Checkpoint: a training by hand goes on with the same bits from any step") {
  const TempFolder folder;
  for (const Index stop : {0, 1, 7, 19, 20}) {
    manual_seed(3);
    Training stopped(folder.file("stopped.st"));
    stopped.run(stop);
    stopped.checkpoint.save();
    manual_seed(99);
    Training resumed(folder.file("stopped.st"));
    REQUIRE(resumed.checkpoint.resume());
    CHECK(resumed.step == stop);
    resumed.run(20);
    stopped.run(20);
    CHECK(resumed.checkpoint.bytes() == stopped.checkpoint.bytes());
  }
}

TEST_CASE("Checkpoint: the weights alone are read from its file") {
  const TempFolder folder;
  Training run(folder.file("run.st"));
  run.run(2);
  run.checkpoint.save();
  const std::string bytes = run.checkpoint.bytes();
  CHECK(bytes == read_file(folder.file("run.st")));
  run.run(3);
  run.checkpoint.load_bytes(bytes, "memory");
  CHECK(run.checkpoint.bytes() == bytes);
  SmallNet<float> model;
  io::load(model, folder.file("run.st"), {.prefix = "model."});
  CHECK(gloss_test::bits_of(model) == gloss_test::bits_of(run.model));
  const io::TensorFile file = io::load_safetensors(folder.file("run.st"));
  CHECK(file.metadata().at("note") == "after \"1\"\n");
  CHECK(file.metadata().at("step") == "2");
  CHECK(file.metadata().at("warm") == "false");
}

TEST_CASE("Checkpoint: nowhere is nowhere, and what is not there is not resumed") {
  train::Checkpoint nowhere;
  nowhere.save();
  nowhere.save_numbered(1);
  CHECK_FALSE(nowhere.resume());
  const TempFolder folder;
  train::Checkpoint checkpoint(folder.file("none.st"));
  CHECK_FALSE(checkpoint.resume());
}

TEST_CASE("Checkpoint: of numbered files the last ones stay, of this training alone, also after a resume") {
  const TempFolder folder;
  folder.write("run.step7.st", "of another training");
  const auto there = [&](Index step) {
    return std::filesystem::exists(folder.path / ("run.step" + std::to_string(step) + ".st"));
  };
  int value = 0;
  {
    train::Checkpoint checkpoint(folder.file("run.st"), {.keep_last = 2});
    checkpoint.add("value", value);
    for (value = 10; value <= 30; value += 10) checkpoint.save_numbered(value);
    value = 30;
    checkpoint.save_numbered(30);  // again, which counts once
  }
  CHECK((!there(10) && there(20) && there(30)));
  train::Checkpoint checkpoint(folder.file("run.st"), {.keep_last = 2});
  checkpoint.add("value", value);
  value = 0;
  REQUIRE(checkpoint.resume());
  CHECK(value == 30);
  value = 40;
  checkpoint.save_numbered(40);
  CHECK((there(7) && !there(20) && there(30) && there(40)));
  CHECK(read_file(folder.file("run.step40.st")) == read_file(folder.file("run.st")));
  checkpoint.load(folder.file("run.step30.st"));
  CHECK(value == 30);
}

TEST_CASE("Checkpoint: a plateau and SGD's momentum go on") {
  const TempFolder folder;
  const auto make = [&](auto use) {
    manual_seed(1);
    SmallNet<double> model;
    optim::SGD<double> sgd(model.parameters(), {.lr = 0.1, .momentum = 0.9});
    optim::ReduceLROnPlateau<double> plateau(sgd, {.patience = 0});
    train::Checkpoint checkpoint(folder.file("p.st"));
    checkpoint.add("model", model), checkpoint.add("optimizer", sgd), checkpoint.add("plateau", plateau);
    const auto data = gloss_test::draw_points<double>(8, 1);
    const auto step = [&] {
      gloss_test::squared_error(model, data).backward();
      sgd.step(), sgd.zero_grad(), plateau.step(1.0);
    };
    use(checkpoint, step);
    return checkpoint.bytes();
  };
  const std::string whole =
      make([](auto& checkpoint, auto& step) { step(), step(), checkpoint.save(), step(), step(); });
  CHECK(whole == make([](auto& checkpoint, auto& step) { checkpoint.resume(), step(), step(); }));
}

TEST_CASE("Checkpoint: one that does not fit says what, and all is as it was") {
  const TempFolder folder;
  Training run(folder.file("run.st"));
  run.run(3);
  run.checkpoint.save();
  const std::string path = folder.file("run.st");

  struct Wider final : nn::Module<float> {
    nn::Linear<float> hidden{3, 8}, out{8, 1}, more{1, 1};
    void visit(nn::Visitor<float>& v) override { v("hidden", hidden), v("out", out), v("more", more); }
  } wider;
  train::Checkpoint other(path);
  Index step = 12;
  other.add("step", step), other.add("model", wider);
  const std::string before = other.bytes();
  CHECK_ERROR(other.resume(), LoadError,
              "load_state_dict: " + path +
                  ": 2 problems, nothing was loaded\n  model.more.weight is missing\n  model.more.bias is missing");
  CHECK(other.bytes() == before);
  CHECK(step == 12);

  const auto refuses = [&](auto& x, const std::string& name, const std::string& text) {
    train::Checkpoint checkpoint(path);
    checkpoint.add(name, x);
    CHECK_ERROR(checkpoint.resume(), LoadError, "Checkpoint: " + path + ": " + text);
  };
  std::string text;
  refuses(text, "words", "there is no words");
  int number = 0;
  refuses(number, "note", "note is 'after \"2\"\n', which is no such number");
  Tensor<double> losses = zeros<double>({3});
  refuses(losses, "losses", "losses has shape [20], expected [3]");
  optim::AdamW<float> two({{{wider.hidden.weight}, {}}, {{wider.out.weight}, {}}});
  refuses(two, "optimizer", "optimizer has 1 rates, expected one for each of 2 groups");
  optim::SGD<float> sgd(run.model.parameters(), {.lr = 0.1});
  train::Checkpoint of_sgd(path);
  of_sgd.add("optimizer", sgd);
  CHECK_THROWS_AS(of_sgd.resume(), LoadError);

  Tensor<std::int64_t> five = zeros<std::int64_t>({5});
  train::Checkpoint writer(folder.file("rng.st"));
  writer.add("rng", five);
  writer.save();
  train::Checkpoint reader(folder.file("rng.st"));
  Rng rng(1);
  reader.add("rng", rng);
  CHECK_ERROR(reader.resume(), LoadError, "Checkpoint: " + folder.file("rng.st") + ": rng has shape [5], expected [3]");
}

TEST_CASE("Checkpoint: files of others, cut ones, places that cannot be written, names") {
  const TempFolder folder;
  SmallNet<float> model;
  io::save(model, folder.file("model.st"));
  train::Checkpoint checkpoint(folder.file("model.st"));
  checkpoint.add("model", model);
  CHECK_ERROR(checkpoint.resume(), LoadError,
              "Checkpoint: " + folder.file("model.st") + ": it was not written by train::Checkpoint");
  checkpoint.save();
  CHECK(checkpoint.resume());
  const std::string bytes = read_file(folder.file("model.st"));
  for (const std::size_t length : {std::size_t{0}, std::size_t{7}, bytes.size() / 2, bytes.size() - 1}) {
    folder.write("cut.st", bytes.substr(0, length));
    CHECK_THROWS_AS(checkpoint.load(folder.file("cut.st")), LoadError);
  }
  train::Checkpoint nowhere("/nowhere/x.st");
  CHECK_ERROR(nowhere.save(), Error, "write_file_atomically: /nowhere/x.st: No such file or directory");
  for (const char* name : {"", "a.b", "checkpoint"})
    CHECK_ERROR(checkpoint.add(name, model), Error, "Checkpoint: '" + std::string(name) + "' cannot be a name");
}
