#include <gloss/linalg/eigh.hpp>
#include <gloss/ops/tri.hpp>
#include <gloss/ops/trig.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;
using Inputs = std::vector<Tensor<double>>;

namespace {
template <class T>
Tensor<T> symmetric(const Tensor<T>& a) {
  return a + a.transpose(-2, -1);
}
/// v diag(sin w) v^T, which does not depend on the signs of v.
template <class T>
Tensor<T> sine(const linalg::Eigh<T>& of) {
  const auto& [w, v] = of;
  return matmul(v * sin(w).unsqueeze(-2), v.transpose(-2, -1));
}
/// w v v^T of the smallest eigenvalue.
template <class T>
Tensor<T> smallest(const linalg::Eigh<T>& of) {
  if (of.eigenvalues.size(-1) == 0) return of.eigenvectors;
  const Tensor<T> v = of.eigenvectors.narrow(-1, 0, 1);
  return matmul(v * of.eigenvalues.narrow(-1, 0, 1).unsqueeze(-2), v.transpose(-2, -1));
}
}  // namespace

TEST_CASE("linalg::eigh: PyTorch's values and gradients") {
  CHECK_GOLDEN_WITHIN("linalg_eigvalsh", 1e-4, linalg::eigvalsh(c["a"]));
  CHECK_GOLDEN_WITHIN("linalg_eigh", 1e-3, sine(linalg::eigh(c["a"])));
  CHECK_GOLDEN_WITHIN("linalg_eigh_upper", 1e-3, smallest(linalg::eigh(c["a"], {.upper = true})));
}

TEST_CASE("linalg::eigh: first and second derivatives") {
  const Tensor<double> a = {{{4, 1, 0.5}, {0.25, 3, -1}, {1, 2, 5}}, {{3, -1, 0}, {2, 5, 1}, {0.5, 0, 2}}};
  a.requires_grad_();
  const auto values = [](const Inputs& in) { return linalg::eigvalsh(symmetric(in[0])); };
  const auto both = [](const Inputs& in) { return sine(linalg::eigh(symmetric(in[0]))); };
  const auto vectors = [](const Inputs& in) { return smallest(linalg::eigh(symmetric(in[0]), {.upper = true})); };
  CHECK(gradcheck(values, {a}));
  CHECK(gradgradcheck(values, {a}));
  CHECK(gradcheck(both, {a}));
  CHECK(gradgradcheck(both, {a}));
  CHECK(gradcheck(vectors, {a}));
  CHECK(gradgradcheck(vectors, {a}));
}

TEST_CASE("linalg::eigh: vectors of length 1, eigenvalues alone have the same values, one triangle is read") {
  const Tensor<double> a = symmetric(randn<double>({3, 20, 20}));
  const auto [w, v] = linalg::eigh(a);
  CHECK(gloss_test::difference(matmul(a, v), v * w.unsqueeze(-2)) < 1e-13);
  CHECK(gloss_test::difference(matmul(v.transpose(1, 2), v), eye<double>(20).expand(a.shape())) < 1e-13);
  CHECK(gloss_test::difference(linalg::eigvalsh(a), w) < 1e-13);
  CHECK(gloss_test::same_bits(linalg::eigh(tril(a)).eigenvectors, v));
  CHECK(gloss_test::same_bits(linalg::eigvalsh(triu(a), {.upper = true}), linalg::eigvalsh(a)));
}

TEST_CASE("linalg::eigh: wrong shapes and numbers that are not finite are named") {
  CHECK_ERROR(linalg::eigh(ones<double>({2, 3})), ShapeError,
              "linalg::eigh: a square matrix is wanted, shape is [2, 3]");
  CHECK_ERROR(linalg::eigvalsh(ones<double>({3})), ShapeError, "linalg::eigvalsh: a matrix is wanted, shape is [3]");
  const Tensor<double> a = ones<double>({2, 3, 3});
  a.data()[9] = NAN;
  CHECK_ERROR(linalg::eigh(a), Error,
              "linalg::eigh: matrix 1 of the batch has no eigenvalues; are all its numbers finite?");
}
