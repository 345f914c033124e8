// What all optimizers share.
#include <gloss/ops/add.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/optimizer.hpp>
#include <gloss/optim/sgd.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("StepCount: its tensor shows the count, and filling it sets the count") {
  optim::StepCount<float> count;
  CHECK(count.is_zero());
  CHECK(count.tensor().item() == 0);
  CHECK(count.advance() == 1);
  CHECK(!count.is_zero());
  CHECK(count.advance() == 2);
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

TEST_CASE("Optimizer: groups have rates of their own, and options; the keys of the state do not know them") {
  const auto leaf = [] { return Tensor<double>{1.0}.requires_grad_(); };
  const auto a = leaf(), b = leaf(), c = leaf();
  optim::SGD<double> sgd({{{a, b}, {.lr = 0.5}}, {{}, {.lr = 9}}, {{c}, {.lr = 0.25, .momentum = 0.5}}});
  CHECK(sgd.num_groups() == 3);
  CHECK(sgd.parameters().size() == 3);
  for (const auto& p : sgd.parameters()) p.set_grad({1.0});
  for (int i = 0; i < 2; ++i) sgd.step();
  CHECK(a.item() == 0);
  CHECK(b.item() == 0);
  CHECK(c.item() == 1 - 0.25 * (1 + 1.5));
  CHECK(sgd.state().size() == 2);
  CHECK(sgd.state()[0].first == "2.momentum");
  CHECK(sgd.lr() == 0.5);
  CHECK(sgd.lr(2) == 0.25);
  sgd.set_lr(0.125, 2);
  CHECK(sgd.lr(0) == 0.5);
  CHECK(sgd.lr(2) == 0.125);
  CHECK(sgd.initial_lr(2) == 0.125);
  sgd.set_lr(1);
  CHECK(sgd.lr(0) == 1);
  CHECK(sgd.lr(2) == 1);
  CHECK(sgd.initial_lr(2) == 0.125);
  CHECK_ERROR(sgd.lr(3), IndexError, "optimizer: group 3 is not among 3");
  CHECK_ERROR((sgd.set_lr(1, -1), 0), IndexError, "optimizer: group -1 is not among 3");
  CHECK_ERROR((sgd.set_lr(-1, 1), 0), Error, "optimizer: learning rate -1 is not a finite number of at least 0");
  using Groups = std::vector<optim::ParameterGroup<double, optim::SGDOptions>>;
  CHECK_ERROR(optim::SGD<double>(Groups{{{a}, {}}, {{b, a}, {}}}), Error,
              "optimizer: parameters 0 and 2 are the same, in groups 0 and 1");
  CHECK_ERROR(optim::SGD<double>(Groups{{{a}, {}}, {{b}, {.momentum = -1}}}), Error,
              "SGD: momentum -1 is not a finite number of at least 0");
}

TEST_CASE("Optimizer: one group of AdamW is AdamW without groups, bit for bit; a decay of 0 is that group's alone") {
  const auto train = [](auto make) {
    Tensor<float> p = ones<float>({5}).requires_grad_(), q = ones<float>({3}).requires_grad_();
    auto adam = make(p, q);
    for (int i = 0; i < 4; ++i) {
      p.set_grad(arange<float>(5) - static_cast<float>(i));
      q.set_grad(arange<float>(3) + static_cast<float>(i));
      adam.step();
    }
    return std::pair(p.detach(), q.detach());
  };
  using AdamW = optim::AdamW<float>;
  const auto plain = train([](auto& p, auto& q) { return AdamW({p, q}, {.lr = 0.1, .weight_decay = 0.5}); });
  const auto bare = train([](auto& p, auto& q) { return AdamW({p, q}, {.lr = 0.1, .weight_decay = 0}); });
  const auto one = train([](auto& p, auto& q) { return AdamW({{{p, q}, {.lr = 0.1, .weight_decay = 0.5}}}); });
  const auto two = train([](auto& p, auto& q) {
    return AdamW({{{p}, {.lr = 0.1, .weight_decay = 0.5}}, {{q}, {.lr = 0.1, .weight_decay = 0}}});
  });
  CHECK(gloss_test::same_bits(one.first, plain.first));
  CHECK(gloss_test::same_bits(one.second, plain.second));
  CHECK(gloss_test::same_bits(two.first, plain.first));
  CHECK(gloss_test::same_bits(two.second, bare.second));
  CHECK_FALSE(gloss_test::same_bits(bare.second, plain.second));
}
