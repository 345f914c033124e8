// What train::fit can be asked for.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gloss/optim/schedules/reduce_lr_on_plateau.hpp>
#include <gloss/optim/schedules/schedule.hpp>
#include <gloss/train/checkpoint.hpp>
#include <gloss/train/event.hpp>
#include <gloss/train/weight_average.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Which value of a validation says how good a model is, and what follows from it.
struct Monitor {
  std::string name = "loss";   // among what validate() returns
  bool maximize = false;       // more is better, as for an accuracy; else less is, as for a loss
  Index patience = 0;          // validations in a row that are not better, with the last of which it is over; 0: never
  double min_delta = 0;        // by how much one must be better than the best so far
  std::string best_path = "";  // where the model goes whenever it is the best so far: io::load reads it; empty: nowhere
};

/// Zero, empty and null mean: without.
template <Real T>
struct FitOptions {
  // How long: whichever comes first.
  Index epochs = 0;
  Index max_steps = 0;
  double max_seconds = 0;  // of this process

  // A step.
  Index accumulate = 1;                              // batches to a step; each weighs by what its loss counts
  double clip_norm = 0;                              // clip_grad_norm_
  double clip_value = 0;                             // clip_grad_value_, before the norm
  std::function<void(Index step)> before_step = {};  // sees and may change the gradients
  optim::Schedule<T>* schedule = nullptr;
  bool schedule_by_epoch = false;  // steps with each epoch instead of each step
  WeightAverage<T>* average = nullptr;
  bool stop_on_nan = true;  // a loss or gradient that is infinite or NaN throws, before it reaches the weights

  // Validation, in evaluation, with the averaged weights if there are some, on a random stream of its own.
  std::function<Scalars()> validate = {};
  Index validate_every = 0;  // steps; 0: after each epoch
  Monitor monitor = {};
  optim::ReduceLROnPlateau<T>* plateau = nullptr;  // steps with each validation, by the monitored value

  // Files. The model, the optimizer and all of the above are added to what the checkpoint has of its own.
  Checkpoint checkpoint = {};
  bool resume = false;         // goes on from the checkpoint's file, if it is there
  Index save_every = 0;        // steps; 0: after each epoch. It is saved at the start and at the end, too
  bool stop_on_signal = true;  // Ctrl-C and SIGTERM stop after the step at hand, and save

  // What is told.
  std::vector<Logger> loggers = {};
  Index log_every = 1;  // steps

  // To try out: then nothing is saved.
  Index overfit_batches = 0;  // of the first epoch, over and over
  bool dry_run = false;       // one step and one validation
};

}  // namespace gloss::inline GLOSS_ABI::train
