// The whole model, its loss, its gradients and ten Adam steps against PyTorch on the Annotated Transformer's
// architecture: tests/golden/generate_annotated.py says what the file holds and why key biases are apart.
#include <string>

#include <gloss/optim/adam.hpp>
#include <gloss/optim/lambda_lr.hpp>
#include <gloss/optim/rate.hpp>
#include <gloss/train/annotated/batch.hpp>
#include <gloss/train/annotated/label_smoothing.hpp>
#include <gloss/train/annotated/loss_compute.hpp>
#include <gloss/transformer/make_model.hpp>

#include "support/golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

constexpr std::int64_t pad = 2;
constexpr Index src_vocab = 13, tgt_vocab = 17, d_model = 32;

const gloss_test::Golden& golden() {
  static const gloss_test::Golden file("annotated_f64.safetensors");
  return file;
}

template <class T>
transformer::EncoderDecoder<T> golden_model() {
  auto model = transformer::make_model<T>({.src_vocab = src_vocab,
                                           .tgt_vocab = tgt_vocab,
                                           .N = 2,
                                           .d_model = d_model,
                                           .d_ff = 64,
                                           .h = 4,
                                           .dropout = 0,
                                           .attention_dropout = 0});
  NoGradGuard no_grad;
  for (const auto& [name, p] : model.named_parameters()) {
    const Tensor<T> wanted = golden().tensor<T>("init/" + name);
    REQUIRE(p.shape() == wanted.shape());
    std::copy(wanted.data(), wanted.data() + wanted.numel(), p.data());
  }
  return model;
}

/// Largest |a - b| relative to the largest |b|.
template <class T>
double relative(const Tensor<T>& a, const std::string& key) {
  const Tensor<double> b = golden().tensor<double>(key);
  if (a.shape() != b.shape()) return INFINITY;
  const Tensor<T> x = a.detach().contiguous();
  double worst = 0, scale = 0;
  for (Index i = 0; i < b.numel(); ++i) {
    const double d = std::abs(static_cast<double>(x.data()[i]) - b.data()[i]);
    if (!(d <= worst)) worst = std::isnan(d) ? INFINITY : d;
    scale = std::max(scale, std::abs(b.data()[i]));
  }
  return worst / scale;
}

bool is_key_bias(const std::string& name) { return name.ends_with("linears.1.bias"); }

template <class T>
double tolerance() {
  return std::same_as<T, float> ? 1e-5 : 1e-10;
}

}  // namespace

TEST_CASE("golden: parameters have the Annotated Transformer's names, order and shapes", "[transformer]") {
  auto model = golden_model<float>();
  std::string text;
  for (const auto& [name, p] : model.named_parameters())
    text += (text.empty() ? "" : "\n") + name + " " + to_string(p.shape());
  CHECK(text == golden().file().metadata().at("parameters"));
}

TEMPLATE_TEST_CASE("golden: masks, outputs, loss and every gradient are PyTorch's", "[transformer]", float, double) {
  using T = TestType;
  const auto model = golden_model<T>();
  const train::Batch batch(golden().tensor<std::int64_t>("src"), golden().tensor<std::int64_t>("tgt_full"), pad);
  CHECK(gloss_test::difference(batch.src_mask, golden().tensor<bool>("src_mask")) == 0);
  CHECK(gloss_test::difference(batch.tgt, golden().tensor<std::int64_t>("tgt")) == 0);
  CHECK(gloss_test::difference(batch.tgt_y, golden().tensor<std::int64_t>("tgt_y")) == 0);
  CHECK(gloss_test::difference(batch.tgt_mask, golden().tensor<bool>("tgt_mask")) == 0);
  CHECK(batch.ntokens == golden().integer("ntokens", 0));

  const Tensor<T> memory = model.encode(batch.src, batch.src_mask);
  CHECK(relative(memory, "memory") < tolerance<T>());
  const Tensor<T> output = model.decode(memory, batch.src_mask, batch.tgt, batch.tgt_mask);
  CHECK(relative(output, "output") < tolerance<T>());
  CHECK(relative(model(batch.src, batch.tgt, batch.src_mask, batch.tgt_mask), "output") < tolerance<T>());
  CHECK(relative(model.generator(output), "log_probs") < tolerance<T>());

  const train::SimpleLossCompute compute(model.generator, train::LabelSmoothing<T>(tgt_vocab, pad, 0.1));
  const auto loss = compute(output, batch.tgt_y, static_cast<double>(batch.ntokens));
  CHECK(relative(loss.node, "loss") < tolerance<T>());
  loss.node.backward();
  for (const auto& [name, p] : model.named_parameters()) {
    INFO(name);
    REQUIRE(p.grad().defined());
    if (is_key_bias(name)) {  // zero but for rounding: measured against the weights' gradients beside it
      double worst = 0;
      for (Index i = 0; i < p.numel(); ++i) worst = std::max(worst, std::abs(static_cast<double>(p.grad().at({i}))));
      CHECK(worst < tolerance<T>() * 1e-2);
    } else {
      CHECK(relative(p.grad(), "grad/" + name) < tolerance<T>());
    }
  }
}

TEMPLATE_TEST_CASE("golden: the weights after ten Adam steps at Noam's rate are PyTorch's", "[transformer]", float,
                   double) {
  using T = TestType;
  const auto model = golden_model<T>();
  const train::Batch batch(golden().tensor<std::int64_t>("src"), golden().tensor<std::int64_t>("tgt_full"), pad);
  optim::Adam<T> adam(model.parameters(), {.lr = 1, .betas = {0.9, 0.98}, .eps = 1e-9});
  optim::LambdaLR schedule(adam, [](Index step) { return optim::rate(step, d_model, 0.0025, 6); });
  const train::SimpleLossCompute compute(model.generator, train::LabelSmoothing<T>(tgt_vocab, pad, 0.1));
  const Tensor<double> losses = golden().tensor<double>("losses"), rates = golden().tensor<double>("rates");
  for (Index step = 0; step < 10; ++step) {
    const auto out = model(batch.src, batch.tgt, batch.src_mask, batch.tgt_mask);
    const auto loss = compute(out, batch.tgt_y, static_cast<double>(batch.ntokens));
    loss.node.backward();
    CHECK(static_cast<double>(loss.node.item()) == Approx(losses.at({step})).epsilon(tolerance<T>()));
    CHECK(adam.lr() == Approx(rates.at({step})).epsilon(1e-12));
    adam.step();
    adam.zero_grad();
    schedule.step();
  }
  for (const auto& [name, p] : model.named_parameters()) {
    INFO(name);
    if (is_key_bias(name) && std::same_as<T, float>) continue;  // Adam turns float's rounding noise into whole steps
    CHECK(relative(p, "adam/" + name) < tolerance<T>());
  }
}
