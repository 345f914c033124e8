// AT's "run_epoch" and "TrainState".
#pragma once

#include <gloss/core/clock.hpp>
#include <gloss/optim/optimizer.hpp>
#include <gloss/train/batch.hpp>
#include <gloss/train/loss_compute.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Counts over a whole training. AT: TrainState
struct TrainState {
  Index step = 0;        // batches
  Index accum_step = 0;  // optimizer steps
  Index samples = 0;     // sentences
  Index tokens = 0;      // target tokens
};

struct RunEpochOptions {
  bool train = true;     // false: no gradients, no steps
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

/// One pass over the batches: forward, loss and, in training, backward; a step when i % accum_iter == 0, so, as in AT,
/// after the first batch too. `scheduler` is anything with step(). `report` is called after each batch; it may return
/// false to stop. Returns the mean loss per target token. AT: run_epoch
template <class Batches, class Model, class LossCompute, Real T, class Scheduler, class Report = NoReport>
double run_epoch(Batches&& batches, Model& model, const LossCompute& loss_compute, optim::Optimizer<T>& optimizer,
                 Scheduler& scheduler, RunEpochOptions options = {}, TrainState* state = nullptr, Report report = {}) {
  if (options.accum_iter < 1) fail("run_epoch: accum_iter ", options.accum_iter, " is not positive");
  const double start = monotonic_seconds();
  EpochProgress progress;
  double total = 0;
  TrainState local;
  TrainState& counts = state ? *state : local;
  GradGuard grad_mode(options.train);
  for (const Batch& batch : batches) {
    {
      const Tensor<T> out = model(batch.src, batch.tgt, batch.src_mask, batch.tgt_mask);
      const auto loss = loss_compute(out, batch.tgt_y, static_cast<double>(batch.ntokens));
      if (options.train) {
        loss.node.backward();
        ++counts.step;
        counts.samples += batch.src.size(0);
        counts.tokens += batch.ntokens;
        if (progress.batch % options.accum_iter == 0) {
          optimizer.step();
          optimizer.zero_grad();
          ++counts.accum_step;
        }
        scheduler.step();
      }
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

}  // namespace gloss::inline GLOSS_ABI::train
