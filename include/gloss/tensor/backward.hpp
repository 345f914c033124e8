// Reverse mode: from an output to the leaves, without recursion.
#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include <gloss/tensor/tensor_class.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
template <class T>
Tensor<T> sum_of_two(const Tensor<T>& a, const Tensor<T>& b);
}

/// A node of a known element type: it gathers the gradient of its tensor.
template <class T>
class Node : public NodeBase {
 public:
  Node(const char* op, const Shape& shape) : NodeBase(op), shape_(shape) {}
  const Shape& shape() const { return shape_; }

  /// Adds g to what has been gathered; takes it over without a copy when it is the first. With `recorded`, by an op of
  /// the graph.
  void gather(Tensor<T> g, bool recorded);

 protected:
  template <Real U>
  friend std::vector<Tensor<U>> grad(const Tensor<U>&, const std::vector<Tensor<U>>&, BackwardOptions, Tensor<U>);

  Tensor<T> take_gathered() {
    if (!gathered_.defined()) gathered_ = Tensor<T>::uninitialized(shape_).zero_();
    return std::exchange(gathered_, {});
  }
  void drop_gathered() override { gathered_ = Tensor<T>(); }

  Tensor<T> gathered_;
  Tensor<T> kept_;  // what grad() asked for
  Shape shape_;
};

namespace detail {
/// The node of a tensor that the user made: what it gathers is the user's x.grad().
template <class T>
class LeafNode final : public Node<T> {
 public:
  explicit LeafNode(const Shape& shape) : Node<T>("leaf", shape) {}
  bool is_leaf() const override { return true; }
  const Tensor<T>& grad() const { return this->gathered_; }
  void set_grad(Tensor<T> g) { this->gathered_ = std::move(g); }

  /// Several threads may run backward into the same parameters.
  void accumulate(Tensor<T> g, bool recorded) {
    while (busy_.test_and_set(std::memory_order_acquire)) {
    }
    try {
      if (this->gathered_.defined() || recorded)
        this->gather(std::move(g), recorded);
      else  // the gradient gets memory of its own, because the user may change it in place
        this->gathered_ = owns_dense_memory(g) ? g.detach() : Tensor<T>::uninitialized(g.shape()).copy_(g);
    } catch (...) {
      busy_.clear(std::memory_order_release);
      throw;
    }
    busy_.clear(std::memory_order_release);
  }

  static bool owns_dense_memory(const Tensor<T>& g) { return g.is_contiguous() && g.owns_memory(); }

 private:
  void step_back(BackwardPass&, bool) override {}
  std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};
}  // namespace detail

/// One run of backward over a graph. Two runs over one graph at the same time are not allowed; two graphs that share
/// only leaves are fine.
class BackwardPass {
 public:
  explicit BackwardPass(BackwardOptions options) : options_(options) {
    static std::atomic<std::uint64_t> counter{0};
    id_ = counter.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  /// Keeps the gradients of these nodes, and leaves every other leaf alone.
  void capture(std::vector<const NodeBase*> nodes) {
    std::sort(nodes.begin(), nodes.end());
    captured_ = std::move(nodes);
    capturing_ = true;
  }
  bool is_captured(const NodeBase* node) const {
    return capturing_ && std::binary_search(captured_.begin(), captured_.end(), node);
  }

  /// Hands gradient g to a node.
  template <class T>
  void deliver(NodeBase* node, Tensor<T> g) {
    if (!node->is_leaf())
      static_cast<Node<T>*>(node)->gather(std::move(g), options_.create_graph);
    else if (!capturing_ || is_captured(node))
      static_cast<detail::LeafNode<T>*>(node)->accumulate(std::move(g), options_.create_graph);
  }

  /// From `root` with gradient g to the leaves. Nodes are visited latest first, so a node's turn comes after all that
  /// use it; no recursion, and no count of uses.
  template <class T>
  void run(NodeBase* root, Tensor<T> g) {
    if (!root->is_leaf()) meet(root);
    for (std::size_t i = 0; i < found_.size(); ++i) {
      NodeBase* const node = found_[i];
      for (int k = 0; k < node->inputs(); ++k)
        if (NodeBase* in = node->input(k); in && !in->is_leaf()) meet(in);
    }
    std::sort(found_.begin(), found_.end(),
              [](const NodeBase* a, const NodeBase* b) { return a->sequence() > b->sequence(); });
    GradGuard grad_mode(options_.create_graph);
    try {
      deliver(root, std::move(g));
      for (NodeBase* node : found_) node->step_back(*this, options_.retain_graph || options_.create_graph);
    } catch (...) {
      for (NodeBase* node : found_) node->drop_gathered();
      throw;
    }
  }

 private:
  void meet(NodeBase* node) {
    if (node->visited_by_ == id_) return;
    node->visited_by_ = id_;
    found_.push_back(node);
  }

  BackwardOptions options_;
  std::uint64_t id_;
  bool capturing_ = false;
  std::vector<NodeBase*> found_;
  std::vector<const NodeBase*> captured_;
};

/// What a backward closure writes to: the gradients of the op's inputs.
class Grads {
 public:
  Grads(const NodeBase& node, BackwardPass& pass) : node_(node), pass_(pass) {}
  /// Whether input i wants a gradient.
  bool needs(int i) const { return node_.input(i) != nullptr; }
  /// Adds to the gradient of input i; ignored when it wants none.
  /// Errors: GradError when the shape is not the input's.
  template <class T>
  void add(int i, Tensor<T> g) {
    NodeBase* const to = node_.input(i);
    if (!to) return;
    const Shape& shape = static_cast<Node<T>*>(to)->shape();
    if (g.shape() != shape)
      fail<GradError>("backward of ", node_.op(), ": gradient ", i, " has shape ", g.shape(), ", its input has ",
                      shape);
    pass_.deliver(to, std::move(g));
  }

 private:
  const NodeBase& node_;
  BackwardPass& pass_;
};

template <class T>
void Tensor<T>::backward(BackwardOptions options) const requires Real<T> {
  if (numel() != 1)
    fail<GradError>("backward: a gradient is needed for an output of shape ", shape(),
                    "; only one element has the default 1");
  backward(uninitialized(shape()).fill_(T{1}), options);
}

template <class T>
void Tensor<T>::backward(const Tensor& gradient, BackwardOptions options) const requires Real<T> {
  if (!requires_grad()) fail<GradError>("backward: the tensor does not require a gradient");
  if (gradient.shape() != shape())
    fail<GradError>("backward: gradient has shape ", gradient.shape(), ", the tensor has ", shape());
  const Ref<NodeBase> root = body_->node;
  BackwardPass(options).run(root.get(), gradient);
}

template <class T>
Tensor<T>& Tensor<T>::requires_grad_(bool on) requires Real<T> {
  auto& b = body("requires_grad_");
  if (!is_leaf()) fail<GradError>("requires_grad_: the tensor is the result of ", b.node->op(), "; detach() it first");
  if (!on)
    b.node = nullptr;
  else if (!b.node)
    b.node = Ref<NodeBase>(new detail::LeafNode<T>(b.shape));
  return *this;
}

template <class T>
Tensor<T> Tensor<T>::grad() const requires Real<T> {
  return requires_grad() && is_leaf() ? static_cast<detail::LeafNode<T>*>(body_->node.get())->grad() : Tensor{};
}

template <class T>
void Tensor<T>::set_grad(Tensor grad) const requires Real<T> {
  if (!requires_grad() || !is_leaf()) fail<GradError>("set_grad: only a leaf that requires a gradient keeps one");
  if (grad.defined() && grad.shape() != shape())
    fail<GradError>("set_grad: gradient has shape ", grad.shape(), ", the tensor has ", shape());
  static_cast<detail::LeafNode<T>*>(body_->node.get())->set_grad(std::move(grad));
}

template <class T>
void Node<T>::gather(Tensor<T> g, bool recorded) {
  if (!gathered_.defined())
    gathered_ = std::move(g);
  else if (recorded || !gathered_.owns_memory() || !gathered_.is_contiguous() || !g.is_contiguous())
    gathered_ = detail::sum_of_two(gathered_, g);
  else
    kernels::accumulate(gathered_.data(), static_cast<const T*>(g.data()), g.numel());
}

}  // namespace gloss::inline GLOSS_ABI
