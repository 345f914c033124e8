#include <gloss/ops/compare.hpp>
#include <gloss/ops/multi_head_attention.hpp>
#include <gloss/tensor/grad.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;

namespace {

/// The parts of a projection, cut out one by one, through scaled_dot_product_attention.
template <class T>
Tensor<T> head_by_head(const std::vector<Tensor<T>>& projected, Index d, Index heads,
                       const AttentionOptions<T>& options, Tensor<T>* weights = nullptr) {
  std::vector<Tensor<T>> qkv;
  for (const Tensor<T>& x : projected)
    for (Index at = 0; at < x.size(2); at += d)
      qkv.push_back(x.narrow(2, at, d).unflatten(2, {heads, -1}).transpose(1, 2));
  return scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], options, weights).transpose(1, 2).flatten(2, 3);
}

/// [batch, n, width] as a leaf, in the order of memory [n, batch, width] where wanted.
template <class T>
Tensor<T> sequences(Index batch, Index n, Index width, bool length_first) {
  const Tensor<T> x = length_first ? randn<T>({n, batch, width}).transpose(0, 1) : randn<T>({batch, n, width});
  return x.detach().requires_grad_();
}

}  // namespace

TEMPLATE_TEST_CASE("multi_head_attention: one, two or three tensors, in either order of axes, as head by head", "",
                   float, double) {
  using T = TestType;
  Rng rng(1);
  RngGuard guard(rng);
  const double slack = std::is_same_v<T, float> ? 1e-5 : 1e-13;
  const Index batch = 2, heads = 3, d = 12, n = 9;
  for (const bool length_first : {false, true})
    for (const int packing : {1, 2, 3})
      for (const int kind : {0, 1, 2, 3}) {
        const Index m = packing == 1 ? n : 11;
        std::vector<Tensor<T>> projected;
        if (packing == 1) projected = {sequences<T>(batch, n, 3 * d, length_first)};
        if (packing == 2)
          projected = {sequences<T>(batch, n, d, length_first), sequences<T>(batch, m, 2 * d, length_first)};
        if (packing == 3)
          projected = {sequences<T>(batch, n, d, length_first), sequences<T>(batch, m, d, length_first),
                       sequences<T>(batch, m, d, !length_first)};
        Tensor<T> bias = randn<T>({1, heads, n, m}).requires_grad_();
        AttentionOptions<T> options;
        if (kind == 1) options.mask = rand<T>({batch, 1, 1, m}) < T(0.8);
        if (kind == 2) options.bias = bias;
        if (kind == 3) options.causal = true, options.dropout = 0.3;
        if (kind == 1) options.zero_empty_rows = true;
        INFO("length first " << length_first << ", " << packing << " tensors, kind " << kind);
        std::vector<Tensor<T>> wanted = projected;
        if (kind == 2) wanted.push_back(bias);
        const auto run = [&](auto attend) {
          Rng same(7);
          RngGuard inner(same);
          return attend();
        };
        Tensor<T> weights, expected_weights;
        const Tensor<T> y = run([&] { return multi_head_attention(projected, heads, options, &weights); });
        const Tensor<T> expected = run([&] { return head_by_head(projected, d, heads, options, &expected_weights); });
        CHECK(difference(y, expected) <= slack);
        CHECK(difference(weights, expected_weights) <= slack);
        CHECK((length_first ? y.transpose(0, 1) : y).is_contiguous());
        const Tensor<T> dy = randn<T>(y.shape());
        const auto found = grad(y, wanted, {.retain_graph = true}, dy), reference = grad(expected, wanted, {}, dy);
        for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(difference(found[i], reference[i]) <= 10 * slack);
        for (std::size_t i = 0; i < projected.size(); ++i)  // what is not asked for is not computed, and does no harm
          CHECK(difference(grad(y, {projected[i]}, {.retain_graph = true}, dy)[0], reference[i]) <= 10 * slack);
      }
}

TEST_CASE("multi_head_attention: gradcheck") {
  Rng rng(2);
  RngGuard guard(rng);
  const Tensor<double> q = sequences<double>(2, 3, 4, false), kv = sequences<double>(2, 5, 8, false),
                       bias = randn<double>({1, 2, 1, 5}).requires_grad_();
  CHECK(gradcheck(
      [](const std::vector<Tensor<double>>& in) {
        return multi_head_attention<double>({in[0], in[1]}, 2, {.bias = in[2]});
      },
      {q, kv, bias}));
}

TEMPLATE_TEST_CASE("attention: with zero_empty_rows, a row that sees nothing is 0, its weights and gradients too", "",
                   float, double) {
  using T = TestType;
  Rng rng(3);
  RngGuard guard(rng);
  for (const Index n : {3, 40}) {  // few queries go another way
    const Index m = 70;
    const Tensor<T> q = randn<T>({2, 1, n, 8}).requires_grad_(), k = randn<T>({2, 1, m, 8}).requires_grad_(),
                    v = randn<T>({2, 1, m, 8}).requires_grad_();
    Tensor<bool> mask = full<bool>({2, 1, n, m}, true);
    mask.select(0, 1).select(1, 1).fill_(false);
    Tensor<T> bias = zeros<T>({n, m});
    bias.select(0, 2).fill_(-std::numeric_limits<T>::infinity());
    bias.requires_grad_();
    const auto without = [&](bool zero, Tensor<T>* weights) {
      return scaled_dot_product_attention(q, k, v, {.mask = mask, .bias = bias, .zero_empty_rows = zero}, weights);
    };
    Tensor<T> weights;
    const Tensor<T> y = without(true, &weights), nan = without(false, nullptr);
    for (Index b = 0; b < 2; ++b)
      for (Index i = 0; i < n; ++i) {
        const bool empty = i == 2 || (b == 1 && i == 1);
        CHECK(std::isnan(nan.at({b, 0, i, 0})) == empty);
        if (!empty) CHECK(y.at({b, 0, i, 3}) == nan.at({b, 0, i, 3}));
        if (empty) CHECK(difference(y[b][0][i].detach(), zeros<double>({8})) == 0);
        if (empty) CHECK(difference(weights[b][0][i], zeros<double>({m})) == 0);
      }
    const auto grads = grad(y, {q, k, v, bias}, {.retain_graph = true}, randn<T>(y.shape()));
    CHECK(difference(grads[0][1][0][1], zeros<double>({8})) == 0);
    CHECK(difference(grads[0][0][0][2], zeros<double>({8})) == 0);
    CHECK(difference(grads[3][2], zeros<double>({m})) == 0);
    for (const Tensor<T>& g : grads)
      for (const T x : gloss_test::values(g)) CHECK(std::isfinite(x));
    // as if the empty rows were not there
    Tensor<T> dy = randn<T>(y.shape()), without_empty = dy.clone();
    without_empty.select(2, 2).fill_(0);
    without_empty.select(0, 1).select(1, 1).fill_(0);
    CHECK(difference(grad(y, {k}, {.retain_graph = true}, dy)[0],
                     grad(y, {k}, {.retain_graph = true}, without_empty)[0]) == 0);
  }
  // a NaN is not taken for nothing
  Tensor<T> q = full<T>({1, 20, 4}, std::numeric_limits<T>::quiet_NaN());
  CHECK(std::isnan(scaled_dot_product_attention(q, q, ones<T>({1, 20, 4}), {.zero_empty_rows = true}).at({0, 3, 1})));
}

TEST_CASE("multi_head_attention: errors") {
  const Tensor<float> a = zeros<float>({2, 3, 4}), b = zeros<float>({2, 5, 8}), c = zeros<float>({2, 5, 4});
  CHECK_ERROR(multi_head_attention<float>({}, 2), ShapeError,
              "multi_head_attention: 0 tensors; one, two or three wanted");
  CHECK_ERROR(multi_head_attention<float>({a}, 2), ShapeError, "multi_head_attention: 2 heads do not fit [2, 3, 4]");
  CHECK_ERROR(multi_head_attention<float>({a, b}, 3), ShapeError,
              "multi_head_attention: 3 heads do not fit [2, 3, 4], [2, 5, 8]");
  CHECK_ERROR(multi_head_attention<float>({a, c}, 2), ShapeError,
              "multi_head_attention: 2 heads do not fit [2, 3, 4], [2, 5, 4]");
  CHECK_ERROR(multi_head_attention<float>({a, c, a}, 2), ShapeError,
              "multi_head_attention: 2 heads do not fit [2, 3, 4], [2, 5, 4], [2, 3, 4]");
  CHECK_ERROR(multi_head_attention<float>({a, b}, 0), ShapeError,
              "multi_head_attention: 0 heads do not fit [2, 3, 4], [2, 5, 8]");
  CHECK_ERROR(multi_head_attention<float>({a, b}, 2, {.mask = zeros<bool>({3, 1, 3, 5})}), ShapeError,
              "scaled_dot_product_attention: mask [3, 1, 3, 5] does not stretch to [2, 2, 3, 5]");
  // two of the batch or two heads?
  CHECK_ERROR(multi_head_attention<float>({a, b}, 2, {.mask = zeros<bool>({2, 3, 5})}), ShapeError,
              "multi_head_attention: mask [2, 3, 5] has three axes: unsqueeze(1) makes it one for each of the batch, "
              "unsqueeze(0) one for each head");
  CHECK_ERROR(multi_head_attention<float>({a, b}, 2, {.bias = zeros<float>({2, 1, 5})}), ShapeError,
              "multi_head_attention: bias [2, 1, 5] has three axes: unsqueeze(1) makes it one for each of the batch, "
              "unsqueeze(0) one for each head");
  CHECK(multi_head_attention<float>({a, b}, 2, {.mask = ones<bool>({1, 3, 5})}).shape() == a.shape());
  CHECK_ERROR(multi_head_attention<float>({a, b}, 2, {.dropout = 2}), Error,
              "scaled_dot_product_attention: dropout 2 is not in [0, 1]");
}
