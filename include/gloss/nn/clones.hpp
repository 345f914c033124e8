// Lists of layers: AT's "clones", which start alike, and layers that are each made anew.
#pragma once

#include <vector>

#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// N copies of a layer, each with numbers of its own, which are the same at first; repeated() makes layers that differ.
/// AT: clones
/// Errors: Error when N is negative.
template <IsModule M>
std::vector<M> clones(const M& layer, Index N) {
  detail::know_module<M>();
  if (N < 0) fail("clones: ", N, " copies asked for");
  return std::vector<M>(static_cast<std::size_t>(N), layer);
}

/// N layers, each from a call of make(), so each with numbers drawn for it:
///   nn::repeated(6, [&] { return Block<T>(size); })
/// Errors: Error when N is negative.
/// PyTorch: ModuleList([Block(size) for _ in range(6)])
template <class Make>
auto repeated(Index N, Make make) {
  using M = decltype(make());
  static_assert(IsModule<M>, "nn::repeated: what makes a layer returns a module");
  if (N < 0) fail("repeated: ", N, " layers asked for");
  std::vector<M> list;
  list.reserve(static_cast<std::size_t>(N));
  for (Index i = 0; i < N; ++i) list.push_back(make());
  return list;
}

}  // namespace gloss::inline GLOSS_ABI::nn
