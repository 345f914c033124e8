// BatchNorm, GroupNorm and InstanceNorm against PyTorch: tests/golden/generate_nn_layers.py; their running statistics,
// and what they refuse. Containers against PyTorch's.
#include <functional>
#include <map>
#include <string>
#include <thread>

#include <gloss/nn/batch_norm.hpp>
#include <gloss/nn/group_norm.hpp>
#include <gloss/nn/instance_norm.hpp>
#include <gloss/nn/layer_norm.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/nn/relu.hpp>
#include <gloss/nn/sequential.hpp>
#include <gloss/nn/tanh.hpp>
#include <gloss/ops/sub.hpp>

#include "support/layer_golden.hpp"

using namespace gloss;
using gloss_test::check_layers;
using gloss_test::difference;
using gloss_test::Golden;
using gloss_test::LayerCase;
using gloss_test::same_bits;
using gloss_test::values;

namespace {

const Golden& golden() {
  static const Golden file("nn_layers.safetensors");
  return file;
}

template <class T>
nn::BatchNormOptions batch_options(const LayerCase<T>& c) {
  return {.eps = c.real("eps", 1e-5),
          .momentum = c.real("momentum", 0.1),
          .affine = c.flag("affine", true),
          .track_running_stats = c.flag("track_running_stats", true),
          .bias = c.flag("bias", true)};
}
template <class T>
nn::InstanceNormOptions instance_options(const LayerCase<T>& c) {
  return {.eps = c.real("eps", 1e-5),
          .momentum = c.real("momentum", 0.1),
          .affine = c.flag("affine", false),
          .track_running_stats = c.flag("track_running_stats", false),
          .bias = c.flag("bias", true)};
}
#define CHECK_CHANNEL_NORM(layer, options) \
  check_layers(golden(), #layer "/",       \
               []<class T>(const LayerCase<T>& c) { return nn::layer<T>(c.integer("c"), options(c)); })

/// torch.nn.ModuleList and ModuleDict: members of several types, and members by a key.
template <Real T>
struct Lists final : nn::Module<T> {
  nn::Linear<T> first{3, 3};
  nn::LayerNorm<T> second{3};
  std::map<std::string, nn::Linear<T>, std::greater<>> heads;

  Lists() {
    for (const char* key : {"a", "b"}) heads.emplace(key, nn::Linear<T>(3, 2));
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    const Tensor<T> y = second(first(x));
    return this->output(heads.at("a")(y) - heads.at("b")(y));
  }
  void visit(nn::Visitor<T>& v) override {
    v("blocks.0", first);
    v("blocks.1", second);
    for (auto& [key, head] : heads) v("heads." + key, head);
  }
};

}  // namespace

TEST_CASE("layers: BatchNorm with every option is PyTorch's, in training and evaluation, running statistics too") {
  CHECK_CHANNEL_NORM(BatchNorm1d, batch_options);
  CHECK_CHANNEL_NORM(BatchNorm2d, batch_options);
  CHECK_CHANNEL_NORM(BatchNorm3d, batch_options);
}

TEST_CASE("layers: GroupNorm and InstanceNorm with every option are PyTorch's, in training and evaluation") {
  check_layers(golden(), "GroupNorm/", []<class T>(const LayerCase<T>& c) {
    return nn::GroupNorm<T>(
        c.integer("groups"), c.integer("c"),
        {.eps = c.real("eps", 1e-5), .affine = c.flag("affine", true), .bias = c.flag("bias", true)});
  });
  CHECK_CHANNEL_NORM(InstanceNorm1d, instance_options);
  CHECK_CHANNEL_NORM(InstanceNorm2d, instance_options);
  CHECK_CHANNEL_NORM(InstanceNorm3d, instance_options);
}

TEST_CASE("BatchNorm: begins as PyTorch's; a copy has running statistics of its own; evaluation changes nothing") {
  nn::BatchNorm2d<double> norm(3);
  CHECK(norm.state_dict().names() ==
        std::vector<std::string>{"weight", "bias", "running_mean", "running_var", "num_batches_tracked"});
  CHECK(values(norm.weight.detach()) == std::vector<double>{1, 1, 1});
  CHECK(values(norm.running_var) == std::vector<double>{1, 1, 1});
  CHECK(values(norm.bias.detach()) == std::vector<double>{0, 0, 0});
  CHECK(values(norm.running_mean) == std::vector<double>{0, 0, 0});
  CHECK(norm.num_batches_tracked.item() == 0);
  CHECK(nn::BatchNorm1d<float>(3, {.affine = false, .track_running_stats = false}).state_dict().empty());
  CHECK(nn::InstanceNorm2d<float>(3).state_dict().empty());

  const nn::BatchNorm2d<double> copy = norm;
  const auto x = randn<double>({2, 3, 4, 5});
  static_cast<void>(norm(x));
  CHECK(norm.num_batches_tracked.item() == 1);
  CHECK(copy.num_batches_tracked.item() == 0);
  CHECK(values(copy.running_mean) == std::vector<double>{0, 0, 0});
  norm.eval();
  const auto before = values(norm.running_mean);
  const auto y = norm(x);
  CHECK(values(norm.running_mean) == before);
  CHECK(norm.num_batches_tracked.item() == 1);
  CHECK(same_bits(norm(x[1].unsqueeze(0)), y[1].unsqueeze(0)));  // and each sample is alone
}

TEST_CASE("BatchNorm: threads that train with one layer lose no step, and threads that evaluate see one result") {
  nn::BatchNorm1d<double> norm(4, {.momentum = -1});
  const auto x = randn<double>({6, 4});
  const auto on_threads = [](auto f) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) threads.emplace_back(f);
    for (std::thread& t : threads) t.join();
  };
  on_threads([&norm = std::as_const(norm), &x] {
    const NoGradGuard no_grad;
    for (int i = 0; i < 50; ++i) static_cast<void>(norm(x));
  });
  CHECK(norm.num_batches_tracked.item() == 200);
  nn::BatchNorm1d<double> once(4, {.momentum = 1});
  static_cast<void>(once(x));
  CHECK(difference(norm.running_mean, once.running_mean) < 1e-12);  // the mean over 200 times the same batch
  CHECK(difference(norm.running_var, once.running_var) < 1e-12);
  norm.eval();
  const auto want = norm(x);
  std::atomic<int> wrong = 0;
  on_threads([&] {
    const NoGradGuard no_grad;
    for (int i = 0; i < 20; ++i) wrong += !same_bits(norm(x), want);
  });
  CHECK(wrong == 0);
}

TEST_CASE("BatchNorm, GroupNorm, InstanceNorm: sizes that do not fit are named") {
  const auto at = [](const Shape& shape) { return zeros<float>(shape); };
  const nn::BatchNorm1d<float> one(3);
  const nn::BatchNorm2d<float> two(3);
  CHECK_ERROR(one(at({3})), ShapeError, "BatchNorm1d: x [3] has neither 2 nor 3 axes");
  CHECK_ERROR(one(at({2, 3, 1, 1})), ShapeError, "BatchNorm1d: x [2, 3, 1, 1] has neither 2 nor 3 axes");
  CHECK_ERROR(one(at({2, 4})), ShapeError, "BatchNorm1d: x [2, 4] has 4 channels, num_features is 3");
  CHECK_ERROR(two(at({2, 3, 5})), ShapeError, "BatchNorm2d: x [2, 3, 5] has 3 axes, 4 are wanted");
  CHECK_ERROR(two(at({2, 4, 1, 1})), ShapeError, "BatchNorm2d: x [2, 4, 1, 1] has 4 channels, num_features is 3");
  CHECK_ERROR(nn::BatchNorm3d<float>(3)(at({2, 3, 5})), ShapeError,
              "BatchNorm3d: x [2, 3, 5] has 3 axes, 5 are wanted");
  CHECK_ERROR(one(at({1, 3})), ShapeError, "batch_norm: training wants more than one value per channel, got x [1, 3]");
  CHECK_ERROR(two(at({1, 3, 1, 1})), ShapeError,
              "batch_norm: training wants more than one value per channel, got x [1, 3, 1, 1]");
  CHECK_ERROR(nn::BatchNorm1d<float>(-1), ShapeError, "BatchNorm1d: num_features -1 is negative");
  CHECK_ERROR(nn::BatchNorm2d<float>(-1), ShapeError, "BatchNorm2d: num_features -1 is negative");
  CHECK_ERROR(nn::BatchNorm3d<float>(-1), ShapeError, "BatchNorm3d: num_features -1 is negative");
  CHECK_ERROR(nn::GroupNorm<float>(3, 4), ShapeError, "GroupNorm: num_channels 4 is not divisible by num_groups 3");
  CHECK_ERROR(nn::GroupNorm<float>(0, 4), ShapeError, "GroupNorm: num_groups 0 is not positive");
  CHECK_ERROR(nn::GroupNorm<float>(2, -4), ShapeError, "GroupNorm: num_channels -4 is negative");
  const nn::GroupNorm<float> group(2, 4);
  CHECK_ERROR(group(at({4})), ShapeError, "GroupNorm: x [4] does not have 4 channels in axis 1");
  CHECK_ERROR(group(at({3, 6})), ShapeError, "GroupNorm: x [3, 6] does not have 4 channels in axis 1");
  CHECK_ERROR(nn::GroupNorm<float>(2, 2)(at({1, 2})), ShapeError,
              "group_norm: groups want more than one value, got x [1, 2] in 2 groups");
  CHECK_ERROR(nn::InstanceNorm1d<float>(3)(at({3})), ShapeError, "InstanceNorm1d: x [3] has neither 2 nor 3 axes");
  CHECK_ERROR(nn::InstanceNorm2d<float>(3)(at({3, 2})), ShapeError,
              "InstanceNorm2d: x [3, 2] has neither 3 nor 4 axes");
  CHECK_ERROR(nn::InstanceNorm3d<float>(3)(at({3, 2})), ShapeError,
              "InstanceNorm3d: x [3, 2] has neither 4 nor 5 axes");
  CHECK_ERROR(nn::InstanceNorm1d<float>(3)(at({2, 4, 5})), ShapeError,
              "InstanceNorm1d: x [2, 4, 5] has 4 channels, num_features is 3");
  CHECK_ERROR(nn::InstanceNorm2d<float>(3)(at({4, 5, 5})), ShapeError,
              "InstanceNorm2d: x [4, 5, 5] has 4 channels, num_features is 3");
  CHECK_ERROR(nn::InstanceNorm2d<float>(-3), ShapeError, "InstanceNorm2d: num_features -3 is negative");
  CHECK_ERROR(nn::InstanceNorm1d<float>(3)(at({2, 3, 1})), ShapeError,
              "instance_norm: more than one element per channel is wanted, got x [2, 3, 1]");
}

TEST_CASE("layers: Sequential, and lists and named layers of a module, are PyTorch's") {
  check_layers(golden(), "Sequential/", []<class T>(const LayerCase<T>&) {
    using Inner = nn::Sequential<T, nn::Linear<T>, nn::Tanh<T>>;
    return nn::Sequential<T, nn::Linear<T>, nn::ReLU<T>, Inner, nn::Linear<T>>(
        nn::Linear<T>(3, 4), nn::ReLU<T>(), Inner(nn::Linear<T>(4, 4), nn::Tanh<T>()), nn::Linear<T>(4, 2));
  });
  check_layers(golden(), "Lists/", []<class T>(const LayerCase<T>&) { return Lists<T>(); });
}
