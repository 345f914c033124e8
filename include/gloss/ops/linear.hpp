// The affine map of a linear layer, with its activation
#pragma once

#include <gloss/kernels/gemm.hpp>
#include <gloss/kernels/gemm/finish.hpp>
#include <gloss/kernels/sum_rows.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/optional_tensor.hpp>
#include <gloss/ops/packed_weight.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/tensor/saved_input.hpp>

namespace gloss::inline GLOSS_ABI {

using kernels::Activation;

namespace detail {
/// The rows that all axes of x but the last make together.
inline Index rows_of(const Shape& x) {
  Index rows = 1;
  for (int axis = 0; axis + 1 < x.rank(); ++axis) rows *= x[axis];
  return rows;
}

/// The shape of x W^T + b.
template <class T>
GLOSS_NOINLINE Shape linear_shape(const char* op, const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias) {
  if (weight.dim() != 2) fail<ShapeError>(op, ": weight has shape ", weight.shape(), ", a matrix is wanted");
  const Index in = weight.size(1), out = weight.size(0);
  if (x.dim() == 0 || x.size(-1) != in)
    fail<ShapeError>(op, ": x ", x.shape(), " does not end in in_features of weight ", weight.shape());
  if (bias.defined() && bias.shape() != Shape{out})
    fail<ShapeError>(op, ": bias ", bias.shape(), " does not match out_features of weight ", weight.shape());
  Shape shape = x.shape();
  shape[shape.rank() - 1] = out;
  return shape;
}

/// y = finish(act(x W^T + b)) of this shape, unrecorded, under the name of the op that asks.
template <class T, class Finish = void>
Tensor<T> linear_forward(const char* op, const Shape& shape, const Tensor<T>& x, const Tensor<T>& weight,
                         const Tensor<T>& bias, Activation activation, const Finish* finish = nullptr) {
  ProfileScope scope(op);
  const Index in = weight.size(1), out = weight.size(0);
  const Index rows = rows_of(shape);
  const Tensor<T> b = dense_or_none(bias), flat = x.detach().reshape({rows, in});
  Tensor<T> y = empty<T>(shape);
  if (scope) scope.flops({2, rows, out, in});
  if (scope) scope.bytes(sizeof(T), {x.numel(), weight.numel(), y.numel()});
  kernels::Epilogue<T> end{read_or_null(b), activation};
  if constexpr (!std::is_void_v<Finish>) end.finish = Finish::finish, end.how = finish;
  if constexpr (std::is_same_v<T, float>)
    if (const PackedWeight* const packed = packed_weight(weight)) {
      check_packed(op, x);
      packed->linear(rows, flat.contiguous().data(), y.data(), out, end);
      return y;
    }
  const MatrixView<T> vx(flat), vw(weight);
  kernels::gemm(vx.transposed, !vw.transposed, rows, out, in, T{1}, static_cast<const T*>(vx.x.data()), vx.ld,
                static_cast<const T*>(vw.x.data()), vw.ld, T{0}, y.data(), out, end);
  return y;
}

/// The gradients of x W^T + b by inputs 0, 1 and 2: x, W and b. x is only read for that of W, and W for that of x.
template <class T>
void linear_backward(const Tensor<T>& dy, const SavedInput<T>& saved, const Tensor<T>& weight, Grads& dx) {
  const Index out = dy.size(-1), rows = rows_of(dy.shape());
  const Tensor<T> g = dy.reshape({rows, out});
  if (dx.needs(0)) dx.add(0, matmul(g, weight).view(dx.shape(0)));
  if (dx.needs(1)) {
    const Tensor<T> x = saved.get(dx, 0);
    dx.add(1, matmul(g.mT(), x.reshape({rows, x.size(-1)})));
  }
  if (!dx.needs(2)) return;
  if (is_grad_enabled()) return dx.add(2, sum(g, 0));
  Tensor<T> db = empty<T>({out});
  kernels::sum_rows(rows, out, static_cast<const T*>(g.contiguous().data()), db.data());
  dx.add(2, db);
}
}  // namespace detail

/// y = act(x W^T + b) in one pass: bias and activation are applied while a block of y is in cache.
/// Shape: x [..., in], weight [out, in], bias [out] or undefined -> [..., out]
/// Errors: ShapeError when the sizes do not fit.
/// Backward: with g = dy (under relu 0 where y <= 0, dy at NaN too): dx = g W, dW = g^T x, db = sum of g's rows; x and,
/// for relu, y are saved.
/// PyTorch: torch.nn.functional.linear
template <Real T>
Tensor<T> linear(const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias = {},
                 Activation activation = Activation::none) {
  Tensor<T> y =
      detail::linear_forward("linear", detail::linear_shape("linear", x, weight, bias), x, weight, bias, activation);
  if (!will_record({x, weight, bias})) return y;
  const auto saved = detail::SavedInput<T>::own(y.detach(), activation != Activation::none);
  record("linear", y, {x, weight, bias},
         [p = detail::SavedInput<T>(x, weight.requires_grad()), w = weight.only_if(x.requires_grad()), saved](
             const Tensor<T>& dy, Grads& dx) {
           Tensor<T> g = dy;
           if (const Tensor<T> result = saved.value("linear"); result.defined()) {
             if (is_grad_enabled()) {
               g = detail::weigh(dy, map_unary<T>(result, [](T v) { return static_cast<T>(!(v <= T{0})); }));
             } else {
               g = map_binary<T>("linear", dy, result, [](T d, T v) { return v <= T{0} ? T{0} : d; });
             }
           }
           detail::linear_backward(g, p, w, dx);
         });
  saved.share_with(y);
  return y;
}

/// y = residual + (x W^T + b) in one pass: the last product of a sublayer with the residual connection around it.
/// Shape: x [..., in], weight [out, in], bias [out] or undefined, residual [..., out] -> [..., out]
/// Errors: ShapeError when the sizes do not fit.
/// Backward: dresidual = dy, the others as in linear; x is saved.
template <Real T>
Tensor<T> add_linear(const Tensor<T>& residual, const Tensor<T>& x, const Tensor<T>& weight,
                     const Tensor<T>& bias = {}) {
  const Shape shape = detail::linear_shape("add_linear", x, weight, bias);
  if (residual.shape() != shape)
    fail<ShapeError>("add_linear: residual ", residual.shape(), " is not of the shape of x W^T, ", shape);
  const Tensor<T> dense = residual.detach().contiguous();
  const kernels::AddFinish<T> add{dense.data(), weight.size(0)};
  Tensor<T> y = detail::linear_forward("add_linear", shape, x, weight, bias, Activation::none, &add);
  return record("add_linear", std::move(y), {x, weight, bias, residual},
                [p = detail::SavedInput<T>(x, weight.requires_grad()), w = weight.only_if(x.requires_grad())](
                    const Tensor<T>& dy, Grads& dx) {
                  detail::linear_backward(dy, p, w, dx);
                  dx.add(3, dy);
                });
}

GLOSS_INSTANTIATE(Tensor<float> linear(const Tensor<float>&, const Tensor<float>&, const Tensor<float>&,
                                       kernels::Activation))
GLOSS_INSTANTIATE(Tensor<float> add_linear(const Tensor<float>&, const Tensor<float>&, const Tensor<float>&,
                                           const Tensor<float>&))
GLOSS_INSTANTIATE(Tensor<double> linear(const Tensor<double>&, const Tensor<double>&, const Tensor<double>&,
                                        kernels::Activation))
GLOSS_INSTANTIATE(Tensor<double> add_linear(const Tensor<double>&, const Tensor<double>&, const Tensor<double>&,
                                            const Tensor<double>&))

}  // namespace gloss::inline GLOSS_ABI
