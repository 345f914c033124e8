#include <gloss/ops/sum.hpp>
#include <gloss/tensor/eigen_tensor.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::values;

TEST_CASE("eigen tensor: a dense tensor is a map, and the map writes to the tensor") {
  const auto x = arange<float>(24).view({2, 3, 4});
  EigenTensorMap<float, 3> map = as_eigen_tensor<3>(x);
  CHECK(map.data() == x.data());
  CHECK((map.dimension(0) == 2 && map.dimension(1) == 3 && map.dimension(2) == 4));
  CHECK(map(1, 2, 0) == 20);
  map(0, 1, 1) = -5;
  CHECK(x.at({0, 1, 1}) == -5);
  const Eigen::Tensor<float, 0, Eigen::RowMajor> total = map.sum();
  CHECK(total() == sum(x).item());
  CHECK(as_eigen_tensor<0>(scalar<float>(3))() == 3);
  CHECK(as_eigen_tensor<2>(zeros<float>({0, 3})).size() == 0);
  CHECK_ERROR(as_eigen_tensor<2>(x), ShapeError, "as_eigen_tensor: shape [2, 3, 4] has not 2 axes");
  CHECK_ERROR(as_eigen_tensor<3>(x.transpose(1, 2)), ShapeError,
              "as_eigen_tensor: shape [2, 4, 3] with strides [12, 1, 4] is not contiguous");
}

TEST_CASE("eigen tensor: tensors and maps of either layout are shared, with their strides") {
  STATIC_REQUIRE(EigenTensorMemory<Eigen::Tensor<double, 3>>);
  STATIC_REQUIRE(!EigenTensorMemory<const Eigen::Tensor<double, 3>>);
  Eigen::Tensor<double, 3> columns(2, 3, 4);
  columns.setZero();
  columns(1, 2, 3) = 7;
  const Tensor<double> x = as_tensor(columns);
  CHECK(x.data() == columns.data());
  CHECK(x.shape() == Shape{2, 3, 4});
  CHECK(x.strides() == Shape{1, 2, 6});
  CHECK(x.at({1, 2, 3}) == 7);
  x.at({0, 1, 0}) = 3;
  CHECK(columns(0, 1, 0) == 3);
  CHECK(from_eigen(columns).data() == columns.data());

  Eigen::Tensor<float, 2, Eigen::RowMajor> rows(2, 3);
  CHECK(as_tensor(rows).strides() == Shape{3, 1});
  CHECK(as_tensor(Eigen::TensorMap<Eigen::Tensor<float, 1>>(rows.data(), 6)).data() == rows.data());
  const auto y = ones<float>({2, 3});
  CHECK(as_tensor(as_eigen_tensor<2>(y)).data() == y.data());
}

TEST_CASE("eigen tensor: a temporary is moved in, expressions and what is const are copied") {
  Eigen::Tensor<double, 2> t(2, 2);
  t.setValues({{1, 2}, {3, 4}});
  CHECK(values(from_eigen(t + t)) == std::vector<double>{2, 4, 6, 8});
  CHECK(from_eigen(t + t).strides() == Shape{1, 2});
  const Eigen::Tensor<double, 2>& fixed = t;
  const Tensor<double> copy = from_eigen(fixed);
  CHECK(copy.data() != t.data());
  const Eigen::TensorMap<Eigen::Tensor<const double, 2>> read_only(t.data(), 2, 2);
  CHECK(from_eigen(read_only).data() != t.data());
  const double* const data = t.data();
  const Tensor<double> moved = from_eigen(std::move(t));
  CHECK(moved.data() == data);
  CHECK(values(moved) == std::vector<double>{1, 2, 3, 4});
  CHECK(values(copy) == std::vector<double>{1, 2, 3, 4});
}
