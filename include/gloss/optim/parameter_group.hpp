// Parameters in groups, each with options of its own.
#pragma once

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
/// An optimizer with options for each group.
template <Real T, class Options>
class GroupedOptimizer : public Optimizer<T> {
 protected:
  using Group = ParameterGroup<T, Options>;
  GLOSS_COLD explicit GroupedOptimizer(const std::vector<Group>& groups)
      : Optimizer<T>(parameters_in(groups), numbers_of(groups), rates_of(groups)) {
    for (const Group& group : groups) options_.push_back(group.options);
  }
  /// Of parameter i.
  const Options& options_of(std::size_t i) const { return options_[this->group_of(i)]; }

  std::vector<Options> options_;  // of each group

 private:
  static std::vector<Tensor<T>> parameters_in(const std::vector<Group>& groups) {
    std::vector<Tensor<T>> all;
    for (const Group& group : groups) all.insert(all.end(), group.parameters.begin(), group.parameters.end());
    return all;
  }
  static std::vector<Index> numbers_of(const std::vector<Group>& groups) {
    std::vector<Index> all;
    for (std::size_t i = 0; i < groups.size(); ++i)
      all.insert(all.end(), groups[i].parameters.size(), static_cast<Index>(i));
    return all;
  }
  static std::vector<double> rates_of(const std::vector<Group>& groups) {
    std::vector<double> all;
    for (const Group& group : groups) all.push_back(group.options.lr);
    return all;
  }
};

/// Errors: Error unless the option is in [0, 1).
GLOSS_LAZY void check_part(const char* op, const char* name, double value) {
  if (!(value >= 0 && value < 1)) fail(op, ": ", name, " ", value, " is not in [0, 1)");
}
}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::optim
