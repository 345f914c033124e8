// Images as the products of their channels.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/abs.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/normalize.hpp>
#include <gloss/ops/sign.hpp>
#include <gloss/ops/sqrt.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// z = x x^T / (h w) over all places, then sign(z) sqrt(|z| + eps), then divided by its length.
/// Shape: [n, c, h, w] -> [n, c * c]
/// Errors: ShapeError unless x has 4 axes and places.
/// Source: Lin, RoyChowdhury and Maji 2015.
template <Real T>
struct BilinearPooling final : Module<T> {
  double eps;

  explicit BilinearPooling(double given = 1e-5) : eps(given) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() != 4) fail<ShapeError>("BilinearPooling: x ", x.shape(), " has not 4 axes");
    const Index n = x.size(0), c = x.size(1), places = x.size(2) * x.size(3);
    if (places == 0) fail<ShapeError>("BilinearPooling: x ", x.shape(), " has no places");
    const Tensor<T> rows = x.reshape({n, c, places});
    const Tensor<T> z = (matmul(rows, rows.mT()) / static_cast<double>(places)).reshape({n, c * c});
    return this->output(normalize(sign(z) * sqrt(abs(z) + eps)));
  }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
