// Results that are made again in the backward instead of being kept: the same bits, less memory, and an error where what
// they are made of was changed.
#include <gloss/ops/add_layer_norm.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/glu.hpp>
#include <gloss/ops/in_place.hpp>
#include <gloss/ops/joint_linear.hpp>
#include <gloss/ops/linear_gelu.hpp>
#include <gloss/ops/sum.hpp>
#include <gloss/tensor/grad.hpp>
#include <gloss/tensor/gradcheck.hpp>
#include <gloss/tensor/rebuild.hpp>
#include <gloss/tensor/saved_input.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::same_bits;

namespace {

using F = Tensor<float>;
constexpr std::size_t block = 64 * 256 * sizeof(float);  // bytes of a tensor of all cases

F leaf(const Shape& shape) { return randn<float>(shape).requires_grad_(); }

/// An op whose result is made again, by name.
struct Case {
  const char* name;
  F (*call)(const F&, const F&);  // of x and a vector
};
const Case cases[] = {
    {"gelu", [](const F& x, const F&) { return gelu(x * 1.5f); }},
    {"gelu by tanh", [](const F& x, const F&) { return gelu(x * 1.5f, GeluKind::tanh); }},
    {"gelu_dropout", [](const F& x, const F&) { return gelu_dropout(x * 1.5f, 0.3); }},
    {"silu", [](const F& x, const F&) { return silu(x * 1.5f); }},
    {"swiglu", [](const F& x, const F& g) { return swiglu(x * 1.5f, x * g); }},
    {"linear_gelu", [](const F& x, const F& g) { return linear_gelu(x, g * eye<float>(256), g); }},
    {"layer_norm", [](const F& x, const F& g) { return layer_norm(x * 1.5f, g, g); }},
    {"rms_norm", [](const F& x, const F& g) { return rms_norm(x * 1.5f, g); }},
    {"add_layer_norm", [](const F& x, const F& g) { return add_layer_norm(x, x * 1.5f, g, g, {.dropout = 0.2}); }},
};

}  // namespace

TEST_CASE("rebuild: gradients have the bits of those with the result kept, for one consumer and for three") {
  for (const Case& c : cases) {
    INFO(c.name);
    const F x = leaf({64, 256}), g = leaf({256}), w = leaf({256, 256}), dy = randn<float>({64, 3 * 256});
    const auto gradients = [&](bool keeps, bool twice) {
      Rng rng(5);
      const RngGuard use(rng);
      const F y = c.call(x, g);
      const F in = keeps ? y.view({1, 64, 256}).view({64, 256}) : y;  // a view has a node of its own
      F out = joint_linear(in, {w, w, w});
      out = add_linear(out, in, cat<float>({w, w, w})) + linear(in, cat<float>({w, w, w}), {}, Activation::relu);
      if (twice) grad({out}, {x, g, w}, {.retain_graph = true, .materialize_grads = true}, {dy});
      return grad({out}, {x, g, w}, {.materialize_grads = true}, {dy});
    };
    const auto made = gradients(false, false), again = gradients(false, true), kept = gradients(true, false);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      CHECK(same_bits(made[i], kept[i]));
      CHECK(same_bits(again[i], kept[i]));
    }
  }
}

TEST_CASE("rebuild: the result is not kept") {
  for (const Case& c : cases) {
    INFO(c.name);
    const F x = leaf({64, 256}), g = leaf({256}), w = leaf({256, 256});
    const auto kept = [&](bool keeps) {
      const std::size_t before = memory_stats().in_use;
      const F y = [&] {
        const F in = c.call(x, g);
        return linear(keeps ? in.view({1, 64, 256}).view({64, 256}) : in, w);
      }();
      return memory_stats().in_use - before;
    };
    CHECK(kept(true) >= kept(false) + block);
  }
}

TEST_CASE("rebuild: what was changed in place, before the consumer and after it") {
  const F x = leaf({4, 8}), w = leaf({8, 8}), dy = randn<float>({4, 8});
  const F y0 = gelu(x).detach(), dw = grad({linear(y0, w)}, {w}, {}, {dy})[0];
  {  // before: the changed numbers count
    const F y = gelu(x);
    {
      const NoGradGuard no_grad;
      mul_(y, 2.0f);
    }
    CHECK(difference(grad({linear(y, w)}, {w}, {}, {dy})[0], dw * 2.0f) < 1e-5);
  }
  {  // after: the numbers that the consumer saw
    const F y = gelu(x), z = linear(y, w);
    const NoGradGuard no_grad;
    mul_(y, 2.0f);
    CHECK(same_bits(grad({z}, {w}, {}, {dy})[0], dw));
  }
  {  // what the result is made of
    const F h = x * 1.0f, z = linear(gelu(h), w);
    {
      const NoGradGuard no_grad;
      mul_(h, 2.0f);
    }
    CHECK_THROWS_WITH(sum(z).backward(),
                      "backward of linear: a tensor of shape [4, 8] that was saved for it has been changed in place by "
                      "mul_ (version 1, saved at 0); change a clone() instead");
  }
}

TEST_CASE("rebuild: in a recorded backward the result is in the graph again") {
  using D = Tensor<double>;
  const D x = randn<double>({3, 4}).requires_grad_(), w = randn<double>({2, 4}).requires_grad_();
  CHECK(gradgradcheck([](const std::vector<D>& in) { return linear(gelu(in[0]), in[1]); }, {x, w}));
  CHECK(
      gradgradcheck([](const std::vector<D>& in) { return linear(gelu(in[0] * 2.0, GeluKind::tanh), in[1]); }, {x, w}));
  CHECK(gradgradcheck(
      [](const std::vector<D>& in) {
        const D h = linear_gelu(in[0], in[1]);
        return joint_linear(h, {in[1].mT().contiguous(), in[1].mT().contiguous()});
      },
      {x, w}));
}

TEST_CASE("rebuild: an empty result and one of a single element") {
  for (const Index rows : {0, 1}) {
    const F x = leaf({rows, 1}), w = leaf({3, 1});
    sum(linear(gelu(layer_norm(x)), w)).backward();
    CHECK(w.grad().shape() == Shape{3, 1});
    CHECK(difference(w.grad(), zeros<float>({3, 1})) == 0);  // gelu(0)
  }
}

TEST_CASE("record: a backward frees what was saved, also where an op saves many tensors") {
  const F x = leaf({64, 256});
  const std::size_t before = memory_stats().in_use;
  const auto large = [&] { return zeros<float>({64, 256}); };
  const F loss = record("five", sum(x).detach(), {x},
                        [x, a = large(), b = large(), c = large(), d = large()](const F& dy, Grads& dx) {
                          dx.add(0, dy.expand({64, 256}));
                        });
  CHECK(memory_stats().in_use - before >= 4 * block);
  loss.backward();
  x.zero_grad();
  CHECK(memory_stats().in_use - before < block);
}
