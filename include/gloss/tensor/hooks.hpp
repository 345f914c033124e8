// Functions of the user's that backward calls with a gradient on its way.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/tensor/tensor_class.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
struct HookBase : RefCounted {
  virtual ~HookBase() = default;
  bool removed = false;
};
inline void destroy(HookBase* hook) { delete hook; }

template <class T>
struct GradHook : HookBase {
  /// The gradient that takes g's place; undefined to leave it.
  virtual Tensor<T> call(const Tensor<T>& g) = 0;
};
template <class T, class F>
struct GradHookOf final : GradHook<T> {
  explicit GradHookOf(F f) : function(std::move(f)) {}
  Tensor<T> call(const Tensor<T>& g) override {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, const Tensor<T>&>>)
      return function(g), Tensor<T>{};
    else
      return function(g);
  }
  F function;
};

template <class T>
class LeafNode;

/// What few nodes have: hooks and, for the result of an op, the gradient that retain_grad() keeps. Virtual, so that
/// programs without any do not compile them.
template <class T>
class NodeExtras {
 public:
  virtual ~NodeExtras() = default;
  /// For an op's node: dy after the hooks, kept if that is asked for.
  virtual Tensor<T> receive(Tensor<T> dy, NodeBase& node, BackwardPass& pass) = 0;
  /// For a leaf: g after the hooks, and those that are told what the leaf has then.
  virtual Tensor<T> run(Tensor<T> g) const = 0;
  virtual bool has_listeners() const = 0;
  virtual void tell(const LeafNode<T>& leaf) const = 0;

  bool retains = false;
  Tensor<T> retained;
};

template <class T>
class GradHooks final : public NodeExtras<T> {
 public:
  using List = std::vector<Ref<GradHook<T>>>;
  List on_gradient, after_accumulation;

  /// Adds a hook to one of the lists and forgets those removed since, so that no list grows for ever.
  static void append(List& list, const Ref<GradHook<T>>& hook) {
    std::erase_if(list, [](const auto& h) { return h->removed; });
    list.push_back(hook);
  }

  Tensor<T> receive(Tensor<T> dy, NodeBase& node, BackwardPass& pass) override;
  bool has_listeners() const override { return !after_accumulation.empty(); }
  void tell(const LeafNode<T>& leaf) const override;
  /// Errors: GradError when a hook returns another shape.
  Tensor<T> run(Tensor<T> g) const override {
    const List list = on_gradient;  // a hook may remove itself or add others
    for (const auto& hook : list) {
      if (hook->removed) continue;
      Tensor<T> next = hook->call(g);
      if (!next.defined()) continue;
      if (next.shape() != g.shape())
        fail<GradError>("register_hook: a hook returned a gradient of shape ", next.shape(), " for one of shape ",
                        g.shape());
      g = std::move(next);
    }
    return g;
  }
};
}  // namespace detail

/// Stands for a registered hook.
class HookHandle {
 public:
  HookHandle() = default;
  explicit HookHandle(Ref<detail::HookBase> hook) : hook_(std::move(hook)) {}
  /// The hook is not called any more.
  void remove() {
    if (hook_) hook_->removed = true;
  }

 private:
  Ref<detail::HookBase> hook_;
};

}  // namespace gloss::inline GLOSS_ABI
