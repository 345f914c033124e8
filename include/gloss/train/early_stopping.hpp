// The best value so far, and when to wait for a better one no longer.
#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct EarlyStoppingOptions {
  Index patience = 10;    // values in a row that are not better; with the last of them it is over; 0: never
  double min_delta = 0;   // by how much one must be better than the best so far
  bool maximize = false;  // more is better, as for an accuracy; else less is, as for a loss
};

/// Watches a value, such as the loss on held-out data. NaN is never better.
/// Errors: Error for a negative patience, or a min_delta that is negative, infinite or NaN.
/// PyTorch: lightning's EarlyStopping
class EarlyStopping {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options = {}) : options_(options) {
    if (options.patience < 0) fail("EarlyStopping: patience ", options.patience, " is negative");
    optim::detail::check_option("EarlyStopping", "min_delta", options.min_delta);
    best_ = options.maximize ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }

  /// Takes note of a value; returns whether it is the best so far.
  bool step(double value) {
    is_best_ = options_.maximize ? value > best_ + options_.min_delta : value < best_ - options_.min_delta;
    if (is_best_) best_ = value;
    waited_ = is_best_ ? 0 : waited_ + 1;
    return is_best_;
  }
  /// Whether to wait no longer.
  bool should_stop() const { return options_.patience > 0 && waited_ >= options_.patience; }
  /// Whether the last value was the best so far.
  bool is_best() const { return is_best_; }
  /// Infinite before the first.
  double best() const { return best_; }

  using Named = std::vector<std::pair<std::string, Tensor<double>>>;
  /// What a checkpoint keeps: copies of numbers, by name.
  Named state() const {
    return {{"best", scalar<double>(best_)},
            {"waited", scalar<double>(static_cast<double>(waited_))},
            {"is_best", scalar<double>(is_best_ ? 1 : 0)}};
  }
  /// Goes on where another one of the same options stood.
  /// Errors: LoadError as load_state of an optimizer, and for what is no count; then nothing is changed.
  void load_state(const Named& from) {
    const Named own = state();
    optim::detail::fill_state<double>(own, from, "early stopping");
    waited_ = optim::detail::count_of("waited", own[1].second.item());
    best_ = own[0].second.item();
    is_best_ = own[2].second.item() != 0;
  }

 private:
  EarlyStoppingOptions options_;
  double best_;
  Index waited_ = 0;
  bool is_best_ = false;
};

}  // namespace gloss::inline GLOSS_ABI::train
