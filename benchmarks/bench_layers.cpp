// The layers of nn at the sizes of a base Transformer (512 tokens, d_model 512, d_ff 2048) and of a ResNet, as a
// program calls them: NAME/forward in evaluation without a graph, NAME/forward_backward in training, with the gradients
// of input and parameters. Attention and the Transformer family are bench_nn_transformer's, convolutions and pools
// bench_conv's. What the layers compute is compared with PyTorch in tests/nn. benchmarks/peers/layers.py times
// PyTorch's modules on the same cases.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include <gloss/gloss.hpp>

#include "median.hpp"

using namespace gloss;

namespace {

using F = Tensor<float>;

struct Case {
  std::shared_ptr<nn::Module<float>> layer;
  std::function<F()> call;
  std::vector<F> leaves;
};

void add(const std::string& name, bool has_forward, std::function<Case()> make) {
  const auto made = std::make_shared<Case>();
  for (const bool backward : {false, true}) {
    if (!backward && !has_forward) continue;
    benchmark::RegisterBenchmark((name + (backward ? "/forward_backward" : "/forward")).c_str(),
                                 [=](benchmark::State& state) {
                                   if (!made->layer) manual_seed(1), *made = make();
                                   const Case& c = *made;
                                   c.layer->train(backward);
                                   const F dy = randn<float>(c.call().shape());
                                   const auto forward = [&] {
                                     const NoGradGuard no_grad;
                                     benchmark::DoNotOptimize(c.call().data());
                                   };
                                   const auto both = [&] {
                                     benchmark::DoNotOptimize(grad(c.call(), c.leaves, {}, dy));
                                   };
                                   for (int warm = 0; warm < 2; ++warm) backward ? both() : forward();
                                   if (backward)
                                     bench::time_calls(state, both);
                                   else
                                     bench::time_calls(state, forward);
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
}

/// A layer on an input of that shape.
template <class Layer>
void layer(const std::string& name, const Shape& shape, Layer (*make)(), bool has_forward = true) {
  add(name, has_forward, [=] {
    const auto made = std::make_shared<Layer>(make());
    F x = randn<float>(shape);
    x.requires_grad_();
    std::vector<F> leaves = made->parameters();
    leaves.push_back(x);
    return Case{made, [=] { return (*made)(x); }, std::move(leaves)};
  });
}

void embedding() {
  add("Embedding", true, [] {
    const auto made = std::make_shared<nn::Embedding<float>>(8000, 512);
    const Tensor<std::int64_t> ids = randint(0, 8000, {16, 32});
    return Case{made, [=] { return (*made)(ids); }, made->parameters()};
  });
}

}  // namespace

int main(int argc, char** argv) {
  const Shape tokens = {512, 512}, hidden = {512, 2048}, image = {8, 64, 56, 56};
  layer(
      "Linear", tokens, +[] { return nn::Linear<float>(512, 2048); });
  embedding();
  layer(
      "LayerNorm", tokens, +[] { return nn::LayerNorm<float>(512); });
  layer(
      "RMSNorm", tokens, +[] { return nn::RMSNorm<float>(512); });
  layer(
      "BatchNorm1d", tokens, +[] { return nn::BatchNorm1d<float>(512); });
  layer(
      "BatchNorm2d", image, +[] { return nn::BatchNorm2d<float>(64); });
  layer(
      "BatchNorm3d", {2, 32, 16, 28, 28}, +[] { return nn::BatchNorm3d<float>(32); });
  layer(
      "GroupNorm", {8, 256, 28, 28}, +[] { return nn::GroupNorm<float>(32, 256); });
  layer(
      "InstanceNorm1d", {8, 128, 512}, +[] { return nn::InstanceNorm1d<float>(128, {.affine = true}); });
  layer(
      "InstanceNorm2d", image, +[] { return nn::InstanceNorm2d<float>(64); });
  layer(
      "Dropout", hidden, +[] { return nn::Dropout<float>(0.1); }, false);
  layer(
      "Dropout1d", {16, 512, 128}, +[] { return nn::Dropout1d<float>(0.1); }, false);
  layer(
      "Dropout2d", image, +[] { return nn::Dropout2d<float>(0.1); }, false);
  layer(
      "ReLU", hidden, +[] { return nn::ReLU<float>(); });
  layer(
      "ReLU6", hidden, +[] { return nn::ReLU6<float>(); });
  layer(
      "LeakyReLU", hidden, +[] { return nn::LeakyReLU<float>(); });
  layer(
      "ELU", hidden, +[] { return nn::ELU<float>(); });
  layer(
      "CELU", hidden, +[] { return nn::CELU<float>(); });
  layer(
      "SELU", hidden, +[] { return nn::SELU<float>(); });
  layer(
      "GELU", hidden, +[] { return nn::GELU<float>(); });
  layer(
      "GELU/tanh", hidden, +[] { return nn::GELU<float>(GeluKind::tanh); });
  layer(
      "SiLU", hidden, +[] { return nn::SiLU<float>(); });
  layer(
      "Mish", hidden, +[] { return nn::Mish<float>(); });
  layer(
      "Sigmoid", hidden, +[] { return nn::Sigmoid<float>(); });
  layer(
      "LogSigmoid", hidden, +[] { return nn::LogSigmoid<float>(); });
  layer(
      "Tanh", hidden, +[] { return nn::Tanh<float>(); });
  layer(
      "Softplus", hidden, +[] { return nn::Softplus<float>(); });
  layer(
      "Hardtanh", hidden, +[] { return nn::Hardtanh<float>(); });
  layer(
      "Hardsigmoid", hidden, +[] { return nn::Hardsigmoid<float>(); });
  layer(
      "Hardswish", hidden, +[] { return nn::Hardswish<float>(); });
  layer(
      "Softmax", {16, 8, 128, 64}, +[] { return nn::Softmax<float>(-1); });
  layer(
      "Softmax/dim1", {8, 150, 32, 32}, +[] { return nn::Softmax<float>(1); });
  layer(
      "Softmin", {16, 8, 128, 64}, +[] { return nn::Softmin<float>(-1); });
  layer(
      "LogSoftmax", {512, 2048}, +[] { return nn::LogSoftmax<float>(-1); });
  layer(
      "Softmax2d", {8, 150, 32, 32}, +[] { return nn::Softmax2d<float>(); });
  layer(
      "GLU", {512, 4096}, +[] { return nn::GLU<float>(); });
  layer(
      "SwiGLU", tokens, +[] { return nn::SwiGLU<float>(512, 1376); });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
