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
/// What hears of each recorded result and each gradient on this thread: an AnomalyGuard. It is called through this
/// class, so that programs without one do not compile the search.
class AnomalySink {
 public:
  /// x: the result of `node` or, with a number, the gradient that it passes to that input; read(x.data, i) gives
  /// element i.
  virtual void check(const TensorBody& x, double (*read)(const void* data, Index i), const NodeBase& node,
                     int number) const = 0;

 protected:
  AnomalySink() = default;
  ~AnomalySink() = default;
};
inline thread_local const AnomalySink* anomaly = nullptr;

template <class T>
GLOSS_COLD void check_anomaly(const Tensor<T>& x, const NodeBase& node, int number = -1) {
  const auto read = [](const void* data, Index i) { return static_cast<double>(static_cast<const T*>(data)[i]); };
  anomaly->check(body_of("anomaly", x), read, node, number);
}

/// What an AnomalyGuard watches. A template, so that it is compiled where there is a guard.
template <class = void>
class AnomalySearch final : public AnomalySink {
 public:
  explicit AnomalySearch(AnomalyOptions options) : options_(options) {}
  void watch(const NodeBase* node, std::string name) {
    if (node) names_.emplace_back(Ref<NodeBase>(const_cast<NodeBase*>(node)), std::move(name));
  }

  /// Errors: Error for the first bad element.
  void check(const TensorBody& x, double (*read)(const void* data, Index i), const NodeBase& node,
             int number) const override {
    Shape position = Shape::filled(x.shape.rank(), 0);
    Index at = 0;
    for (Index left = x.shape.numel(); left > 0; --left) {
      const double v = read(x.data, at);
      if (options_.infinite ? !std::isfinite(v) : std::isnan(v)) report(v, position, x.shape, node, number);
      for (int axis = x.shape.rank() - 1; axis >= 0; --axis) {  // to the next position, in row-major order
        at += x.strides[axis];
        if (++position[axis] < x.shape[axis]) break;
        at -= position[axis] * x.strides[axis];
        position[axis] = 0;
      }
    }
  }

 private:
  [[noreturn]] void report(double v, const Shape& position, const Shape& shape, const NodeBase& node,
                           int number) const {
    std::string where = "its result";
    if (number >= 0) {
      where = "the gradient of input ";
      append_part(where, number);
    }
    fail("anomaly: ", number >= 0 ? "backward of " : "", node.op(), " gave ",
         std::isnan(v) ? "nan"
         : v > 0       ? "inf"
                       : "-inf",
         " at ", position, " of ", where, ", shape ", shape, place(node));
  }

  const std::string* name_of(const NodeBase* node) const {
    for (const auto& [watched, name] : names_)
      if (watched.get() == node) return &name;
    return nullptr;
  }

  /// "; it reads W" for a watched input, else "; the nearest parameter before it is W": the one that the latest op
  /// reads.
  std::string place(const NodeBase& node) const {
    NodeQueue queue;
    for (int i = 0; i < node.inputs(); ++i) {
      NodeBase* const in = node.input(i);
      if (!in) continue;
      if (const std::string* name = name_of(in)) return "; it reads " + *name;
      queue.push(in);
    }
    const NodeBase* last = nullptr;
    while (!names_.empty() && !queue.empty()) {
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

  AnomalyOptions options_;
  std::vector<std::pair<Ref<NodeBase>, std::string>> names_;
};
}  // namespace detail

/// While it lives, each result that this thread records and each gradient that its backward passes on is searched for
/// NaN (or infinity, if asked); the first one throws Error with the op, the position and the nearest parameter, by the
/// name under which it is watched. One that comes in with data is charged to the first recorded op that takes it up.
/// Costs a pass over every result. PyTorch: torch.autograd.set_detect_anomaly
class [[nodiscard]] AnomalyGuard {
 public:
  GLOSS_LAZY explicit AnomalyGuard(AnomalyOptions options = {})
      : search_(options), outer_(std::exchange(detail::anomaly, &search_)) {}
  /// Watches a model from the start.
  template <class Model>
    requires requires(const Model& m) { m.named_parameters(); }
  explicit AnomalyGuard(const Model& model, AnomalyOptions options = {}) : AnomalyGuard(options) { watch(model); }
  ~AnomalyGuard() { detail::anomaly = outer_; }
  AnomalyGuard(const AnomalyGuard&) = delete;
  AnomalyGuard& operator=(const AnomalyGuard&) = delete;

  /// Reports x, a leaf, under this name.
  template <class T>
  void watch(const Tensor<T>& x, const std::string& name) {
    search_.watch(x.node(), name);
  }
  /// Reports a module's parameters under their paths, "encoder.layers.1.self_attn.linears.0.weight", after `prefix`.
  template <class Model>
    requires requires(const Model& m) { m.named_parameters(); }
  void watch(const Model& model, const std::string& prefix = "") {
    for (const auto& [name, tensor] : model.named_parameters()) watch(tensor, prefix + name);
  }

 private:
  detail::AnomalySearch<> search_;
  const detail::AnomalySink* outer_;
};

}  // namespace gloss::inline GLOSS_ABI
