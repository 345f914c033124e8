// A learning rate to begin with, found by trying ever larger ones.
#pragma once

#include <cmath>
#include <type_traits>
#include <vector>

#include <gloss/nn/module.hpp>
#include <gloss/optim/parameter_group.hpp>
#include <gloss/train/batch_loss.hpp>
#include <gloss/train/checkpoint.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct FindLrOptions {
  double low = 1e-7, high = 1;  // the rates of the first step and of the last
  Index steps = 100;
  double smoothing = 0.98;  // how much of the mean loss stays in a step
  double stop_factor = 4;   // ends when the loss is so many times the least so far
};

/// What find_lr has seen.
struct LrCurve {
  std::vector<double> rates, losses;  // of each step; the losses are smoothed
  double suggestion = 0;              // the rate where the loss falls fastest; 0 when there are too few steps to tell
};

/// Trains for some steps with a rate that grows by a constant factor, and then puts everything back: the weights, the
/// optimizer, its rates and the random stream. Groups keep the ratios of their rates. Batches are taken from the
/// beginning again when they are over.
/// Errors: Error for options out of range or when there is no batch; ShapeError for a loss that is not one number.
/// Source: Smith 2017, "Cyclical learning rates for training neural networks". PyTorch: lightning's Tuner.lr_find
template <nn::IsModule M, class O, class Batches, class LossFunction>
LrCurve find_lr(M& model, O& optimizer, Batches&& batches, LossFunction&& loss, FindLrOptions options = {}) {
  nn::detail::know_module<M>();
  if (!(options.low > 0 && options.low < options.high && std::isfinite(options.high)))
    fail("find_lr: low ", options.low, " and high ", options.high, " must be positive, low below high");
  if (options.steps < 2) fail("find_lr: steps ", options.steps, " are fewer than 2");
  optim::detail::check_part("find_lr", "smoothing", options.smoothing);
  if (!(options.stop_factor > 1)) fail("find_lr: stop_factor ", options.stop_factor, " is not above 1");

  struct PutBack {
    Checkpoint checkpoint;
    std::string before;
    O& optimizer;
    ~PutBack() {
      optimizer.zero_grad();
      checkpoint.load_bytes(std::move(before), "what was there before");
    }
  } back{{}, {}, optimizer};
  back.checkpoint.add("model", model);
  back.checkpoint.add("optimizer", optimizer);
  back.checkpoint.add("rng", current_rng());
  back.before = back.checkpoint.bytes();

  std::vector<double> ratios;
  for (Index group = 0; group < optimizer.num_groups(); ++group)
    ratios.push_back(optimizer.lr(0) > 0 ? optimizer.lr(group) / optimizer.lr(0) : 1);
  LrCurve curve;
  double mean = 0, least = INFINITY;
  const GradGuard recorded(true);
  optimizer.zero_grad();
  const auto learn = [&](const auto& batch) {  // returns whether to go on
    const auto step = static_cast<Index>(curve.rates.size());
    const double rate = options.low * std::pow(options.high / options.low,
                                               static_cast<double>(step) / static_cast<double>(options.steps - 1));
    for (Index group = 0; group < optimizer.num_groups(); ++group)
      optimizer.set_lr(rate * ratios[static_cast<std::size_t>(group)], group);
    const auto& result = loss(model, batch);
    const auto& of_batch = detail::as_batch_loss(result);
    detail::check_batch_loss("find_lr", of_batch.mean, of_batch.count);
    mean = options.smoothing * mean + (1 - options.smoothing) * static_cast<double>(of_batch.mean.item());
    const double smooth = mean / (1 - std::pow(options.smoothing, static_cast<double>(step + 1)));
    if (!std::isfinite(smooth) || (step > 1 && smooth > options.stop_factor * least)) return false;
    least = std::fmin(least, smooth);
    curve.rates.push_back(rate);
    curve.losses.push_back(smooth);
    of_batch.mean.backward();
    optimizer.step();
    optimizer.zero_grad();
    return step + 1 < options.steps;
  };
  for (bool goes_on = true; goes_on;) {
    const std::size_t before = curve.rates.size();
    for (auto&& batch : batches)
      if (!(goes_on = learn(batch))) break;
    if (goes_on && curve.rates.size() == before) fail("find_lr: there is no batch");
  }

  const std::size_t skipped = 10;  // the first steps, whose mean is not yet smooth, and the last
  double steepest = 0;
  for (std::size_t i = skipped; i + 2 < curve.losses.size(); ++i) {
    const double slope = (curve.losses[i + 1] - curve.losses[i - 1]) / 2;
    if (slope < steepest) steepest = slope, curve.suggestion = curve.rates[i];
  }
  return curve;
}

}  // namespace gloss::inline GLOSS_ABI::train
