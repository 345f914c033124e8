// A call of every op that takes part in the graph, for the tests that treat all of them alike. A new op adds a line; a
// test reads the headers and names those that are missing.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/ops/interpolate.hpp>
#include <gloss/ops/windows.hpp>

namespace gloss_test {

using Inputs = std::vector<gloss::Tensor<double>>;

struct OpCase {
  std::string name;
  Inputs inputs;
  std::function<gloss::Tensor<double>(const Inputs&)> call;
  /// Which tensors its backward reads: "x" for input 0, "w" for 1, "b" for 2, "y" for the result.
  std::string saves;
  /// For an op without a second derivative, the error of asking for one.
  std::string refusal = "";
  gloss::GradcheckOptions options = {};
};

/// Numbers in [low, low + 1), all different.
inline gloss::Tensor<double> numbers(const gloss::Shape& shape, double low, double start = 0) {
  gloss::Tensor<double> x = gloss::empty<double>(shape);
  for (gloss::Index i = 0; i < x.numel(); ++i)
    x.data()[i] = low + std::fmod(start + 0.618033989 * static_cast<double>(i + 1), 1.0);
  return x;
}

inline std::vector<OpCase> op_cases() {
  using namespace gloss;
  using In = const Inputs&;
  using D = Tensor<double>;
  // positive, and of both signs; away from the places where a derivative jumps
  const D p = numbers({2, 3}, 0.3), q = numbers({2, 3}, 0.4, 0.21), x = numbers({2, 3}, -0.52), r = numbers({3}, 0.6);
  const D square = numbers({3, 3}, -0.47), left = numbers({2, 4}, -0.5, 0.3), rows = numbers({2, 2, 3}, -0.5);
  const Tensor<std::int64_t> ids = {2, 0, 2}, targets = {1, 2}, grid = {{0, 1, 1}, {1, 0, 1}},
                             once = {{0, 1, 1}, {1, 0, 0}};
  const Tensor<bool> mask = {{true, false, true}, {false, false, true}};
  const auto fixed = [](auto f) {  // the same draw at each call
    return [f](In in) {
      Rng rng(5);
      const RngGuard draw(rng);
      return f(in);
    };
  };
  const auto fused = [](const char* op) { return std::string(op) + ": a fused op has no second derivative"; };
  return {
      // --- views and copies
      {"view",
       {x},
       [](In in) {
         return in[0].view({3, 2});
       },
       ""},
      {"transpose", {x}, [](In in) { return in[0].transpose(0, 1); }, ""},
      {"permute",
       {rows},
       [](In in) {
         return in[0].permute({2, 0, 1});
       },
       ""},
      {"expand",
       {r},
       [](In in) {
         return in[0].expand({2, 3});
       },
       ""},
      {"slice", {x}, [](In in) { return in[0].slice(1, 0, 3, 2); }, ""},
      {"select", {x}, [](In in) { return in[0].select(0, 1); }, ""},
      {"diagonal", {square}, [](In in) { return in[0].diagonal(1); }, ""},
      {"unfold", {x}, [](In in) { return in[0].unfold(1, 2, 1); }, ""},
      {"clone", {x}, [](In in) { return in[0].clone(); }, ""},
      {"sum_to", {x}, [](In in) { return sum_to(in[0], {3}); }, ""},
      {"checkpoint",
       {x, r},
       [](In in) { return checkpoint([](const D& a, const D& b) { return tanh(a * b); }, in[0], in[1]); },
       "xw"},
      // --- arithmetic
      {"add", {x, r}, [](In in) { return in[0] + in[1]; }, ""},
      {"add a number", {x}, [](In in) { return in[0] + 2; }, ""},
      {"sub", {x, r}, [](In in) { return in[0] - in[1]; }, ""},
      {"mul", {x, r}, [](In in) { return in[0] * in[1]; }, "xw"},
      {"mul by a constant", {x}, [p](In in) { return in[0] * p; }, ""},
      {"mul by a number", {x}, [](In in) { return in[0] * 3; }, ""},
      {"div", {x, p}, [](In in) { return in[0] / in[1]; }, "xw"},
      {"div by a constant", {x}, [p](In in) { return in[0] / p; }, ""},
      {"div by a number", {x}, [](In in) { return in[0] / 3; }, ""},
      {"pow", {p}, [](In in) { return pow(in[0], 3); }, "x"},
      {"pow of tensors", {p, q}, [](In in) { return pow(in[0], in[1]); }, "xw"},
      {"cast",
       {x},
       [](In in) { return cast<double>(pow(cast<float>(in[0]), 2)); },
       "",
       "",
       {.eps = 1e-2, .atol = 1e-3, .rtol = 1e-3}},
      // --- element-wise
      {"abs", {x}, [](In in) { return abs(in[0]); }, "x"},
      {"clamp", {x}, [](In in) { return clamp(in[0], -0.2, 0.3); }, "x"},
      {"erf", {x}, [](In in) { return erf(in[0]); }, "x"},
      {"exp", {x}, [](In in) { return exp(in[0]); }, "y"},
      {"gelu", {x}, [](In in) { return gelu(in[0]); }, "x"},
      {"gelu by tanh", {x}, [](In in) { return gelu(in[0], GeluKind::tanh); }, "x"},
      {"log", {p}, [](In in) { return log(in[0]); }, "x"},
      {"relu", {x}, [](In in) { return relu(in[0]); }, "y"},
      {"sigmoid", {x}, [](In in) { return sigmoid(in[0]); }, "y"},
      {"sqrt", {p}, [](In in) { return sqrt(in[0]); }, "y"},
      {"tanh", {x}, [](In in) { return tanh(in[0]); }, "y"},
      {"where", {x, p}, [mask](In in) { return where(mask, in[0], in[1]); }, ""},
      {"masked_fill", {x}, [mask](In in) { return masked_fill(in[0], mask, 7); }, ""},
      {"dropout", {x}, fixed([](In in) { return dropout(in[0], 0.4); }), ""},
      {"add_dropout", {x, p}, fixed([](In in) { return add_dropout(in[0], in[1], 0.4); }), ""},
      {"relu_dropout", {x}, fixed([](In in) { return relu_dropout(in[0], 0.4); }), "y"},
      {"gelu_dropout", {x}, fixed([](In in) { return gelu_dropout(in[0], 0.4); }), "x"},
      // --- reductions, rows
      {"sum", {x}, [](In in) { return sum(in[0], 1); }, ""},
      {"mean", {x}, [](In in) { return mean(in[0], 0); }, ""},
      {"var", {x}, [](In in) { return var(in[0], 1); }, "x"},
      {"std_dev", {x}, [](In in) { return std_dev(in[0], 1); }, "xy"},
      {"max", {x}, [](In in) { return max(in[0], 1).values; }, ""},
      {"topk", {x}, [](In in) { return topk(in[0], 2).values; }, ""},
      {"softmax", {x}, [](In in) { return softmax(in[0], -1); }, "y"},
      {"log_softmax", {x}, [](In in) { return log_softmax(in[0], 0); }, "y"},
      {"layer_norm",
       {x, r, numbers({3}, 0)},
       [](In in) { return layer_norm(in[0], in[1], in[2]); },
       "xw",
       fused("layer_norm")},
      {"add_layer_norm",
       {x, p, r, numbers({3}, 0)},
       fixed([](In in) { return add_layer_norm(in[0], in[1], in[2], in[3], {.dropout = 0.4}); }),
       "b",
       fused("add_layer_norm")},
      {"rms_norm", {x, r}, [](In in) { return rms_norm(in[0], in[1]); }, "xw", fused("rms_norm")},
      {"batch_norm",
       {numbers({2, 3, 2}, -0.5), r, numbers({3}, 0)},
       [](In in) { return batch_norm<double>(in[0], {}, {}, in[1], in[2], {.training = true}); },
       "xw",
       fused("batch_norm")},
      {"batch_norm with given statistics",
       {x, r, numbers({3}, 0)},
       [p](In in) { return batch_norm<double>(in[0], p[0], p[1], in[1], in[2]); },
       "xw",
       fused("batch_norm")},
      {"group_norm",
       {numbers({2, 4, 2}, -0.5), numbers({4}, 0.6), numbers({4}, 0)},
       [](In in) { return group_norm(in[0], 2, in[1], in[2]); },
       "xw",
       fused("group_norm")},
      {"instance_norm",
       {numbers({2, 3, 3}, -0.5), r, numbers({3}, 0)},
       [](In in) { return instance_norm<double>(in[0], {}, {}, in[1], in[2]); },
       "xw",
       fused("instance_norm")},
      // --- products
      {"matmul", {square, numbers({3, 2}, 0)}, [](In in) { return matmul(in[0], in[1]); }, "xw"},
      {"matmul of batches", {rows, numbers({2, 3, 2}, 0)}, [](In in) { return matmul(in[0], in[1]); }, "xw"},
      {"matmul by a constant", {x}, [square](In in) { return matmul(in[0], square); }, ""},
      {"conv1d",
       {numbers({1, 2, 5}, -0.5), numbers({2, 2, 3}, -0.4, 0.3), numbers({2}, 0.1)},
       [](In in) { return conv1d(in[0], in[1], in[2], {.padding = 1}); },
       "xw"},
      {"conv2d",
       {numbers({1, 2, 4, 3}, -0.5), numbers({2, 1, 2, 2}, -0.4, 0.3), numbers({2}, 0.1)},
       [](In in) { return conv2d(in[0], in[1], in[2], {.stride = 2, .padding = 1, .groups = 2}); },
       "xw"},
      {"max_pool1d", {rows}, [](In in) { return max_pool1d(in[0], 2, {.stride = 1}); }, ""},
      {"max_pool2d", {rows}, [](In in) { return max_pool2d(in[0], 2, {.padding = 1}); }, ""},
      {"avg_pool1d", {rows}, [](In in) { return avg_pool1d(in[0], 2, {.stride = 1}); }, ""},
      {"avg_pool2d", {rows}, [](In in) { return avg_pool2d(in[0], 2, {.padding = 1}); }, ""},
      {"adaptive_avg_pool1d", {rows}, [](In in) { return adaptive_avg_pool1d(in[0], 2); }, ""},
      {"adaptive_avg_pool2d", {rows}, [](In in) { return adaptive_avg_pool2d(in[0], 1); }, ""},
      {"adaptive_max_pool1d", {rows}, [](In in) { return adaptive_max_pool1d(in[0], 2).values; }, ""},
      {"adaptive_max_pool2d", {rows}, [](In in) { return adaptive_max_pool2d(in[0], 2).values; }, ""},
      {"linear", {left, numbers({3, 4}, -0.4), r}, [](In in) { return linear(in[0], in[1], in[2]); }, "xw"},
      {"linear with relu",
       {left, numbers({3, 4}, -0.4), r},
       [](In in) { return linear(in[0], in[1], in[2], Activation::relu); },
       "xwy"},
      {"linear_gelu", {left, numbers({3, 4}, -0.4), r}, [](In in) { return linear_gelu(in[0], in[1], in[2]); }, "xwb"},
      {"add_linear",
       {left, numbers({3, 4}, -0.4), r, x},
       [](In in) { return add_linear(in[3], in[0], in[1], in[2]); },
       "xw"},
      {"joint_linear",
       {left, numbers({3, 4}, -0.4), numbers({3, 4}, 0.1), r},
       [](In in) {
         return joint_linear(in[0], {in[1], in[2]}, {in[3], in[3]});
       },
       "xwb"},
      {"linear on data", {numbers({3, 4}, -0.4), r}, [left](In in) { return linear(left, in[0], in[1]); }, ""},
      {"scaled_dot_product_attention",
       {rows, numbers({2, 4, 3}, 0), numbers({2, 4, 2}, 0)},
       [](In in) { return scaled_dot_product_attention(in[0], in[1], in[2]); },
       "xwby",
       fused("scaled_dot_product_attention")},
      {"scaled_dot_product_attention with a bias",
       {rows, numbers({2, 2, 2}, 0), numbers({2, 1, 2}, -0.5)},
       [](In in) { return scaled_dot_product_attention(in[0], in[0], in[1], {.bias = in[2], .causal = true}); },
       "xwby",
       fused("scaled_dot_product_attention")},
      {"scaled_dot_product_attention that keeps its weights for the bias",
       {rows, numbers({2, 2, 2}, 0), numbers({2, 1, 2}, -0.5)},
       [](In in) { return scaled_dot_product_attention(in[0], in[0], in[1], {.bias = in[2]}); },
       "xw",
       fused("scaled_dot_product_attention")},
      {"multi_head_attention",
       {numbers({2, 2, 2}, 0), numbers({2, 3, 4}, -0.5), numbers({2, 2, 1, 3}, 0)},
       [](In in) {
         return multi_head_attention(Inputs{in[0], in[1]}, 2, {.bias = in[2]});
       },
       "xwby",
       fused("multi_head_attention")},
      {"einsum", {x, square}, [](In in) { return einsum("ij,jk->ik", in[0], in[1]); }, "xw"},
      // --- indexing
      {"cat",
       {x, p},
       [](In in) {
         return cat(Inputs{in[0], in[1]}, 1);
       },
       ""},
      {"gather", {x}, [grid](In in) { return gather(in[0], 1, grid); }, ""},
      {"scatter_add", {x, p}, [grid](In in) { return scatter_add(in[0], 1, grid, in[1]); }, ""},
      {"index_select", {x}, [ids](In in) { return index_select(in[0], 1, ids); }, ""},
      {"index_add", {x, p}, [ids](In in) { return index_add(in[0], 1, ids, in[1]); }, ""},
      {"embedding", {square}, [ids](In in) { return embedding(ids, in[0], 2); }, ""},
      {"scatter", {x, p}, [once](In in) { return scatter(in[0], 0, once, in[1]); }, ""},
      {"index_put",
       {x, r},
       [ids](In in) {
         return index_put(in[0], {Tensor<std::int64_t>{0, 1, 1}, ids}, in[1]);
       },
       ""},
      {"diag_embed", {x}, [](In in) { return diag_embed(in[0], 1); }, ""},
      {"tril", {square}, [](In in) { return tril(in[0]); }, ""},
      {"flip", {x}, [](In in) { return flip(in[0], {1}); }, ""},
      {"pad",
       {x},
       [](In in) {
         return pad(in[0], {1, 2});
       },
       ""},
      {"interpolate",
       {x},
       [](In in) {
         return interpolate(in[0], {3, 2}, {.mode = InterpolateMode::bicubic});
       },
       ""},
      {"window_partition", {rows}, [](In in) { return window_partition(in[0].unsqueeze(-1), 2, 1); }, ""},
      {"window_reverse",
       {numbers({4, 4, 1}, -0.5)},
       [](In in) {
         return window_reverse(in[0], {2, 3}, 2, 1);
       },
       ""},
      {"rotary",
       {rows},
       [](In in) {
         return rotary(in[0], Tensor<double>{{0.6}, {-0.8}}, Tensor<double>{{0.8}, {0.6}});
       },
       ""},
      {"scatter_reduce",
       {x, p},
       [grid](In in) { return scatter_reduce(in[0], 1, grid, in[1], ScatterReduce::amax); },
       "xwy"},
      {"cdist", {x, p}, [](In in) { return cdist(in[0], in[1]); }, "xwy", fused("cdist")},
      // --- element-wise functions
      {"sin", {x}, [](In in) { return sin(in[0]); }, "x"},
      {"cos", {x}, [](In in) { return cos(in[0]); }, "x"},
      {"asin", {x}, [](In in) { return asin(in[0]); }, "x"},
      {"acos", {x}, [](In in) { return acos(in[0]); }, "x"},
      {"atan", {x}, [](In in) { return atan(in[0]); }, "x"},
      {"sinh", {x}, [](In in) { return sinh(in[0]); }, "x"},
      {"cosh", {x}, [](In in) { return cosh(in[0]); }, "x"},
      {"asinh", {x}, [](In in) { return asinh(in[0]); }, "x"},
      {"expm1", {x}, [](In in) { return expm1(in[0]); }, "x"},
      {"log_sigmoid", {x}, [](In in) { return log_sigmoid(in[0]); }, "x"},
      {"nan_to_num", {x}, [](In in) { return nan_to_num(in[0]); }, "x"},
      {"hardtanh", {x}, [](In in) { return hardtanh(in[0]); }, "x"},
      {"elu", {x}, [](In in) { return elu(in[0]); }, "x"},
      {"leaky_relu", {x}, [](In in) { return leaky_relu(in[0]); }, "x"},
      {"softplus", {x}, [](In in) { return softplus(in[0]); }, "x"},
      {"silu", {x}, [](In in) { return silu(in[0]); }, "x"},
      {"mish", {x}, [](In in) { return mish(in[0]); }, "x"},
      {"hardswish", {x}, [](In in) { return hardswish(in[0]); }, "x"},
      {"hardsigmoid", {x}, [](In in) { return hardsigmoid(in[0]); }, "x"},
      {"celu", {x}, [](In in) { return celu(in[0], 0.7); }, "x"},
      {"selu", {x}, [](In in) { return selu(in[0]); }, "x"},
      {"glu", {left}, [](In in) { return glu(in[0]); }, "x"},
      {"swiglu", {x, p}, [](In in) { return swiglu(in[0], in[1]); }, "xw"},
      {"feature_dropout", {rows}, fixed([](In in) { return feature_dropout(in[0], 0.4); }), ""},
      {"drop_path", {rows}, fixed([](In in) { return drop_path(in[0], 0.4); }), ""},
      {"erfc", {x}, [](In in) { return erfc(in[0]); }, "x"},
      {"tan", {x}, [](In in) { return tan(in[0]); }, "y"},
      {"exp2", {x}, [](In in) { return exp2(in[0]); }, "y"},
      {"rsqrt", {p}, [](In in) { return rsqrt(in[0]); }, "y"},
      {"erfinv", {x}, [](In in) { return erfinv(in[0]); }, "y"},
      {"acosh", {p}, [](In in) { return acosh(in[0] + 1); }, ""},
      {"atanh", {x}, [](In in) { return atanh(in[0]); }, "x"},
      {"log2", {p}, [](In in) { return log2(in[0]); }, "x"},
      {"log10", {p}, [](In in) { return log10(in[0]); }, "x"},
      {"log1p", {p}, [](In in) { return log1p(in[0]); }, "x"},
      {"logit", {p}, [](In in) { return logit(in[0] * 0.7); }, ""},
      {"floor", {x}, [](In in) { return floor(in[0]) * in[0]; }, "x"},
      {"ceil", {x}, [](In in) { return ceil(in[0]) * in[0]; }, "x"},
      {"round", {x}, [](In in) { return round(in[0]) * in[0]; }, "x"},
      {"trunc", {x}, [](In in) { return trunc(in[0]) * in[0]; }, "x"},
      {"sign", {x}, [](In in) { return sign(in[0]) * in[0]; }, "x"},
      {"frac", {x}, [](In in) { return frac(in[0]); }, ""},
      {"atan2", {p, q}, [](In in) { return atan2(in[0], in[1]); }, "xw"},
      {"hypot", {p, q}, [](In in) { return hypot(in[0], in[1]); }, "xwy"},
      {"logaddexp", {p, q}, [](In in) { return logaddexp(in[0], in[1]); }, "xw"},
      {"maximum", {p, q}, [](In in) { return maximum(in[0], in[1]); }, "xw"},
      {"minimum", {p, q}, [](In in) { return minimum(in[0], in[1]); }, "xw"},
      {"fmax", {p, q}, [](In in) { return fmax(in[0], in[1]); }, "xw"},
      {"fmin", {p, q}, [](In in) { return fmin(in[0], in[1]); }, "xw"},
      {"fmod", {p, q}, [](In in) { return fmod(in[0], in[1]); }, "xw"},
      {"remainder", {p, q}, [](In in) { return remainder(in[0], in[1]); }, "xw"},
      {"floor_divide", {p, q}, [](In in) { return floor_divide(in[0], in[1]) * in[0]; }, "x"},
      {"trunc_divide", {p, q}, [](In in) { return trunc_divide(in[0], in[1]) * in[0]; }, "x"},
      {"lerp", {x, p}, [](In in) { return lerp(in[0], in[1], 0.3); }, ""},
      {"reciprocal", {p}, [](In in) { return reciprocal(in[0]); }, "x"},
      {"pow of a number", {x, p}, [](In in) { return pow(1.7, in[0]) + in[1]; }, "x"},
      // --- reductions
      {"amax", {x}, [](In in) { return amax(in[0], 1); }, "xy"},
      {"amin", {x}, [](In in) { return amin(in[0], 1); }, "xy"},
      {"max of all", {x}, [](In in) { return max(in[0]); }, "xy"},
      {"prod", {x}, [](In in) { return prod(in[0], 1); }, "xy"},
      {"norm", {x}, [](In in) { return norm(in[0], 2, 1); }, "xy"},
      {"norm 3", {x}, [](In in) { return norm(in[0], 3, 1); }, ""},
      {"logsumexp", {x}, [](In in) { return logsumexp(in[0], 1); }, "xy"},
      {"cumsum", {x}, [](In in) { return cumsum(in[0], 1); }, ""},
      {"cumprod", {x}, [](In in) { return cumprod(in[0], 1); }, "x"},
      {"cummax", {x}, [](In in) { return cummax(in[0], 1).values; }, ""},
      {"median", {x}, [](In in) { return median(in[0], 1).values; }, ""},
      {"median of all", {x}, [](In in) { return median(in[0]); }, "xy"},
      {"var_mean", {x}, [](In in) { return var_mean(in[0], 1).var; }, "x"},
      // --- losses
      {"cross_entropy", {x}, [targets](In in) { return cross_entropy(in[0], targets, {.label_smoothing = 0.1}); }, "x"},
      {"cross_entropy, weighted",
       {x},
       [targets, r](In in) { return cross_entropy(in[0], targets, r, {.label_smoothing = 0.1}); },
       "x"},
      {"cross_entropy of probabilities",
       {x, p},
       [r](In in) { return cross_entropy(in[0], in[1], r, {.label_smoothing = 0.1}); },
       "xw"},
      {"nll_loss", {x}, [targets, r](In in) { return nll_loss(in[0], targets, r); }, ""},
      {"kl_div", {x, p}, [](In in) { return kl_div(in[0], in[1]); }, "xw"},
      {"kl_div of logarithms",
       {x, p},
       [](In in) { return kl_div(in[0], in[1], LossReduction::batchmean, {.log_target = true}); },
       ""},
      {"mse_loss", {x, p}, [](In in) { return mse_loss(in[0], in[1]); }, "xw"},
      {"l1_loss", {x, p}, [](In in) { return l1_loss(in[0], in[1]); }, "xw"},
      {"smooth_l1_loss", {x, p}, [](In in) { return smooth_l1_loss(in[0], in[1], {.beta = 0.6}); }, "xw"},
      {"huber_loss", {x, p}, [](In in) { return huber_loss(in[0], in[1], {.delta = 0.6}); }, "xw"},
      {"binary_cross_entropy",
       {p, q},
       [r](In in) { return binary_cross_entropy(in[0] * 0.7, in[1], {.weight = r}); },
       "w"},
      {"binary_cross_entropy_with_logits",
       {x, q},
       [r](In in) { return binary_cross_entropy_with_logits(in[0], in[1], {.weight = r, .pos_weight = r * 2}); },
       "xw"},
      {"triplet_margin_loss", {x, p, q}, [](In in) { return triplet_margin_loss(in[0], in[1], in[2]); }, ""},
      {"cosine_embedding_loss",
       {x, p},
       [](In in) {
         return cosine_embedding_loss(in[0], in[1], Tensor<double>{1, -1}, {.margin = -0.9});
       },
       "xw"},
      {"info_nce_loss", {x, p}, [](In in) { return info_nce_loss(in[0], in[1], {.symmetric = true}); }, "xw"},
      {"label_smoothing",
       {x},
       [targets](In in) { return label_smoothing_loss(in[0], targets, 0, 0.1); },
       "",
       fused("label_smoothing")},
      // --- in place
      {"add_", {x, r}, [](In in) { return add_(in[0] * 1, in[1], 2); }, ""},
      {"mul_", {x, r}, [](In in) { return mul_(in[0] * 1, in[1]); }, "w"},
      {"div_", {x, r}, [](In in) { return div_(in[0] * 1, in[1]); }, "w"},
      {"relu_", {x}, [](In in) { return relu_(in[0] * 1); }, ""},
      {"copy_", {x, r}, [](In in) { return (in[0] * 1).copy_(in[1] + in[0]); }, ""},
  };
}

}  // namespace gloss_test
