// StateDict: tensors of any type by name, what a checkpoint of a module holds.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/nearest.hpp>
#include <gloss/tensor/any_tensor.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// Names and tensors, in order. Those that a module gives share its memory: filling them changes the module.
///   for (auto& [name, tensor] : model.state_dict()) ...
/// PyTorch: what state_dict() returns
class StateDict {
 public:
  using Entry = std::pair<std::string, AnyTensor>;

  /// One more at the end.
  void add(std::string name, AnyTensor tensor) { entries_.emplace_back(std::move(name), std::move(tensor)); }
  /// The tensor of this name, or null.
  const AnyTensor* find(std::string_view name) const {
    for (const Entry& entry : entries_)
      if (entry.first == name) return &entry.second;
    return nullptr;
  }
  /// Errors: Error when there is none, with the nearest name.
  const AnyTensor& operator[](std::string_view name) const {
    if (const AnyTensor* const found = find(name)) return *found;
    const std::string nearest = nearest_name(name, names());
    if (nearest.empty()) fail("state dict: there is no '", name, "'");
    fail("state dict: there is no '", name, "'; the nearest name is '", nearest, "'");
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const Entry& entry : entries_) out.push_back(entry.first);
    return out;
  }
  const Entry& entry(std::size_t i) const { return entries_[i]; }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  auto begin() { return entries_.begin(); }
  auto end() { return entries_.end(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::vector<Entry> entries_;
};

}  // namespace gloss::inline GLOSS_ABI::nn
