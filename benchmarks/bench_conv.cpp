// Convolutions and pooling at the sizes of image and sequence models, batch 8 (conv1d: 16), as a program calls them:
// modules, forward without a graph and forward with the way back. benchmarks/peers/conv.py times PyTorch's modules on
// the same cases. The input takes a gradient except in patch_embedding and stem, which stand first in a model. Every
// result is first compared with plain sums in double at some places.
#include <algorithm>
#include <cmath>
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
  F x;
  std::vector<F> leaves;  // what takes a gradient
  std::function<F()> forward;
  double products = 0;                        // of the forward pass
  std::function<bool(Index at, float y)> is;  // whether element `at` of y is right
};

F input(Shape shape, bool differentiable) {
  F x = randn<float>(shape);
  x.requires_grad_(differentiable);
  return x;
}

bool near(double have, double want) { return std::abs(have - want) <= 1e-4 * (1 + std::abs(want)); }

/// NAME/forward and NAME/forward_backward. The tests hold the gradients against plain loops.
void add(const std::string& name, std::function<Case()> make) {
  auto made = std::make_shared<std::unique_ptr<Case>>();
  const auto get = [made, make]() -> Case& {
    if (!*made) *made = std::make_unique<Case>(make());
    return **made;
  };
  const auto time = [=](benchmark::State& state, double flop, const std::function<void()>& run) {
    run();
    bench::time_calls(state, [&] {
      run();
      benchmark::ClobberMemory();
    });
    if (flop > 0) state.counters["FLOP/s"] = benchmark::Counter(flop, benchmark::Counter::kIsIterationInvariantRate);
  };
  const auto options = [](benchmark::internal::Benchmark* b) { b->UseRealTime()->Unit(benchmark::kMillisecond); };
  options(benchmark::RegisterBenchmark((name + "/forward").c_str(), [=](benchmark::State& state) {
    Case& c = get();
    const NoGradGuard no_grad;
    const F y = c.forward();
    for (Index i = 0; i < y.numel(); i += y.numel() / 97 + 1)
      if (!c.is(i, y.data()[i])) return state.SkipWithError("the result is not that of the plain sum");
    time(state, 2 * c.products, [&] { benchmark::DoNotOptimize(c.forward().data()); });
  }));
  options(benchmark::RegisterBenchmark((name + "/forward_backward").c_str(), [=](benchmark::State& state) {
    Case& c = get();
    const F dy = randn<float>(c.forward().shape());
    time(state, c.products * (c.x.requires_grad() ? 6 : 4),
         [&] { benchmark::DoNotOptimize(grad(c.forward(), c.leaves, {}, dy)); });
  }));
}

/// A layer with weight and bias; stride, padding and groups for the check.
template <class Layer>
void add_conv(const std::string& name, Shape shape, bool differentiable, std::function<Layer()> make) {
  add(name, [=] {
    auto layer = std::make_shared<Layer>(make());
    Case c;
    c.x = input(shape, differentiable);
    c.leaves = {layer->weight, layer->bias};
    if (differentiable) c.leaves.push_back(c.x);
    c.forward = [layer, x = c.x] { return (*layer)(x); };
    const F y = c.forward();
    const Index taps = layer->weight.numel() / layer->weight.size(0);
    c.products = static_cast<double>(y.numel()) * static_cast<double>(taps);
    c.is = [layer, x = c.x, shape_y = y.shape()](Index at, float have) {
      const auto& o = layer->options;
      const int rank = shape_y.rank();
      const Index width = x.size(-1), height = rank == 4 ? x.size(-2) : 1;
      const Index kw = layer->weight.size(-1), kh = rank == 4 ? layer->weight.size(-2) : 1;
      const Index ow = at % shape_y[rank - 1], row = at / shape_y[rank - 1];
      const Index rows = rank == 4 ? shape_y[2] : 1, oh = row % rows, outs = shape_y[1], out = row / rows % outs;
      const Index n = row / rows / outs, ins = layer->weight.size(1), group = out / (outs / o.groups);
      const Pair stride(o.stride), pad = rank == 4 ? o.padding.size() : Pair(0, o.padding.size().w);
      double sum = layer->bias.data()[out];
      for (Index i = 0; i < ins; ++i)
        for (Index a = 0; a < kh; ++a)
          for (Index b = 0; b < kw; ++b) {
            const Index ih = rank == 4 ? oh * stride.h + a - pad.h : 0, iw = ow * stride.w + b - pad.w;
            if (ih < 0 || ih >= height || iw < 0 || iw >= width) continue;
            sum += double(layer->weight.data()[((out * ins + i) * kh + a) * kw + b]) *
                   double(x.data()[((n * x.size(1) + group * ins + i) * height + ih) * width + iw]);
          }
      return near(have, sum);
    };
    return c;
  });
}

/// A pool of 8 x 64 x 56 x 56; `want` is element `at` of the result by plain loops.
void add_pool(const std::string& name, std::function<F(const F&)> pool, Index kernel, Index stride, Index pad,
              bool largest) {
  add(name, [=] {
    Case c;
    c.x = input({8, 64, 56, 56}, true);
    c.leaves = {c.x};
    c.forward = [pool, x = c.x] { return pool(x); };
    const Index out = c.forward().size(-1);
    c.is = [=, x = c.x](Index at, float have) {
      const Index plane = at / (out * out), oh = at / out % out, ow = at % out;
      double sum = 0, most = -INFINITY;
      for (Index h = oh * stride - pad; h < oh * stride - pad + kernel; ++h)
        for (Index w = ow * stride - pad; w < ow * stride - pad + kernel; ++w) {
          if (h < 0 || h >= 56 || w < 0 || w >= 56) continue;
          const double cell = x.data()[(plane * 56 + h) * 56 + w];
          sum += cell;
          most = std::max(most, cell);
        }
      return near(have, largest ? most : sum / static_cast<double>(kernel * kernel));
    };
    return c;
  });
}

}  // namespace

int main(int argc, char** argv) {
  using Conv1d = nn::Conv1d<float>;
  using Conv2d = nn::Conv2d<float>;
  add_conv<Conv2d>("patch_embedding/16x16/3to768", {8, 3, 224, 224}, false,
                   [] { return Conv2d(3, 768, 16, {.stride = 16}); });
  add_conv<Conv2d>("stem/7x7s2/3to64", {8, 3, 224, 224}, false,
                   [] { return Conv2d(3, 64, 7, {.stride = 2, .padding = 3}); });
  add_conv<Conv2d>("conv2d/3x3/64to64", {8, 64, 56, 56}, true, [] { return Conv2d(64, 64, 3, {.padding = 1}); });
  add_conv<Conv2d>("conv2d/3x3s2/64to128", {8, 64, 56, 56}, true,
                   [] { return Conv2d(64, 128, 3, {.stride = 2, .padding = 1}); });
  add_conv<Conv2d>("conv2d/1x1/256to64", {8, 256, 56, 56}, true, [] { return Conv2d(256, 64, 1); });
  add_conv<Conv2d>("depthwise/3x3/144", {8, 144, 56, 56}, true,
                   [] { return Conv2d(144, 144, 3, {.padding = 1, .groups = 144}); });
  add_conv<Conv1d>("conv1d/k3/512to512", {16, 512, 128}, true, [] { return Conv1d(512, 512, 3, {.padding = 1}); });
  using nn::AdaptiveAvgPool2d, nn::AvgPool2d, nn::MaxPool2d;
  add_pool("max_pool2d/3x3s2", MaxPool2d<float>(3, {.stride = 2, .padding = 1}), 3, 2, 1, true);
  add_pool("max_pool2d/2x2", MaxPool2d<float>(2), 2, 2, 0, true);
  add_pool("avg_pool2d/2x2", AvgPool2d<float>(2), 2, 2, 0, false);
  add_pool("avg_pool2d/3x3s2", AvgPool2d<float>(3, {.stride = 2, .padding = 1}), 3, 2, 1, false);
  add_pool("adaptive_avg_pool2d/1", AdaptiveAvgPool2d<float>(1), 56, 56, 0, false);
  add_pool("adaptive_avg_pool2d/7", AdaptiveAvgPool2d<float>(7), 8, 8, 0, false);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  Rng rng(1);
  const RngGuard guard(rng);
  benchmark::RunSpecifiedBenchmarks();
}
