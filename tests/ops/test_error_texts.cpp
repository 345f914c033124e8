// The exact words of ops that refuse: shapes that do not broadcast, axes that are not there. Other test files hold
// more.
#include <gloss/gloss.hpp>

#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("errors: shapes that do not broadcast are named, under the name of the op that was called") {
  const Tensor<double> x = ones<double>({2, 3}), y = ones<double>({4});
  const std::string differ = ": shapes do not broadcast: a [2, 3], b [4] differ at axis -1";
  CHECK_ERROR(x + y, ShapeError, "add: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(add(x, y), ShapeError, "add" + differ);
  CHECK_ERROR(x - y, ShapeError, "sub: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(sub(x, y), ShapeError, "sub" + differ);
  CHECK_ERROR(x * y, ShapeError, "mul: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(mul(x, y), ShapeError, "mul" + differ);
  CHECK_ERROR(x / y, ShapeError, "div: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(div(x, y), ShapeError, "div" + differ);
  CHECK_ERROR(addcmul(x, x, y), ShapeError, "addcmul: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(addcdiv(x, x, y), ShapeError, "addcdiv: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(lerp(x, y, 0.5), ShapeError, "lerp: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(lerp(x, x, y), ShapeError, "lerp" + differ);
  CHECK_ERROR(clamp(x, y, x), ShapeError, "clamp: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(hypot(x, y), ShapeError, "hypot: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(atan2(x, y), ShapeError, "atan2: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(logaddexp(x, y), ShapeError, "logaddexp: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(where(x == 1, x, y), ShapeError, "where: shapes do not broadcast: a [2, 3], b [4] differ at axis -1");
  CHECK_ERROR(hstack<double>({x, y}), ShapeError,
              "cat: tensor 1 has shape [4], tensor 0 has [2, 3]; only axis 1 may differ");
  CHECK_ERROR(dstack<double>({x, y}), ShapeError,
              "cat: tensor 1 has shape [1, 4, 1], tensor 0 has [2, 3, 1]; only axis 2 may differ");
}

TEST_CASE("errors: an axis that is not there, or is named twice") {
  const Tensor<double> x = ones<double>({2, 3});
  CHECK_ERROR(any(x == 1, 5), IndexError, "any: axis 5 is out of range for 2 axes");
  CHECK_ERROR(all(x == 1, {0, 0}), IndexError, "all: axis 0 appears twice");
  CHECK_ERROR(cummax(x, 2), IndexError, "cummax: axis 2 is out of range for 2 axes");
  CHECK_ERROR(cummin(x, -3), IndexError, "cummin: axis -3 is out of range for 2 axes");
  CHECK_ERROR(cumsum(x, 2), IndexError, "cumsum: axis 2 is out of range for 2 axes");
  CHECK_ERROR(cumprod(x, 2), IndexError, "cumprod: axis 2 is out of range for 2 axes");
  CHECK_ERROR(logsumexp(x, 4), IndexError, "logsumexp: axis 4 is out of range for 2 axes");
  CHECK_ERROR(mean(x, 2), IndexError, "mean: axis 2 is out of range for 2 axes");
  CHECK_ERROR(var(x, 2), IndexError, "var: axis 2 is out of range for 2 axes");
  CHECK_ERROR(x.transpose(0, 2), IndexError, "transpose: axis 2 is out of range for 2 axes");
  CHECK_ERROR(x.unsqueeze(4), IndexError, "unsqueeze: axis 4 is out of range for 3 axes");
  CHECK_ERROR(std_dev(x, -3), IndexError, "std_dev: axis -3 is out of range for 2 axes");
}

TEST_CASE("errors: new tensors and single elements") {
  const Tensor<double> x = ones<double>({2, 3});
  const double numbers[] = {1, 2, 3};
  CHECK(from_data(numbers, {3, 1}).shape() == Shape{3, 1});
  CHECK_ERROR(Tensor<double>::uninitialized({2, -1}), ShapeError, "empty: negative size in [2, -1]");
  CHECK_ERROR(empty<double>({Index{1} << 40, Index{1} << 40}), ShapeError,
              "empty: too many elements in [1099511627776, 1099511627776]");
  CHECK_ERROR(from_vector<double>({1.0, 2.0}, {3}), ShapeError, "from_vector: 2 values do not fill shape [3]");
  CHECK(x.only_if(true).is_same(x));
  CHECK_FALSE(x.only_if(false).defined());
  CHECK_ERROR(x.at({0}), IndexError, "at: 1 indices for shape [2, 3]");
  CHECK_ERROR(x.at({0, 3}), IndexError, "at: index 3 is out of range for axis 1 of shape [2, 3]");
  CHECK(atleast_1d(scalar<float>(2)).shape() == Shape{1});
  CHECK(atleast_2d(Tensor<float>{1, 2}).shape() == Shape{1, 2});
  CHECK(vstack<double>({x, ones<double>({3})}).shape() == Shape{3, 3});
}
