// A learning rate to begin with
#include <cmath>

#include <gloss/ops/mean.hpp>
#include <gloss/ops/pow.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/groups.hpp>
#include <gloss/train/lr_finder.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/training_case.hpp"

using namespace gloss;
using gloss_test::SmallNet;

TEST_CASE("find_lr: rates grow by a factor, the loss falls and then rises, and all is put back") {
  Rng rng(4);
  const RngGuard use(rng);
  SmallNet<float> model(0.1);
  optim::Groups groups(model, optim::AdamWOptions{.lr = 0.01});
  groups["*.bias"].lr = 0.02;
  optim::AdamW<float> adam(groups);
  const auto data = gloss_test::in_batches(gloss_test::draw_points<float>(96, 1), {32, 32, 32});
  gloss_test::squared_error(model, data[0]).backward();
  adam.step(), adam.zero_grad();

  const std::string before = gloss_test::bits_of(model);
  const std::uint64_t position = rng.position();
  double ratio = 0;
  const auto loss = [&](const SmallNet<float>& m, const auto& b) {
    ratio = adam.lr(1) / adam.lr(0);
    return gloss_test::squared_error(m, b);
  };
  const train::LrCurve curve = train::find_lr(model, adam, data, loss, {.low = 1e-4, .high = 10, .steps = 60});
  REQUIRE(curve.rates.size() > 20);
  REQUIRE(curve.losses.size() == curve.rates.size());
  CHECK(curve.rates[0] == 1e-4);
  CHECK(curve.rates[1] / curve.rates[0] == Approx(std::pow(1e5, 1.0 / 59)));
  CHECK(curve.suggestion > 5e-4);
  CHECK(curve.suggestion < 0.5);
  CHECK(ratio == Approx(2));

  CHECK(gloss_test::bits_of(model) == before);
  CHECK(rng.position() == position);
  CHECK(adam.lr() == 0.01);
  CHECK(adam.lr(1) == 0.02);
  CHECK(adam.steps() == 1);
  CHECK_FALSE(model.parameters()[0].grad().defined());
}

TEST_CASE("find_lr: it ends when the loss explodes or is no number, and puts all back when it throws") {
  SmallNet<float> model;
  optim::AdamW<float> adam(model.parameters(), {.lr = 0.01});
  const std::vector<float> data = {1, 1, 1, 8, 1, 1};
  const auto loss = [](const SmallNet<float>& m, float x) { return mean(pow(m(full<float>({1, 3}, x)), 2)) * 0 + x; };
  CHECK(train::find_lr(model, adam, data, loss, {.smoothing = 0}).rates.size() == 3);
  CHECK(train::find_lr(model, adam, std::vector<float>{1, 1, NAN}, loss, {.smoothing = 0}).rates.size() == 2);
  const std::string before = gloss_test::bits_of(model);
  int calls = 0;
  CHECK_THROWS_AS(train::find_lr(model, adam, data,
                                 [&](const SmallNet<float>& m, float x) {
                                   if (++calls == 3) throw Error("no");
                                   return mean(m(full<float>({1, 3}, x)));
                                 }),
                  Error);
  CHECK(gloss_test::bits_of(model) == before);
  CHECK(adam.lr() == 0.01);
}

TEST_CASE("find_lr: errors") {
  SmallNet<float> model;
  optim::AdamW<float> adam(model.parameters(), {.lr = 0.01});
  const auto find = [&](train::FindLrOptions options) {
    return train::find_lr(model, adam, std::vector<gloss_test::Points<float>>{}, gloss_test::squared_error, options);
  };
  CHECK_ERROR(find({}), Error, "find_lr: there is no batch");
  CHECK_ERROR(find({.low = 1, .high = 0.5}), Error, "find_lr: low 1 and high 0.5 must be positive, low below high");
  CHECK_ERROR(find({.steps = 1}), Error, "find_lr: steps 1 are fewer than 2");
  CHECK_ERROR(find({.smoothing = 1}), Error, "find_lr: smoothing 1 is not in [0, 1)");
  CHECK_ERROR(find({.stop_factor = 1}), Error, "find_lr: stop_factor 1 is not above 1");
}
