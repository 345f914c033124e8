// What all optimizers share.
#include <gloss/optim/optimizer.hpp>
#include <gloss/optim/sgd.hpp>

#include "support/catch.hpp"

using namespace gloss;

TEST_CASE("StepCount: its tensor shows the count, and filling it sets the count") {
  optim::StepCount<float> count;
  CHECK(count.is_zero());
  CHECK(count.tensor().item() == 0);
  CHECK(count.advance() == 1);
  CHECK(count.advance() == 2);
  CHECK(!count.is_zero());
  CHECK(count.tensor().item() == 2);
  Tensor<float>(count.tensor()).fill_(40);
  CHECK(count.advance() == 41);
  CHECK(count.tensor().item() == 41);
}

TEST_CASE("Optimizer: the next step has the learning rate that was set last") {
  Tensor<double> w = Tensor<double>{1.0}.requires_grad_();
  optim::SGD<double> sgd({w}, {.lr = 0.5});
  w.set_grad({1.0});
  sgd.step();
  CHECK(w.at({0}) == 0.5);
  sgd.set_lr(0.25);
  CHECK(sgd.lr() == 0.25);
  sgd.step();
  CHECK(w.at({0}) == 0.25);
  CHECK(sgd.steps() == 2);
  sgd.set_steps(7);
  CHECK(sgd.steps() == 7);
}
