// Scaled dot-product attention as one op
#pragma once

#include <cmath>
#include <limits>

#include <gloss/kernels/attention.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// Options of scaled_dot_product_attention.
template <Real T = float>
struct AttentionOptions {
  Tensor<bool> mask = {};  // true: may attend; broadcast to [..., n, m]
  Tensor<T> bias = {};     // added to the scaled scores; broadcast to [..., n, m]
  bool causal = false;     // query i sees the keys j <= i + m - n; the others do not exist for it
  double dropout = 0;      // of the weights; the caller passes 0 outside training
  double scale = 0;        // 0: 1 / sqrt(d_k)
  double mask_fill = -std::numeric_limits<double>::infinity();  // what a masked score becomes; AT's is -1e9
};

namespace detail {

/// A tensor of 2 to 4 axes as one of 4: [batch, heads, rows, width].
template <class T>
Tensor<T> with_four_axes(Tensor<T> x) {
  while (x.dim() < 4) x = x.unsqueeze(0);
  return x;
}
/// x without the axes that with_four_axes added to one of `dim`.
template <class T>
Tensor<T> without_added_axes(Tensor<T> x, int dim) {
  while (x.dim() > dim) x = x.select(0, 0);
  return x;
}
/// The same with dense rows, outside the graph.
template <class T>
Tensor<T> as_heads(const Tensor<T>& x) {
  Tensor<T> y = x.detach();
  if (y.strides()[y.dim() - 1] != 1 && y.size(-1) != 1) y = y.contiguous();
  return with_four_axes(y);
}
/// A mask or a bias stretched to the scores' shape, outside the graph; the kernel's strides say how.
template <class T>
Tensor<T> as_scores(const char* what, const Tensor<T>& x, const Shape& scores, Index* strides) {
  if (!x.defined()) return {};
  const int dim = scores.rank();
  bool stretches = x.dim() <= dim;
  for (int a = 1; stretches && a <= x.dim(); ++a) stretches = x.size(-a) == 1 || x.size(-a) == scores[dim - a];
  if (!stretches)
    fail<ShapeError>("scaled_dot_product_attention: ", what, " ", x.shape(), " does not stretch to ", scores);
  const Tensor<T> y = with_four_axes(x.detach().expand(scores));
  for (int a = 0; a < 4; ++a) strides[a] = y.strides()[a];
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

/// y = dropout(softmax(scale q k^T + bias, masked)) v in one pass: memory grows with n and m, not with n m, unless the
/// weights are asked for. A row that may attend to nothing is NaN with the default fill, uniform with a finite one.
/// Keys that the mask hides from all queries are skipped, wherever they cannot count.
/// Shape: q [..., n, d_k], k [..., m, d_k], v [..., m, d_v] of 2 to 4 axes with equal leading ones -> [..., n, d_v];
/// k and v may have fewer heads (axis -3), of which each then serves as many heads of q, one after the other; weights,
/// where given, becomes [..., n, m] (after dropout, outside the graph).
/// Errors: ShapeError when the shapes do not fit, Error for a dropout outside [0, 1]; GradError from a recorded
/// backward.
/// Backward: with P the weights and D the sum of dy * y over a row: dv = P^T dy, dS = P * (dy v^T - D), dbias = dS
/// summed over stretched axes, dq = scale dS k, dk = scale dS^T q; q, k, v, bias, y and two numbers of each row are
/// saved, P is computed again, and once more for dbias.
/// Source: paper 3.2.1, eq. 1; Dao et al. 2022 for the tiles; Ainslie et al. 2023 for the groups of heads.
/// PyTorch: torch.nn.functional.scaled_dot_product_attention
template <Real T>
Tensor<T> scaled_dot_product_attention(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v,
                                       const AttentionOptions<T>& options = {}, Tensor<T>* weights = nullptr) {
  const int dim = q.dim();
  bool fits =
      dim >= 2 && dim <= 4 && k.dim() == dim && v.dim() == dim && k.size(-1) == q.size(-1) && v.size(-2) == k.size(-2);
  for (int a = 0; fits && a < dim - 2; ++a) {
    const bool in_groups = a == dim - 3 && k.size(a) > 0 && q.size(a) % k.size(a) == 0;
    fits = k.size(a) == v.size(a) && (q.size(a) == k.size(a) || in_groups);
  }
  if (!fits)
    fail<ShapeError>("scaled_dot_product_attention: query ", q.shape(), ", key ", k.shape(), " and value ", v.shape(),
                     " do not fit");
  if (!(options.dropout >= 0 && options.dropout <= 1))
    fail("scaled_dot_product_attention: dropout ", options.dropout, " is not in [0, 1]");
  ProfileScope scope("scaled_dot_product_attention");
  const Tensor<T> qh = detail::as_heads(q), kh = detail::as_heads(k), vh = detail::as_heads(v);
  const Index batch = qh.size(0), heads = qh.size(1), n = qh.size(2), m = kh.size(2), d_v = vh.size(3);

  kernels::AttentionArgs<T> args;
  Shape scores = q.shape();
  scores[dim - 1] = m;
  const Tensor<bool> mask = detail::as_scores("mask", options.mask, scores, args.mask_strides);
  const Tensor<T> bias = detail::as_scores("bias", options.bias, scores, args.bias_strides);
  Tensor<T> y = detail::empty_heads(qh, d_v);
  const Tensor<T> stats = empty<T>({batch, heads, 2, n});
  args.batch = batch, args.heads = heads, args.len_q = n, args.len_k = m, args.d_k = qh.size(3), args.d_v = d_v;
  args.group = kh.size(1) > 0 ? heads / kh.size(1) : 1;
  args.q = qh.data(), args.k = kh.data(), args.v = vh.data(), args.o = y.data(), args.stats = stats.data();
  args.q_strides = detail::head_strides(qh), args.k_strides = detail::head_strides(kh);
  args.v_strides = detail::head_strides(vh), args.o_strides = detail::head_strides(y);
  args.scale = static_cast<T>(options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(qh.size(3))));
  args.causal = options.causal;
  args.mask_fill = static_cast<T>(options.mask_fill);
  if (mask.defined()) args.mask = mask.data();
  if (bias.defined()) args.bias = bias.data();
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

  y = detail::without_added_axes(y, dim);
  if (weights != nullptr) *weights = detail::without_added_axes(p, dim);
  return record("scaled_dot_product_attention", y, {q, k, v, options.bias},
                [args, dim, scores, qh, kh, vh, mask, bias, stats, saved = y.detach()](const Tensor<T>& dy, Grads& dx) {
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
                  if (dq.defined() || dk.defined() || dv.defined()) kernels::attention_backward(args, grads);
                  if (dq.defined()) dx.add(0, detail::without_added_axes(dq, dim));
                  if (dk.defined()) dx.add(1, detail::without_added_axes(dk, dim));
                  if (dv.defined()) dx.add(2, detail::without_added_axes(dv, dim));
                  if (!dx.needs(3)) return;
                  Tensor<T> dbias = empty<T>(dx.shape(3));
                  detail::as_scores("bias", dbias, scores, grads.dbias_strides);
                  grads.dbias = dbias.data();
                  kernels::attention_bias_backward(args, grads);
                  dx.add(3, dbias);
                });
}

}  // namespace gloss::inline GLOSS_ABI
