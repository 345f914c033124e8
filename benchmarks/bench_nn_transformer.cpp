// nn::MultiheadAttention and the layers of nn::Transformer at the size of the base Transformer: a batch of 16 sentences
// of 32 or 128 tokens, d_model 512, 8 heads, d_ff 2048, batch first. train: forward and backward by all parameters and
// inputs in training with dropout 0.1; eval: the forward alone in evaluation without a graph.
// benchmarks/peers/nn_transformer.py times PyTorch on the same cases. median_s is the median over single calls.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <gloss/nn/transformer.hpp>

#include "median.hpp"

using namespace gloss;

namespace {

using F = Tensor<float>;
constexpr Index batch = 16, d_model = 512, heads = 8;

/// make() gives a model, forward(model, inputs) its result; products of d_model x d_model, attentions: their number.
template <class Make, class Forward>
void add(const std::string& name, std::size_t inputs, double products, double attentions, Make make, Forward forward) {
  for (const Index length : {32, 128})
    for (const bool training : {true, false})
      benchmark::RegisterBenchmark(
          ("nn_transformer/" + name + "/" + (training ? "train/" : "eval/") + std::to_string(length)).c_str(),
          [=](benchmark::State& state) {
            auto model = make();
            model.train(training);
            std::vector<F> x(inputs);
            for (F& one : x) {
              one = randn<float>({batch, length, d_model});
              if (training) one.requires_grad_();
            }
            const F dy = randn<float>({batch, length, d_model});
            const auto call = [&] {
              if (!training) {
                const NoGradGuard no_grad;
                benchmark::DoNotOptimize(forward(model, x).data());
                return;
              }
              forward(model, x).backward(dy);
              model.zero_grad();
              for (const F& one : x) one.zero_grad();
            };
            call();
            bench::time_calls(state, call);
            const auto rows = static_cast<double>(batch * length), width = static_cast<double>(d_model);
            const double flops = 2 * rows * width * (products * width + attentions * 2 * static_cast<double>(length));
            state.counters["FLOP/s"] =
                benchmark::Counter((training ? 3 : 1) * flops, benchmark::Counter::kIsIterationInvariantRate);
          })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  const nn::TransformerLayerOptions<float> options{.dim_feedforward = 2048, .dropout = 0.1, .batch_first = true};
  const auto attention = [] {
    return nn::MultiheadAttention<float>(d_model, heads, {.dropout = 0.1, .batch_first = true});
  };
  add("self_attention", 1, 4, 1, attention,
      [](const auto& attend, const std::vector<F>& x) { return attend(x[0], x[0], x[0]); });
  add("cross_attention", 2, 4, 1, attention,
      [](const auto& attend, const std::vector<F>& x) { return attend(x[0], x[1], x[1]); });
  add(
      "encoder_layer", 1, 12, 1, [=] { return nn::TransformerEncoderLayer<float>(d_model, heads, options); },
      [](const auto& layer, const std::vector<F>& x) { return layer(x[0]); });
  add(
      "encoder_layer_gelu", 1, 12, 1,
      [=] {
        nn::TransformerLayerOptions<float> gelu = options;
        gelu.activation = "gelu";
        return nn::TransformerEncoderLayer<float>(d_model, heads, gelu);
      },
      [](const auto& layer, const std::vector<F>& x) { return layer(x[0]); });
  add(
      "decoder_layer", 2, 16, 2, [=] { return nn::TransformerDecoderLayer<float>(d_model, heads, options); },
      [](const auto& layer, const std::vector<F>& x) { return layer(x[0], x[1]); });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  Rng rng(1);
  const RngGuard guard(rng);
  benchmark::RunSpecifiedBenchmarks();
}
