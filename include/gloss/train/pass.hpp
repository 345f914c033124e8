// One pass over a range of batches, from any batch on.
#pragma once

#include <cstdint>
#include <iterator>
#include <type_traits>
#include <vector>

#include <gloss/core/context.hpp>

namespace gloss::inline GLOSS_ABI::train::detail {

/// A range that can be told where to go on, as data::Loader.
template <class Batches>
concept HasPosition = requires(Batches& b) {
  b.load_state(b.state());
  b.state().epoch, b.state().batch, b.state().order;
};

/// How many batches an epoch has; 0 when the range does not say.
template <class Batches>
Index count_batches(const Batches& batches) {
  if constexpr (requires { batches.size(); })
    return static_cast<Index>(batches.size());
  else
    return 0;
}

/// Where a pass begins.
struct PassStart {
  Index epoch = 0, batch = 0;
  const Rng* rng = nullptr;  // the current stream as it was when the epoch began
};

/// Calls f(batch) for the batches of an epoch from a number on, until it returns false. What was before is skipped: by
/// a range that has a position at once; else batch by batch, with the random stream that the epoch began with, so that
/// a range that draws its order in begin() draws it again. `order` is kept for ranges that check it.
template <class Batches, class F>
void for_each_batch(Batches& batches, PassStart start, std::uint64_t& order, F f) {
  Rng& rng = current_rng();
  const Rng here = rng;
  Index skipped = start.batch;
  if constexpr (HasPosition<Batches>) {
    auto state = batches.state();
    state.epoch = start.epoch, state.batch = start.batch, state.order = start.batch > 0 ? order : 0;
    batches.load_state(state);
    order = batches.state().order;
    skipped = 0;
  } else if constexpr (requires { batches.set_epoch(start.epoch); }) {
    batches.set_epoch(start.epoch);
  }
  if (skipped > 0) rng = *start.rng;
  auto at = std::begin(batches);
  const auto end = std::end(batches);
  for (Index i = 0; i < skipped; ++i, ++at) {
    if (at == end)
      fail("fit: the data has ", i, " batches, and the checkpoint has ", start.batch, " of them behind it");
    if (i + 1 == skipped) rng = here;  // from here on it is as if there had been no stop
  }
  for (; !(at == end); ++at)
    if (!f(*at)) return;
}

}  // namespace gloss::inline GLOSS_ABI::train::detail
