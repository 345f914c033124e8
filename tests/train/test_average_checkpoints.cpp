// One model out of several checkpoints
#include <gloss/ops/div.hpp>
#include <gloss/ops/in_place.hpp>
#include <gloss/train/average_checkpoints.hpp>
#include <gloss/train/checkpoint.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"
#include "support/training_case.hpp"

using namespace gloss;
using gloss_test::SmallNet;

TEST_CASE("average_checkpoints: the mean of the files' weights") {
  const TempFolder folder;
  std::vector<std::string> paths;
  Tensor<float> sum = zeros<float>({8, 3});
  for (int i = 0; i < 3; ++i) {
    SmallNet<float> model;
    train::Checkpoint checkpoint(folder.file("run.step" + std::to_string(i) + ".st"));
    checkpoint.add("model", model);
    checkpoint.save();
    paths.push_back(checkpoint.path());
    sum += model.hidden.weight.detach();
  }
  SmallNet<float> model;
  train::average_checkpoints(model, paths);
  CHECK(gloss_test::difference(model.hidden.weight.detach(), sum / 3) < 1e-6);
  CHECK(model.hidden.weight.requires_grad());

  SmallNet<float> one;
  train::average_checkpoints(one, {paths[1]});
  SmallNet<float> loaded;
  io::load_state_dict(loaded, io::load_safetensors(paths[1]), {.prefix = "model."});
  CHECK(gloss_test::bits_of(one) == gloss_test::bits_of(loaded));
}

TEST_CASE("average_checkpoints: errors leave the model as it was") {
  const TempFolder folder;
  SmallNet<float> model;
  CHECK_ERROR(train::average_checkpoints(model, {}), Error, "average_checkpoints: there are no files");
  train::Checkpoint good(folder.file("good.st")), bad(folder.file("bad.st"));
  good.add("model", model);
  good.save();
  nn::Linear<float> other(2, 2);
  bad.add("model", other);
  bad.save();
  SmallNet<float> fresh;
  const std::string before = gloss_test::bits_of(fresh);
  CHECK_THROWS_AS(train::average_checkpoints(fresh, {good.path(), bad.path()}), LoadError);
  CHECK(gloss_test::bits_of(fresh) == before);
}
