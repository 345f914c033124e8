#include <cmath>
#include <gloss/gloss.hpp>
#include <gloss/kernels/reduce.hpp>
#include <gloss/kernels/workspace.hpp>
#include <gloss/ops/reduce_axes.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using V = std::vector<Tensor<double>>;

TEST_CASE("sum: any axes of any strides agree with a plain loop") {
  Rng rng(5);
  RngGuard use(rng);
  for (int round = 0; round < 200; ++round) {
    Shape s;
    const auto rank = 1 + static_cast<int>(rng.below(4));
    for (int i = 0; i < rank; ++i) s.push_back(1 + Index{rng.below(round % 10 == 0 ? 40 : 7)});
    auto x = rand<double>(s);
    if (rank > 1 && rng.below(2)) x = x.transpose(0, -1);
    if (rng.below(2)) x = x.slice(0, 0, INT64_MAX, 2);
    const int axis = static_cast<int>(rng.below(static_cast<std::uint32_t>(rank)));
    const auto y = sum(x, axis, {.keepdim = true});
    double worst = 0;
    const auto dense = x.transpose(axis, -1).contiguous();
    const auto got = y.transpose(axis, -1).contiguous();
    const Index n = dense.size(-1);
    for (Index r = 0; r < got.numel(); ++r) {
      double expected = 0;
      for (Index i = 0; i < n; ++i) expected += dense.data()[r * n + i];
      worst = std::max(worst, std::abs(expected - got.data()[r]));
    }
    CHECK(worst < 1e-10);
  }
}

TEST_CASE("sum: a large total, a tall column sum and several axes") {
  const auto x = ones<float>({300, 1000});
  CHECK(sum(x).item() == 300000.0f);
  const auto columns = sum(x, 0);
  CHECK(columns.shape() == Shape{1000});
  CHECK(columns.at({999}) == 300.0f);
  const auto both = sum(ones<float>({3, 4, 5}), {0, 2});
  CHECK(both.shape() == Shape{4});
  CHECK(both.at({1}) == 15.0f);
}

TEST_CASE("reductions: gradients agree with difference quotients") {
  Rng rng(6);
  RngGuard use(rng);
  auto leaf = [](const Shape& s) { return randn<double>(s).requires_grad_(); };
  CHECK(gradcheck([](const V& x) { return sum(x[0], {0, 2}); }, {leaf({2, 3, 4})}));
  CHECK(gradcheck([](const V& x) { return mean(x[0].transpose(0, 1), -1, {.keepdim = true}); }, {leaf({2, 3})}));
  CHECK(gradcheck([](const V& x) { return max(x[0], 1).values; }, {leaf({3, 5})}));
  CHECK(gradcheck([](const V& x) { return min(x[0], 0, {.keepdim = true}).values; }, {leaf({3, 5})}));
  CHECK(gradcheck([](const V& x) { return max(x[0]); }, {leaf({3, 5})}));
  CHECK(gradcheck([](const V& x) { return var(x[0], -1); }, {leaf({3, 5})}));
  CHECK(gradcheck([](const V& x) { return std_dev(x[0], 0, {.correction = 0, .keepdim = true}); }, {leaf({3, 5})}));
  CHECK(gradcheck([](const V& x) { return topk(x[0], 2).values; }, {leaf({3, 5})}));
}

TEST_CASE("reductions: empty input gives the identity, NaN or an error, as in PyTorch") {
  CHECK(sum(zeros<float>({0})).item() == 0);
  CHECK(std::isnan(mean(zeros<float>({0})).item()));
  CHECK(sum(zeros<float>({2, 0}), 1).shape() == Shape{2});
  CHECK_ERROR(max(zeros<float>({2, 0}), 1), ShapeError, "max: axis 1 of shape [2, 0] is empty");
  CHECK(std::isnan(var(ones<float>({1})).item()));
}

TEST_CASE("reductions: wrong axes are named") {
  CHECK_ERROR(sum(zeros<float>({2, 3}), 2), IndexError, "sum: axis 2 is out of range for 2 axes");
  CHECK_ERROR(sum(zeros<float>({2, 3}), {1, -1}), IndexError, "sum: axis 1 appears twice");
  CHECK_ERROR(topk(zeros<float>({2, 3}), 4), IndexError, "topk: k 4 is out of range for shape [2, 3]");
}

TEST_CASE("max: NaN wins and the first of equals is chosen") {
  const Tensor<float> x = {{1, 3, 3}, {2, NAN, 5}};
  const auto m = max(x, 1);
  CHECK(m.indices.at({0}) == 1);
  CHECK(m.indices.at({1}) == 1);
  CHECK(std::isnan(m.values.at({1})));
  CHECK(argmin(x, 0).at({0}) == 0);
}

TEST_CASE("sum: a million floats keep their digits along any axis") {
  const Index n = 1'000'000;
  const auto near_total = [](float total) { return std::abs(total - 100'000) < 0.5f; };
  const auto tenth = full<float>({n, 2}, 0.1f);
  CHECK(near_total(sum(tenth, 0).at({1})));
  CHECK(near_total(sum(scalar<float>(0.1f).expand({n, 2}), 0).at({1})));
  CHECK(near_total(sum(tenth.slice(1, 0, 1)).item()));
  CHECK(near_total(sum(tenth.t(), 1).at({0})));
  CHECK(near_total(sum(tenth.view({1000, 1000, 2}), {0, 1}).at({0})));
  const auto bias = zeros<float>({2}).requires_grad_();
  (tenth + bias).backward(tenth);
  CHECK(near_total(bias.grad().at({0})));
}
