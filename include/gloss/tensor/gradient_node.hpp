// Nodes of a known element type, which gather the gradients of their tensors.
#pragma once

#include <atomic>
#include <utility>

#include <gloss/tensor/hooks.hpp>
#include <gloss/tensor/overwrite.hpp>
#include <gloss/tensor/rebuild.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
template <class T>
Tensor<T> sum_of_two(const Tensor<T>& a, const Tensor<T>& b);
}

/// A node of a known element type: it gathers the gradient of its tensor.
template <class T>
class Node : public NodeBase {
 public:
  Node(const char* op, const Shape& shape) : NodeBase(op, shape) {}
  ~Node() override { delete extras_; }

  /// Adds g to what has been gathered; takes it over without a copy when it is the first. With `recorded`, by an op of
  /// the graph.
  void gather(Tensor<T> g, bool recorded);
  /// Whether g can be added to a sum where it stands, which asks for no memory.
  static bool adds_in_place(const Tensor<T>& sum, const Tensor<T>& g, bool recorded) {
    return !recorded && owns_dense_memory(sum) && g.is_contiguous();
  }
  static bool owns_dense_memory(const Tensor<T>& g) { return g.is_contiguous() && g.owns_memory(); }

  /// How to make the result again, or null (tensor/rebuild.hpp).
  detail::Rebuild<T>* rebuild() const { return rebuild_.get(); }
  void set_rebuild(Ref<detail::Rebuild<T>> rebuild) { rebuild_ = std::move(rebuild); }
  detail::NodeExtras<T>* extras() const { return extras_; }
  detail::GradHooks<T>& make_extras() {
    if (!extras_) extras_ = new detail::GradHooks<T>;
    return static_cast<detail::GradHooks<T>&>(*extras_);
  }

 protected:
  Tensor<T> take_gathered() { return std::exchange(gathered_, {}); }
  void drop_gathered() override { gathered_ = Tensor<T>(); }
  void own_gathered(bool recorded) override {
    if (recorded || !gathered_.defined()) return;
    gathered_ = owns_dense_memory(gathered_) ? gathered_.detach()
                                             : Tensor<T>::uninitialized(gathered_.shape()).copy_(gathered_.detach());
  }

  /// What the user sees as the gradient.
  virtual Tensor<T>& shown() = 0;
  void prepare(NodeBase& sum, bool recorded, bool keep) override;
  void commit(NodeBase& sum) override;
  void restore(NodeBase& sum) override { std::swap(shown(), static_cast<Node&>(sum).gathered_); }

  Tensor<T> gathered_;
  Ref<detail::Rebuild<T>> rebuild_;
  detail::NodeExtras<T>* extras_ = nullptr;  // by hand, because <memory> is slow to compile
  bool is_whole_ = false;                    // of a sum: whether it is what shall be shown, or is to be added to it
};

namespace detail {
/// Held while gradients that passes have gathered are added to those that the user sees.
inline constinit std::atomic_flag committing{};

/// The node of a tensor that the user made: what it gathers is the user's x.grad().
template <class T>
class LeafNode final : public Node<T> {
 public:
  explicit LeafNode(const Shape& shape) : Node<T>("leaf", shape) {}
  bool is_leaf() const override { return true; }
  const Tensor<T>& grad() const { return this->gathered_; }
  void set_grad(Tensor<T> g) { this->gathered_ = std::move(g); }
  /// grad(), while other threads may add to it.
  Tensor<T> locked_grad() const {
    const SpinLock lock(committing);
    return grad();
  }

 private:
  Tensor<T>& shown() override { return this->gathered_; }
  void step_back(BackwardPass&, bool) override {}
  void call_hooks(NodeBase& s) override {
    auto& sum = static_cast<LeafNode&>(s);
    if (this->extras_) sum.set_grad(this->extras_->run(sum.take_gathered()));
  }
  bool has_listeners() const override { return this->extras_ && this->extras_->has_listeners(); }
  void tell() override {
    if (this->extras_) this->extras_->tell(*this);
  }
};
}  // namespace detail

template <class T>
void Node<T>::gather(Tensor<T> g, bool recorded) {
  if (!gathered_.defined())
    gathered_ = std::move(g);
  else if (adds_in_place(gathered_, g, recorded))
    kernels::accumulate(gathered_.data(), static_cast<const T*>(g.data()), g.numel());
  else
    gathered_ = detail::sum_of_two(gathered_, g);
}

template <class T>
void Node<T>::prepare(NodeBase& s, bool recorded, bool keep) {
  auto& sum = static_cast<Node&>(s);
  const Tensor<T>&g = sum.gathered_, &before = shown();
  sum.is_whole_ = !before.defined() || keep || !adds_in_place(before, g, recorded);
  if (!sum.is_whole_) return;
  if (before.defined())
    sum.gathered_ = detail::sum_of_two(before, g);
  else
    sum.own_gathered(recorded);
}

template <class T>
void Node<T>::commit(NodeBase& s) {
  auto& sum = static_cast<Node&>(s);
  if (sum.is_whole_)
    restore(sum);  // which swaps
  else
    kernels::accumulate(shown().data(), static_cast<const T*>(sum.gathered_.data()), sum.gathered_.numel());
}

GLOSS_INSTANTIATE(class detail::LeafNode<float>)
GLOSS_INSTANTIATE(class detail::LeafNode<double>)

}  // namespace gloss::inline GLOSS_ABI
