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

  /// Errors: Error for the first bad element of x, the result of `node` or, with a number, the gradient that it passes
  /// to that input.
  template <class T>
  GLOSS_COLD void check(const Tensor<T>& x, const NodeBase& node, int number = -1) const {
    const Tensor<T> dense = x.detach().contiguous();
    for (Index i = 0; i < dense.numel(); ++i) {
      const T v = dense.data()[i];
      if (infinite ? !std::isfinite(v) : std::isnan(v))
        report(i, std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf", x.shape(), node, number);
    }
  }

 private:
  [[noreturn]] GLOSS_COLD void report(Index i, const char* value, const Shape& shape, const NodeBase& node,
                                      int number) const {
    Shape position = shape;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      position[axis] = i % shape[axis];
      i /= shape[axis];
    }
    std::string where = "its result";
    if (number >= 0) {
      where = "the gradient of input ";
      append_part(where, number);
    }
    fail("anomaly: ", number >= 0 ? "backward of " : "", node.op(), " gave ", value, " at ", position, " of ", where,
         ", shape ", shape, place(node));
  }

  /// "; it reads W" for a watched input, else "; the nearest parameter before it is W": the one that the latest op
  /// reads.
  GLOSS_COLD std::string place(const NodeBase& node) const {
    NodeQueue queue;
    for (int i = 0; i < node.inputs(); ++i) {
      NodeBase* const in = node.input(i);
      if (!in) continue;
      if (const std::string* name = name_of(in)) return "; it reads " + *name;
      queue.push(in);
    }
    const NodeBase* last = nullptr;
    while (!names.empty() && !queue.empty()) {
      const NodeBase* const before = queue.pop();
      if (before == last) continue;  // an op that several read comes out several times in a row
      last = before;
      for (int i = 0; i < before->inputs(); ++i) {
        NodeBase* const in = before->input(i);
        if (!in) continue;
        if (const std::string* name = name_of(in)) return "; the nearest parameter before it is " + *name;
        queue.push(in);
      }
    }
    return "";
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
