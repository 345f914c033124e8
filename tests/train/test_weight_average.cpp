// Averages of a model's weights, against PyTorch's AveragedModel (golden/generate_train.py)
#include <gloss/ops/in_place.hpp>
#include <gloss/train/weight_average.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/tensors.hpp"
#include "support/training_case.hpp"

using namespace gloss;
using gloss_test::SmallNet;

namespace {

/// One matrix, and the statistics of a batch normalisation.
struct Matrix final : nn::Module<double> {
  nn::Parameter<double> weight{zeros<double>({2, 3})};
  nn::Buffer<double> mean{zeros<double>({3})};
  nn::Buffer<std::int64_t> count{zeros<std::int64_t>({})};
  void visit(nn::Visitor<double>& v) override { v("weight", weight), v("mean", mean), v("count", count); }
};

/// The average after each of the golden's weights.
void check_against(const std::string& name, train::WeightAverageOptions options) {
  static const gloss_test::Golden golden("train.safetensors");
  INFO(name);
  Matrix model;
  train::WeightAverage<double> average(model, options);
  const auto weights = golden.tensor<double>("average/weights"), expected = golden.tensor<double>("average/" + name);
  for (Index i = 0; i < weights.size(0); ++i) {
    model.weight.detach().copy_(weights[i]);
    average.update();
    const auto swapped = average.swap_in();
    CHECK(gloss_test::difference(model.weight.detach(), expected[i]) < 1e-14);
  }
  CHECK(gloss_test::same_bits(model.weight.detach(), weights[weights.size(0) - 1]));
  CHECK(average.updates() == weights.size(0));
}

}  // namespace

TEST_CASE("WeightAverage: PyTorch's numbers") {
  check_against("ema", {.decay = 0.9});
  check_against("mean", {.decay = 0});
}

TEST_CASE("WeightAverage: a warm-up averages little at first, and before start it only copies") {
  Matrix model;
  train::WeightAverage<double> average(model, {.decay = 0.999, .warmup = true, .start = 2});
  double expected = 0;
  for (int i = 0; i < 8; ++i) {
    model.weight.detach().fill_(i * i);
    average.update();
    const int n = i - 2;
    expected = n <= 0 ? i * i : expected + (1 - (1.0 + n) / (10 + n)) * (i * i - expected);
    const auto swapped = average.swap_in();
    CHECK(model.weight.at({1, 2}) == Approx(expected).epsilon(1e-14));
  }
}

TEST_CASE("WeightAverage: buffers stay, or are averaged too, but for whole numbers") {
  for (const bool buffers : {false, true}) {
    Matrix model;
    train::WeightAverage<double> average(model, {.decay = 0, .buffers = buffers});
    for (int i = 1; i <= 2; ++i) {
      model.mean.fill_(i), model.count.fill_(i);
      average.update();
    }
    const auto swapped = average.swap_in();
    CHECK(model.mean.at({0}) == (buffers ? 1.5 : 2));
    CHECK(model.count.item() == 2);
  }
}

TEST_CASE("WeightAverage: its state goes on with the same bits") {
  SmallNet<float> model, copy(model);
  train::WeightAverage<float> average(model, {.decay = 0.9}), other(copy, {.decay = 0.9});
  const auto change = [](SmallNet<float>& m, float by) {
    for (const auto& p : m.parameters()) add_(p.detach(), by);
  };
  change(model, 1), change(copy, 1);
  average.update();
  other.load_state(average.state());
  CHECK(other.updates() == 1);
  change(model, 2), change(copy, 2);
  average.update(), other.update();
  const auto a = average.swap_in(), b = other.swap_in();
  CHECK(gloss_test::bits_of(model) == gloss_test::bits_of(copy));
}

TEST_CASE("WeightAverage: errors") {
  Matrix model;
  CHECK_ERROR(train::WeightAverage<double>(model, {.decay = 1}), Error, "WeightAverage: decay 1 is not in [0, 1)");
  CHECK_ERROR(train::WeightAverage<double>(model, {.start = -1}), Error, "WeightAverage: start -1 is negative");
  train::WeightAverage<double> average(model);
  {
    const auto swapped = average.swap_in();
    CHECK_ERROR(average.update(), Error, "WeightAverage: update() while the average is in the model");
    CHECK_ERROR(average.state(), Error, "WeightAverage: state() while the average is in the model");
    CHECK_ERROR(average.swap_in(), Error, "WeightAverage: swap_in() while the average is in the model");
  }
  average.update();
  CHECK_ERROR(average.load_state({{"weight", zeros<double>({2, 3})}, {"updates", scalar<double>(-1)}}), LoadError,
              "load_state: updates is -1, which is no count");
  CHECK_ERROR(average.load_state({{"weight", zeros<double>({2, 2})}, {"updates", scalar<double>(1)}}), LoadError,
              "load_state: weight has shape [2, 2], the average's has [2, 3]");
  CHECK(average.updates() == 1);
}
