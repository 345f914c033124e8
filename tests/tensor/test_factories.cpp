#include <cmath>
#include <gloss/tensor/element.hpp>
#include <gloss/tensor/factories.hpp>
#include <gloss/tensor/nested.hpp>
#include <gloss/tensor/tensor.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::values;

TEST_CASE("tensor: each level of braces is an axis") {
  CHECK((Tensor<float>{1, 2, 3}).shape() == Shape{3});
  CHECK((Tensor<float>{{1}, {2}}).shape() == Shape{2, 1});
  CHECK((Tensor<float>{{1, 2}}).shape() == Shape{1, 2});
  CHECK((Tensor<float>{{{1}}}).shape() == Shape{1, 1, 1});
  CHECK((Tensor<float>{{{1}, {2}}, {{3}, {4}}}).shape() == Shape{2, 2, 1});
  const Tensor<std::int64_t> four = {{{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}};
  CHECK(four.shape() == Shape{1, 2, 2, 2});
  CHECK(values(four) == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK((Tensor<float>{{}, {}}).shape() == Shape{2, 0});
  CHECK_FALSE(Tensor<float>{}.defined());
  CHECK((Tensor<bool>{{true, false}, {0, 1}}).at({1, 1}));
  CHECK((Tensor<double>{1, 2.5f, 3L}).at({1}) == 2.5);
  CHECK(static_cast<float>((Tensor<bfloat16>{{1.5, 2}}).at({0, 0})) == 1.5f);
  const Tensor<float> first = {1, 2};
  CHECK((Tensor<float>{first}).is_same(first));
}

TEST_CASE("tensor: braces that do not fill a box are refused") {
  CHECK_ERROR((Tensor<float>{{1, 2}, {3}}), ShapeError, "tensor: rows differ in length: 2 and 1");
  CHECK_ERROR((Tensor<float>{{{1}, {2}}, {{3}}}), ShapeError, "tensor: rows differ in length: 2 and 1");
  CHECK_ERROR((Tensor<float>{1, {2, 3}}), ShapeError, "tensor: braces differ in depth beside shape [2]");
  CHECK_ERROR((Tensor<float>{{1, 2}, 3}), ShapeError, "tensor: braces differ in depth beside shape [2, 2]");
  auto from_half = [](auto x) {
    return requires { Tensor<typename decltype(x)::value_type>{0.5}; };
  };
  CHECK(from_half(Tensor<float>()));
  CHECK_FALSE(from_half(Tensor<std::int64_t>()));
}

TEST_CASE("full_like and its kin: x's shape, dense, outside the graph") {
  const auto x = ones<float>({2, 3}).requires_grad_().transpose(0, 1);
  for (const auto& y : {zeros_like(x), ones_like(x), full_like(x, 2), empty_like(x), rand_like(x), randn_like(x)}) {
    CHECK(y.shape() == Shape{3, 2});
    CHECK(y.is_contiguous());
    CHECK_FALSE(y.requires_grad());
  }
  CHECK(full_like(x, 2).at({2, 1}) == 2);
  CHECK(values(full_like(Tensor<bool>{false}, true)) == std::vector<bool>{true});
  CHECK(static_cast<float>(ones<bfloat16>({1}).item()) == 1);
}

TEST_CASE("arange: counts exactly, in double for floating point, to the ends of int64") {
  CHECK(arange<float>(0, 1, 0.1).numel() == 10);
  CHECK(arange<float>(0, 1, 0.1).at({7}) == 0.7f);
  CHECK(values(arange<std::uint8_t>(250, 256)) == std::vector<std::uint8_t>{250, 251, 252, 253, 254, 255});
  CHECK(values(arange<std::int64_t>(INT64_MAX - 2, INT64_MAX)) ==
        std::vector<std::int64_t>{INT64_MAX - 2, INT64_MAX - 1});
  CHECK(arange<std::int32_t>(3, 3).shape() == Shape{0});
  CHECK_ERROR(arange<float>(0, 1, 0), Error, "arange: step 0 does not lead from 0 to 1");
  CHECK_ERROR(arange<float>(0, 1, -1), Error, "arange: step -1 does not lead from 0 to 1");
  CHECK_ERROR(arange<std::int64_t>(0, 1, 0), Error, "arange: step 0 does not lead from 0 to 1");
  CHECK_ERROR(arange<std::int64_t>(1, 0), Error, "arange: step 1 does not lead from 1 to 0");
  CHECK_ERROR(arange<double>(1, 0.5), Error, "arange: step 1 does not lead from 1 to 0.5");
  CHECK_ERROR(arange<double>(0.5, 1, -1), Error, "arange: step -1 does not lead from 0.5 to 1");
  CHECK_ERROR(arange<double>(1, 5, -INFINITY), Error, "arange: step -inf does not lead from 1 to 5");
  CHECK(arange<double>(1, 1, -1).numel() == 0);
  CHECK_ERROR(arange<double>(0, INFINITY), Error, "arange: step 1 does not lead from 0 to inf");
  CHECK_ERROR(arange<double>(0, NAN), Error, "arange: step 1 does not lead from 0 to nan");
}

TEST_CASE("linspace, logspace: both ends are exact, and the halves mirror each other") {
  const auto x = linspace<float>(-0.3, 0.3, 7);
  CHECK(x.at({0}) == -0.3f);
  CHECK(x.at({6}) == 0.3f);
  for (Index i = 0; i < 7; ++i) CHECK(x.data()[i] == -x.data()[6 - i]);
  CHECK(linspace<float>(2, 5, 1).item() == 2);
  CHECK(linspace<float>(2, 5, 0).shape() == Shape{0});
  CHECK_ERROR(linspace<float>(0, 1, -1), Error, "linspace: -1 steps");
  CHECK(logspace<double>(0, 3, 4).at({3}) == 1000);
  CHECK_ERROR(logspace<double>(0, 3, -4), Error, "logspace: -4 steps");
}

TEST_CASE("eye: any type, any two sizes") {
  CHECK(values(eye<std::int64_t>(2, 3)) == std::vector<std::int64_t>{1, 0, 0, 0, 1, 0});
  CHECK(values(eye<bool>(2)) == std::vector<bool>{true, false, false, true});
  CHECK(static_cast<float>(eye<bfloat16>(1).item()) == 1);
  CHECK(eye<float>(0, 4).shape() == Shape{0, 4});
  CHECK_ERROR(eye<float>(-1), ShapeError, "empty: negative size in [-1, -1]");
}

TEST_CASE("from_vector, from_data: numbers in braces, in a vector and anywhere in memory") {
  CHECK(values(from_vector<std::int64_t>({1, 1, 0, 0})) == std::vector<std::int64_t>{1, 1, 0, 0});
  const auto x = from_vector<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(x.shape() == Shape{2, 3});
  CHECK(x.at({1, 0}) == 4);
  CHECK(values(from_vector<bool>({true, false})) == std::vector<bool>{true, false});
  CHECK(values(from_vector<bool>(std::vector<bool>{true, false})) == std::vector<bool>{true, false});
  CHECK(values(from_vector<bfloat16>({bfloat16(1.5F)})) == std::vector<bfloat16>{bfloat16(1.5F)});
  const std::vector<double> numbers = {1, 2, 3};
  CHECK(values(from_vector(numbers)) == numbers);
  CHECK(values(from_vector<double>({numbers.begin() + 1, numbers.end()})) == std::vector<double>{2, 3});
  CHECK(values(from_data(numbers.data(), {2})) == std::vector<double>{1, 2});
  CHECK(from_vector<float>({}).shape() == Shape{0});
  CHECK(from_vector<float>({}, {3, 0}).shape() == Shape{3, 0});
  CHECK_ERROR(from_vector<float>({1, 2}, {3}), ShapeError, "from_vector: 2 values do not fill shape [3]");
  CHECK_ERROR(from_vector(numbers, {2}), ShapeError, "from_vector: 3 values do not fill shape [2]");
}
