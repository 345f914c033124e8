#include <cmath>
#include <gloss/iostream.hpp>
#include <gloss/nn/parameter.hpp>
#include <gloss/tensor/print.hpp>
#include <limits>
#include <sstream>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

// All but the last three cases are what PyTorch prints between "tensor(" and ")".
TEST_CASE("print: whole numbers end in a point, others have four decimals, columns align") {
  CHECK(to_string(Tensor<float>{1, 2, 3}) == "[1., 2., 3.]");
  CHECK(to_string(Tensor<float>{{1.5f, -2, 3}, {100, 0, 0.25f}}) ==
        "[[  1.5000,  -2.0000,   3.0000],\n"
        " [100.0000,   0.0000,   0.2500]]");
  CHECK(to_string(scalar<float>(3.14159f)) == "3.1416");
  CHECK(to_string(scalar<double>(2)) == "2.");
  CHECK(to_string(Tensor<std::int64_t>{{1, -20}, {300, 4}}) == "[[  1, -20],\n [300,   4]]");
  CHECK(to_string(Tensor<std::uint8_t>{7, 255}) == "[  7, 255]");
  CHECK(to_string(full<bfloat16>({2}, bfloat16(0.5f))) == "[0.5000, 0.5000]");
}

TEST_CASE("print: scientific notation where sizes differ by more than a thousand, or are huge or tiny") {
  CHECK(to_string(Tensor<double>{0.001, 2.5}) == "[1.0000e-03, 2.5000e+00]");
  CHECK(to_string(Tensor<double>{12345, 1}) == "[1.2345e+04, 1.0000e+00]");
  CHECK(to_string(Tensor<double>{-1e10}) == "[-1.0000e+10]");
  CHECK(to_string(Tensor<double>{1e-5}) == "[1.0000e-05]");
  CHECK(to_string(Tensor<double>{1000, 1, 0}) == "[1000.,    1.,    0.]");
}

TEST_CASE("print: planes are set apart by blank lines") {
  CHECK(to_string(arange<std::int64_t>(8).view({2, 2, 2})) ==
        "[[[0, 1],\n"
        "  [2, 3]],\n"
        "\n"
        " [[4, 5],\n"
        "  [6, 7]]]");
}

TEST_CASE("print: views are printed as they read, not as they lie in memory") {
  CHECK(to_string(arange<std::int64_t>(6).view({2, 3}).transpose(0, 1)) == "[[0, 3],\n [1, 4],\n [2, 5]]");
  CHECK(to_string(arange<float>(6).slice(0, 1, 6, 2)) == "[1., 3., 5.]");
  CHECK(to_string(Tensor<float>{1, 2}.unsqueeze(1).expand({2, 3})) == "[[1., 1., 1.],\n [2., 2., 2.]]");
}

TEST_CASE("print: long rows go on in the next line, long tensors show three positions at each end") {
  CHECK(to_string(arange<float>(20)) ==
        "[ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13., 14., 15.,\n"
        " 16., 17., 18., 19.]");
  CHECK(to_string(arange<std::int64_t>(1001)) == "[   0,    1,    2,  ...,  998,  999, 1000]");
  CHECK(to_string(arange<float>(2000).view({50, 40})) ==
        "[[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 3.7000e+01, 3.8000e+01,\n"
        "  3.9000e+01],\n"
        " [4.0000e+01, 4.1000e+01, 4.2000e+01,  ..., 7.7000e+01, 7.8000e+01,\n"
        "  7.9000e+01],\n"
        " [8.0000e+01, 8.1000e+01, 8.2000e+01,  ..., 1.1700e+02, 1.1800e+02,\n"
        "  1.1900e+02],\n"
        " ...,\n"
        " [1.8800e+03, 1.8810e+03, 1.8820e+03,  ..., 1.9170e+03, 1.9180e+03,\n"
        "  1.9190e+03],\n"
        " [1.9200e+03, 1.9210e+03, 1.9220e+03,  ..., 1.9570e+03, 1.9580e+03,\n"
        "  1.9590e+03],\n"
        " [1.9600e+03, 1.9610e+03, 1.9620e+03,  ..., 1.9970e+03, 1.9980e+03,\n"
        "  1.9990e+03]]");
}

TEST_CASE("print: infinities and NaN do not widen the columns, as in PyTorch") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(to_string(Tensor<double>{1, -inf, std::nan("")}) == "[1., -inf, nan]");
  CHECK(to_string(Tensor<double>{0.5, inf, -std::nan("")}) == "[0.5000,    inf,    nan]");
  CHECK(to_string(zeros<float>({2})) == "[0., 0.]");
}

TEST_CASE("print: truth values are written as in C++") {
  CHECK(to_string(Tensor<bool>{{true, false}, {false, true}}) == "[[ true, false],\n [false,  true]]");
}

TEST_CASE("print: empty and undefined tensors say so") {
  CHECK(to_string(zeros<float>({0})) == "[]");
  CHECK(to_string(zeros<float>({2, 0, 3})) == "[] of shape [2, 0, 3]");
  CHECK(to_string(Tensor<float>()) == "undefined");
}

TEST_CASE("print: streams take tensors, parameters and shapes") {
  std::ostringstream out;
  out << Tensor<float>{1, 2} << ' ' << nn::Parameter<double>(ones<double>({1})) << ' ' << Shape{2, 3};
  CHECK(out.str() == "[1., 2.] [1.] [2, 3]");
}
