// An input of an op as its backward closure saves it.
#pragma once

#include <atomic>
#include <type_traits>

#include <gloss/tensor/rebuild.hpp>
#include <gloss/tensor/record.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// Lets those that save y, the result of an op just recorded, save how f makes it again instead: f() gives the same
/// bits, from tensors that the op's closure holds as well. Nothing where y was not recorded.
template <class T, class F>
void offer_rebuild(const Tensor<T>& y, const F& f) {
  if (const NodeBase* const node = y.node())
    const_cast<Node<T>*>(static_cast<const Node<T>*>(node))->set_rebuild(Ref<Rebuild<T>>(new RebuildBy<T, F>(y, f)));
}

/// Makes a form of x that takes less memory until a backward, null if that is not worth it; null itself unless a
/// program asks for such forms (ops/saved_precision.hpp).
inline constinit std::atomic<Ref<Rebuild<float>> (*)(const Tensor<float>& x)> smaller_form{nullptr};

template <class T>
Ref<Rebuild<T>> smaller(const Tensor<T>& x) {
  if constexpr (std::is_same_v<T, float>)
    if (auto* const form = smaller_form.load(std::memory_order_relaxed); form && is_grad_enabled()) return form(x);
  return {};
}

/// A tensor as an op's closure saves it: as it is, by how to make it again, or in a form that takes less memory.
template <class T>
class SavedInput {
 public:
  SavedInput() = default;
  /// An input of the op, which shares its form with the others that save it; nothing unless `wanted`.
  explicit SavedInput(const Tensor<T>& x, bool wanted = true) {
    if (!wanted || !x.defined()) return;
    if (x.is_leaf()) {
      x_ = x;
      return;
    }
    auto* const node = const_cast<Node<T>*>(static_cast<const Node<T>*>(x.node()));
    if (!node->rebuild())
      if (Ref<Rebuild<T>> form = smaller(x)) node->set_rebuild(std::move(form));
    if (node->rebuild() && node->rebuild()->makes(x))
      rebuild_ = Ref<Rebuild<T>>(node->rebuild());
    else
      x_ = x;
  }
  /// What the op itself has made, its result detached or something on the way; nothing where it is not recorded.
  static SavedInput own(const Tensor<T>& x, bool recorded) {
    SavedInput saved;
    if (!recorded) return saved;
    saved.rebuild_ = smaller(x);
    if (!saved.rebuild_) saved.x_ = x;
    return saved;
  }
  /// After record: those that save y, the op's result of which this was made, save the same.
  void share_with(const Tensor<T>& y) const {
    if (rebuild_ && y.node()) const_cast<Node<T>*>(static_cast<const Node<T>*>(y.node()))->set_rebuild(rebuild_);
  }

  /// The tensor, which is input i of the op; in the graph where the backward is itself recorded.
  Tensor<T> get(const Grads& dx, int i) const { return rebuild_ ? dx.as_input(i, rebuild_->result(dx.op())) : x_; }
  /// The tensor outside the graph, undefined where nothing was saved.
  Tensor<T> value(const char* op) const {
    return rebuild_ ? rebuild_->result(op) : x_.defined() ? x_.detach() : Tensor<T>{};
  }

 private:
  Tensor<T> x_;
  Ref<Rebuild<T>> rebuild_;
};

}  // namespace gloss::inline GLOSS_ABI::detail
