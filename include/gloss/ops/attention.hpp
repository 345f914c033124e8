// Scaled dot-product attention as one op
#pragma once

#include <cmath>
#include <limits>

#include <gloss/kernels/attention.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// Options of scaled_dot_product_attention.
struct AttentionOptions {
  Tensor<bool> mask = {};  // true: may attend; broadcast to [..., n, m]
  bool causal = false;     // query i sees the keys j <= i + m - n; the others do not exist for it
  double dropout = 0;      // of the weights; the caller passes 0 outside training
  double scale = 0;        // 0: 1 / sqrt(d_k)
  double mask_fill = -std::numeric_limits<double>::infinity();  // what a masked score becomes; AT's is -1e9
};

namespace detail {

/// A tensor of 2 to 4 axes as [batch, heads, rows, width] with dense rows, outside the graph.
template <class T>
Tensor<T> as_heads(const Tensor<T>& x) {
  Tensor<T> y = x.detach();
  if (y.strides()[y.dim() - 1] != 1 && y.size(-1) != 1) y = y.contiguous();
  while (y.dim() < 4) y = y.unsqueeze(y.dim() == 3 ? 1 : 0);
  return y;
}
template <class T>
kernels::AttentionStrides head_strides(const Tensor<T>& x) {
  return {x.strides()[0], x.strides()[1], x.strides()[2]};
}
/// Uninitialised [batch, heads, rows, width] whose memory is in the order of `like`: [batch, rows, heads, width] if
/// that is a view of a projection, so that the heads can be joined again, and the gradient passed on, without a copy.
template <class T>
Tensor<T> empty_heads(const Tensor<T>& like, Index width) {
  const Index b = like.size(0), h = like.size(1), n = like.size(2);
  if (like.strides()[1] < like.strides()[2] && h > 1) return empty<T>({b, n, h, width}).transpose(1, 2);
  return empty<T>({b, h, n, width});
}
/// How many pairs of a query and a key there are; those that `causal` hides do not count.
template <class T>
Index attention_pairs(const kernels::AttentionArgs<T>& a) {
  const Index n = a.len_q, m = a.len_k, seeing = n < m ? n : m;  // the last query sees m keys, each before it one less
  return a.batch * a.heads * (a.causal ? seeing * (2 * m - seeing + 1) / 2 : n * m);
}

}  // namespace detail

/// y = dropout(softmax(scale q k^T, masked)) v in one pass: memory grows with n and m, not with n m, unless the weights
/// are asked for. A row that may attend to nothing is NaN with the default fill, uniform with a finite one.
/// Shape: q [..., n, d_k], k [..., m, d_k], v [..., m, d_v] of 2 to 4 axes with equal leading ones -> [..., n, d_v];
/// weights, where given, becomes [..., n, m] (after dropout, outside the graph).
/// Errors: ShapeError when the shapes do not fit, Error for a dropout outside [0, 1]; GradError from a recorded
/// backward.
/// Backward: with P the weights and D the sum of dy * y over a row: dv = P^T dy, dS = P * (dy v^T - D),
/// dq = scale dS k, dk = scale dS^T q; q, k, v, y, each row's maximum and sum are saved, P is computed again.
/// Source: paper 3.2.1, eq. 1; Dao et al. 2022 for the tiles.
/// PyTorch: torch.nn.functional.scaled_dot_product_attention
template <Real T>
Tensor<T> scaled_dot_product_attention(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v,
                                       const AttentionOptions& options = {}, Tensor<T>* weights = nullptr) {
  const int dim = q.dim();
  bool fits =
      dim >= 2 && dim <= 4 && k.dim() == dim && v.dim() == dim && k.size(-1) == q.size(-1) && v.size(-2) == k.size(-2);
  for (int a = 0; fits && a < dim - 2; ++a) fits = q.size(a) == k.size(a) && q.size(a) == v.size(a);
  if (!fits)
    fail<ShapeError>("scaled_dot_product_attention: query ", q.shape(), ", key ", k.shape(), " and value ", v.shape(),
                     " do not fit");
  if (!(options.dropout >= 0 && options.dropout <= 1))
    fail("scaled_dot_product_attention: dropout ", options.dropout, " is not in [0, 1]");
  ProfileScope scope("scaled_dot_product_attention");
  const Tensor<T> qh = detail::as_heads(q), kh = detail::as_heads(k), vh = detail::as_heads(v);
  const Index batch = qh.size(0), heads = qh.size(1), n = qh.size(2), m = kh.size(2), d_v = vh.size(3);

  Tensor<bool> mask = options.mask;
  if (mask.defined()) {
    Shape target = q.shape();
    target[dim - 1] = m;
    bool stretches = mask.dim() <= dim;
    for (int a = 1; stretches && a <= mask.dim(); ++a)
      stretches = mask.size(-a) == 1 || mask.size(-a) == target[dim - a];
    if (!stretches)
      fail<ShapeError>("scaled_dot_product_attention: mask ", mask.shape(), " does not stretch to ", target);
    mask = mask.expand(target);
    while (mask.dim() < 4) mask = mask.unsqueeze(mask.dim() == 3 ? 1 : 0);
  }

  Tensor<T> y = detail::empty_heads(qh, d_v);
  const Tensor<T> stats = empty<T>({batch, heads, 2, n});
  kernels::AttentionArgs<T> args;
  args.batch = batch, args.heads = heads, args.len_q = n, args.len_k = m, args.d_k = qh.size(3), args.d_v = d_v;
  args.q = qh.data(), args.k = kh.data(), args.v = vh.data(), args.o = y.data(), args.stats = stats.data();
  args.q_strides = detail::head_strides(qh), args.k_strides = detail::head_strides(kh);
  args.v_strides = detail::head_strides(vh), args.o_strides = detail::head_strides(y);
  args.scale = static_cast<T>(options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(qh.size(3))));
  args.causal = options.causal;
  args.mask_fill = static_cast<T>(options.mask_fill);
  if (mask.defined()) {
    args.mask = mask.data();
    for (int a = 0; a < 4; ++a) args.mask_strides[a] = mask.strides()[a];
  }
  args.dropout = options.dropout;
  if (args.dropout > 0) args.random = current_rng().reserve(kernels::dropout_words(batch * heads * n * m));
  Tensor<T> p;
  if (weights != nullptr) {
    p = empty<T>({batch, heads, n, m});
    args.weights = p.data();
  }
  if (scope) scope.flops({2, detail::attention_pairs(args), args.d_k + d_v});  // scores, mix
  if (scope) scope.bytes(sizeof(T), {q.numel(), k.numel(), v.numel(), y.numel()});
  kernels::attention_forward(args);
  args.weights = nullptr;

  const auto like_input = [dim](Tensor<T> x) {  // drops the axes that as_heads added
    if (dim < 4) x = x.select(1, 0);
    return dim < 3 ? x.select(0, 0) : x;
  };
  y = like_input(y);
  if (weights != nullptr) *weights = like_input(p);
  return record("scaled_dot_product_attention", y, {q, k, v},
                [args, qh, kh, vh, mask, stats, saved = y.detach(), like_input](const Tensor<T>& dy, Grads& dx) {
                  if (is_grad_enabled())
                    fail<GradError>("scaled_dot_product_attention: a fused op has no second derivative");
                  ProfileScope work("scaled_dot_product_attention", true);
                  // scores, dq, dk; dP, dv
                  if (work) work.flops({2, detail::attention_pairs(args), 3 * args.d_k + 2 * args.d_v});
                  if (work) work.bytes(sizeof(T), {2 * qh.numel(), 2 * kh.numel(), 2 * vh.numel(), 2 * dy.numel()});
                  const Tensor<T> d_o = detail::as_heads(dy);
                  Tensor<T> dq, dk, dv;
                  kernels::AttentionGrads<T> grads;
                  grads.d_o = d_o.data(), grads.d_o_strides = detail::head_strides(d_o);
                  const auto target = [&](int i, Tensor<T>& d, const Tensor<T>& x, T*& pointer,
                                          kernels::AttentionStrides& strides) {
                    if (!dx.needs(i)) return;
                    d = detail::empty_heads(x, x.size(3));
                    pointer = d.data();
                    strides = detail::head_strides(d);
                  };
                  target(0, dq, qh, grads.dq, grads.dq_strides);
                  target(1, dk, kh, grads.dk, grads.dk_strides);
                  target(2, dv, vh, grads.dv, grads.dv_strides);
                  kernels::attention_backward(args, grads);
                  if (dq.defined()) dx.add(0, like_input(dq));
                  if (dk.defined()) dx.add(1, like_input(dk));
                  if (dv.defined()) dx.add(2, like_input(dv));
                });
}

}  // namespace gloss::inline GLOSS_ABI
