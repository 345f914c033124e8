// AT's "run_epoch" and "TrainState".
#pragma once

#include <gloss/core/clock.hpp>
#include <gloss/nn/module.hpp>
#include <gloss/optim/optimizer.hpp>
#include <gloss/train/annotated/batch.hpp>
#include <gloss/train/annotated/loss_compute.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Counts over a whole training. AT: TrainState
struct TrainState {
  Index step = 0;        // batches
  Index accum_step = 0;  // optimizer steps
  Index samples = 0;     // sentences
  Index tokens = 0;      // target tokens
};

struct RunEpochOptions {
  Index accum_iter = 1;  // batches to an optimizer step
};

/// What an epoch did; report(EpochProgress) sees it after every batch.
struct EpochProgress {
  Index batch = 0;        // batches done
  double loss = 0;        // mean per target token so far
  double batch_loss = 0;  // the same for the last batch
  Index tokens = 0;       // target tokens so far
  double seconds = 0;
};

struct NoReport {
  bool operator()(const EpochProgress&) const { return true; }
};

namespace detail {
/// The loop of run_epoch and evaluate; learn(batch, loss, number of the batch) comes after each loss.
template <class Batches, class Model, class LossCompute, class Learn, class Report>
double run_batches(Batches&& batches, Model& model, const LossCompute& loss_compute, Learn learn, Report& report) {
  nn::detail::know_module<Model>();
  const double start = monotonic_seconds();
  EpochProgress progress;
  double total = 0;
  for (const Batch& batch : batches) {
    {
      const auto out = model(batch.src, batch.tgt, batch.src_mask, batch.tgt_mask);
      const auto loss = loss_compute(out, batch.tgt_y, static_cast<double>(batch.ntokens));
      learn(batch, loss.node, progress.batch);
      total += loss.total;
      progress.batch_loss = loss.total / static_cast<double>(batch.ntokens);
    }
    ++progress.batch;
    progress.tokens += batch.ntokens;
    progress.loss = total / static_cast<double>(progress.tokens);
    progress.seconds = monotonic_seconds() - start;
    if (!report(static_cast<const EpochProgress&>(progress))) break;
  }
  return progress.loss;
}
}  // namespace detail

/// One pass over the batches: forward, loss and backward; a step when i % accum_iter == 0, so, as in AT, after the
/// first batch too. `scheduler` is anything with step(). `report` is called after each batch; it may return false to
/// stop. Returns the mean loss per target token. AT: run_epoch
template <class Batches, class Model, class LossCompute, Real T, class Scheduler, class Report = NoReport>
double run_epoch(Batches&& batches, Model& model, const LossCompute& loss_compute, optim::Optimizer<T>& optimizer,
                 Scheduler& scheduler, RunEpochOptions options = {}, TrainState* state = nullptr, Report report = {}) {
  if (options.accum_iter < 1) fail("run_epoch: accum_iter ", options.accum_iter, " is not positive");
  TrainState local;
  TrainState& counts = state ? *state : local;
  const GradGuard recorded(true);
  const auto learn = [&](const Batch& batch, const Tensor<T>& loss, Index i) {
    loss.backward();
    ++counts.step;
    counts.samples += batch.src.size(0);
    counts.tokens += batch.ntokens;
    if (i % options.accum_iter == 0) {
      optimizer.step();
      optimizer.zero_grad();
      ++counts.accum_step;
    }
    scheduler.step();
  };
  return detail::run_batches(batches, model, loss_compute, learn, report);
}

/// The same without gradients and steps: the mean loss per target token. The model's mode stays as it is; call
/// model.eval() first. AT: run_epoch in the mode "eval"
template <class Batches, class Model, class LossCompute, class Report = NoReport>
double evaluate(Batches&& batches, Model& model, const LossCompute& loss_compute, Report report = {})
  requires(!nn::IsModule<std::remove_cvref_t<Batches>>)  // which is the evaluate of train/evaluate.hpp
{
  const NoGradGuard no_grad;
  return detail::run_batches(
      batches, model, loss_compute, [](const auto&...) {}, report);
}

}  // namespace gloss::inline GLOSS_ABI::train
