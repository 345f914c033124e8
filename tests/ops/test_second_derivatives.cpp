// For every op: second derivatives against difference quotients, or the error that says that there are none.
#include "support/catch.hpp"
#include "support/op_cases.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::Inputs;

TEST_CASE("second derivatives: each op's are those of its gradients, or it says that it has none") {
  for (const auto& c : gloss_test::op_cases()) {
    INFO(c.name);
    Inputs leaves;
    for (const Tensor<double>& x : c.inputs) leaves.push_back(x.clone().requires_grad_());
    CHECK(gradcheck(c.call, leaves, c.options));
    if (c.refusal.empty())
      CHECK(gradgradcheck(c.call, leaves, c.options));
    else
      CHECK_ERROR(gradgradcheck(c.call, leaves, c.options), GradError, c.refusal);
  }
}
