// AT's "rate": the Noam learning rate (paper 5.3).
#pragma once

#include <algorithm>
#include <cmath>

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// factor * d_model^-1/2 * min(step^-1/2, step * warmup^-3/2); step 0 counts as 1.
/// Errors: Error when d_model or warmup is below 1.
/// Source: paper 5.3, eq. 3. AT: rate
inline double rate(Index step, Index d_model, double factor, Index warmup) {
  if (d_model < 1 || warmup < 1) fail("rate: d_model ", d_model, " and warmup ", warmup, " must be positive");
  const double s = static_cast<double>((std::max)(step, Index{1})), w = static_cast<double>(warmup);
  return factor / std::sqrt(static_cast<double>(d_model)) * (std::min)(1 / std::sqrt(s), s / (w * std::sqrt(w)));
}

}  // namespace gloss::inline GLOSS_ABI::optim
