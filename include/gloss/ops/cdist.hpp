// The distances between all rows of two matrices
#pragma once

#include <gloss/kernels/distance.hpp>
#include <gloss/ops/cat.hpp>

namespace gloss::inline GLOSS_ABI {

/// y[..., i, j] = |a[..., i] - b[..., j]|_p; p = 0 counts the differences and infinity takes the largest. Each is
/// summed from differences, never from products, so close rows keep their digits.
/// Shape: [..., m, n], [..., r, n] -> [..., m, r]; the axes in front broadcast.
/// Errors: ShapeError when the row lengths differ or there are fewer than two axes, Error when p is negative.
/// Backward: da = sum_j dy sign(a - b) (|a - b| / y)^(p-1), and likewise db; 0 where y is 0. a, b, y are saved.
/// PyTorch: torch.cdist
template <Real T>
Tensor<T> cdist(const Tensor<T>& a, const Tensor<T>& b, RealNumber power = 2) {
  const double p = power;
  if (a.dim() < 2 || b.dim() < 2 || a.size(-1) != b.size(-1))
    fail<ShapeError>("cdist: two matrices with rows of one length are wanted: a ", a.shape(), ", b ", b.shape());
  if (!(p >= 0)) fail("cdist: p ", p, " is negative");
  const Index m = a.size(-2), r = b.size(-2), n = a.size(-1);
  if (a.dim() > 2 || b.dim() > 2) {
    const Shape batch = broadcast_shapes("cdist", Shape(a.shape().begin(), a.shape().end() - 2),
                                         Shape(b.shape().begin(), b.shape().end() - 2));
    Shape sa = batch, sb = batch, sy = batch;
    for (Shape* s : {&sa, &sb, &sy}) s->push_back(s == &sb ? r : m);
    for (Shape* s : {&sa, &sb, &sy}) s->push_back(s == &sy ? r : n);
    std::vector<Tensor<T>> planes;
    const Tensor<T> pa = a.expand(sa).reshape({batch.numel(), m, n}), pb = b.expand(sb).reshape({batch.numel(), r, n});
    if (batch.numel() == 0) return zeros<T>(sy);
    for (Index i = 0; i < batch.numel(); ++i) planes.push_back(cdist(pa[i], pb[i], p));
    return stack(planes).view(sy);
  }
  const Tensor<T> da = a.detach().contiguous(), db = b.detach().contiguous();
  Tensor<T> y = empty<T>({m, r});
  kernels::distance_forward(static_cast<const T*>(da.data()), static_cast<const T*>(db.data()), y.data(), m, r, n, p);
  return record("cdist", y, {a, b}, [=, y = y.detach(), a = da, b = db](const Tensor<T>& dy, Grads& dx) {
    if (is_grad_enabled()) fail<GradError>("cdist: a fused op has no second derivative");
    const Tensor<T> g = dy.contiguous();
    const T *pa = a.data(), *pb = b.data(), *py = y.data(), *pg = g.data();
    if (dx.needs(0)) {
      Tensor<T> to = empty<T>({m, n});
      kernels::distance_backward(pa, pb, py, pg, to.data(), m, r, n, r, Index{1}, p);
      dx.add(0, std::move(to));
    }
    if (dx.needs(1)) {
      Tensor<T> to = empty<T>({r, n});
      kernels::distance_backward(pb, pa, py, pg, to.data(), r, m, n, Index{1}, r, p);
      dx.add(1, std::move(to));
    }
  });
}

}  // namespace gloss::inline GLOSS_ABI
