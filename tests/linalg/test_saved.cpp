// What a decomposition keeps for its backward: a value that was overwritten is an error, or does not count.
// tests/ops/test_saved.cpp does so for the ops, which know nothing of this folder.
#include <functional>

#include <gloss/linalg.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

using Function = std::function<Tensor<double>(const Tensor<double>&)>;
enum class Changed { nothing, input, result };

/// The gradient by a, or an undefined tensor where the backward noticed that something was overwritten.
Tensor<double> gradient(const Function& f, const Tensor<double>& a, Changed changed) {
  const Tensor<double> leaf = a.clone().requires_grad_();
  const Tensor<double> x = leaf * 1.0, y = f(x);
  if (changed == Changed::input) x.detach().fill_(0.3);
  if (changed == Changed::result) y.detach().fill_(0.3);
  try {
    y.backward(ones<double>(y.shape()));
  } catch (const GradError&) {
    return {};
  }
  return leaf.grad();
}

}  // namespace

TEST_CASE("linalg: no backward uses a value that was overwritten") {
  const Tensor<double> a = {{4, 1, 0.5}, {1, 3, 0.25}, {0.5, 0.25, 2}}, b = {{1}, {2}, {3}};
  const std::pair<const char*, Function> cases[] = {
      {"cholesky", [](const auto& x) { return linalg::cholesky(x); }},
      {"det", [](const auto& x) { return linalg::det(x); }},
      {"slogdet", [](const auto& x) { return linalg::slogdet(x).logabsdet; }},
      {"eigh, values", [](const auto& x) { return linalg::eigh(x).eigenvalues; }},
      {"eigh, vectors", [](const auto& x) { return linalg::eigh(x).eigenvectors; }},
      {"inv", [](const auto& x) { return linalg::inv(x); }},
      {"lstsq", [&](const auto& x) { return linalg::lstsq(x, b).solution; }},
      {"pinv", [](const auto& x) { return linalg::pinv(x); }},
      {"qr, q", [](const auto& x) { return linalg::qr(x).q; }},
      {"qr, r", [](const auto& x) { return linalg::qr(x).r; }},
      {"solve", [&](const auto& x) { return linalg::solve(x, b); }},
      {"solve_triangular", [&](const auto& x) { return linalg::solve_triangular(x, b, {.upper = true}); }},
      {"svd, u", [](const auto& x) { return linalg::svd(x).u; }},
      {"svd, s", [](const auto& x) { return linalg::svd(x).s; }},
  };
  for (const auto& [name, f] : cases) {
    INFO(name);
    const Tensor<double> expected = gradient(f, a, Changed::nothing);
    for (const Changed changed : {Changed::input, Changed::result}) {
      const Tensor<double> got = gradient(f, a, changed);
      if (got.defined()) CHECK(gloss_test::difference(got, expected) == 0);
    }
  }
}
