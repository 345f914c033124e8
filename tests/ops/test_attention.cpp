#include <random>

#include <gloss/gloss.hpp>
#include <gloss/ops/attention.hpp>
#include <gloss/tensor/gradcheck.hpp>
#include <gloss/transformer/attention.hpp>

#include "support/golden_ops.hpp"

using namespace gloss;
using gloss_test::difference;

TEST_CASE("attention: PyTorch's values and gradients on every recorded case") {
  CHECK_GOLDEN("attention", scaled_dot_product_attention(c["q"], c["k"], c["v"],
                                                         {.mask = c.has("mask") ? c.mask("mask") : Tensor<bool>{},
                                                          .causal = c.integer("causal") != 0,
                                                          .scale = c.real("scale"),
                                                          .mask_fill = -1e9}));
}

TEST_CASE("attention: a bias, and heads of keys that groups of query heads share, are PyTorch's") {
  CHECK_GOLDEN("attention_bias_groups",
               scaled_dot_product_attention(c["q"], c["k"], c["v"],
                                            {.mask = c.has("mask") ? c.mask("mask") : Tensor<bool>{},
                                             .bias = c.has("bias") ? c["bias"] : decltype(c["bias"]){},
                                             .causal = c.integer("causal") != 0,
                                             .scale = c.real("scale")}));
}

TEST_CASE("attention: gradcheck with a bias of every shape, groups of heads, dropout and mask") {
  Rng rng(4);
  RngGuard guard(rng);
  const auto leaf = [](const Shape& shape) { return randn<double>(shape).requires_grad_(); };
  const Tensor<double> q = leaf({2, 4, 5, 3}), k = leaf({2, 2, 7, 3}), v = leaf({2, 2, 7, 2});
  Tensor<bool> mask = full<bool>({2, 1, 1, 7}, true);
  mask.at({1, 0, 0, 6}) = false;
  for (const Shape& shape : {Shape{2, 4, 5, 7}, Shape{5, 7}, Shape{4, 5, 7}, Shape{2, 1, 1, 7}, Shape{4, 1, 1},
                             Shape{2, 1, 5, 1}, Shape{1}, Shape{}})
    for (const double dropout : {0.0, 0.4})
      CHECK(gradcheck(
          [&](const std::vector<Tensor<double>>& in) {
            Rng same(5);
            RngGuard inner(same);
            return scaled_dot_product_attention(
                in[0], in[1], in[2], {.mask = mask, .bias = in[3], .causal = dropout > 0, .dropout = dropout});
          },
          {q, k, v, leaf(shape)}));
  // only the bias wants a gradient, and it is a view that is stretched already
  CHECK(gradcheck(
      [&](const std::vector<Tensor<double>>& in) {
        return scaled_dot_product_attention(q.detach(), k.detach(), v.detach(),
                                            {.bias = in[0].transpose(0, 1).expand({2, 4, 5, 7})});
      },
      {leaf({7, 5})}));
}

TEMPLATE_TEST_CASE("attention: random shapes and strides, with bias and groups, as the composed form", "", float,
                   double) {
  using T = TestType;
  Rng rng(9);
  RngGuard guard(rng);
  std::mt19937_64 engine(9);
  const auto pick = [&](Index low, Index high) {
    return low + static_cast<Index>(engine() % static_cast<std::uint64_t>(high - low + 1));
  };
  for (int round = 0; round < 40; ++round) {
    const Index batch = pick(1, 3), group = pick(1, 3), kv = pick(1, 2), heads = kv * group;
    const Index n = pick(1, 90), m = n + pick(0, 60), d_k = pick(1, 20), d_v = pick(1, 20);
    // heads as views of a projection, or a tensor turned about
    const auto values = [&](Index h, Index len, Index d) {
      Tensor<T> x = pick(0, 1) == 1 ? randn<T>({batch, len, h, d}).transpose(1, 2)
                                    : randn<T>({d, h, len, batch}).permute({3, 1, 2, 0});
      return x.detach().requires_grad_();
    };
    const Tensor<T> q = values(heads, n, d_k), k = values(kv, m, d_k), v = values(kv, m, d_v),
                    dy = randn<T>({batch, heads, n, d_v});
    const Tensor<T> whole = randn<T>(
        {pick(0, 1) == 1 ? batch : 1, pick(0, 1) == 1 ? heads : 1, pick(0, 1) == 1 ? m : 1, pick(0, 1) == 1 ? n : 1});
    const Tensor<T> bias = whole.transpose(2, 3).detach().requires_grad_();
    const bool causal = pick(0, 1) == 1;
    Tensor<bool> mask = rand<T>({batch, 1, pick(0, 1) == 1 ? n : 1, m}) < T(0.7);
    if (pick(0, 2) == 0) mask.fill_(true);
    mask.select(-1, 0).fill_(true);
    const bool masked = !all(mask).item();
    const Tensor<T> y =
        scaled_dot_product_attention(q, k, v, {.mask = masked ? mask : Tensor<bool>{}, .bias = bias, .causal = causal});
    const auto fused = grad(y, {q, k, v, bias}, {}, dy);
    const auto wide = [&](const Tensor<T>& x) {
      return x.unsqueeze(2).expand({batch, kv, group, m, x.size(-1)}).reshape({batch, heads, m, x.size(-1)});
    };
    Tensor<bool> seen = mask;
    if (causal) seen = mask & tril(ones<bool>({n, m}), m - n);
    const Tensor<T> scores = matmul(q, wide(k).transpose(2, 3)) / std::sqrt(static_cast<T>(d_k)) + bias;
    const Tensor<T> z = matmul(softmax(masked_fill(scores, ~seen, -std::numeric_limits<T>::infinity()), -1), wide(v));
    const auto composed = grad(z, {q, k, v, bias}, {}, dy);
    const double slack = std::is_same_v<T, float> ? 1e-4 : 1e-11;
    INFO("batch " << batch << " heads " << heads << " group " << group << " n " << n << " m " << m << " bias "
                  << bias.shape().numel() << " causal " << causal);
    CHECK(difference(y, z) < slack);
    for (std::size_t i = 0; i < 4; ++i) CHECK(difference(fused[i], composed[i]) < slack * (i == 3 ? 100 : 10));
  }
}

TEST_CASE("attention: gradcheck with mask, causal, dropout, and through split heads") {
  Rng rng(3);
  RngGuard guard(rng);
  const auto leaf = [](const Shape& shape) {
    Tensor<double> x = randn<double>(shape);
    return x.requires_grad_();
  };
  const Tensor<double> q = leaf({2, 5, 6}), k = leaf({2, 7, 6}), v = leaf({2, 7, 6});
  Tensor<bool> mask = full<bool>({2, 1, 1, 7}, true);
  mask.at({1, 0, 0, 6}) = mask.at({1, 0, 0, 2}) = false;
  const auto heads = [](const Tensor<double>& x) { return x.view({2, x.size(1), 2, 3}).transpose(1, 2); };
  for (const bool causal : {false, true})
    for (const double dropout : {0.0, 0.4})
      CHECK(gradcheck(
          [&](const std::vector<Tensor<double>>& in) {
            Rng same(5);
            RngGuard inner(same);
            return scaled_dot_product_attention(heads(in[0]), heads(in[1]), heads(in[2]),
                                                {.mask = mask, .causal = causal, .dropout = dropout});
          },
          {q, k, v}));
  CHECK(
      gradcheck([](const std::vector<Tensor<double>>& in) { return scaled_dot_product_attention(in[0], in[1], in[2]); },
                {leaf({3, 4}), leaf({5, 4}), leaf({5, 2})}));
}

TEMPLATE_TEST_CASE("attention: the composed form gives the same, weights included", "", float, double) {
  using T = TestType;
  Rng rng(8);
  RngGuard guard(rng);
  const Tensor<T> q = randn<T>({2, 3, 9, 4}), k = randn<T>({2, 3, 6, 4}), v = randn<T>({2, 3, 6, 5});
  Tensor<bool> mask = full<bool>({9, 6}, true);
  for (Index j = 0; j < 6; ++j) mask.at({4, j}) = false;  // attends to nothing: uniform
  Tensor<T> weights;
  const Tensor<T> y = scaled_dot_product_attention(q, k, v, {.mask = mask, .mask_fill = -1e9}, &weights);
  const auto [x, p_attn] = transformer::attention(q, k, v, mask);
  CHECK(difference(y, x) < 1e-6);
  CHECK(difference(weights, p_attn) < 1e-6);
  CHECK(weights.at({0, 0, 4, 5}) == Approx(1.0 / 6));
}

TEST_CASE("attention: heads split from a projection are joined again without a copy") {
  const Tensor<float> x = randn<float>({2, 5, 12});
  const Tensor<float> heads = x.view({2, 5, 3, 4}).transpose(1, 2);
  const Tensor<float> y = scaled_dot_product_attention(heads, heads, heads);
  CHECK(y.transpose(1, 2).is_contiguous());
  CHECK(difference(y, scaled_dot_product_attention(heads.contiguous(), heads.contiguous(), heads.contiguous())) == 0);
}

TEMPLATE_TEST_CASE("attention: key_rows say in which entries keys and values lie", "", float, double) {
  Rng rng(21);
  RngGuard guard(rng);
  const Index batch = 4, entries = 3, m = 6;
  for (const Index n : {1, 3, 20})  // query by query, and by tiles
    for (const Index groups : {4, 2})
      for (const bool everywhere : {false, true}) {
        const auto q = randn<TestType>({batch, n, 4, 5}).transpose(1, 2);
        const auto k = randn<TestType>({entries, m, groups, 5}).transpose(1, 2);
        const auto v = randn<TestType>({m, entries, groups, 7}).transpose(0, 1).transpose(1, 2);
        const Tensor<std::int64_t> rows = randint(0, entries, {everywhere ? 1 : m, batch}).transpose(0, 1);
        const auto gathered = [&](const Tensor<TestType>& x) {
          const auto y = empty<TestType>({batch, groups, m, x.size(3)});
          for (Index b = 0; b < batch; ++b)
            for (Index j = 0; j < m; ++j)
              y.select(0, b).select(1, j).copy_(x.select(0, rows.at({b, everywhere ? 0 : j})).select(1, j));
          return y;
        };
        AttentionOptions<TestType> options{.mask = rand<TestType>({batch, 1, 1, m}) < TestType(0.8),
                                           .bias = randn<TestType>({4, 1, m}),
                                           .causal = n == 3,
                                           .mask_fill = -1e9};
        Tensor<TestType> weights, expected_weights;
        const auto expected = scaled_dot_product_attention(q, gathered(k), gathered(v), options, &expected_weights);
        options.key_rows = rows;
        CHECK(difference(scaled_dot_product_attention(q, k, v, options, &weights), expected) == 0);
        CHECK(difference(weights, expected_weights) == 0);
      }
  auto q = randn<TestType>({2, 1, 1, 4});
  const auto k = randn<TestType>({3, 1, 5, 4});
  const auto attend = [&](const Tensor<std::int64_t>& rows) {
    return scaled_dot_product_attention(q, k, k, {.key_rows = rows});
  };
  CHECK(scaled_dot_product_attention(randn<TestType>({0, 1, 1, 4}), k, k, {.key_rows = zeros<std::int64_t>({0, 5})})
            .shape() == Shape{0, 1, 1, 4});
  CHECK_ERROR(attend(zeros<std::int64_t>({2, 4})), ShapeError,
              "scaled_dot_product_attention: key_rows [2, 4] do not fit query [2, 1, 1, 4] and key [3, 1, 5, 4]");
  CHECK_ERROR(attend(full<std::int64_t>({2, 1}, 3)), IndexError,
              "scaled_dot_product_attention: key_rows has 3, which is out of range for key [3, 1, 5, 4]");
  q.requires_grad_();
  CHECK_ERROR(attend(zeros<std::int64_t>({2, 1})), GradError,
              "scaled_dot_product_attention: no gradient goes through key_rows");
}

TEST_CASE("attention: errors") {
  const Tensor<float> q = zeros<float>({2, 3, 4}), k = zeros<float>({2, 5, 4}), v = zeros<float>({2, 5, 6});
  CHECK_ERROR(scaled_dot_product_attention(q, k, zeros<float>({2, 4, 6})), ShapeError,
              "scaled_dot_product_attention: query [2, 3, 4], key [2, 5, 4] and value [2, 4, 6] do not fit");
  CHECK_ERROR(scaled_dot_product_attention(q, zeros<float>({3, 5, 4}), v), ShapeError,
              "scaled_dot_product_attention: query [2, 3, 4], key [3, 5, 4] and value [2, 5, 6] do not fit");
  CHECK_ERROR(scaled_dot_product_attention(q, k, v, {.mask = zeros<bool>({2, 4, 5})}), ShapeError,
              "scaled_dot_product_attention: mask [2, 4, 5] does not stretch to [2, 3, 5]");
  CHECK_ERROR(scaled_dot_product_attention(q, k, v, {.bias = zeros<float>({3, 1, 1})}), ShapeError,
              "scaled_dot_product_attention: bias [3, 1, 1] does not stretch to [2, 3, 5]");
  CHECK_ERROR(scaled_dot_product_attention(q, k, v, {.bias = zeros<float>({1, 2, 3, 5})}), ShapeError,
              "scaled_dot_product_attention: bias [1, 2, 3, 5] does not stretch to [2, 3, 5]");
  CHECK_ERROR(scaled_dot_product_attention(zeros<float>({4, 3, 4}), zeros<float>({3, 5, 4}), zeros<float>({3, 5, 4})),
              ShapeError,
              "scaled_dot_product_attention: query [4, 3, 4], key [3, 5, 4] and value [3, 5, 4] do not fit");
  CHECK_ERROR(scaled_dot_product_attention(zeros<float>({4, 3, 4}), zeros<float>({2, 5, 4}), zeros<float>({1, 5, 4})),
              ShapeError,
              "scaled_dot_product_attention: query [4, 3, 4], key [2, 5, 4] and value [1, 5, 4] do not fit");
  CHECK_ERROR(scaled_dot_product_attention(q, k, v, {.dropout = 1.5}), Error,
              "scaled_dot_product_attention: dropout 1.5 is not in [0, 1]");
  Tensor<float> leaf = zeros<float>({2, 3});
  leaf.requires_grad_();
  CHECK_ERROR(grad(scaled_dot_product_attention(leaf, leaf, leaf), {leaf}, {.create_graph = true}, ones<float>({2, 3})),
              GradError, "scaled_dot_product_attention: a fused op has no second derivative");
}

TEST_CASE("attention: no queries, and a row that may attend to nothing") {
  CHECK(scaled_dot_product_attention(zeros<float>({0, 4}), zeros<float>({3, 4}), zeros<float>({3, 2})).shape() ==
        Shape{0, 2});
  const Tensor<float> x = ones<float>({2, 4});
  CHECK(std::isnan(scaled_dot_product_attention(x, x, x, {.mask = zeros<bool>({2, 2})}).at({0, 0})));
}

TEMPLATE_TEST_CASE("attention: where one key has all the weight, the gradients of q and k are exactly 0", "", float,
                   double) {
  using T = TestType;
  Rng rng(12);
  RngGuard guard(rng);
  const auto leaf = [](const Shape& shape) { return randn<T>(shape).requires_grad_(); };
  const auto check = [](const Tensor<T>& q, const Tensor<T>& k, const AttentionOptions<T>& options) {
    const Tensor<T> v = randn<T>(k.shape()).requires_grad_();
    std::vector<Tensor<T>> inputs = {q, k, v};
    if (options.bias.defined()) inputs.push_back(options.bias);
    const Tensor<T> y = scaled_dot_product_attention(q, k, v, options), dy = randn<T>(y.shape());
    const std::vector<Tensor<T>> d = grad(y, inputs, {}, dy);
    CHECK(difference(d[0], zeros<T>(d[0].shape())) == 0);
    CHECK(difference(d[1], zeros<T>(d[1].shape())) == 0);
    CHECK(difference(d[2], zeros<T>(d[2].shape())) > 0);
    if (options.bias.defined()) CHECK(difference(d[3], zeros<T>(d[3].shape())) == 0);
  };
  for (const Index n : {1, 3, 40, 70})  // few queries go another way
    for (const double dropout : {0.0, 0.4}) {
      const Tensor<T> q = leaf({2, 3, n, 19}), one = leaf({2, 3, 1, 19}), many = leaf({2, 3, 70, 19});
      check(q, one, {.dropout = dropout});
      check(q, one, {.bias = leaf({n, 1}), .dropout = dropout});
      Tensor<bool> mask = zeros<bool>({n, 70});
      for (Index i = 0; i < n; ++i) mask.at({i, (7 * i + 66) % 70}) = true;
      check(q, many, {.mask = mask, .dropout = dropout});
      check(q, many, {.mask = mask, .dropout = dropout, .mask_fill = -1e9});
      check(q, many, {.mask = mask.select(0, 0), .bias = leaf({n, 70}), .dropout = dropout});
      // the first query of causal attention
      const Tensor<T> y = scaled_dot_product_attention(q, q, q, {.causal = true, .dropout = dropout});
      CHECK(difference(scaled_dot_product_attention(q, q, q, {.causal = true}).select(2, 0), q.select(2, 0)) == 0);
      const Tensor<T> other = leaf(q.shape());
      const Tensor<T> dq = grad(scaled_dot_product_attention(other, q, q, {.causal = true, .dropout = dropout}),
                                {other}, {}, randn<T>(y.shape()))[0];
      CHECK(difference(dq.select(2, 0), zeros<T>({2, 3, 19})) == 0);
    }
  // what is no number in dy is none in the gradient either
  const Tensor<T> q = leaf({20, 4}), k = leaf({1, 4});
  const Tensor<T> nan = full<T>({20, 4}, std::numeric_limits<T>::quiet_NaN());
  CHECK(std::isnan(grad(scaled_dot_product_attention(q, k, k.detach()), {q}, {}, nan)[0].at({3, 0})));
}

TEMPLATE_TEST_CASE("attention: a query that may attend to nothing adds nothing to the gradients", "", float, double) {
  using T = TestType;
  Rng rng(13);
  RngGuard guard(rng);
  const T infinity = std::numeric_limits<T>::infinity();
  for (const Index n : {3, 40})  // few queries go another way
    for (const bool by_bias : {false, true}) {
      const Tensor<T> q = randn<T>({2, n, 5}).requires_grad_(), k = randn<T>({2, 9, 5}).requires_grad_(),
                      v = randn<T>({2, 9, 4}).requires_grad_(), dy = randn<T>({2, n, 4});
      Tensor<bool> mask = ones<bool>({n, 9});
      Tensor<T> bias = zeros<T>({n, 9});
      mask.select(0, 1).fill_(false);
      bias.select(0, 1).fill_(-infinity);
      bias.requires_grad_();
      const AttentionOptions<T> options =
          by_bias ? AttentionOptions<T>{.bias = bias} : AttentionOptions<T>{.mask = mask, .causal = true};
      const Tensor<T> y = scaled_dot_product_attention(q, k, v, options);
      CHECK(std::isnan(y.at({1, 1, 0})));
      const auto present = [n](const Tensor<T>& x) { return cat<T>({x.narrow(1, 0, 1), x.narrow(1, 2, n - 2)}, 1); };
      std::vector<Tensor<T>> inputs = {q, k, v};
      if (by_bias) inputs.push_back(bias);
      // y without its row of NaN, whose dy then is 0
      const std::vector<Tensor<T>> d = grad(present(y), inputs, {}, present(dy));
      AttentionOptions<T> zero = options;
      zero.zero_empty_rows = true;
      const std::vector<Tensor<T>> want = grad(scaled_dot_product_attention(q, k, v, zero), inputs, {}, dy);
      for (std::size_t i = 0; i < d.size(); ++i) CHECK(difference(d[i], want[i].detach()) < 1e-5);
    }
}

TEST_CASE("attention: causality is aligned at the last query and the last key") {
  const Tensor<float> q = zeros<float>({40, 2}), v = arange<float>(6).view({3, 2});
  for (const Index n : {5, 40}) {
    const Tensor<float> y = scaled_dot_product_attention(q.narrow(0, 0, n), zeros<float>({3, 2}), v, {.causal = true});
    CHECK(std::isnan(y.at({n - 4, 0})));  // the first n - 3 queries see no key
    CHECK(difference(y.narrow(0, n - 3, 3), Tensor<float>{{0, 1}, {1, 2}, {2, 3}}) < 1e-6);
    const Tensor<float> zero = scaled_dot_product_attention(q.narrow(0, 0, n), zeros<float>({3, 2}), v,
                                                            {.causal = true, .zero_empty_rows = true});
    CHECK(difference(zero.narrow(0, 0, n - 3), zeros<float>({n - 3, 2})) == 0);
  }
}

TEST_CASE("attention: memory grows with the length, not with its square") {
  const auto peak = [](Index n) {
    const auto leaf = [n] { return randn<float>({1, 2, n, 8}).requires_grad_(); };
    const Tensor<float> q = leaf(), k = leaf(), v = leaf(), dy = ones<float>({1, 2, n, 8});
    reset_peak_memory();
    const auto before = memory_stats().in_use;
    grad(scaled_dot_product_attention(q, k, v, {.causal = true}), {q, k, v}, {}, dy);
    return memory_stats().peak - before;
  };
  const auto scratch = [](Index n) {  // of one thread
    kernels::AttentionArgs<float> a;
    a.len_q = a.len_k = n, a.d_k = a.d_v = 64;
    return kernels::detail::AttentionForward<float>::scratch_size(a, kernels::detail::attention_block_q) +
           kernels::detail::AttentionBackward<float>::scratch_size(a);
  };
  CHECK(peak(4096) <= 4 * peak(1024));
  CHECK(scratch(8192) <= 4 * scratch(2048));
}
