#include <fmt/format.h>

#include <gloss/format.hpp>
#include <gloss/nn/parameter.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("format: fmt takes tensors, parameters and shapes, with a string's options") {
  CHECK(fmt::format("{} {}", Tensor<float>{1, 2}, nn::Parameter<double>(ones<double>({1}))) == "[1., 2.] [1.]");
  CHECK(fmt::format("{:>8}|{:<8}|", Shape{2, 3}, scalar<std::int64_t>(7)) == "  [2, 3]|7       |");
}
