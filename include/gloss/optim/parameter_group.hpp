// Parameters in groups, each with options of its own.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <gloss/optim/optimizer.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// Parameters that share options, every one of which may differ from those of another group:
///   optim::AdamW<float> adam({{body.parameters(), {.lr = 1e-4}}, {head.parameters(), {.lr = 1e-3}}});
/// Groups (optim/groups.hpp) makes them by the parameters' names.
/// PyTorch: the dicts of param_groups
template <Real T, class Options>
struct ParameterGroup {
  std::vector<Tensor<T>> parameters;
  Options options = {};
};

namespace detail {
/// A group as the only one, while it lives.
template <class Group>
std::span<const Group> one(const Group& group) {
  return {&group, 1};
}

/// Errors: Error unless the option is in [0, 1).
GLOSS_LAZY void check_part(const char* op, const char* name, double value) {
  if (!(value >= 0 && value < 1)) fail(op, ": ", name, " ", value, " is not in [0, 1)");
}
}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::optim
