#include <gloss/gloss.hpp>
#include <gloss/tensor/eigen.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

TEST_CASE("eigen: a tensor is a map, and the map writes to the tensor") {
  const auto x = arange<double>(6).view({2, 3});
  auto m = as_eigen(x);
  CHECK(m.data() == x.data());
  CHECK((m.rows() == 2 && m.cols() == 3));
  CHECK(m(1, 0) == 3);
  m *= 2;
  CHECK(x.at({1, 2}) == 10);
  CHECK(as_eigen(arange<float>(24).view({2, 3, 4})).rows() == 6);
  CHECK(as_eigen(arange<float>(4)).rows() == 1);
  const Eigen::MatrixXd product = as_eigen(x) * as_eigen(x).transpose();
  CHECK(gloss_test::difference(from_eigen(product), matmul(x, x.mT())) < 1e-12);
  CHECK_ERROR(as_eigen(x.mT()), ShapeError,
              "as_eigen: shape [3, 2] with strides [1, 3] is not a dense matrix; see as_eigen_strided");
  CHECK_ERROR(as_eigen(scalar<float>(1)), ShapeError,
              "as_eigen: shape [] with strides [] is not a dense matrix; see as_eigen_strided");
}

TEST_CASE("eigen: views are maps with strides") {
  const auto x = arange<float>(12).view({3, 4});
  auto turned = as_eigen_strided(x.mT());
  CHECK(turned(3, 1) == 7);
  turned(0, 0) = -1;
  CHECK(x.at({0, 0}) == -1);
  CHECK(as_eigen_strided(x.slice(1, 1, 4, 2)).sum() == 1 + 3 + 5 + 7 + 9 + 11);
  CHECK(as_eigen_strided(Tensor<float>{1, 2}.expand({3, 2})).colwise().sum()(1) == 6);
  auto column = as_eigen_vector(x.select(1, 2));
  CHECK(column.sum() == 2 + 6 + 10);
  CHECK(as_eigen_strided(zeros<float>({0, 3})).size() == 0);
  CHECK_ERROR(as_eigen_strided(x.view({12})), ShapeError, "as_eigen_strided: shape [12] has not two axes");
  CHECK_ERROR(as_eigen_vector(x), ShapeError, "as_eigen_vector: shape [3, 4] has not one axis");
}

TEST_CASE("eigen: matrices of either storage order, blocks and maps are tensors on the same memory") {
  Eigen::MatrixXd columns(2, 3);
  columns << 1, 2, 3, 4, 5, 6;
  const Tensor<double> x = from_eigen(columns);
  CHECK(x.data() == columns.data());
  CHECK(x.strides() == Shape{1, 2});
  CHECK(gloss_test::values(x) == std::vector<double>{1, 2, 3, 4, 5, 6});
  x.at({1, 0}) = 40;
  CHECK(columns(1, 0) == 40);

  Eigen::Matrix<float, 2, 3, Eigen::RowMajor> rows;
  rows << 1, 2, 3, 4, 5, 6;
  CHECK(from_eigen(rows).strides() == Shape{3, 1});
  auto block = columns.block(0, 1, 2, 2);
  CHECK(from_eigen(block).data() == columns.data() + 2);
  CHECK(gloss_test::values(from_eigen(block)) == std::vector<double>{2, 3, 5, 6});
  Eigen::Map<Eigen::VectorXf> map(rows.data(), 6);
  CHECK(from_eigen(map).shape() == Shape{6});
  Eigen::ArrayXXi array = Eigen::ArrayXXi::Constant(2, 2, 7);
  CHECK(from_eigen(array).data() == array.data());
  Eigen::MatrixXf none(0, 4);
  CHECK(from_eigen(none).shape() == Shape{0, 4});
}

TEST_CASE("eigen: a temporary is moved in, an expression is computed into the tensor's own memory") {
  Eigen::MatrixXd m = Eigen::MatrixXd::Identity(3, 3);
  const double* const data = m.data();
  Tensor<double> moved = from_eigen(std::move(m));
  CHECK(moved.data() == data);
  CHECK(sum(moved).item() == 3);
  const Eigen::VectorXd v = Eigen::VectorXd::LinSpaced(3, 1, 3);
  CHECK(gloss_test::values(from_eigen(v * 2)) == std::vector<double>{2, 4, 6});
  CHECK(from_eigen(v).data() != v.data());
  CHECK(gloss_test::values(from_eigen(v.transpose())) == std::vector<double>{1, 2, 3});
}

TEST_CASE("eigen: gradients flow to a matrix that is a leaf") {
  Eigen::MatrixXd w = Eigen::MatrixXd::Ones(2, 3);
  Tensor<double> leaf = from_eigen(w);
  leaf.requires_grad_();
  sum(matmul(leaf, Tensor<double>{1, 2, 3}.unsqueeze(1))).backward();
  CHECK(gloss_test::values(leaf.grad()) == std::vector<double>{1, 2, 3, 1, 2, 3});
  w -= 0.5 * as_eigen(leaf.grad().contiguous());
  CHECK(leaf.at({0, 2}) == -0.5);
}
