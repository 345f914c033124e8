// Reverse mode: from an output to the leaves, without recursion.
#pragma once

#include <atomic>
#include <utility>
#include <vector>

#include <gloss/core/profile_scope.hpp>
#include <gloss/tensor/anomaly.hpp>
#include <gloss/tensor/gradient_node.hpp>

namespace gloss::inline GLOSS_ABI {

template <Real T>
Tensor<T> sum_to(const Tensor<T>& x, const Shape& shape);

/// One run of backward over a graph. Two runs over one graph at the same time are not allowed; two graphs that share
/// only leaves are fine.
class BackwardPass {
 public:
  explicit BackwardPass(BackwardOptions options, bool capturing = false)
      : options_(options), capturing_(capturing), first_new_(NodeBase::next_sequence()) {
    static std::atomic<std::uint64_t> counter{0};
    id_ = counter.fetch_add(1, std::memory_order_relaxed) + 1;
  }
  /// Leaves no gradient behind in a graph, also when the pass has failed.
  virtual ~BackwardPass() {
    if (current_) current_->drop_gathered();
    while (!queue_.empty()) queue_.pop()->drop_gathered();
  }
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
    if (node->is_leaf()) return sum_for<T>(*node).gather(std::move(g), recorded());
    if (std::exchange(node->queued_by_, id_) != id_) queue_.push(node);
    static_cast<Node<T>*>(node)->gather(std::move(g), recorded());
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
  /// No recursion and no count of uses. What the user sees changes in the end, when nothing can fail any more.
  GLOSS_NOINLINE void run() {
    GradGuard grad_mode(recorded());
    while (!queue_.empty()) {
      current_ = queue_.pop();
      current_->queued_by_ = 0;
      const ProfileScope scope(current_->op(), true);
      // what this pass itself recorded, in a checkpoint, is not kept for a later one
      current_->step_back(*this, recorded() || (options_.retain_graph && current_->sequence() < first_new_));
    }
    current_ = nullptr;
    bool has_listeners = false;
    for (const auto& [node, sum] : sums_) {
      if (node->is_leaf()) node->call_hooks(*sum);
      if (capturing_) sum->own_gathered(recorded());
      has_listeners = has_listeners || node->has_listeners();
    }
    if (capturing_) return;
    {
      const detail::SpinLock lock(detail::committing);
      for (const auto& [node, sum] : sums_) node->prepare(*sum, recorded(), has_listeners);
      for (const auto& [node, sum] : sums_) node->commit(*sum);
    }
    if (has_listeners) tell_listeners();
  }

  /// A leaf of this pass that gathers the gradient of a node in its place.
  template <class T>
  detail::LeafNode<T>& sum_for(NodeBase& node) {
    if (NodeBase* const sum = sums_.find(&node)) return static_cast<detail::LeafNode<T>&>(*sum);
    auto* const sum = new detail::LeafNode<T>(node.shape());
    sums_.add(&node, sum);
    return *sum;
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
  const GatheredSums& sums() const { return sums_; }

 private:
  // What a pass that captures does differently; virtual, so that programs that only call backward() do not compile it.
  virtual bool is_on_the_way(const NodeBase*) const { return true; }
  virtual void explore(NodeBase*) {}
  virtual void capture(NodeBase*, const void* /*gradient*/) {}

  GLOSS_COLD void tell_listeners() {
    try {
      for (const auto& entry : sums_) entry.node->tell();
    } catch (...) {
      const detail::SpinLock lock(detail::committing);
      for (const auto& [node, sum] : sums_) node->restore(*sum);
      throw;
    }
  }

  BackwardOptions options_;
  bool capturing_;
  std::uint64_t first_new_;
  std::uint64_t id_;
  NodeQueue queue_;
  NodeBase* current_ = nullptr;  // whose turn it is
  std::vector<Ref<NodeBase>> roots_;
  GatheredSums sums_;
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
  /// The same for input i, whose values the closure has or has made again.
  template <class T>
  Tensor<T> as_input(int i, const Tensor<T>& values) const {
    return is_grad_enabled() && node_.input(i) ? values.as_result_of(*node_.input(i)) : values;
  }
  const char* op() const { return node_.op(); }
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
Tensor<T> detail::GradHooks<T>::receive(Tensor<T> dy, NodeBase& node, BackwardPass& pass) {
  dy = run(std::move(dy));
  if (this->retains && !pass.is_capturing()) pass.sum_for<T>(node).set_grad(dy);
  return dy;
}

template <class T>
void detail::GradHooks<T>::tell(const LeafNode<T>& leaf) const {
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
const Tensor<T>& Tensor<T>::requires_grad_(bool on) const requires Real<T> {
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

GLOSS_INSTANTIATE(void Grads::add(int, Tensor<float>))
GLOSS_INSTANTIATE(void Grads::add(int, Tensor<double>))

}  // namespace gloss::inline GLOSS_ABI
