// Reverse mode: from an output to the leaves, without recursion.
#pragma once

#include <atomic>
#include <utility>
#include <vector>

#include <gloss/core/profile_scope.hpp>
#include <gloss/tensor/anomaly.hpp>
#include <gloss/tensor/hooks.hpp>
#include <gloss/tensor/overwrite.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
template <class T>
Tensor<T> sum_of_two(const Tensor<T>& a, const Tensor<T>& b);
}
template <Real T>
Tensor<T> sum_to(const Tensor<T>& x, const Shape& shape);

/// A node of a known element type: it gathers the gradient of its tensor.
template <class T>
class Node : public NodeBase {
 public:
  Node(const char* op, const Shape& shape) : NodeBase(op, shape) {}
  ~Node() override { delete extras_; }

  /// Adds g to what has been gathered; takes it over without a copy when it is the first. With `recorded`, by an op of
  /// the graph.
  void gather(Tensor<T> g, bool recorded);

  detail::NodeExtras<T>* extras() const { return extras_; }
  detail::GradHooks<T>& make_extras() {
    if (!extras_) extras_ = new detail::GradHooks<T>;
    return static_cast<detail::GradHooks<T>&>(*extras_);
  }

 protected:
  Tensor<T> take_gathered() { return std::exchange(gathered_, {}); }
  void drop_gathered() override { gathered_ = Tensor<T>(); }

  Tensor<T> gathered_;
  detail::NodeExtras<T>* extras_ = nullptr;  // by hand, because <memory> is slow to compile
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
    const SpinLock lock(busy_);
    if (this->gathered_.defined() || recorded)
      this->gather(std::move(g), recorded);
    else  // the gradient gets memory of its own, because the user may change it in place
      this->gathered_ = owns_dense_memory(g) ? g.detach() : Tensor<T>::uninitialized(g.shape()).copy_(g);
  }

  static bool owns_dense_memory(const Tensor<T>& g) { return g.is_contiguous() && g.owns_memory(); }
  /// grad(), while other threads may add to it.
  Tensor<T> locked_grad() {
    const SpinLock lock(busy_);
    return grad();
  }
  /// What a pass gathered here.
  Tensor<T> take() { return this->take_gathered(); }

 private:
  void step_back(BackwardPass&, bool) override {}
  void finish(NodeBase& sum, BackwardPass& pass) override {
    if (this->extras_) this->extras_->finish(*this, static_cast<LeafNode&>(sum), pass);
  }
  std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};
}  // namespace detail

/// One run of backward over a graph. Two runs over one graph at the same time are not allowed; two graphs that share
/// only leaves are fine.
class BackwardPass {
 public:
  explicit BackwardPass(BackwardOptions options, bool capturing = false)
      : options_(options), capturing_(capturing), first_new_(NodeBase::next_sequence()) {
    static std::atomic<std::uint64_t> counter{0};
    id_ = counter.fetch_add(1, std::memory_order_relaxed) + 1;
  }
  virtual ~BackwardPass() = default;
  BackwardPass(const BackwardPass&) = delete;
  BackwardPass& operator=(const BackwardPass&) = delete;
  bool recorded() const { return options_.create_graph; }
  /// Whether it is grad()'s (tensor/grad.hpp), which leaves every leaf's own gradient alone.
  bool is_capturing() const { return capturing_; }

  /// Whether a gradient of this node has a use.
  bool wants(const NodeBase* node) const { return !capturing_ || is_on_the_way(node); }
  /// Whether to go on below a node.
  bool goes_beyond(const NodeBase* node) const { return !capturing_ || node->leads_on_; }

  /// Takes note of the gradient of an op's result.
  template <class T>
  void keep(NodeBase* node, const Tensor<T>& g) {
    if (capturing_) capture(node, &g);
  }

  /// Hands gradient g to a node.
  template <class T>
  void deliver(NodeBase* node, Tensor<T> g) {
    if (!wants(node)) return;
    if (!node->is_leaf()) {
      static_cast<Node<T>*>(node)->gather(std::move(g), recorded());
      if (std::exchange(node->queued_by_, id_) == id_) return;
      queue_.push(node);
    } else {
      auto* leaf = static_cast<detail::LeafNode<T>*>(node);
      if (capturing_)
        leaf = static_cast<detail::LeafNode<T>*>(&captured_sum(leaf));
      else if (leaf->extras())
        leaf = &leaf->extras()->sum_for(*leaf, *this);
      leaf->accumulate(std::move(g), recorded());
    }
  }

  /// Hands g to the node of a tensor whose graph this pass has not seen yet.
  template <class T>
  void enter(const Tensor<T>& y, Tensor<T> g) {
    NodeBase* const root = const_cast<NodeBase*>(y.node());
    if (!root) return;
    roots_.emplace_back(root);
    if (capturing_) explore(root);
    deliver(root, std::move(g));
  }

  /// From the nodes entered to the leaves. The latest node comes first: all that use it are later, and have delivered.
  /// No recursion and no count of uses.
  GLOSS_NOINLINE void run() {
    GradGuard grad_mode(recorded());
    NodeBase* node = nullptr;
    try {
      while (!queue_.empty()) {
        node = queue_.pop();
        node->queued_by_ = 0;
        const ProfileScope scope(node->op(), true);
        // what this pass itself recorded, in a checkpoint, is not kept for a later one
        node->step_back(*this, recorded() || (options_.retain_graph && node->sequence() < first_new_));
      }
      node = nullptr;
      for (std::size_t i = 0; i < gathered_.size(); ++i) {
        const Gathered g = gathered_[i];
        if (g.node->is_leaf()) g.node->finish(*g.sum, *this);
      }
    } catch (...) {
      if (node) node->drop_gathered();
      while (!queue_.empty()) queue_.pop()->drop_gathered();
      throw;
    }
  }

  /// A leaf of this pass that gathers the gradient of a node in its place.
  template <class T>
  detail::LeafNode<T>& sum_for(NodeBase& node) {
    if (NodeBase* const sum = sum_so_far(&node)) return static_cast<detail::LeafNode<T>&>(*sum);
    auto* const sum = new detail::LeafNode<T>(node.shape());
    gathered_.push_back({&node, Ref<NodeBase>(sum)});
    return *sum;
  }
  /// The same; null when nothing has arrived.
  NodeBase* sum_so_far(const NodeBase* node) const {
    for (const Gathered& g : gathered_)
      if (g.node == node) return g.sum.get();
    return nullptr;
  }

 protected:
  /// Whether this run looks at the node for the first time; it then leads nowhere yet, as far as one can see.
  bool begin_exploring(NodeBase* node) {
    if (std::exchange(node->explored_by_, id_) == id_) return false;
    node->leads_on_ = node->reaches_beyond();
    return true;
  }
  static bool leads_on(const NodeBase* node) { return node->leads_on_; }
  static void set_leads_on(NodeBase* node) { node->leads_on_ = true; }

 private:
  // What a pass that captures does differently; virtual, so that programs that only call backward() do not compile it.
  virtual bool is_on_the_way(const NodeBase*) const { return true; }
  virtual void explore(NodeBase*) {}
  virtual void capture(NodeBase*, const void* /*gradient*/) {}
  virtual NodeBase& captured_sum(NodeBase* leaf) { return *leaf; }

  struct Gathered {
    NodeBase* node;
    Ref<NodeBase> sum;
  };

  BackwardOptions options_;
  bool capturing_;
  std::uint64_t first_new_;
  std::uint64_t id_;
  NodeQueue queue_;
  std::vector<Ref<NodeBase>> roots_;
  std::vector<Gathered> gathered_;
};

/// What a backward closure writes to: the gradients of the op's inputs.
class Grads {
 public:
  Grads(NodeBase& node, BackwardPass& pass) : node_(node), pass_(pass) {}
  /// Whether input i wants a gradient.
  bool needs(int i) const {
    const NodeBase* const to = node_.input(i);
    return to && pass_.wants(to);
  }
  /// The shape of input i, which is in the graph.
  const Shape& shape(int i) const { return node_.input(i)->shape(); }
  /// Adds g to the gradient of input i, summed over the axes along which broadcasting stretched the input.
  template <class T>
  void add_summed(int i, Tensor<T> g) {
    if (!needs(i)) return;
    if (g.shape() == shape(i))
      add(i, std::move(g));
    else
      add(i, sum_to(g, shape(i)));
  }
  /// Adds to the gradient of input i; ignored when it wants none.
  /// Errors: GradError when the shape is not the input's.
  template <class T>
  void add(int i, Tensor<T> g) {
    NodeBase* const to = node_.input(i);
    if (!to) return;
    const Shape& shape = to->shape();
    if (g.shape() != shape)
      fail<GradError>("backward of ", node_.op(), ": gradient ", i, " has shape ", g.shape(), ", its input has ",
                      shape);
    if (detail::anomaly) detail::check_anomaly(g, node_, i);
    pass_.deliver(to, std::move(g));
  }
  /// The op's result, of which the closure saved y.detach(): in the graph again when the backward is itself recorded.
  template <class T>
  Tensor<T> result(const Tensor<T>& saved) const {
    return is_grad_enabled() ? saved.as_result_of(node_) : saved;
  }
  /// Goes on from y, which the closure has just recorded, with gradient g.
  template <class T>
  void go_through(const Tensor<T>& y, const Tensor<T>& g) {
    pass_.enter(y, g);
  }

 private:
  NodeBase& node_;
  BackwardPass& pass_;
};

template <class T>
Tensor<T> detail::GradHooks<T>::receive(Tensor<T> dy, const BackwardPass& pass) {
  dy = run(std::move(dy));
  if (Tensor<T>& sum = this->retained; this->retains && !pass.is_capturing())
    sum = sum.defined() ? sum_of_two(sum, dy) : dy;
  return dy;
}

template <class T>
detail::LeafNode<T>& detail::GradHooks<T>::sum_for(LeafNode<T>& leaf, BackwardPass& pass) {
  return pass.sum_for<T>(leaf);
}

template <class T>
void detail::GradHooks<T>::finish(LeafNode<T>& leaf, LeafNode<T>& sum, BackwardPass& pass) {
  Tensor<T> g = run(sum.take());
  if (pass.is_capturing()) return sum.set_grad(std::move(g));
  leaf.accumulate(std::move(g), pass.recorded());
  const List list = after_accumulation;
  for (const auto& hook : list)
    if (!hook->removed) hook->call(leaf.locked_grad());
}

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
  BackwardPass pass(options);
  pass.enter(*this, gradient);
  pass.run();
}

template <class T>
Tensor<T> Tensor<T>::requires_grad_(bool on) const requires Real<T> {
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
  if (!requires_grad()) return {};
  if (is_leaf()) return static_cast<detail::LeafNode<T>*>(body_->node.get())->grad();
  const auto* const extras = static_cast<Node<T>*>(body_->node.get())->extras();
  return extras ? extras->retained : Tensor{};
}

template <class T>
void Tensor<T>::set_grad(Tensor grad) const requires Real<T> {
  if (!retains_grad()) fail<GradError>("set_grad: only a leaf that requires a gradient keeps one");
  if (grad.defined() && grad.shape() != shape())
    fail<GradError>("set_grad: gradient has shape ", grad.shape(), ", the tensor has ", shape());
  if (is_leaf())
    static_cast<detail::LeafNode<T>*>(body_->node.get())->set_grad(std::move(grad));
  else
    static_cast<Node<T>*>(body_->node.get())->extras()->retained = std::move(grad);
}

template <class T>
bool Tensor<T>::retains_grad() const requires Real<T> {
  if (!requires_grad()) return false;
  if (is_leaf()) return true;
  const auto* const extras = static_cast<Node<T>*>(body_->node.get())->extras();
  return extras && extras->retains;
}

template <class T>
void Tensor<T>::retain_grad() const requires Real<T> {
  if (!requires_grad()) fail<GradError>("retain_grad: the tensor does not require a gradient");
  if (!is_leaf()) static_cast<Node<T>*>(body_->node.get())->make_extras().retains = true;
}

template <class T>
template <class F>
HookHandle Tensor<T>::register_hook(F hook) const requires Real<T> {
  if (!requires_grad()) fail<GradError>("register_hook: the tensor does not require a gradient");
  const Ref<detail::GradHook<T>> entry(new detail::GradHookOf<T, F>(std::move(hook)));
  auto& extras = static_cast<Node<T>*>(body_->node.get())->make_extras();
  extras.append(extras.on_gradient, entry);
  return HookHandle(entry);
}

template <class T>
template <class F>
HookHandle Tensor<T>::register_post_accumulate_grad_hook(F hook) const requires Real<T> {
  if (!requires_grad() || !is_leaf())
    fail<GradError>("register_post_accumulate_grad_hook: only a leaf that requires a gradient gathers one");
  auto call = [hook = std::move(hook)](const Tensor& g) mutable { hook(g); };
  const Ref<detail::GradHook<T>> entry(new detail::GradHookOf<T, decltype(call)>(std::move(call)));
  auto& extras = static_cast<Node<T>*>(body_->node.get())->make_extras();
  extras.append(extras.after_accumulation, entry);
  return HookHandle(entry);
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
