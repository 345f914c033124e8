// Matrix products
#pragma once

#include <vector>

#include <gloss/kernels/gemm.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// Element types that matrices can be multiplied in. Whole numbers wrap around; for them speed is no aim.
template <class T>
concept Multipliable = Real<T> ||(std::integral<T> && !std::same_as<T, bool>);

namespace detail {

/// A matrix (or batch of them) as a product kernel reads it: which way round, and the distance between rows.
template <class T>
struct MatrixView {
  Tensor<T> x;  // keeps the memory
  bool transposed = false;
  Index ld = 1;

  GLOSS_NOINLINE explicit MatrixView(const Tensor<T>& source) : x(source.detach()) {
    const Index rows = x.size(-2), cols = x.size(-1);
    auto fits = [](Index inner_stride, Index outer_stride, Index inner, Index outer) {
      return (inner_stride == 1 || inner <= 1) && (outer_stride >= (inner > 1 ? inner : 1) || outer <= 1);
    };
    const Index row_stride = x.strides()[x.dim() - 2], col_stride = x.strides()[x.dim() - 1];
    if (fits(col_stride, row_stride, cols, rows)) {
      ld = rows <= 1 ? (std::max)(cols, Index{1}) : row_stride;
    } else if (fits(row_stride, col_stride, rows, cols)) {
      transposed = true;
      ld = cols <= 1 ? (std::max)(rows, Index{1}) : col_stride;
    } else {
      x = x.contiguous();
      ld = (std::max)(cols, Index{1});
    }
  }
};

/// The batch axes of a matrix of this shape and strides, stretched to `batch`.
GLOSS_NOINLINE inline kernels::Loop<1> batch_loop(const Shape& shape, const Shape& strides, const Shape& batch) {
  Shape sizes, steps;
  for (int axis = 0; axis + 2 < shape.rank(); ++axis) {
    sizes.push_back(shape[axis]);
    steps.push_back(strides[axis]);
  }
  return kernels::make_loop<1>(batch, {broadcast_strides(sizes, steps, batch)});
}

/// a @ b for at least two axes each, batch axes broadcast, unrecorded.
template <class T>
Tensor<T> matmul_forward(const Tensor<T>& a, const Tensor<T>& b, const Shape& batch) {
  ProfileScope scope("matmul");
  const MatrixView<T> va(a), vb(b);
  const Index m = a.size(-2), n = b.size(-1), k = a.size(-1);
  if (scope) scope.flops({2, batch.numel(), m, n, k});
  if (scope) scope.bytes(sizeof(T), {a.numel(), b.numel(), batch.numel() * m * n});
  Shape shape = batch;
  shape.push_back(m);
  shape.push_back(n);
  Tensor<T> y = empty<T>(shape);
  if (batch.numel() == 1) {
    kernels::gemm(va.transposed, vb.transposed, m, n, k, T{1}, static_cast<const T*>(va.x.data()), va.ld,
                  static_cast<const T*>(vb.x.data()), vb.ld, T{0}, y.data(), n);
    return y;
  }
  const auto count = static_cast<std::size_t>(batch.numel());
  std::vector<const T*> from(2 * count);
  std::vector<T*> to(count);
  const T **const pa = from.data(), **const pb = pa + count;
  const kernels::Loop<1> la = batch_loop(va.x.shape(), va.x.strides(), batch);
  const kernels::Loop<1> lb = batch_loop(vb.x.shape(), vb.x.strides(), batch);
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = static_cast<Index>(i);
    pa[i] = va.x.data() + kernels::offset_of(la, at);
    pb[i] = vb.x.data() + kernels::offset_of(lb, at);
    to[i] = y.data() + at * m * n;
  }
  kernels::gemm_batched(va.transposed, vb.transposed, m, n, k, T{1}, pa, va.ld, pb, vb.ld, T{0}, to.data(), n,
                        batch.numel());
  return y;
}

/// The same for whole numbers, by plain loops.
template <class T>
  requires(!Real<T>)
Tensor<T> matmul_forward(const Tensor<T>& a, const Tensor<T>& b, const Shape& batch) {
  ProfileScope scope("matmul");  // operations on whole numbers are not floating-point ones
  if (scope) scope.bytes(sizeof(T), {a.numel(), b.numel(), batch.numel() * a.size(-2) * b.size(-1)});
  using U = std::make_unsigned_t<T>;
  const Index m = a.size(-2), n = b.size(-1), inner = a.size(-1);
  Shape sizes_a = batch, sizes_b = batch, sizes = batch;
  for (Index s : {m, inner}) sizes_a.push_back(s);
  for (Index s : {inner, n}) sizes_b.push_back(s);
  for (Index s : {m, n}) sizes.push_back(s);
  const Tensor<T> xa = a.expand(sizes_a).contiguous(), xb = b.expand(sizes_b).contiguous();
  Tensor<T> y = zeros<T>(sizes);
  const T *pa = xa.data(), *pb = xb.data();
  T* const py = y.data();
  parallel_for(batch.numel() * m, 16384 / (n * inner + 1) + 1, [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r)
      for (Index k = 0; k < inner; ++k) {
        const U factor = static_cast<U>(pa[r * inner + k]);
        const T* row = pb + (r / m * inner + k) * n;
        for (Index j = 0; j < n; ++j)
          py[r * n + j] = static_cast<T>(
              static_cast<U>(static_cast<U>(py[r * n + j]) + static_cast<U>(factor * static_cast<U>(row[j]))));
      }
  });
  return y;
}

}  // namespace detail

/// y = a b, the matrix product, with PyTorch's rules: vectors act as a row on the left and a column on the right, axes
/// before the last two are a batch and broadcast.
/// Shape: [..., m, k], [..., k, n] -> [..., m, n]; [k], [k] -> []
/// Errors: ShapeError when the inner dimensions differ, the batches do not broadcast, or one is a scalar.
/// Backward: da = dy b^T, db = a^T dy, summed over stretched batch axes.
/// PyTorch: torch.matmul
template <Multipliable T>
Tensor<T> matmul(const Tensor<T>& a, const Tensor<T>& b) {
  if (a.dim() == 0 || b.dim() == 0)
    fail<ShapeError>("matmul: both need at least one axis: a ", a.shape(), ", b ", b.shape());
  if (a.size(-1) != b.size(b.dim() > 1 ? -2 : -1))
    fail<ShapeError>("matmul: inner dimensions differ: a ", a.shape(), ", b ", b.shape());
  if (a.dim() == 1) {
    const Tensor<T> y = matmul(a.unsqueeze(0), b.dim() == 1 ? b.unsqueeze(1) : b);
    return b.dim() == 1 ? y.view({}) : y.squeeze(-2);
  }
  if (b.dim() == 1) return matmul(a, b.unsqueeze(1)).squeeze(-1);
  if (b.dim() == 2 && a.dim() > 2) {  // one large product instead of many small ones
    Shape shape = a.shape();
    shape[shape.rank() - 1] = b.size(-1);
    return matmul(a.flatten(0, -2), b).view(shape);
  }
  const Shape batch = broadcast_shapes("matmul", Shape(a.shape().begin(), a.shape().end() - 2),
                                       Shape(b.shape().begin(), b.shape().end() - 2));
  Tensor<T> y = detail::matmul_forward(a, b, batch);
  if constexpr (Real<T>)
    return record("matmul", y, {a, b},
                  [p = a.only_if(b.requires_grad()), q = b.only_if(a.requires_grad())](const Tensor<T>& dy, Grads& dx) {
                    if (dx.needs(0)) dx.add_summed(0, matmul(dy, q.mT()));
                    if (dx.needs(1)) dx.add_summed(1, matmul(p.mT(), dy));
                  });
  return y;
}

GLOSS_INSTANTIATE(Tensor<float> matmul(const Tensor<float>&, const Tensor<float>&))
GLOSS_INSTANTIATE(Tensor<double> matmul(const Tensor<double>&, const Tensor<double>&))

}  // namespace gloss::inline GLOSS_ABI
