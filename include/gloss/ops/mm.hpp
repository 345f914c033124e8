// Products with a fixed number of axes, and sums with them
#pragma once

#include <gloss/ops/add.hpp>
#include <gloss/ops/index_select.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
inline void check_product(const char* op, const Shape& a, int a_rank, const Shape& b, int b_rank) {
  if (a.rank() != a_rank || b.rank() != b_rank)
    fail<ShapeError>(op, ": ", a_rank, " and ", b_rank, " axes are wanted: a ", a, ", b ", b);
  if (a.back() != b[b_rank > 1 ? b_rank - 2 : 0]) fail<ShapeError>(op, ": inner dimensions differ: a ", a, ", b ", b);
  if (a_rank == 3 && a[0] != b[0]) fail<ShapeError>(op, ": batches differ: a ", a, ", b ", b);
}
}  // namespace detail

/// y = a b for two matrices.
/// Shape: [m, k], [k, n] -> [m, n]
/// Errors: ShapeError
/// PyTorch: torch.mm
template <Multipliable T>
Tensor<T> mm(const Tensor<T>& a, const Tensor<T>& b) {
  detail::check_product("mm", a.shape(), 2, b.shape(), 2);
  return matmul(a, b);
}
/// y = a b for two batches of matrices.
/// Shape: [batch, m, k], [batch, k, n] -> [batch, m, n]
/// Errors: ShapeError
/// PyTorch: torch.bmm
template <Multipliable T>
Tensor<T> bmm(const Tensor<T>& a, const Tensor<T>& b) {
  detail::check_product("bmm", a.shape(), 3, b.shape(), 3);
  return matmul(a, b);
}
/// y = a b for a matrix and a vector.
/// Shape: [m, k], [k] -> [m]
/// Errors: ShapeError
/// PyTorch: torch.mv
template <Multipliable T>
Tensor<T> mv(const Tensor<T>& a, const Tensor<T>& b) {
  detail::check_product("mv", a.shape(), 2, b.shape(), 1);
  return matmul(a, b);
}
/// y = sum_i a_i b_i for two vectors.
/// Shape: [k], [k] -> []
/// Errors: ShapeError
/// PyTorch: torch.dot
template <Multipliable T>
Tensor<T> dot(const Tensor<T>& a, const Tensor<T>& b) {
  detail::check_product("dot", a.shape(), 1, b.shape(), 1);
  return matmul(a, b);
}
/// y[i, j] = a[i] b[j].
/// Shape: [m], [n] -> [m, n]
/// Errors: ShapeError
/// PyTorch: torch.outer
template <Summable T>
Tensor<T> outer(const Tensor<T>& a, const Tensor<T>& b) {
  if (a.dim() != 1 || b.dim() != 1) fail<ShapeError>("outer: vectors are wanted: a ", a.shape(), ", b ", b.shape());
  return a.unsqueeze(1) * b.unsqueeze(0);
}

struct AddmmOptions {
  double beta = 1;   // of the tensor that is added; 0 leaves it out, NaN and all
  double alpha = 1;  // of the product
};

namespace detail {
template <class T>
Tensor<T> add_product(const char* op, int rank, const Tensor<T>& x, const Tensor<T>& a, const Tensor<T>& b,
                      AddmmOptions options) {
  check_product(op, a.shape(), rank, b.shape(), rank);
  Tensor<T> y = matmul(a, b);
  if (broadcast_shapes(op, x.shape(), y.shape()) != y.shape())
    fail<ShapeError>(op, ": x ", x.shape(), " does not broadcast to ", y.shape());
  if (options.alpha != 1) y = y * options.alpha;
  return options.beta == 0 ? y : y + (options.beta == 1 ? x : x * options.beta);
}
}  // namespace detail

/// y = beta x + alpha a b for matrices.
/// Shape: x broadcasts to [m, n]; [m, k], [k, n] -> [m, n]
/// Errors: ShapeError
/// PyTorch: torch.addmm
template <Real T>
Tensor<T> addmm(const Tensor<T>& x, const Tensor<T>& a, const Tensor<T>& b, AddmmOptions options = {}) {
  return detail::add_product("addmm", 2, x, a, b, options);
}
/// y = beta x + alpha a b for batches of matrices.
/// Shape: x broadcasts to [batch, m, n]; [batch, m, k], [batch, k, n] -> [batch, m, n]
/// Errors: ShapeError
/// PyTorch: torch.baddbmm
template <Real T>
Tensor<T> baddbmm(const Tensor<T>& x, const Tensor<T>& a, const Tensor<T>& b, AddmmOptions options = {}) {
  return detail::add_product("baddbmm", 3, x, a, b, options);
}

/// The Kronecker product: each element of a times all of b, as a block.
/// Shape: [..., m, n], [..., p, q] -> [..., m p, n q]; missing axes count as 1.
/// PyTorch: torch.kron
template <Summable T>
Tensor<T> kron(const Tensor<T>& a, const Tensor<T>& b) {
  const int rank = (std::max)(a.dim(), b.dim());
  if (2 * rank > max_rank)
    fail<ShapeError>("kron: more than ", max_rank / 2, " axes: a ", a.shape(), ", b ", b.shape());
  Shape a_sizes, b_sizes, sizes;
  for (int i = 0; i < rank; ++i) {
    const int ia = i - rank + a.dim(), ib = i - rank + b.dim();
    const Index na = ia < 0 ? 1 : a.shape()[ia], nb = ib < 0 ? 1 : b.shape()[ib];
    a_sizes.push_back(na);
    a_sizes.push_back(1);
    b_sizes.push_back(1);
    b_sizes.push_back(nb);
    sizes.push_back(na * nb);
  }
  return (a.reshape(a_sizes) * b.reshape(b_sizes)).view(sizes);
}

/// The vector product along an axis of size 3.
/// Shape: a, b broadcast.
/// Errors: ShapeError when the axis has another size.
/// PyTorch: torch.linalg.cross
template <Number T>
Tensor<T> cross(const Tensor<T>& a, const Tensor<T>& b, Index axis = -1) {
  const Shape shape = broadcast_shapes("cross", a.shape(), b.shape());
  const int k = normalize_axis("cross", axis, shape.rank());
  if (shape.rank() == 0 || a.dim() != b.dim() || a.shape()[k] != 3 || b.shape()[k] != 3)
    fail<ShapeError>("cross: axis ", axis, " has not size 3 in both: a ", a.shape(), ", b ", b.shape());
  const Tensor<std::int64_t> next = {1, 2, 0}, after = {2, 0, 1};
  return index_select(a, k, next) * index_select(b, k, after) - index_select(a, k, after) * index_select(b, k, next);
}

}  // namespace gloss::inline GLOSS_ABI
