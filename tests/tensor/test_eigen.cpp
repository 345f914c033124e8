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

namespace {
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
double add_one(Eigen::Ref<Eigen::MatrixXd> m) {
  m.array() += 1;
  return m.sum();
}
void double_rows(Eigen::Ref<RowMajor> m) { m *= 2; }
const double* data_of(const Eigen::Ref<const Eigen::MatrixXd>& m) { return m.data(); }
void fill(Eigen::Ref<Eigen::VectorXd> v) { v.setConstant(7); }
}  // namespace

TEST_CASE("eigen: functions that take an Eigen::Ref work in the tensor's memory") {
  const auto x = arange<double>(12).view({3, 4});
  CHECK(add_one(as_eigen_ref<Eigen::MatrixXd>(x.mT())) == 66 + 12);
  CHECK(x.at({0, 0}) == 1);
  double_rows(as_eigen_ref<RowMajor>(x.slice(1, 1, 3)));  // rows of 2, 4 apart
  CHECK(gloss_test::values(x) == std::vector<double>{1, 4, 6, 4, 5, 12, 14, 8, 9, 20, 22, 12});
  CHECK(data_of(as_eigen_ref<const Eigen::MatrixXd>(x.mT())) == x.data());
  CHECK(data_of(as_eigen_ref<Eigen::MatrixXd>(x.mT())) == x.data());
  fill(as_eigen_ref<Eigen::VectorXd>(x.select(0, 1)));
  CHECK(gloss_test::values(x.select(0, 1)) == std::vector<double>{7, 7, 7, 7});
  CHECK(as_eigen_ref<Eigen::RowVectorXd>(x.select(0, 0))(3) == 4);
  CHECK(as_eigen_ref<Eigen::Matrix<double, 4, 3>>(x.mT())(3, 2) == 12);
  CHECK(as_eigen_ref<const Eigen::Vector4d>(x.select(0, 2)).sum() == 9 + 20 + 22 + 12);
  CHECK(as_eigen_ref<RowMajor>(zeros<double>({0, 3})).cols() == 3);
  CHECK(as_eigen_ref<RowMajor>(x.slice(1, 0, 1)).rows() == 3);  // rows of one element are dense
  STATIC_REQUIRE(std::is_same_v<decltype(as_eigen_ref<const RowMajor>(x)), Eigen::Ref<const RowMajor>>);

  CHECK_ERROR(as_eigen_ref<Eigen::MatrixXd>(x), ShapeError,
              "as_eigen_ref: an Eigen::Ref cannot have the strides [4, 1] of shape [3, 4]; see as_eigen_strided");
  CHECK_ERROR(as_eigen_ref<RowMajor>(Tensor<double>{1, 2}.expand({3, 2})), ShapeError,
              "as_eigen_ref: an Eigen::Ref cannot have the strides [0, 1] of shape [3, 2]; see as_eigen_strided");
  CHECK_ERROR(as_eigen_ref<Eigen::VectorXd>(x.select(1, 0)), ShapeError,
              "as_eigen_ref: an Eigen::Ref cannot have the strides [4] of shape [3]; see as_eigen_strided");
  CHECK_ERROR(as_eigen_ref<RowMajor>(x.view({12})), ShapeError, "as_eigen_ref: shape [12] has not two axes");
  CHECK_ERROR(as_eigen_ref<Eigen::VectorXd>(x), ShapeError, "as_eigen_ref: shape [3, 4] has not one axis");
  CHECK_ERROR(as_eigen_ref<Eigen::Matrix3d>(x.mT()), ShapeError,
              "as_eigen_ref: shape [4, 3] is not that of the Eigen::Ref");
}

TEST_CASE("eigen: as_tensor shares the memory of maps, Refs and blocks, temporaries too, with their strides") {
  std::vector<double> numbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  using Strided = Eigen::Map<Eigen::MatrixXd, Eigen::Unaligned, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>>;
  const Tensor<double> x = as_tensor(Strided(numbers.data(), 2, 3, {4, 2}));
  CHECK(x.data() == numbers.data());
  CHECK(x.strides() == Shape{2, 4});
  CHECK(gloss_test::values(x) == std::vector<double>{0, 4, 8, 2, 6, 10});
  x.fill_(-1);
  CHECK(numbers == std::vector<double>{-1, 1, -1, 3, -1, 5, -1, 7, -1, 9, -1, 11});

  Eigen::MatrixXd m = Eigen::MatrixXd::Zero(3, 4);
  as_tensor(m.block(1, 1, 2, 2)).fill_(5);
  CHECK(m.sum() == 20);
  CHECK(m(1, 1) == 5);
  const Tensor<double> turned = as_tensor(m.transpose());
  CHECK(turned.shape() == Shape{4, 3});
  CHECK(turned.data() == m.data());
  CHECK(turned.is_contiguous());
  CHECK(as_tensor(m.row(1)).strides() == Shape{3});
  CHECK(as_tensor(m).data() == m.data());
  const auto through_ref = [](Eigen::Ref<Eigen::MatrixXd> ref) { return as_tensor(ref); };
  CHECK(through_ref(m.leftCols(2)).data() == m.data());
  CHECK(through_ref(m.leftCols(2)).shape() == Shape{3, 2});
  Eigen::ArrayXi counts = Eigen::ArrayXi::Zero(3);
  as_tensor(counts).fill_(2);
  CHECK(counts.sum() == 6);
  CHECK_ERROR(as_tensor(Strided(numbers.data() + 11, 2, 3, {-4, 2})), ShapeError,
              "from_blob: negative stride in [2, -4]");

  STATIC_REQUIRE(EigenMemory<Eigen::Ref<Eigen::MatrixXd>>);
  STATIC_REQUIRE(!EigenMemory<Eigen::Ref<const Eigen::MatrixXd>>);
  const auto can_share = [](auto&& value) {
    return requires { as_tensor(std::forward<decltype(value)>(value)); };
  };
  const Eigen::MatrixXd fixed = m;
  const Eigen::Ref<const Eigen::MatrixXd> read_only(m);
  CHECK(can_share(m));
  CHECK(!can_share(fixed));
  CHECK(!can_share(read_only));
  CHECK(!can_share(fixed.block(0, 0, 1, 1)));
  CHECK(!can_share(m * 2));
  CHECK(!can_share(Eigen::MatrixXd(m)));
}

TEST_CASE("eigen: what is const is copied by from_eigen") {
  Eigen::MatrixXd m = Eigen::MatrixXd::Ones(2, 2);
  Eigen::Ref<const Eigen::MatrixXd> read_only(m);
  Eigen::Map<const Eigen::MatrixXd> map(m.data(), 2, 2);
  CHECK(from_eigen(read_only).data() != m.data());
  CHECK(from_eigen(map).data() != m.data());
  CHECK(from_eigen(m.leftCols(1)).data() != m.data());
  CHECK(sum(from_eigen(map)).item() == 4);
}
