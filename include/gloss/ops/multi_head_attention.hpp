// Attention of heads that lie side by side in a projection
#pragma once

#include <vector>

#include <gloss/ops/attention.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {

/// The heads of a part of [batch, n, parts * d], in place: [batch, heads, n, d / heads].
template <class T>
Tensor<T> heads_of(const Tensor<T>& x, Index part, Index parts, Index heads) {
  const Index d = x.size(2) / parts, width = d / heads;
  return x.as_strided({x.size(0), heads, x.size(1), width}, {x.strides()[0], width, x.strides()[1], 1}, part * d);
}
/// How many of queries, keys and values lie side by side in tensor t of `count` that hold the three.
inline Index parts_of(Index count, Index t) { return t < count - 1 ? 1 : 4 - count; }
/// The heads of the queries, keys or values (i = 0, 1, 2) in one, two or three tensors that hold them, in place.
template <class T>
Tensor<T> heads_at(const std::vector<Tensor<T>>& projected, Index heads, Index i) {
  const auto count = static_cast<Index>(projected.size());
  const Index t = i < count ? i : count - 1;
  const Tensor<T>& x = projected[static_cast<std::size_t>(t)];
  return x.defined() ? heads_of(x, i - t, parts_of(count, t), heads) : Tensor<T>{};
}
/// Uninitialised [batch, n, width] whose memory is in the order of `like`, so that a product can read it as it lies.
template <class T>
Tensor<T> empty_sequences(const Tensor<T>& like, Index width) {
  const Index batch = like.size(0), n = like.size(1);
  if (like.strides()[0] < like.strides()[1] && batch > 1) return empty<T>({n, batch, width}).transpose(0, 1);
  return empty<T>({batch, n, width});
}

}  // namespace detail

/// Attention of many heads whose queries, keys and values lie side by side as a projection gives them; their results
/// lie side by side again. No head is copied, and the gradient of each tensor is written in one piece. Options and
/// weights as in scaled_dot_product_attention, for [batch, heads, n, m]; a mask or a bias of three axes, which might be
/// meant for each of the batch or for each head, is refused.
/// Shape: one tensor [batch, n, 3 d] of queries, keys and values, or two, [batch, n, d] and [batch, m, 2 d], or three,
/// [batch, n, d], [batch, m, d], [batch, m, d] -> [batch, n, d]; weights [batch, heads, n, m]
/// Errors: ShapeError when the shapes do not fit or a mask or a bias has three axes, Error for a dropout outside
/// [0, 1]; GradError from a recorded backward.
/// Backward: that of scaled_dot_product_attention.
/// Source: paper 3.2.2.
template <Real T>
Tensor<T> multi_head_attention(const std::vector<Tensor<T>>& projected, Index heads,
                               const AttentionOptions<T>& options = {}, Tensor<T>* weights = nullptr) {
  const auto count = static_cast<Index>(projected.size());
  if (count < 1 || count > 3) fail<ShapeError>("multi_head_attention: ", count, " tensors; one, two or three wanted");
  Index d = -1;
  bool fits = heads > 0;
  for (Index t = 0; fits && t < count; ++t) {
    const Tensor<T>& x = projected[static_cast<std::size_t>(t)];
    fits = x.dim() == 3 && x.size(0) == projected[0].size(0) && x.size(2) % (detail::parts_of(count, t) * heads) == 0 &&
           (d < 0 || x.size(2) / detail::parts_of(count, t) == d) && (t < 2 || x.size(1) == projected[1].size(1));
    if (fits) d = x.size(2) / detail::parts_of(count, t);
  }
  if (!fits) {
    const auto shape = [&](Index t) {
      return t < count ? to_string(projected[static_cast<std::size_t>(t)].shape()) : "";
    };
    fail<ShapeError>("multi_head_attention: ", heads, " heads do not fit ", shape(0), count > 1 ? ", " : "", shape(1),
                     count > 2 ? ", " : "", shape(2));
  }
  detail::check_mask_axes("multi_head_attention", "mask", options.mask);
  detail::check_mask_axes("multi_head_attention", "bias", options.bias);
  ProfileScope scope("multi_head_attention");
  std::vector<Tensor<T>> dense;
  const auto readable = [](const Tensor<T>& x) { return x.strides()[2] == 1 || x.size(2) == 1 ? x : x.contiguous(); };
  for (const Tensor<T>& x : projected) dense.push_back(readable(x.detach()));
  detail::AttentionRun<T> run;
  const auto at = [heads](const std::vector<Tensor<T>>& from, Index i) { return detail::heads_at(from, heads, i); };
  run.q = at(dense, 0), run.k = at(dense, 1), run.v = at(dense, 2);
  run.scores = {run.q.size(0), heads, run.q.size(2), run.k.size(2)};
  const Tensor<T> y = detail::empty_sequences(dense[0], d);
  run.o = detail::heads_of(y, 0, 1, heads);
  run.forward(options, weights);
  bool recorded = will_record({options.bias});
  for (const Tensor<T>& x : projected) recorded = recorded || will_record({x});
  if (!recorded) return y;
  std::vector<Tensor<T>> inputs = projected;
  inputs.push_back(options.bias);
  std::vector<detail::SavedInput<T>> saved;
  for (const Tensor<T>& x : projected) saved.emplace_back(x);
  const auto result = detail::SavedInput<T>::own(y.detach(), true);
  record("multi_head_attention", y, inputs,
         [rest = run.without_tensors(), saved, result, heads, at, readable](const Tensor<T>& dy, Grads& dx) {
           const char* const op = "multi_head_attention";
           if (is_grad_enabled()) fail<GradError>(op, ": a fused op has no second derivative");
           std::vector<Tensor<T>> parts;
           for (const auto& x : saved) parts.push_back(readable(x.value(op)));
           const detail::AttentionRun<T> back = rest.with_tensors(at(parts, 0), at(parts, 1), at(parts, 2),
                                                                  detail::heads_of(result.value(op), 0, 1, heads));
           const Tensor<T> d_o = detail::heads_of(readable(dy.detach()), 0, 1, heads);
           std::vector<Tensor<T>> d_projected;
           for (std::size_t t = 0; t < parts.size(); ++t)
             d_projected.push_back(dx.needs(static_cast<int>(t)) ? detail::empty_sequences(parts[t], parts[t].size(2))
                                                                 : Tensor<T>{});
           back.backward(d_o, at(d_projected, 0), at(d_projected, 1), at(d_projected, 2));
           for (std::size_t t = 0; t < parts.size(); ++t)
             if (d_projected[t].defined()) dx.add(static_cast<int>(t), d_projected[t]);
           const int last = static_cast<int>(parts.size());
           if (dx.needs(last)) dx.add(last, back.bias_gradient(d_o, dx.shape(last)));
         });
  result.share_with(y);
  return y;
}

GLOSS_INSTANTIATE(Tensor<float> multi_head_attention(const std::vector<Tensor<float>>&, Index,
                                                     const AttentionOptions<float>&, Tensor<float>*))
GLOSS_INSTANTIATE(Tensor<double> multi_head_attention(const std::vector<Tensor<double>>&, Index,
                                                      const AttentionOptions<double>&, Tensor<double>*))

}  // namespace gloss::inline GLOSS_ABI
