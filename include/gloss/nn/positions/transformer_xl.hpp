// Transformer-XL's attention: scores of content and of distance, over the segment before as well.
#pragma once

#include <cmath>

#include <gloss/nn/dropout.hpp>
#include <gloss/nn/init.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/positions/sinusoidal.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/attention.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/relative_shift.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// Sinusoids of the distances n - 1, ..., 1, 0, sines in the first half and cosines in the second: the r that every
/// layer of a Transformer-XL takes for n keys.
/// Shape: n, d_model -> [n, d_model]
/// Source: Dai et al. 2019, 3.3. PyTorch: Transformer-XL's PositionalEmbedding on arange(n - 1, -1, -1)
template <Real T>
Tensor<T> distance_sinusoids(Index n, Index d_model) {
  return sinusoidal_positions<T>(n, d_model, {.interleaved = false, .first = n - 1, .step = -1});
}

struct TransformerXLAttentionOptions {
  double dropout = 0;  ///< of what attention returns
  double dropatt = 0;  ///< of its weights
  bool pre_lnorm = false;
  double layer_norm_epsilon = 1e-5;
};

/// Attention in which position comes in as distance alone. With c = [mems, w], q from w, k and v from c, and r_d the
/// sinusoids of distance d:
///   score(i, j) = ((q_i + u) . k_j + (q_i + v) . W_r r_(i - j)) / sqrt(d_head), for keys up to the query itself,
///   y = layer_norm(w + o_net(softmax(score) v)).
/// The four products are what (E_i + P_i) W_q . (E_j + P_j) W_k comes to when P_j becomes r_(i - j) and P_i W_q the
/// vectors u and v, which are trained. With pre_lnorm the norm is applied to c, and not to the result.
/// Shape: w [batch, n, d_model], r [m + n, d_model] from distance_sinusoids, mems [batch, m, d_model] or nothing, mask
/// broadcast to [batch, n_head, n, m + n], true where looking is allowed -> [batch, n, d_model]
/// Errors: ShapeError when sizes do not fit or are not positive, or a mask has three axes; Error for a dropout outside
/// [0, 1].
/// Source: Dai et al. 2019, 3.3 and appendix B; u and v are r_w_bias and r_r_bias there, tied over layers if wanted.
/// PyTorch: Transformer-XL's RelPartialLearnableMultiHeadAttn (in transformers up to 4.x), which has the batch second;
/// initialised as there, normal with deviation 0.02
/// Keys: r_r_bias, r_w_bias [n_head, d_head]; qkv_net.weight [3 n_head d_head, d_model], o_net.weight [d_model, n_head
/// d_head], layer_norm., r_net.weight [n_head d_head, d_model]
template <Real T>
struct TransformerXLAttention final : Module<T> {
  Index n_head, d_head;
  bool pre_lnorm;
  Parameter<T> r_r_bias, r_w_bias;
  Linear<T> qkv_net;
  Dropout<T> drop, dropatt;
  Linear<T> o_net;
  LayerNorm<T> layer_norm;
  Linear<T> r_net;

  TransformerXLAttention(Index heads, Index d_model, Index head_width, TransformerXLAttentionOptions options = {})
      : n_head(checked(heads, d_model, head_width)),
        d_head(head_width),
        pre_lnorm(options.pre_lnorm),
        r_r_bias(randn<T>({heads, head_width}, T{0}, static_cast<T>(0.02))),
        r_w_bias(randn<T>({heads, head_width}, T{0}, static_cast<T>(0.02))),
        qkv_net(d_model, 3 * heads * head_width, {.bias = false}),
        drop(options.dropout),
        dropatt(options.dropatt),
        o_net(heads * head_width, d_model, {.bias = false}),
        layer_norm(d_model, {.eps = options.layer_norm_epsilon}),
        r_net(d_model, heads * head_width, {.bias = false}) {
    for (const Linear<T>* net : {&qkv_net, &o_net, &r_net}) init::normal_(net->weight, 0, 0.02);
  }

  Tensor<T> operator()(const Tensor<T>& w, const Tensor<T>& r, const Tensor<T>& mems = {},
                       const Tensor<bool>& mask = {}) const {
    check(w, r, mems);
    gloss::detail::check_mask_axes("TransformerXLAttention", "mask", mask);
    const Index batch = w.size(0), n = w.size(1), keys = r.size(0), width = n_head * d_head;
    Tensor<T> c = mems.defined() ? cat<T>({mems, w}, 1) : w;
    if (pre_lnorm) c = layer_norm(c);
    const Tensor<T> weight = qkv_net.weight;  // what is remembered has keys and values, and no queries
    const Tensor<T> q = heads(linear(c.narrow(1, keys - n, n), weight.narrow(0, 0, width)));
    const Tensor<T> kv = linear(c, weight.narrow(0, width, 2 * width));
    const Tensor<T> k = heads(kv.narrow(2, 0, width)), v = heads(kv.narrow(2, width, width));
    const Tensor<T> distance = r_net(r).view({keys, n_head, d_head}).permute({1, 2, 0});  // [n_head, d_head, keys]
    const double scale = 1 / std::sqrt(static_cast<double>(d_head));
    const Tensor<T> bd = relative_shift(matmul((q + r_r_bias.unsqueeze(1)) * scale, distance));
    const Tensor<T> x = scaled_dot_product_attention(
        q + r_w_bias.unsqueeze(1), k, v,
        {.mask = mask, .bias = bd, .causal = true, .dropout = this->is_training() ? dropatt.p : 0, .scale = scale});
    const Tensor<T> y = w + drop(o_net(x.transpose(1, 2).reshape({batch, n, width})));
    return this->output(pre_lnorm ? y : layer_norm(y));
  }

  void visit(Visitor<T>& v) override {
    v("r_r_bias", r_r_bias);
    v("r_w_bias", r_w_bias);
    v("qkv_net", qkv_net);
    v("drop", drop);
    v("dropatt", dropatt);
    v("o_net", o_net);
    v("layer_norm", layer_norm);
    v("r_net", r_net);
  }

 private:
  static Index checked(Index heads, Index d_model, Index head_width) {
    if (heads <= 0 || d_model <= 0 || head_width <= 0)
      fail<ShapeError>("TransformerXLAttention: n_head ", heads, ", d_model ", d_model, ", d_head ", head_width,
                       ": all must be positive");
    return heads;
  }
  void check(const Tensor<T>& w, const Tensor<T>& r, const Tensor<T>& mems) const {
    const Index d_model = o_net.weight.size(0);
    const bool wide = w.dim() == 3 && w.size(2) == d_model && r.dim() == 2 && r.size(1) == d_model;
    const Index m = mems.defined() && mems.dim() == 3 ? mems.size(1) : 0;
    const bool mems_fit =
        !mems.defined() || (wide && mems.dim() == 3 && mems.size(0) == w.size(0) && mems.size(2) == d_model);
    if (!wide || !mems_fit || r.size(0) != m + w.size(1))
      fail<ShapeError>("TransformerXLAttention: w ", w.shape(), ", r ", r.shape(), " and mems ",
                       mems.defined() ? mems.shape() : Shape{}, " do not fit d_model ", d_model);
  }
  /// [batch, n, n_head d_head] -> [batch, n_head, n, d_head], a view.
  Tensor<T> heads(const Tensor<T>& x) const { return x.unflatten(-1, {n_head, d_head}).transpose(1, 2); }
};

}  // namespace gloss::inline GLOSS_ABI::nn
