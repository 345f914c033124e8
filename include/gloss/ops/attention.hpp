// Scaled dot-product attention as one op
#pragma once

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include <gloss/kernels/attention.hpp>
#include <gloss/kernels/softmax.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/tensor/saved_input.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// Options of scaled_dot_product_attention.
template <Real T = float>
struct AttentionOptions {
  Tensor<bool> mask = {};  // true: may attend; broadcast to [..., n, m]
  Tensor<T> bias = {};     // added to the scaled scores; broadcast to [..., n, m]
  // Query i sees the keys j <= i + m - n, the last query all of them; the others do not exist for it. With fewer keys
  // than queries the first n - m see none. (PyTorch's is_causal is aligned at the first: j <= i.)
  bool causal = false;
  double dropout = 0;                                           // of the weights; the caller passes 0 outside training
  double scale = 0;                                             // 0: 1 / sqrt(d_k)
  double mask_fill = -std::numeric_limits<double>::infinity();  // what a masked score becomes; AT's is -1e9
  bool zero_empty_rows = false;  // a row whose scores are all -infinity is 0, as PyTorch has it, and not NaN
  // Where defined, [batch, m] or [batch, 1]: key and value j of batch entry b are those of entry key_rows[b, j] of k
  // and v, which then may have any number of entries. That is how hypotheses share what has been read; without
  // gradients.
  Tensor<std::int64_t> key_rows = {};
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
  Tensor<T> y = with_four_axes(x.detach().expand(scores));
  for (int a = 0; a < 4; ++a) strides[a] = y.strides()[a];
  return y;
}
/// Refuses a mask or a bias for [batch, heads, n, m] that has three axes, unless the first of them has size 1.
template <class T>
GLOSS_NOINLINE void check_mask_axes(const char* op, const char* what, const Tensor<T>& x) {
  if (x.defined() && x.dim() == 3 && x.size(0) != 1)
    fail<ShapeError>(op, ": ", what, " ", x.shape(),
                     " has three axes: unsqueeze(1) makes it one for each of the batch, ",
                     "unsqueeze(0) one for each head");
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

/// What key_rows makes of keys or values: entry b has the positions of the entries key_rows[b].
/// Shape: x [entries, heads, m, width], key_rows [batch, m] -> [batch, heads, m, width]
template <class T>
Tensor<T> gather_keys(const Tensor<T>& x, const Tensor<std::int64_t>& key_rows) {
  const Index batch = key_rows.size(0), heads = x.size(1), m = x.size(2), width = x.size(3);
  Tensor<T> y = empty<T>({batch, heads, m, width});
  T* to = y.data();
  for (Index b = 0; b < batch; ++b)
    for (Index h = 0; h < heads; ++h)
      for (Index j = 0; j < m; ++j, to += width) {
        const Index entry = key_rows.data()[b * key_rows.strides()[0] + j * key_rows.strides()[1]];
        const T* const from = x.data() + entry * x.strides()[0] + h * x.strides()[1] + j * x.strides()[2];
        std::memcpy(to, from, static_cast<std::size_t>(width) * sizeof(T));
      }
  return y;
}
/// Refuses key_rows that do not fit.
template <class T>
GLOSS_NOINLINE void check_key_rows(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v,
                                   const Tensor<std::int64_t>& rows) {
  if (is_grad_enabled() && (q.requires_grad() || k.requires_grad() || v.requires_grad()))
    fail<GradError>("scaled_dot_product_attention: no gradient goes through key_rows");
  if (q.dim() != 4 || k.dim() != 4 || rows.dim() != 2 || rows.size(0) != q.size(0) ||
      (rows.size(1) != k.size(2) && rows.size(1) != 1))
    fail<ShapeError>("scaled_dot_product_attention: key_rows ", rows.shape(), " do not fit query ", q.shape(),
                     " and key ", k.shape());
  for (Index b = 0; b < rows.size(0); ++b)
    for (Index j = 0; j < rows.size(1); ++j)
      if (const std::int64_t row = rows.at({b, j}); row < 0 || row >= k.size(0))
        fail<IndexError>("scaled_dot_product_attention: key_rows has ", row, ", which is out of range for key ",
                         k.shape());
}

/// What the op does on heads with four axes, and what it keeps for its backward.
template <Real T>
struct AttentionRun {
  kernels::AttentionArgs<T> args;
  Shape scores;  // [batch, heads, n, m], or its last axes
  Tensor<T> q, k, v, o, bias, stats;
  Tensor<bool> mask;
  Tensor<std::int64_t> key_rows;  // [batch, m], only where the kernel reads by it

  /// Tells the kernels where the tensors lie.
  void point() {
    args.q = q.data(), args.k = k.data(), args.v = v.data(), args.o = o.data();
    args.q_strides = head_strides(q), args.k_strides = head_strides(k);
    args.v_strides = head_strides(v), args.o_strides = head_strides(o);
  }
  /// The same without queries, keys, values and results, which are saved apart.
  AttentionRun without_tensors() const {
    AttentionRun rest = *this;
    rest.q = rest.k = rest.v = rest.o = {};
    return rest;
  }
  /// The same with them again.
  AttentionRun with_tensors(Tensor<T> queries, Tensor<T> keys, Tensor<T> values, Tensor<T> results) const {
    AttentionRun whole = *this;
    whole.q = std::move(queries), whole.k = std::move(keys), whole.v = std::move(values), whole.o = std::move(results);
    whole.point();
    return whole;
  }
  /// Into o, which has memory; weights, where given, becomes [batch, heads, n, m].
  void forward(const AttentionOptions<T>& options, Tensor<T>* weights,
               void (*kernel)(const kernels::AttentionArgs<T>&) = kernels::attention_forward<T>) {
    if (!(options.dropout >= 0 && options.dropout <= 1))
      fail("scaled_dot_product_attention: dropout ", options.dropout, " is not in [0, 1]");
    const Index batch = q.size(0), heads = q.size(1), n = q.size(2), m = k.size(2);
    mask = as_scores("mask", options.mask, scores, args.mask_strides);
    bias = as_scores("bias", options.bias, scores, args.bias_strides);
    stats = empty<T>({batch, heads, 2, n});
    args.batch = batch, args.heads = heads, args.len_q = n, args.len_k = m;
    args.d_k = q.size(3), args.d_v = o.size(3), args.group = k.size(1) > 0 ? heads / k.size(1) : 1;
    args.stats = stats.data();
    point();
    if (key_rows.defined()) {
      args.key_rows = key_rows.data();
      for (int a = 0; a < 2; ++a) args.key_rows_strides[a] = key_rows.strides()[a];
    }
    args.scale = static_cast<T>(options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(q.size(3))));
    args.causal = options.causal;
    args.mask_fill = static_cast<T>(options.mask_fill);
    args.zero_empty_rows = options.zero_empty_rows;
    if (mask.defined()) args.mask = mask.data();
    if (bias.defined()) args.bias = bias.data();
    args.dropout = options.dropout;
    if (args.dropout > 0) args.random = gloss::current_rng().reserve(kernels::dropout_words(batch * heads * n * m));
    if (weights != nullptr) {
      *weights = empty<T>({batch, heads, n, m});
      args.weights = weights->data();
    }
    ProfileScope scope("scaled_dot_product_attention");
    if (scope) scope.flops({2, attention_pairs(args), args.d_k + args.d_v});  // scores, mix
    if (scope) scope.bytes(sizeof(T), {q.numel(), k.numel(), v.numel(), o.numel()});
    kernel(args);
    args.weights = nullptr;
  }
  /// Into dq, dk and dv, whichever are defined.
  void backward(const Tensor<T>& d_o, const Tensor<T>& dq, const Tensor<T>& dk, const Tensor<T>& dv) const {
    if (!dq.defined() && !dk.defined() && !dv.defined()) return;
    ProfileScope work("scaled_dot_product_attention", true);
    if (work) work.flops({2, attention_pairs(args), 3 * args.d_k + 2 * args.d_v});  // scores, dq, dk; dP, dv
    if (work) work.bytes(sizeof(T), {2 * q.numel(), 2 * k.numel(), 2 * v.numel(), 2 * d_o.numel()});
    kernels::AttentionGrads<T> grads = grads_of(d_o);
    const auto target = [](const Tensor<T>& d, T*& pointer, kernels::AttentionStrides& strides) {
      if (d.defined()) pointer = d.data(), strides = head_strides(d);
    };
    target(dq, grads.dq, grads.dq_strides);
    target(dk, grads.dk, grads.dk_strides);
    target(dv, grads.dv, grads.dv_strides);
    kernels::attention_backward(args, grads);
  }
  /// The gradient of a bias of this shape.
  Tensor<T> bias_gradient(const Tensor<T>& d_o, const Shape& shape) const {
    Tensor<T> dbias = empty<T>(shape);
    kernels::AttentionGrads<T> grads = grads_of(d_o);
    as_scores("bias", dbias, scores, grads.dbias_strides);
    grads.dbias = dbias.data();
    kernels::attention_bias_backward(args, grads);
    return dbias;
  }

 private:
  static kernels::AttentionGrads<T> grads_of(const Tensor<T>& d_o) {
    kernels::AttentionGrads<T> grads;
    grads.d_o = d_o.data(), grads.d_o_strides = head_strides(d_o);
    return grads;
  }
};

/// Whether the weights are better kept than computed twice more in the backward, which a gradient of the bias needs:
/// measured with windows of 49 positions, where forward and backward take 0.6 of the time.
template <class T>
bool keeps_weights(const AttentionRun<T>& run, const AttentionOptions<T>& options) {
  return is_grad_enabled() && options.bias.defined() && options.bias.requires_grad() && run.q.size(2) <= 64 &&
         run.k.size(2) <= 64 && run.q.size(1) == run.k.size(1) && !options.mask.defined() && !options.causal &&
         options.dropout == 0 && !options.zero_empty_rows;
}
/// softmax(scale q k^T + bias) v, product by product; undefined where a row of weights is NaN, since only the tiles
/// know whether that is a row of no keys.
template <Real T>
Tensor<T> attention_with_weights(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v,
                                 const AttentionOptions<T>& options, AttentionRun<T>& run) {
  const int dim = q.dim();
  const Index m = run.k.size(2), rows = run.q.size(0) * run.q.size(1) * run.q.size(2);
  const T scale = static_cast<T>(options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(q.size(-1))));
  run.bias = as_scores("bias", options.bias, run.scores, run.args.bias_strides);
  const Tensor<T> scaled = run.q * scale, p = matmul(scaled, run.k.transpose(-2, -1)) + run.bias;
  kernels::softmax_forward(static_cast<const T*>(p.data()), p.data(), rows, m);
  for (Index i = 0; i < p.numel(); i += m)
    if (!(p.data()[i] == p.data()[i])) return {};
  return record("scaled_dot_product_attention", without_added_axes(matmul(p, run.v), dim), {q, k, v, options.bias},
                [scaled, p, scale, rows, m, dim, k4 = run.k, v4 = run.v](const Tensor<T>& dy, Grads& dx) {
                  if (is_grad_enabled())
                    fail<GradError>("scaled_dot_product_attention: a fused op has no second derivative");
                  const Tensor<T> d_o = as_heads(dy), ds = matmul(d_o, v4.transpose(-2, -1));
                  kernels::softmax_backward(static_cast<const T*>(p.data()), static_cast<const T*>(ds.data()),
                                            ds.data(), rows, m);
                  if (dx.needs(0)) dx.add(0, without_added_axes(matmul(ds, k4) * scale, dim));
                  if (dx.needs(1)) dx.add(1, without_added_axes(matmul(ds.transpose(-2, -1), scaled), dim));
                  if (dx.needs(2)) dx.add(2, without_added_axes(matmul(p.transpose(-2, -1), d_o), dim));
                  dx.add_summed(3, without_added_axes(ds, dim));
                });
}

}  // namespace detail

/// y = dropout(softmax(scale q k^T + bias, masked)) v in one pass: memory grows with n and m, not with n m, unless the
/// weights are asked for. A row that may attend to nothing is NaN with the default fill, uniform with a finite one, 0
/// with zero_empty_rows; being NaN or 0 whatever the inputs are, it adds nothing to their gradients.
/// Keys that the mask hides from all queries are skipped, wherever they cannot count.
/// Shape: q [..., n, d_k], k [..., m, d_k], v [..., m, d_v] of 2 to 4 axes with equal leading ones -> [..., n, d_v];
/// k and v may have fewer heads (axis -3), of which each then serves as many heads of q, one after the other; weights,
/// where given, becomes [..., n, m] (after dropout, outside the graph).
/// Errors: ShapeError when the shapes do not fit, Error for a dropout outside [0, 1], IndexError for key_rows that
/// there are not, GradError for them where a gradient is wanted; GradError from a recorded backward.
/// Backward: with P the weights and D the sum of dy * y over a row: dv = P^T dy, dS = P * (dy v^T - D), dbias = dS
/// summed over stretched axes, dq = scale dS k, dk = scale dS^T q; q, k, v, bias, y and two numbers of each row are
/// saved, P is computed again, and once more for dbias, unless n and m are at most 64:
/// then a bias that wants a gradient makes the op keep P.
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
    fits = k.size(a) == v.size(a) && (q.size(a) == k.size(a) || in_groups || (a == 0 && options.key_rows.defined()));
  }
  if (!fits)
    fail<ShapeError>("scaled_dot_product_attention: query ", q.shape(), ", key ", k.shape(), " and value ", v.shape(),
                     " do not fit");
  ProfileScope scope("scaled_dot_product_attention");
  detail::AttentionRun<T> run;
  run.q = detail::as_heads(q), run.k = detail::as_heads(k), run.v = detail::as_heads(v);
  if (options.key_rows.defined()) {
    detail::check_key_rows(q, k, v, options.key_rows);
    run.key_rows = options.key_rows.expand({q.size(0), k.size(2)});
    if (q.size(2) > kernels::detail::attention_few<T>) {
      run.k = detail::gather_keys(run.k, run.key_rows), run.v = detail::gather_keys(run.v, run.key_rows);
      run.key_rows = {};
    }
  }
  run.scores = q.shape();
  run.scores[dim - 1] = run.k.size(2);
  if (weights == nullptr && detail::keeps_weights(run, options)) {
    const Tensor<T> y = detail::attention_with_weights(q, k, v, options, run);
    if (y.defined()) return y;
  }
  run.o = detail::empty_heads(run.q, run.v.size(3));
  run.forward(options, weights);
  if (weights != nullptr) *weights = detail::without_added_axes(*weights, dim);
  const Tensor<T> y = detail::without_added_axes(run.o.detach(), dim);
  if (!will_record({q, k, v, options.bias})) return y;
  const std::array<detail::SavedInput<T>, 4> saved = {detail::SavedInput<T>(q), detail::SavedInput<T>(k),
                                                      detail::SavedInput<T>(v),
                                                      detail::SavedInput<T>::own(y.detach(), true)};
  record("scaled_dot_product_attention", y, {q, k, v, options.bias},
         [saved, rest = run.without_tensors(), dim](const Tensor<T>& dy, Grads& dx) {
           const char* const op = "scaled_dot_product_attention";
           if (is_grad_enabled()) fail<GradError>(op, ": a fused op has no second derivative");
           const auto again = [&](std::size_t i) { return detail::as_heads(saved[i].value(op)); };
           const detail::AttentionRun<T> back = rest.with_tensors(again(0), again(1), again(2), again(3));
           const Tensor<T> d_o = detail::as_heads(dy);
           const auto room = [&](int i, const Tensor<T>& x) {
             return dx.needs(i) ? detail::empty_heads(x, x.size(3)) : Tensor<T>{};
           };
           const Tensor<T> dq = room(0, back.q), dk = room(1, back.k), dv = room(2, back.v);
           back.backward(d_o, dq, dk, dv);
           if (dq.defined()) dx.add(0, detail::without_added_axes(dq, dim));
           if (dk.defined()) dx.add(1, detail::without_added_axes(dk, dim));
           if (dv.defined()) dx.add(2, detail::without_added_axes(dv, dim));
           if (dx.needs(3)) dx.add(3, back.bias_gradient(d_o, dx.shape(3)));
         });
  saved[3].share_with(y);
  return y;
}

GLOSS_INSTANTIATE(Tensor<float> scaled_dot_product_attention(const Tensor<float>&, const Tensor<float>&,
                                                             const Tensor<float>&, const AttentionOptions<float>&,
                                                             Tensor<float>*))
GLOSS_INSTANTIATE(Tensor<double> scaled_dot_product_attention(const Tensor<double>&, const Tensor<double>&,
                                                              const Tensor<double>&, const AttentionOptions<double>&,
                                                              Tensor<double>*))

}  // namespace gloss::inline GLOSS_ABI
