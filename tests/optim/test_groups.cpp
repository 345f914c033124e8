// Groups of parameters by their names.
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/optim/adam.hpp>
#include <gloss/optim/groups.hpp>
#include <gloss/optim/parameter_group.hpp>
#include <gloss/optim/schedules/cosine_annealing_lr.hpp>
#include <gloss/optim/sgd.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

struct Model final : nn::Module<float> {
  nn::Linear<float> first{2, 3}, second{3, 2};
  nn::LayerNorm<float> norm{2};
  void visit(nn::Visitor<float>& v) override { v("first", first), v("second", second), v("norm", norm); }
};

}  // namespace

TEST_CASE("Groups: options by name, module and pattern; the others keep the defaults, in group 0") {
  Model model;
  optim::Groups groups(model, optim::AdamWOptions{.lr = 0.1, .weight_decay = 0.5});
  groups["*.bias"].weight_decay = 0;
  auto& norm = groups["norm.?eight"];
  groups["first.weight"].lr = 0.01;
  norm.weight_decay = 0.25;
  norm.lr = 0.2;
  CHECK(&groups["norm.?eight"] == &norm);
  const std::vector<optim::ParameterGroup<float, optim::AdamWOptions>> all = groups;
  REQUIRE(all.size() == 4);
  CHECK(all[0].parameters.size() == 1);
  CHECK(all[0].parameters[0].is_same(model.second.weight));
  CHECK(all[0].options.weight_decay == 0.5);
  CHECK(all[1].parameters.size() == 3);
  CHECK(all[1].options.weight_decay == 0);
  CHECK(all[1].options.lr == 0.1);
  CHECK(all[2].parameters.size() == 1);
  CHECK(all[2].options.lr == 0.2);
  CHECK(all[3].parameters[0].is_same(model.first.weight));
  CHECK(all[3].options.lr == 0.01);

  optim::AdamW<float> adam(groups);
  CHECK(adam.num_groups() == 4);
  optim::CosineAnnealingLR schedule(adam, {.T_max = 2});
  schedule.step();
  CHECK(adam.lr(0) == Approx(0.05));
  CHECK(adam.lr(2) == Approx(0.1));
  CHECK(adam.lr(3) == Approx(0.005));
}

TEST_CASE("Groups: by a condition, as vectors without decay; a rate for each layer") {
  Model model;
  optim::Groups groups(model, optim::SGDOptions{.lr = 1, .weight_decay = 0.5});
  groups.where("vectors", [](auto, const Tensor<float>& p) { return p.dim() < 2; }).weight_decay = 0;
  double lr = 1;
  for (const std::string layer : {"second", "first"}) groups[layer + ".weight"].lr = lr /= 2;
  const optim::SGD<float> sgd(groups);
  CHECK(sgd.num_groups() == 4);
  CHECK(sgd.parameters()[0].is_same(model.first.bias));
  CHECK(sgd.lr(2) == 0.5);
  CHECK(sgd.lr(3) == 0.25);
}

TEST_CASE("Groups: a parameter in two groups, and a pattern that nothing matches, are errors that name them") {
  Model model;
  optim::Groups groups(model, optim::SGDOptions{});
  groups["first"].lr = 1;
  CHECK_ERROR(groups["*.bias"], Error, "groups: first.bias is in 'first' already, so it cannot be in '*.bias'");
  CHECK_ERROR(groups["secnd.weight"], Error,
              "groups: no parameter of the model matches 'secnd.weight'; the nearest name is 'second.weight'");
  CHECK_ERROR(groups["quite another"], Error, "groups: no parameter of the model matches 'quite another'");
  const std::vector<optim::ParameterGroup<float, optim::SGDOptions>> all = groups;
  CHECK(all.size() == 2);  // what failed changed nothing
  CHECK(all[0].parameters.size() == 4);
}
