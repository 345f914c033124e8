// The loop that trains any model. What it is made of can be called without it.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/train/evaluate.hpp>
#include <gloss/train/fit_run.hpp>
#include <gloss/train/pass.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Trains a model: for each batch loss(model, batch) and backward, with each group of batches a step, and with steps
/// and epochs what the options say. `batches` is a range that can be gone through again in each epoch: a vector, a
/// data::Loader, a class with begin() and end(); where it has set_epoch(number), that is called first. The loss is a
/// tensor of one number, the mean over the batch, or a BatchLoss that says of how many. A step's order is: gradients
/// weighed, clipped, before_step, optimizer.step(), schedule, average, loggers, validation, checkpoint.
///   const auto loss = [](auto& m, const auto& b) { return cross_entropy(m(b.x), b.y); };
///   train::fit(model, adam, batches, loss, {.epochs = 5});
/// A training that is resumed has the bits of one that was not stopped. What is thrown on the way (by the loss, a
/// logger, a full disk) leaves the model as after the last step, without gradients.
/// Errors: Error for options that make no sense and data without a batch; DivergedError, which is one, for a loss or
/// gradient that is infinite or NaN; LoadError for a checkpoint that does not fit; ShapeError for a loss that is not
/// one number.
/// PyTorch: lightning's Trainer.fit
template <nn::IsModule M, class O, class Batches, class LossFunction>
FitReport fit(M& model, O& optimizer, Batches&& batches, LossFunction&& loss,
              FitOptions<typename M::value_type> options) {
  using T = typename M::value_type;
  using OneBatch = std::remove_cvref_t<decltype(*std::begin(batches))>;
  nn::detail::know_module<M>();
  detail::FitRun<T> run(model, optimizer, options, detail::evaluation_of(optimizer));
  const auto learn = [&](const OneBatch& batch) {
    const GradGuard recorded(true);
    const auto& result = loss(model, batch);
    const auto& of_batch = detail::as_batch_loss(result);
    return run.learn(of_batch.mean, of_batch.count);
  };
  std::vector<OneBatch> few;  // that are to be overfitted
  if (options.overfit_batches > 0) {
    detail::go_to(batches, {}, run.order());
    detail::for_each_batch(batches, {}, [&](const OneBatch& batch) {
      few.push_back(batch);
      return static_cast<Index>(few.size()) < options.overfit_batches;
    });
  }
  const auto go_to = [&](const detail::PassStart& start) {
    if (few.empty()) detail::go_to(batches, start, run.order());
    run.set_batches(few.empty() ? detail::count_batches(batches) : static_cast<Index>(few.size()));
  };
  if (!run.goes_on() && run.position().batch > 0) go_to(run.position());  // perhaps behind the last one
  while (run.goes_on()) {
    const detail::PassStart start = run.begin_epoch();
    go_to(start);
    if (few.empty())
      detail::for_each_batch(batches, start, learn);
    else
      for (std::size_t i = 0; i < few.size() && learn(few[i]); ++i) continue;
    run.end_epoch();
  }
  return run.finish();
}

}  // namespace gloss::inline GLOSS_ABI::train
