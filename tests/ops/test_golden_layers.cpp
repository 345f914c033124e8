// The ops that layers are made of, against PyTorch: tests/golden/generate_ops_layers.py; errors, edges and reference forms.
#include <gloss/kernels/gated.hpp>
#include <gloss/ops/abs.hpp>
#include <gloss/ops/drop_path.hpp>
#include <gloss/ops/embedding.hpp>
#include <gloss/ops/exp.hpp>
#include <gloss/ops/glu.hpp>
#include <gloss/ops/hardswish.hpp>
#include <gloss/ops/layer_norm.hpp>
#include <gloss/ops/leaky_relu.hpp>
#include <gloss/ops/mean.hpp>
#include <gloss/ops/mish.hpp>
#include <gloss/ops/norm.hpp>
#include <gloss/tensor/gradcheck.hpp>

#include "support/golden_ops.hpp"
#include "support/gradients.hpp"
#include "support/threads.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;
using gloss_test::values;
using V = std::vector<Tensor<double>>;

namespace {

Tensor<double> leaf(const Shape& shape, double scale = 1) { return (randn<double>(shape) * scale).requires_grad_(); }
using Ids = Tensor<std::int64_t>;

}  // namespace

TEST_CASE("golden: smooth and hard rectifiers are PyTorch's", "[ops]") {
  CHECK_GOLDEN("mish", mish(c["x"]));
  CHECK_GOLDEN("hardswish", hardswish(c["x"]));
  CHECK_GOLDEN("hardsigmoid", hardsigmoid(c["x"]));
  CHECK_GOLDEN("selu", selu(c["x"]));
  CHECK_GOLDEN("celu", celu(c["x"], c.has("alpha") ? c.real("alpha") : 1));
}

TEST_CASE("golden: gated units are PyTorch's", "[ops]") {
  CHECK_GOLDEN("glu", glu(c["x"], c.integer("axis")));
  CHECK_GOLDEN("swiglu", swiglu(c["a"], c["b"]));
}

TEST_CASE("golden: an embedding with padding and frequencies is PyTorch's", "[ops]") {
  CHECK_GOLDEN("embedding_options", embedding(c.ids("ids"), c["weight"], 1,
                                              {.padding_idx = c.integer("padding_idx", no_index),
                                               .scale_grad_by_freq = c.integer("by_frequency") != 0}));
}

TEST_CASE("rectifiers: NaN stays NaN, and a view gives what its copy gives, on any number of threads") {
  const Tensor<float> odd = {NAN, 1, -1};
  for (const auto& y : {mish(odd), hardswish(odd), hardsigmoid(odd), selu(odd), celu(odd), elu(odd), leaky_relu(odd),
                        softplus(odd), log_sigmoid(odd), hardtanh(odd)}) {
    CHECK(std::isnan(y.at({0})));
    CHECK(std::isfinite(y.at({1}) + y.at({2})));
  }
  Rng rng(3);
  const RngGuard use(rng);
  const auto every = [](const Tensor<float>& x) {
    Tensor<float> total = mish(x) + hardswish(x) + hardsigmoid(x) + selu(x) + celu(x, 2) + elu(x, 2) + softplus(x);
    return total + leaky_relu(x) + log_sigmoid(x) + hardtanh(x);
  };
  const auto run = [&](const Tensor<float>& x) {
    Tensor<float> in = x.detach();
    in.requires_grad_();
    return std::vector<Tensor<float>>{every(in).detach(), grad(every(in), {in}, {}, in.detach())[0]};
  };
  const Tensor<float> x = randn<float>({300, 101}) * 3.0, turned = x.transpose(0, 1);
  const gloss_test::Threads one(1);
  const auto first = run(x), strided = run(turned);
  const gloss_test::Threads three(3);
  const auto again = run(x);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(same_bits(first[i], again[i]));
    CHECK(same_bits(first[i].transpose(0, 1), strided[i]));
  }
}

TEST_CASE("softplus, log_sigmoid, elu: small results keep their digits") {
  const Tensor<double> x = {-600, -40, -1e-9, 1e-300};
  const auto p = softplus(x), l = log_sigmoid(-x), e = elu(x);
  CHECK(p.at({0}) == Approx(std::exp(-600.0)).epsilon(1e-14));
  CHECK(p.at({1}) == Approx(std::exp(-40.0)).epsilon(1e-14));
  CHECK(l.at({1}) == Approx(-std::exp(-40.0)).epsilon(1e-14));
  CHECK(e.at({0}) == -1);
  CHECK(e.at({2}) == Approx(std::expm1(-1e-9)).epsilon(1e-14));
  CHECK(e.at({3}) == 1e-300);
}

TEST_CASE("glu, swiglu: random shapes give what their parts give, forward and backward") {
  Rng rng(12);
  const RngGuard use(rng);
  for (const Index n : {1, 3, 16, 33, 100, 5000}) {
    const Tensor<double> x = leaf({2, 2 * n}), gate = leaf({3, n}), up = leaf({3, n});
    const auto by_parts = x.narrow(1, 0, n) * sigmoid(x.narrow(1, n, n));
    const Tensor<double> dy = randn<double>({2, n}), dz = randn<double>({3, n});
    CHECK(difference(glu(x), by_parts) < 1e-14);
    CHECK(difference(grad(glu(x), {x}, {}, dy)[0], grad(by_parts, {x}, {}, dy)[0]) < 1e-14);
    const auto product = silu(gate) * up;
    CHECK(difference(swiglu(gate, up), product) < 1e-14);
    const auto have = grad(swiglu(gate, up), {gate, up}, {}, dz), want = grad(product, {gate, up}, {}, dz);
    for (std::size_t i = 0; i < 2; ++i) CHECK(difference(have[i], want[i]) < 1e-13);
  }
  CHECK(difference(swiglu(leaf({4, 3}).transpose(0, 1), leaf({3, 4})), zeros<double>({3, 4})) < 100);
  gloss_test::check_gradients([](const V& x) { return glu(x[0], 0); }, {leaf({4, 3})});
  gloss_test::check_gradients([](const V& x) { return swiglu(x[0].transpose(0, 1), x[1]); },
                              {leaf({3, 2}), leaf({2, 3})});
  CHECK_ERROR(glu(zeros<float>({2, 3})), ShapeError, "glu: the size of axis -1 of x [2, 3] is odd");
  CHECK_ERROR(glu(scalar<float>(1)), ShapeError, "glu: a scalar has no halves");
  CHECK_ERROR(glu(zeros<float>({2, 4}), 2), IndexError, "glu: axis 2 is out of range for 2 axes");
  CHECK_ERROR(swiglu(zeros<float>({2, 3}), zeros<float>({3})), ShapeError, "swiglu: gate [2, 3] and up [3] differ");
}

TEST_CASE("celu: a slope parameter of 0 is named") {
  CHECK_ERROR(celu(zeros<float>({2}), 0), Error, "celu: alpha is 0");
}

TEST_CASE("feature_dropout, drop_path: drop whole channels and whole samples, in training only") {
  Rng rng(4);
  const RngGuard use(rng);
  const auto x = ones<double>({40, 50, 3, 2});
  const auto share = [](const Tensor<double>& y) { return mean(y).item(); };
  const auto channels = feature_dropout(x, 0.25);
  const auto per_channel = channels.view({2000, 6});
  Index kept = 0;
  for (Index i = 0; i < 2000; ++i) {
    const double v = per_channel.at({i, 0});
    CHECK((v == 0 || v == 1 / 0.75));
    for (Index k = 1; k < 6; ++k) CHECK(per_channel.at({i, k}) == v);
    kept += v != 0;
  }
  CHECK(std::abs(static_cast<double>(kept) / 2000 - 0.75) < 0.04);
  const auto samples = drop_path(ones<double>({4000, 2}), 0.3);
  for (Index i = 0; i < 4000; ++i) {
    CHECK((samples.at({i, 0}) == 0 || samples.at({i, 0}) == 1 / 0.7));
    CHECK(samples.at({i, 0}) == samples.at({i, 1}));
  }
  CHECK(std::abs(share(samples) - 1) < 0.05);
  const auto unscaled = values(drop_path(ones<double>({100}), 0.5, true, false));
  CHECK(std::count(unscaled.begin(), unscaled.end(), 1.0) + std::count(unscaled.begin(), unscaled.end(), 0.0) == 100);
  CHECK(drop_path(x, 0.5, false).is_same(x));
  CHECK(drop_path(x, 0).is_same(x));
  CHECK(feature_dropout(x, 0.5, false).is_same(x));
  CHECK(share(abs(drop_path(x, 1))) == 0);
  CHECK(share(abs(feature_dropout(x, 1))) == 0);
  CHECK(drop_path(zeros<float>({0, 3}), 0.5).shape() == Shape{0, 3});
  const auto leaf_x = leaf({6, 3, 2});
  const auto fixed = [](auto f) {
    return [f](const V& in) {
      Rng draw(5);
      const RngGuard guard(draw);
      return f(in[0]);
    };
  };
  gloss_test::check_gradients(fixed([](const auto& t) { return drop_path(t, 0.4); }), {leaf_x});
  gloss_test::check_gradients(fixed([](const auto& t) { return feature_dropout(t, 0.4); }), {leaf_x});
  CHECK_ERROR(drop_path(x, 1.5), Error, "drop_path: p 1.5 is not in [0, 1]");
  CHECK_ERROR(drop_path(scalar<float>(1), 0.5), ShapeError, "drop_path: a scalar has no samples");
  CHECK_ERROR(feature_dropout(x, -0.5), Error, "feature_dropout: p -0.5 is not in [0, 1]");
  CHECK_ERROR(feature_dropout(zeros<float>({3}), 0.5), ShapeError, "feature_dropout: x [3] has no axis of channels");
}

TEST_CASE("embedding: gradients with padding and frequencies are linear in dy, and that is differentiated too") {
  const Ids ids = {{1, 3}, {1, 0}};
  const Tensor<double> weight = leaf({4, 3});
  for (const Index padding : {no_index, Index{1}, Index{-1}})
    for (const bool frequency : {false, true})
      CHECK(gradcheck(
          [&](const V& dy) {
            const GradGuard recorded(true);
            const auto y = embedding(ids, weight, 2, {.padding_idx = padding, .scale_grad_by_freq = frequency});
            return grad(y, {weight}, {.create_graph = true}, dy[0])[0];
          },
          {leaf({2, 2, 3})}));
}

TEST_CASE("embedding: a padding_idx that is no row is named") {
  const Ids ids = {{1, 3}, {1, 0}};
  const auto weight = zeros<float>({4, 3});
  CHECK_ERROR(embedding(ids, weight, 1, {.padding_idx = 4}), IndexError,
              "embedding: padding_idx 4 is out of range for 4 embeddings");
  CHECK_ERROR(embedding(ids, weight, 1, {.padding_idx = -5}), IndexError,
              "embedding: padding_idx -5 is out of range for 4 embeddings");
}

TEST_CASE("embedding_renorm_: shortens the rows that are named, in any norm, and says that it changed them") {
  const auto start = [] { return Tensor<double>{{3, 4}, {0.3, 0.4}, {6, -8}, {5, 12}}; };
  const Ids ids = {{0, 1}, {2, 0}};
  for (const double p : {1.0, 2.0, 3.0, static_cast<double>(INFINITY)}) {
    const auto weight = start(), before = start();
    embedding_renorm_(weight, ids, 1, p);
    CHECK(same_bits(weight[1], before[1]));
    CHECK(same_bits(weight[3], before[3]));
    for (const Index row : {0, 2}) {
      CHECK(norm(weight[row], p).item() == Approx(1).epsilon(1e-6));
      CHECK(difference(weight[row] * before[row].at({0}), before[row] * weight[row].at({0})) < 1e-14);
    }
    CHECK(weight.version() == before.version() + 1);
  }
  const auto turned = start().transpose(0, 1);  // [2, 4], strided
  embedding_renorm_(turned, Ids{1}, 2);
  CHECK(norm(turned[1]).item() == Approx(2).epsilon(1e-6));
  CHECK(turned.at({0, 0}) == 3);
  CHECK_ERROR(embedding_renorm_(start(), Ids{4}, 1), IndexError,
              "embedding_renorm_: id 4 is out of range for weight [4, 2]");
  CHECK_ERROR(embedding_renorm_(zeros<float>({4}), Ids{0}, 1), ShapeError,
              "embedding_renorm_: weight has shape [4], a matrix is wanted");
}

TEST_CASE("golden: normalisation by the root mean square is PyTorch's", "[ops]") {
  CHECK_GOLDEN("rms_norm", rms_norm(c["x"], c.has("w") ? c["w"] : c["x"].only_if(false), c.real("eps")));
}

TEST_CASE("rms_norm: random shapes give what the formula gives; sizes that do not fit are named") {
  Rng rng(13);
  const RngGuard use(rng);
  for (const Index n : {1, 2, 15, 16, 33, 100, 512}) {
    const Index rows = 1 + n * 7 % 70;
    const Tensor<double> x = leaf({rows, n}), w = leaf({n});
    const auto naive = x / sqrt(mean(x * x, -1, {.keepdim = true}) + 0.1) * w;
    const Tensor<double> dy = randn<double>({rows, n});
    CHECK(difference(rms_norm(x, w, 0.1), naive) < 1e-13);
    const auto have = grad(rms_norm(x, w, 0.1), {x, w}, {}, dy), want = grad(naive, {x, w}, {}, dy);
    for (std::size_t i = 0; i < 2; ++i) CHECK(difference(have[i], want[i]) < 1e-12);
  }
  CHECK(gradcheck([](const V& x) { return rms_norm(x[0].transpose(0, 1), x[1]); }, {leaf({5, 3}), leaf({5})}));
  CHECK(std::isfinite(rms_norm(zeros<float>({2, 3})).at({1, 2})));  // the machine epsilon by default
  CHECK_ERROR(rms_norm(scalar<double>(1)), ShapeError, "rms_norm: a scalar has no axis to normalise");
  CHECK_ERROR(rms_norm(zeros<double>({2, 3}), zeros<double>({2})), ShapeError,
              "rms_norm: gamma [2] does not match the last axis of x [2, 3]");
}
