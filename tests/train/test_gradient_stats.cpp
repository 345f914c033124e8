// Numbers of gradients
#include <limits>

#include <gloss/nn/freeze.hpp>
#include <gloss/train/gradient_stats.hpp>

#include "support/catch.hpp"
#include "support/training_case.hpp"

using namespace gloss;

TEST_CASE("gradient_stats: of every parameter, with those that have no gradient") {
  gloss_test::SmallNet<float> model;
  nn::freeze(model, "out.bias");
  for (const auto& p : model.parameters()) p.detach().fill_(2);
  model.hidden.bias.set_grad({3, -4, 0, 0, 0, 0, 0, 0});
  model.out.weight.set_grad({{1, 1, 1, 1, 1, 1, std::numeric_limits<float>::infinity(), NAN}});
  const auto stats = train::gradient_stats(model);
  REQUIRE(stats.size() == 4);
  CHECK(stats[0].name == "hidden.weight");
  CHECK_FALSE(stats[0].has_gradient);
  CHECK(stats[0].weight_norm == Approx(2 * std::sqrt(24)));
  CHECK(stats[0].norm == 0);
  CHECK(stats[1].name == "hidden.bias");
  CHECK(stats[1].has_gradient);
  CHECK(stats[1].norm == 5);
  CHECK(stats[1].mean == -0.125);
  CHECK(stats[1].std == Approx(std::sqrt(25.0 / 8 - 0.015625)));
  CHECK(stats[1].largest == 4);
  CHECK(stats[1].zeros == 0.75);
  CHECK(stats[1].not_finite == 0);
  CHECK(stats[2].not_finite == 2);
  CHECK(stats[2].mean == 1);
  CHECK(stats[2].std == 0);
  CHECK_FALSE(stats[3].has_gradient);
}
