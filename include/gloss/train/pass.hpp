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

/// Tells a range where the pass begins, as far as it can be told. `order` is kept for ranges that check it.
template <class Batches>
void go_to(Batches& batches, const PassStart& start, std::uint64_t& order) {
  if constexpr (HasPosition<Batches>) {
    auto state = batches.state();
    state.epoch = start.epoch, state.batch = start.batch, state.order = start.batch > 0 ? order : 0;
    batches.load_state(state);
    order = batches.state().order;
  } else if constexpr (requires { batches.set_epoch(start.epoch); }) {
    Rng& rng = current_rng();
    const Rng here = rng;
    batches.set_epoch(start.epoch);
    if (start.batch > 0) rng = here;  // what it draws was drawn when the epoch began
  }
}

/// Calls f(batch) for the batches of an epoch from a number on, until it returns false; after go_to. A range without a
/// position skips what was before batch by batch, with the random stream that the epoch began with, so that one that
/// draws its order in begin() draws it again.
template <class Batches, class F>
void for_each_batch(Batches& batches, const PassStart& start, F f) {
  Rng& rng = current_rng();
  const Rng here = rng;
  const Index skipped = HasPosition<Batches> ? 0 : start.batch;
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
