#include <gloss/gloss.hpp>
#include <gloss/tensor/anomaly.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using D = Tensor<double>;

TEST_CASE("anomaly: the op whose result has the first nan is named, with the position") {
  const auto x = D{{1, 2}, {-3, 4}}.requires_grad_();
  CHECK(sum(log(x)).requires_grad());  // nobody looks
  const AnomalyGuard guard;
  CHECK_ERROR(sum(log(x * 2) + 1), Error, "anomaly: log gave nan at [1, 0] of its result, shape [2, 2]");
  const auto y = sum(D{2, INFINITY} * x);  // infinity is allowed
  CHECK(y.item() == INFINITY);
  NoGradGuard no_grad;
  CHECK(std::isnan(sum(log(x)).item()));  // and what is not recorded is not searched
}

TEST_CASE("anomaly: infinities, where they are asked for") {
  const auto x = D{1, 0}.requires_grad_();
  const AnomalyGuard guard({.infinite = true});
  CHECK_ERROR(log(x), Error, "anomaly: log gave -inf at [1] of its result, shape [2]");
  CHECK_ERROR(1 / x, Error, "anomaly: div gave inf at [1] of its result, shape [2]");
}

TEST_CASE("anomaly: the position is that in the result, however its memory lies") {
  const auto x = D{{1, 2, 3}, {4, 5, NAN}}.requires_grad_(), stacked = x.unsqueeze(1);
  const AnomalyGuard guard;
  CHECK_ERROR(x.transpose(0, 1), Error, "anomaly: transpose gave nan at [2, 1] of its result, shape [3, 2]");
  CHECK_ERROR(x.slice(1, 0, 3, 2), Error, "anomaly: slice gave nan at [1, 1] of its result, shape [2, 2]");
  CHECK_ERROR(stacked.expand({2, 2, 3}), Error, "anomaly: expand gave nan at [1, 0, 2] of its result, shape [2, 2, 3]");
  CHECK(x.slice(1, 0, 2).shape() == Shape{2, 2});  // the nan is beside it
}

TEST_CASE("anomaly: the backward that makes the first nan is named, with the input") {
  const auto x = D{4, 0}.requires_grad_(), w = D{1, 1}.requires_grad_();
  AnomalyGuard guard;
  const auto loss = sum(w + sqrt(x) * 0);
  CHECK_ERROR(loss.backward(), Error,
              "anomaly: backward of sqrt gave nan at [1] of the gradient of input 0, shape [2]");
  guard.watch(x, "x");
  CHECK_ERROR(sum(w + sqrt(x) * 0).backward(), Error,
              "anomaly: backward of sqrt gave nan at [1] of the gradient of input 0, shape [2]; it reads x");
  CHECK_ERROR(sum(w + sqrt(x * 1 * 1) * 0).backward(), Error,
              "anomaly: backward of sqrt gave nan at [1] of the gradient of input 0, shape [2]; the nearest parameter "
              "before it is x");
}

TEST_CASE("anomaly: guards nest, and end with their scope") {
  const auto x = D{-1}.requires_grad_();
  {
    const AnomalyGuard outer;
    { const AnomalyGuard inner({.infinite = true}); }
    CHECK_ERROR(log(x), Error, "anomaly: log gave nan at [0] of its result, shape [1]");
  }
  CHECK(std::isnan(log(x).item()));
}

TEST_CASE("anomaly: in the Annotated Transformer the parameter's path tells the module") {
  manual_seed(1);
  auto model = transformer::make_model<float>(
      {.src_vocab = 11, .tgt_vocab = 11, .N = 2, .d_model = 16, .d_ff = 32, .h = 2, .dropout = 0});
  const Tensor<std::int64_t> src = {{1, 2, 3, 4}}, tgt = {{1, 5, 6}};
  const auto mask = ones<bool>({1, 1, 4});
  const auto run = [&] { return sum(model.generator(model(src, tgt, mask, transformer::subsequent_mask(3)))); };
  const AnomalyGuard guard(model);
  run().backward();  // all is well
  const auto spoil = [&](nn::Parameter<float>& p, float value, const std::string& text) {
    const auto good = p.detach().clone();
    p.detach().fill_(value);
    CHECK_ERROR(run(), Error, text);
    p.detach().copy_(good);
  };
  spoil(model.encoder.layers[1].self_attn.linears[0].weight, NAN,
        "anomaly: joint_linear gave nan at [0, 0, 0] of its result, shape [1, 4, 48]; it reads "
        "encoder.layers.1.self_attn.linears.0.weight");
  spoil(model.decoder.layers[0].feed_forward.w_2.bias, NAN,
        "anomaly: add_linear gave nan at [0, 0, 0] of its result, shape [1, 3, 16]; it reads "
        "decoder.layers.0.feed_forward.w_2.weight");
  // queries and keys are finite, and not their products
  for (const std::size_t i : {0u, 1u}) {
    Tensor<float> weight = model.encoder.layers[0].self_attn.linears[i].weight.detach();
    weight.copy_(weight * 1e22F);
  }
  std::string text = "nothing was thrown";
  try {
    run();
  } catch (const Error& error) {
    text = error.what();
  }
  CHECK(text.find("anomaly: multi_head_attention gave nan at [0, ") == 0);
  CHECK(text.find("] of its result, shape [1, 4, 16]; the nearest parameter before it is "
                  "encoder.layers.0.self_attn.linears.0.weight") != std::string::npos);
}
