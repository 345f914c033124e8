// AT's "clones": N copies of a layer, each with numbers of its own.
#pragma once

#include <vector>

#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// N copies of a layer. AT: clones
/// Errors: Error when N is negative.
template <IsModule M>
std::vector<M> clones(const M& layer, Index N) {
  if (N < 0) fail("clones: ", N, " copies asked for");
  return std::vector<M>(static_cast<std::size_t>(N), layer);
}

}  // namespace gloss::inline GLOSS_ABI::nn
