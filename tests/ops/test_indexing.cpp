#include <gloss/gloss.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using V = std::vector<Tensor<double>>;

TEST_CASE("gather, index_select, cat and stack: values") {
  const Tensor<float> x = {{1, 2, 3}, {4, 5, 6}};
  const Tensor<std::int64_t> index = {{2, 0}, {1, 1}};
  const auto g = gather(x, 1, index);
  CHECK(gloss_test::difference(g, Tensor<float>{{3, 1}, {5, 5}}) == 0);
  CHECK(gloss_test::difference(index_select(x, 1, {2, 0}), Tensor<float>{{3, 1}, {6, 4}}) == 0);
  CHECK(gloss_test::difference(cat<float>({x, x.select(0, 1).unsqueeze(0)}, 0),
                               Tensor<float>{{1, 2, 3}, {4, 5, 6}, {4, 5, 6}}) == 0);
  CHECK(stack<float>({x, x}, 1).shape() == Shape{2, 2, 3});
}

TEST_CASE("gather, index_select, cat, stack and scatter_add: gradients agree with difference quotients") {
  Rng rng(11);
  RngGuard use(rng);
  auto leaf = [](const Shape& s) { return randn<double>(s).requires_grad_(); };
  const Tensor<std::int64_t> index = {{2, 0, 2}, {1, 1, 0}};
  CHECK(gradcheck([&](const V& x) { return gather(x[0], 1, index); }, {leaf({2, 3})}));
  CHECK(gradcheck([&](const V& x) { return gather(x[0].transpose(0, 1), 0, index.transpose(0, 1)); }, {leaf({2, 3})}));
  CHECK(gradcheck([&](const V& x) { return scatter_add(x[0], 1, index, x[1]); }, {leaf({2, 4}), leaf({2, 3})}));
  CHECK(gradcheck([&](const V& x) { return index_select(x[0], 1, {2, 0, 2}); }, {leaf({2, 3, 2})}));
  CHECK(gradcheck([&](const V& x) { return index_add(x[0], 1, {2, 0, 2}, x[1]); }, {leaf({2, 3}), leaf({2, 3})}));
  CHECK(gradcheck([&](const V& x) { return cat<double>({x[0], x[1], x[0]}, -1); }, {leaf({2, 3}), leaf({2, 1})}));
  CHECK(gradcheck([&](const V& x) { return stack<double>({x[0], x[1]}, -1); }, {leaf({2, 3}), leaf({2, 3})}));
}

TEST_CASE("topk: largest first, equal ones by position, NaN before all, and the rest of each row stays out") {
  const auto best = topk(Tensor<float>{{1, 7, 7, 3}, {NAN, 9, NAN, -INFINITY}}, 3);
  CHECK(gloss_test::values(best.indices) == std::vector<std::int64_t>{1, 2, 3, 0, 2, 1});
  CHECK(best.values.at({0, 2}) == 3);
  CHECK(std::isnan(best.values.at({1, 1})));
  CHECK(topk(zeros<float>({2, 3}), 0).values.shape() == Shape{2, 0});
}

TEST_CASE("cast: converts as C++ does, and gradients pass between float and double") {
  const auto x = Tensor<double>{-1.7, 0, 2.6}.requires_grad_();
  CHECK(gloss_test::values(cast<std::int64_t>(x)) == std::vector<std::int64_t>{-1, 0, 2});
  CHECK(gloss_test::values(cast<bool>(x)) == std::vector<bool>{true, false, true});
  const Tensor<float> y = cast<float>(x.slice(0, 0, 3, 2));
  y.backward(Tensor<float>{3, 5});
  CHECK(gloss_test::values(x.grad()) == std::vector<double>{3, 0, 5});
  CHECK(gloss_test::values(cast<float>(cast<bfloat16>(Tensor<float>{1, -2.5f}))) == std::vector<float>{1, -2.5f});
  CHECK(cast<double>(x).is_same(x));
}

TEST_CASE("indexing: positions out of range and shapes that differ are named") {
  const auto x = zeros<float>({2, 3});
  CHECK_ERROR(gather(x, 1, from_vector<std::int64_t>({3}, {1, 1})), IndexError,
              "gather: index 3 is out of range for axis 1 of shape [2, 3]");
  CHECK_ERROR(gather(x, 1, Tensor<std::int64_t>{1}), ShapeError, "gather: index [1] has not as many axes as x [2, 3]");
  CHECK_ERROR(index_select(x, 0, {2}), IndexError, "index_select: index 2 is out of range for axis 0 of shape [2, 3]");
  CHECK_ERROR(index_select(x, 0, zeros<std::int64_t>({2, 1})), ShapeError,
              "index_select: index has shape [2, 1], a vector is wanted");
  CHECK_ERROR(index_add(x, 1, {0, 1}, x), ShapeError, "index_add: source [2, 3] does not fit x [2, 3] and index [2]");
  CHECK_ERROR(index_add(x, 1, {0, 1, 3}, x), IndexError,
              "index_add: index 3 is out of range for axis 1 of shape [2, 3]");
  CHECK_ERROR(cat<float>({x, zeros<float>({3, 3})}, 1), ShapeError,
              "cat: tensor 1 has shape [3, 3], tensor 0 has [2, 3]; only axis 1 may differ");
  CHECK_ERROR(cat<float>({}), Error, "cat: no tensors to join");
  CHECK_ERROR(stack<float>({x, zeros<float>({3})}), ShapeError, "stack: tensor 1 has shape [3], tensor 0 has [2, 3]");
}

TEST_CASE("indexing: empty selections keep the other axes") {
  const auto x = zeros<float>({2, 3});
  CHECK(index_select(x, 0, from_vector<std::int64_t>({})).shape() == Shape{0, 3});
  CHECK(gather(x, 1, zeros<std::int64_t>({2, 0})).shape() == Shape{2, 0});
  CHECK(cat<float>({x, zeros<float>({0, 3})}).shape() == Shape{2, 3});
}

TEST_CASE("gather, scatter and their kin: a scalar beside vectors is a vector of one") {
  using I = Tensor<std::int64_t>;
  const auto s = scalar<double>(5).requires_grad_();
  const Tensor<double> v = {1, 2, 3};
  const auto zero = scalar<std::int64_t>(0), one = scalar<std::int64_t>(1);
  const auto twice = gather(s, 0, I{0, 0});
  CHECK(gloss_test::values(twice) == std::vector<double>{5, 5});
  CHECK(gather(s, -1, I::uninitialized({0})).shape() == Shape{0});
  twice.backward(Tensor<double>{2, 3});
  CHECK(s.grad().item() == 5);
  CHECK(s.grad().shape() == Shape{});
  CHECK(gather(v, 0, one).shape() == Shape{});
  CHECK(gather(v, 0, one).item() == 2);
  CHECK(scatter(s, 0, I{0}, Tensor<double>{2}).item() == 2);
  CHECK(scatter(s, 0, I{0, 0}, 9).shape() == Shape{});
  CHECK(gloss_test::values(scatter(v, 0, one, 9)) == std::vector<double>{1, 9, 3});
  CHECK(gloss_test::values(scatter(v, 0, I{2}, scalar<double>(7))) == std::vector<double>{1, 2, 7});
  CHECK(scatter_add(s, 0, I{0, 0}, Tensor<double>{1, 2}).item() == 8);
  CHECK(gloss_test::values(scatter_add(v, 0, zero, scalar<double>(1))) == std::vector<double>{2, 2, 3});
  CHECK(scatter_reduce(s, 0, I{0, 0}, Tensor<double>{7, 9}, ScatterReduce::sum).item() == 21);
  CHECK(gloss_test::values(scatter_reduce(v, 0, zero, scalar<double>(7), ScatterReduce::mean)) ==
        std::vector<double>{4, 2, 3});
  CHECK(gloss_test::values(index_copy(v, 0, zero, scalar<double>(4))) == std::vector<double>{4, 2, 3});
  CHECK(index_copy(s, 0, I{0, 0}, Tensor<double>{2, 3}).item() == 3);
  CHECK(index_add(s, 0, I{0}, scalar<double>(1)).item() == 6);

  CHECK_ERROR(gather(s, 0, one), IndexError, "gather: index 1 is out of range for axis 0 of shape []");
  CHECK_ERROR(gather(s, 0, I{0, 1}), IndexError, "gather: index 1 is out of range for axis 0 of shape [1]");
  CHECK_ERROR(gather(s, 0, I{{0}}), ShapeError, "gather: index [1, 1] has not as many axes as x []");
  CHECK_ERROR(index_add(s, 0, I{0, 0}, Tensor<double>{1, 1}), ShapeError,
              "index_add: source [2] does not fit x [] and index [2]");
}
