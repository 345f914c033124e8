// Orthogonal initialisation, by a QR decomposition: a header to ask for, because linalg needs Eigen.
#pragma once

#include <gloss/linalg/qr.hpp>
#include <gloss/nn/init.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sign.hpp>

namespace gloss::inline GLOSS_ABI::nn::init {

/// gain times a matrix whose rows (columns, where there are more rows) are orthonormal, drawn evenly among all such: Q
/// of the QR decomposition of a normal matrix, with the signs that make the diagonal of R positive. Further axes count
/// as columns. Computed in double, in place, outside the graph.
/// Errors: ShapeError for fewer than two axes. Source: Saxe et al. 2013. PyTorch: orthogonal_
template <Real T>
void orthogonal_(const Tensor<T>& x, double gain = 1) {
  if (x.dim() < 2) fail<ShapeError>("orthogonal_: x ", x.shape(), " has fewer than two axes");
  if (x.numel() == 0) return;
  const Index rows = x.size(0), columns = x.numel() / rows;
  const Tensor<double> normal = randn<double>({rows, columns});
  const auto [q, r] = linalg::qr(rows < columns ? normal.t() : normal);
  const Tensor<double> y = q * sign(r.diagonal()) * gain;
  x.detach().copy_(cast<T>(rows < columns ? y.t() : y).reshape(x.shape()));
}

}  // namespace gloss::inline GLOSS_ABI::nn::init
