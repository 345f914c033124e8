// Draws from given probabilities
#pragma once

#include <limits>
#include <vector>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// One draw with the weights running[0], running[1] - running[0], ...: the first position that the share u reaches.
GLOSS_LAZY Index pick_by_weight(const std::vector<double>& running, double u) {
  const double target = u * running.back();
  std::size_t low = 0, high = running.size() - 1;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (running[middle] > target)
      high = middle;
    else
      low = middle + 1;
  }
  while (low > 0 && running[low] == running[low - 1]) --low;  // rounding may reach a weight of 0 at the end
  return static_cast<Index>(low);
}
}  // namespace detail

/// Draws positions 0 ... n - 1, each with a probability proportional to its weight; without replacement a position is
/// drawn at most once, and the others share its probability.
/// Shape: weights [n] or [rows, n] -> [samples] or [rows, samples]
/// Errors: ShapeError for other shapes; Error for a weight that is negative or not finite, and where fewer weights than
/// draws (one, with replacement) are above 0.
/// PyTorch: torch.multinomial
template <Real T>
Tensor<std::int64_t> multinomial(const Tensor<T>& weights, Index samples, bool replacement = false) {
  if (weights.dim() != 1 && weights.dim() != 2)
    fail<ShapeError>("multinomial: weights have shape ", weights.shape(), "; [n] or [rows, n] is wanted");
  if (samples < 0) fail("multinomial: ", samples, " samples");
  const Tensor<T> in = weights.detach().contiguous();
  const Index n = weights.size(-1), rows = weights.dim() == 2 ? weights.size(0) : 1;
  Tensor<std::int64_t> y = empty<std::int64_t>(weights.dim() == 2 ? Shape{rows, samples} : Shape{samples});
  for (Index r = 0; r < rows; ++r) {
    Index choices = 0;
    for (Index i = 0; i < n; ++i) {
      const T w = in.data()[r * n + i];
      if (!(w >= T{0} && w <= (std::numeric_limits<T>::max)()))
        fail("multinomial: weight ", w, " of row ", r, " is negative or not finite");
      choices += w > T{0};
    }
    const Index needed = replacement && samples > 0 ? 1 : samples;
    if (choices < needed) fail("multinomial: ", needed, " weights above 0 are needed, row ", r, " has ", choices);
  }
  if (samples == 0) return y;
  const RandomBlock draw = current_rng().reserve(4 * rows * samples);
  parallel_for(rows, 16384 / (n + 1) + 1, [&](Index begin, Index end) {
    std::vector<double> left(static_cast<std::size_t>(n)), running(static_cast<std::size_t>(n));
    for (Index r = begin; r < end; ++r) {
      for (Index i = 0; i < n; ++i) left[static_cast<std::size_t>(i)] = static_cast<double>(in.data()[r * n + i]);
      for (Index k = 0; k < samples; ++k) {
        if (k == 0 || !replacement) {
          double total = 0;
          for (std::size_t i = 0; i < left.size(); ++i) running[i] = total += left[i];
        }
        const auto words = draw.words(static_cast<std::uint64_t>(r * samples + k));
        const Index chosen = detail::pick_by_weight(running, uniform_double(words[0], words[1]));
        y.data()[r * samples + k] = chosen;
        if (!replacement) left[static_cast<std::size_t>(chosen)] = 0;
      }
    }
  });
  return y;
}

}  // namespace gloss::inline GLOSS_ABI
