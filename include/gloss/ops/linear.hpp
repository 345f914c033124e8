// The affine map of a linear layer, with its activation
#pragma once

#include <gloss/kernels/gemm.hpp>
#include <gloss/kernels/sum_rows.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI {

using kernels::Activation;

/// y = act(x W^T + b) in one pass: bias and activation are applied while a block of y is in cache.
/// Shape: x [..., in], weight [out, in], bias [out] or undefined -> [..., out]
/// Errors: ShapeError when the sizes do not fit.
/// Backward: with g = dy (dy where y > 0 under relu): dx = g W, dW = g^T x, db = sum of g's rows; x and, for relu, y
/// are saved. PyTorch: torch.nn.functional.linear
template <Real T>
Tensor<T> linear(const Tensor<T>& x, const Tensor<T>& weight, const Tensor<T>& bias = {},
                 Activation activation = Activation::none) {
  if (weight.dim() != 2) fail<ShapeError>("linear: weight has shape ", weight.shape(), ", a matrix is wanted");
  const Index in = weight.size(1), out = weight.size(0);
  if (x.dim() == 0 || x.size(-1) != in)
    fail<ShapeError>("linear: x ", x.shape(), " does not end in in_features of weight ", weight.shape());
  if (bias.defined() && bias.shape() != Shape{out})
    fail<ShapeError>("linear: bias ", bias.shape(), " does not match out_features of weight ", weight.shape());
  ProfileScope scope("linear");
  Shape shape = x.shape();
  shape[shape.rank() - 1] = out;
  Index rows = 1;
  for (int axis = 0; axis + 1 < x.dim(); ++axis) rows *= x.shape()[axis];
  const detail::MatrixView<T> vx(x.detach().reshape({rows, in})), vw(weight);
  const Tensor<T> b = bias.defined() ? bias.detach().contiguous() : Tensor<T>{};
  Tensor<T> y = empty<T>(shape);
  if (scope) scope.flops({2, rows, out, in});
  if (scope) scope.bytes(sizeof(T), {x.numel(), weight.numel(), y.numel()});
  kernels::gemm(vx.transposed, !vw.transposed, rows, out, in, T{1}, static_cast<const T*>(vx.x.data()), vx.ld,
                static_cast<const T*>(vw.x.data()), vw.ld, T{0}, y.data(), out,
                kernels::Epilogue<T>{b.defined() ? b.data() : nullptr, activation});
  if (!will_record({x, weight, bias})) return y;
  const Tensor<T> saved = activation == Activation::none ? Tensor<T>{} : y.detach();
  return record("linear", std::move(y), {x, weight, bias},
                [p = x.only_if(weight.requires_grad()), w = weight.only_if(x.requires_grad()), saved, rows, in, out](
                    const Tensor<T>& dy, Grads& dx) {
                  Tensor<T> g = dy;
                  if (saved.defined()) {
                    if (is_grad_enabled()) {
                      g = dy * map_unary<T>(saved, [](T v) { return static_cast<T>(v > T{0}); });
                    } else {
                      g = map_binary<T>("linear", dy, saved, [](T d, T v) { return v > T{0} ? d : T{0}; });
                    }
                  }
                  g = g.reshape({rows, out});
                  if (dx.needs(0)) dx.add(0, matmul(g, w).view(dx.shape(0)));
                  if (dx.needs(1)) dx.add(1, matmul(g.mT(), p.reshape({rows, in})));
                  if (!dx.needs(2)) return;
                  if (is_grad_enabled()) return dx.add(2, sum(g, 0));
                  Tensor<T> db = empty<T>({out});
                  kernels::sum_rows(rows, out, static_cast<const T*>(g.contiguous().data()), db.data());
                  dx.add(2, db);
                });
}

}  // namespace gloss::inline GLOSS_ABI
