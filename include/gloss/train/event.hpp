// What a training tells of itself while it runs, for logs, bars, curves and reports.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Numbers by name, in the order in which they are shown: {"loss", 0.31}, {"accuracy", 0.89}.
using Scalars = std::vector<std::pair<std::string, double>>;

/// Where a training stands, and what was measured there.
struct Event {
  std::string phase;    ///< "train" after a step, "validation" after a validation, "epoch" after a pass over the data
  Index step = 0;       ///< optimizer steps that are done
  Index epoch = 0;      ///< passes over the data that are done, or the one that a step is in, from 0
  Scalars values = {};  ///< of a step its loss, rate and gradient norm; of an epoch the mean loss
  double seconds = 0;   ///< of training, in this process
  Index steps = 0;      ///< in all; 0 where nobody knows
  Index batch = 0;      ///< batches of this epoch that are done
  Index batches = 0;    ///< of an epoch; 0 where nobody knows
  double items = 0;     ///< what the loss has counted since the training began: examples, tokens

  /// The value of this name, or null.
  const double* find(std::string_view name) const {
    for (const auto& [own, value] : values)
      if (own == name) return &value;
    return nullptr;
  }
};

/// Hears of events: a line for a terminal, a row of a file, a point of a curve. It is called between steps, on the
/// thread that trains; what it throws ends the training.
using Logger = std::function<void(const Event&)>;

}  // namespace gloss::inline GLOSS_ABI::train
