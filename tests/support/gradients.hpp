// Gradients and second derivatives against difference quotients.
#pragma once

#include <vector>

#include <gloss/tensor/gradcheck.hpp>

#include "support/catch.hpp"

namespace gloss_test {

/// The gradient of f agrees with difference quotients, and so does the gradient of f . f / 2 by each input, whose
/// derivative goes through the backward of f and is not zero even where f is linear.
template <class F>
void check_gradients(F f, const std::vector<gloss::Tensor<double>>& inputs) {
  using Inputs = std::vector<gloss::Tensor<double>>;
  CHECK(gloss::gradcheck(f, inputs));
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    if (!inputs[k].requires_grad()) continue;
    CHECK(gloss::gradcheck(
        [&](const Inputs& in) {
          const gloss::GradGuard recorded(true);  // gradcheck takes its differences without a graph
          const auto y = f(in);
          return gloss::grad(y, {in[k]}, {.create_graph = true}, y)[0];
        },
        inputs));
  }
}

}  // namespace gloss_test
