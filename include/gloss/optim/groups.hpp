// Groups of parameters by their names in a model.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/ref.hpp>
#include <gloss/nn/freeze.hpp>
#include <gloss/optim/parameter_group.hpp>

namespace gloss::inline GLOSS_ABI::optim {

/// Groups for an optimizer: what stands in brackets is a name or pattern, as nn::freeze takes it, and gives the options
/// of those parameters, which begin as the defaults. All others are group 0, with the defaults.
///   optim::Groups groups(model, optim::AdamWOptions{.lr = 1e-3, .weight_decay = 0.05});
///   groups["*.bias"].weight_decay = 0;
///   groups["encoder"].lr = 1e-4;
///   optim::AdamW<float> adam(groups);
/// Errors: Error when nothing matches, with the nearest name, and for a parameter that is in another group already.
/// PyTorch: a list of dicts for param_groups
template <Real T, class Options>
class Groups {
 public:
  Groups(const nn::Module<T>& model, Options defaults) : model_(&model), named_(model.named_parameters()) {
    group_of_.resize(named_.size());
    groups_.emplace_back(new Group("the others", std::move(defaults)));
  }

  /// The options of those of a name, within the module of a name, or that match a pattern; they can be set until the
  /// optimizer is made.
  GLOSS_COLD Options& operator[](std::string_view pattern) {
    const std::string within = std::string(pattern) + ".*";
    return where(pattern, [&](std::string_view name, const Tensor<T>&) {
      return nn::matches_pattern(name, pattern) || nn::matches_pattern(name, within);
    });
  }
  /// The options of those for which f(name, tensor) holds, in a group of this title:
  ///   groups.where("vectors", [](auto, auto& p) { return p.dim() < 2; }).weight_decay = 0;
  template <class F>
  Options& where(std::string_view title, F f) {
    for (std::size_t i = 1; i < groups_.size(); ++i)
      if (groups_[i]->title == title) return groups_[i]->options;
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < named_.size(); ++i)
      if (f(std::string_view(named_[i].first), named_[i].second)) chosen.push_back(i);
    if (chosen.empty()) nn::detail::fail_unmatched("groups", title, *model_);
    for (const std::size_t i : chosen)
      if (group_of_[i] != 0)
        fail("groups: ", named_[i].first, " is in '", groups_[group_of_[i]]->title, "' already, so it cannot be in '",
             title, "'");
    for (const std::size_t i : chosen) group_of_[i] = groups_.size();
    groups_.emplace_back(new Group(std::string(title), groups_[0]->options));
    return groups_.back()->options;
  }

  /// What an optimizer is made of.
  operator std::vector<ParameterGroup<T, Options>>() const {
    std::vector<ParameterGroup<T, Options>> out;
    for (const auto& group : groups_) out.push_back({{}, group->options});
    for (std::size_t i = 0; i < named_.size(); ++i) out[group_of_[i]].parameters.push_back(named_[i].second);
    return out;
  }

 private:
  struct Group : RefCounted {
    std::string title;
    Options options;
    Group(std::string its_title, Options its_options) : title(std::move(its_title)), options(std::move(its_options)) {}
    friend void destroy(Group* group) { delete group; }
  };
  const nn::Module<T>* model_;
  typename nn::Module<T>::Named named_;
  std::vector<std::size_t> group_of_;  // of each parameter
  std::vector<Ref<Group>> groups_;     // each where it is, so that references to options stay
};
template <class M, class Options>
Groups(const M&, Options) -> Groups<typename M::value_type, Options>;

}  // namespace gloss::inline GLOSS_ABI::optim
