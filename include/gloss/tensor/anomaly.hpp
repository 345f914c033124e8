// Anomaly mode: finds the op that made the first NaN, forward or backward, and the parameter nearest to it.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gloss/tensor/tensor_class.hpp>

namespace gloss::inline GLOSS_ABI {

struct AnomalyOptions {
  bool infinite = false;  // infinities, too; not for models that mask with -infinity
};

namespace detail {
/// What an AnomalyGuard watches.
struct AnomalyState {
  bool infinite;
  std::vector<std::pair<Ref<NodeBase>, std::string>> names;

  const std::string* name_of(const NodeBase* node) const {
    for (const auto& [watched, name] : names)
      if (watched.get() == node) return &name;
    return nullptr;
  }

  /// "; it reads W" for a watched input, else "; the nearest parameter before it is W": the one that the latest op
  /// reads.
  GLOSS_NOINLINE std::string place(const std::vector<NodeBase*>& inputs) const {
    for (const NodeBase* node : inputs)
      if (const std::string* name = name_of(node)) return "; it reads " + *name;
    if (names.empty()) return "";
    NodeQueue queue;
    for (NodeBase* node : inputs) queue.push(node);
    const NodeBase* last = nullptr;
    while (!queue.empty()) {
      const NodeBase* const node = queue.pop();
      if (node == last) continue;  // an op that several read comes out several times in a row
      last = node;
      for (int i = 0; i < node->inputs(); ++i) {
        NodeBase* const in = node->input(i);
        if (!in) continue;
        if (const std::string* name = name_of(in)) return "; the nearest parameter before it is " + *name;
        queue.push(in);
      }
    }
    return "";
  }

  template <class T>
  bool is_bad(T v) const {
    return infinite ? !std::isfinite(v) : std::isnan(v);
  }

  /// Errors: Error for the first bad element of x: "anomaly: " what ...
  template <class T, class Inputs>
  GLOSS_NOINLINE void check(const Tensor<T>& x, const Inputs& inputs, const char* what, const char* op,
                            const char* whose, int number) const {
    const Tensor<T> dense = x.detach().contiguous();
    for (Index i = 0; i < dense.numel(); ++i) {
      const T v = dense.data()[i];
      if (!is_bad(v)) continue;
      Shape position = x.shape();
      Index rest = i;
      for (int axis = x.dim() - 1; axis >= 0; --axis) {
        position[axis] = rest % x.shape()[axis];
        rest /= x.shape()[axis];
      }
      std::string value = std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf";
      std::string where = whose;
      if (number >= 0) append_part(where, number);
      fail("anomaly: ", what, op, " gave ", value, " at ", position, " of ", where, ", shape ", x.shape(),
           place(inputs()));
    }
  }
};

inline thread_local AnomalyState* anomaly = nullptr;
}  // namespace detail

/// While it lives, each result that this thread records and each gradient that its backward passes on is searched for
/// NaN (or infinity, if asked); the first one throws Error with the op, the position and the nearest parameter, by the
/// name under which it is watched. One that comes in with data is charged to the first recorded op that takes it up.
/// Costs a pass over every result. PyTorch: torch.autograd.set_detect_anomaly
class [[nodiscard]] AnomalyGuard {
 public:
  explicit AnomalyGuard(AnomalyOptions options = {})
      : state_{options.infinite, {}}, outer_(std::exchange(detail::anomaly, &state_)) {}
  /// Watches a model from the start.
  template <class Model>
  explicit AnomalyGuard(const Model& model, AnomalyOptions options = {}) : AnomalyGuard(options) {
    watch(model);
  }
  ~AnomalyGuard() { detail::anomaly = outer_; }
  AnomalyGuard(const AnomalyGuard&) = delete;
  AnomalyGuard& operator=(const AnomalyGuard&) = delete;

  /// Reports x, a leaf, under this name.
  template <class T>
  void watch(const Tensor<T>& x, std::string name) {
    if (x.node()) state_.names.emplace_back(Ref<NodeBase>(const_cast<NodeBase*>(x.node())), std::move(name));
  }
  /// Reports a module's parameters under their paths, "encoder.layers.1.self_attn.linears.0.weight", after `prefix`.
  template <class Model>
    requires requires(const Model& m) { m.named_parameters(); }
  void watch(const Model& model, const std::string& prefix = "") {
    for (const auto& [name, tensor] : model.named_parameters()) watch(tensor, prefix + name);
  }

 private:
  detail::AnomalyState state_;
  detail::AnomalyState* outer_;
};

}  // namespace gloss::inline GLOSS_ABI
