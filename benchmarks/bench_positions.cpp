// Rotary positions on the heads of a projection, and window attention with Swin's relative position bias, forward and
// backward, recorded, as a program calls them. Every case is first compared with ops that spell it out.
// benchmarks/peers/positions.py times PyTorch on the same cases.
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <gloss/gloss.hpp>

#include "median.hpp"

using namespace gloss;

namespace {

using F = Tensor<float>;

bool is_near(const F& a, const F& b) {
  return a.shape() == b.shape() && amax(abs(a - b)).item() <= 2e-5f * (1 + amax(abs(b)).item());
}

/// NAME/forward and NAME/backward of call(), whose value and gradients must be those of plain().
struct Case {
  std::vector<F> inputs;
  std::function<F()> call, plain;
};
void add(const std::string& name, const std::function<Case()>& make) {
  for (const bool backward : {false, true})
    benchmark::RegisterBenchmark((name + (backward ? "/backward" : "/forward")).c_str(),
                                 [=](benchmark::State& state) {
                                   manual_seed(1);
                                   const Case c = make();
                                   const F y = c.call(), want = c.plain(), dy = randn<float>(y.shape());
                                   if (!is_near(y.detach(), want.detach()))
                                     return state.SkipWithError("the result is not that of plain ops");
                                   const auto run = [&] { return grad(y, c.inputs, {.retain_graph = true}, dy); };
                                   if (!backward) {
                                     bench::time_calls(state, [&] { benchmark::DoNotOptimize(c.call().data()); });
                                     return;
                                   }
                                   const std::vector<F> have = run(), gradients = grad(want, c.inputs, {}, dy);
                                   for (std::size_t i = 0; i < have.size(); ++i)
                                     if (!is_near(have[i], gradients[i]))
                                       return state.SkipWithError("the gradient is not that of plain ops");
                                   bench::time_calls(state, [&] { benchmark::DoNotOptimize(run()); });
                                 })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}

F leaf(const Shape& shape) {
  F x = randn<float>(shape);
  x.requires_grad_();
  return x;
}

/// 32 heads of width 128, views of a projection [batch, n, 4096].
void add_rotary(const std::string& name, Index batch, Index n, bool interleaved) {
  add("rotary/" + name, [=] {
    const F x = leaf({batch, n, 32, 128});
    const nn::RotaryEmbedding<float> rope(128, 2048, {.interleaved = interleaved});
    return Case{{x},
                [=] { return rope(x.transpose(1, 2), 100); },
                [=] {
                  const F q = x.transpose(1, 2), c = rope.cosine.narrow(0, 100, n), s = rope.sine.narrow(0, 100, n);
                  if (!interleaved) {
                    const F a = q.narrow(-1, 0, 64), b = q.narrow(-1, 64, 64);
                    return cat<float>({a * c - b * s, b * c + a * s}, -1);
                  }
                  const F a = q.slice(-1, 0, 128, 2), b = q.slice(-1, 1, 128, 2);
                  return stack<float>({a * c - b * s, b * c + a * s}, -1).flatten(-2);
                }};
  });
}

/// A layer of Swin-T's stage: windows of 7 x 7 pixels, heads of width 32.
void add_window(Index windows, Index heads) {
  add("window/windows:" + std::to_string(windows) + "/heads:" + std::to_string(heads), [=] {
    const F q = leaf({windows, heads, 49, 32}), k = leaf({windows, heads, 49, 32}), v = leaf({windows, heads, 49, 32});
    const auto bias = std::make_shared<nn::SwinPositionBias<float>>(7, 7, heads);  // copies would have other tables
    return Case{{q, k, v, bias->relative_position_bias_table},
                [=] { return scaled_dot_product_attention(q, k, v, {.bias = (*bias)()}); },
                [=] { return matmul(softmax(matmul(q, k.mT()) / std::sqrt(32.0) + (*bias)(), -1), v); }};
  });
}

}  // namespace

int main(int argc, char** argv) {
  add_rotary("halves", 1, 512, false);
  add_rotary("pairs", 1, 512, true);
  add_rotary("halves_decode", 1, 1, false);
  add_window(64, 3);
  add_window(4, 12);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
