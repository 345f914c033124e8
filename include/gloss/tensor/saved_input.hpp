// An input of an op as its backward closure saves it.
#pragma once

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

/// An input of an op as its closure saves it: the tensor, or how to make it again.
template <class T>
class SavedInput {
 public:
  /// Nothing unless `wanted`.
  explicit SavedInput(const Tensor<T>& x, bool wanted = true) {
    if (!wanted) return;
    const NodeBase* const node = x.node();
    Rebuild<T>* const rebuild = node ? static_cast<const Node<T>*>(node)->rebuild() : nullptr;
    if (rebuild && rebuild->makes(x))
      rebuild_ = Ref<Rebuild<T>>(rebuild);
    else
      x_ = x;
  }
  /// The tensor, which is input i of the op; in the graph where the backward is itself recorded.
  Tensor<T> get(const Grads& dx, int i) const { return rebuild_ ? dx.as_input(i, rebuild_->result(dx.op())) : x_; }

 private:
  Tensor<T> x_;
  Ref<Rebuild<T>> rebuild_;
};

}  // namespace gloss::inline GLOSS_ABI::detail
