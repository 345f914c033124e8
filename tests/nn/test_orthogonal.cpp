#include <cmath>

#include <gloss/nn/orthogonal.hpp>
#include <gloss/nn/parameter.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/matmul.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
namespace init = nn::init;

TEST_CASE("init: orthogonal_ is gain times Q of a normal matrix whose R has a positive diagonal") {
  for (const Shape& shape : {Shape{5, 3}, Shape{3, 5}, Shape{4, 4}, Shape{2, 3, 2}}) {
    INFO(to_string(shape));
    Rng rng(8);
    const RngGuard use(rng);
    const Tensor<double> x = empty<double>(shape);
    init::orthogonal_(x, 3);
    Rng same(8);
    const RngGuard use_same(same);
    Tensor<double> q = x.view({shape[0], -1}) / 3, normal = randn<double>(q.shape());
    if (q.size(0) < q.size(1)) q = q.t(), normal = normal.t();
    CHECK(difference(matmul(q.t(), q), eye<double>(q.size(1))) < 1e-14);
    const Tensor<double> r = matmul(q.t(), normal);
    for (Index i = 0; i < r.size(0); ++i)
      for (Index j = 0; j <= i; ++j) CHECK((i == j ? r.at({i, i}) > 0 : std::abs(r.at({i, j})) < 1e-13));
  }
  const Tensor<float> none = zeros<float>({0, 3});
  init::orthogonal_(none);
  CHECK(none.shape() == Shape{0, 3});
  CHECK_ERROR(init::orthogonal_(zeros<float>({2})), ShapeError, "orthogonal_: x [2] has fewer than two axes");
}

TEST_CASE("init: orthogonal_ fills a parameter in place, of float from the same draws as double, outside the graph") {
  const nn::Parameter<float> weight(zeros<float>({4, 6}));
  const float* const data = weight.data();
  const Tensor<double> exact = empty<double>({4, 6});
  for (const bool in_double : {false, true}) {
    Rng rng(3);
    const RngGuard use(rng);
    in_double ? init::orthogonal_(exact) : init::orthogonal_(weight);
  }
  CHECK(weight.data() == data);
  CHECK(weight.requires_grad());
  CHECK(weight.is_leaf());
  CHECK(gloss_test::same_bits(weight.detach(), cast<float>(exact)));
}
