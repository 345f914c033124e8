// record(): the only door to the graph.
#pragma once

#include <optional>

#include <gloss/tensor/backward.hpp>

namespace gloss::inline GLOSS_ABI {

/// An input of a recorded op: any tensor, of any element type; an undefined one takes no part.
class GraphInput {
 public:
  template <class T>
  GraphInput(const Tensor<T>& x) : node_(x.node()) {}
  const NodeBase* node() const { return node_; }

 private:
  const NodeBase* node_;
};

namespace detail {
/// A node with its closure.
template <class T, class F>
class OpNode final : public Node<T> {
 public:
  OpNode(const char* op, const Tensor<T>& y, F&& backward) : Node<T>(op, y.shape()), backward_(std::move(backward)) {}
  bool is_leaf() const override { return false; }

 private:
  void step_back(BackwardPass& pass, bool retain) override {
    if (!backward_)
      fail<GradError>("backward: the graph of ", this->op(),
                      " was freed by an earlier backward; pass {.retain_graph = true} to that one");
    Tensor<T> dy = this->take_gathered();
    if (pass.is_captured(this)) this->kept_ = dy;
    Grads dx(*this, pass);
    (*backward_)(static_cast<const Tensor<T>&>(dy), dx);
    if (!retain) backward_.reset();
  }
  std::optional<F> backward_;
};
}  // namespace detail

template <class T, class F>
Tensor<T> record_node(const char* op, Tensor<T> y, const NodeBase* const* inputs, int n, F&& backward) {
  auto* node = new detail::OpNode<T, std::remove_cvref_t<F>>(op, y, std::forward<F>(backward));
  y.body_->node = Ref<NodeBase>(node);
  node->set_inputs(inputs, n);
  return y;
}

/// Whether an op on these inputs would be recorded now.
inline bool will_record(std::initializer_list<GraphInput> inputs) {
  if (!is_grad_enabled()) return false;
  for (const GraphInput& x : inputs)
    if (x.node()) return true;
  return false;
}

/// Puts y, the fresh result of `op`, into the graph if grad mode is on and an input needs a gradient; returns y.
/// `backward(const Tensor<T>& dy, Grads& dx)` receives the gradient of y and calls dx.add(i, gradient of input i); it
/// may ask dx.needs(i) to save work. It captures inputs or y.detach(), never y, which would keep itself alive.
template <class T, class F>
Tensor<T> record(const char* op, Tensor<T> y, std::initializer_list<GraphInput> inputs, F&& backward) {
  if (!will_record(inputs)) return y;
  constexpr int most = 64;
  const NodeBase* nodes[most];
  int n = 0;
  for (const GraphInput& x : inputs) {
    if (n == most) fail<GradError>(op, ": more than ", most, " inputs in one record");
    nodes[n++] = x.node();
  }
  return record_node(op, std::move(y), nodes, n, std::forward<F>(backward));
}

/// The same for a list of inputs whose length is known at run time (cat, stack).
template <class T, class F>
Tensor<T> record(const char* op, Tensor<T> y, const std::vector<Tensor<T>>& inputs, F&& backward) {
  bool any = false;
  std::vector<const NodeBase*> nodes;
  nodes.reserve(inputs.size());
  for (const Tensor<T>& x : inputs) {
    nodes.push_back(x.node());
    any = any || x.node();
  }
  if (!any || !is_grad_enabled()) return y;
  return record_node(op, std::move(y), nodes.data(), static_cast<int>(nodes.size()), std::forward<F>(backward));
}

namespace detail {
/// a + b for equal shapes: how two gradients of one tensor meet.
template <class T>
Tensor<T> sum_of_two(const Tensor<T>& a, const Tensor<T>& b) {
  Tensor<T> y = Tensor<T>::uninitialized(a.shape());
  kernels::map(kernels::make_loop<3>(a.shape(), {y.strides(), a.strides(), b.strides()}), kernels::Plus{}, y.data(),
               static_cast<const T*>(a.data()), static_cast<const T*>(b.data()));
  return record("accumulate", y, {a, b}, [](const Tensor<T>& dy, Grads& dx) {
    dx.add(0, dy);
    dx.add(1, dy);
  });
}
}  // namespace detail

/// The gradients of `output` (times `gradient`, ones by default) with respect to inputs, leaves or not. No leaf's own
/// gradient changes. An input that output does not depend on gets an undefined tensor. PyTorch: torch.autograd.grad
/// Errors: GradError as for backward, or when an input does not require a gradient.
template <Real T>
std::vector<Tensor<T>> grad(const Tensor<T>& output, const std::vector<Tensor<T>>& inputs, BackwardOptions options = {},
                            Tensor<T> gradient = {}) {
  if (!output.requires_grad()) fail<GradError>("grad: the output does not require a gradient");
  if (!gradient.defined()) {
    if (output.numel() != 1) fail<GradError>("grad: a gradient is needed for an output of shape ", output.shape());
    gradient = Tensor<T>::uninitialized(output.shape()).fill_(T{1});
  }
  if (gradient.shape() != output.shape())
    fail<GradError>("grad: gradient has shape ", gradient.shape(), ", the output has ", output.shape());
  struct Slot {
    Node<T>* node;
    Tensor<T> saved;
  };
  std::vector<const NodeBase*> wanted;
  std::vector<Slot> slots;
  for (const Tensor<T>& x : inputs) {
    if (!x.requires_grad()) fail<GradError>("grad: input ", slots.size(), " does not require a gradient");
    Node<T>* node = static_cast<Node<T>*>(const_cast<NodeBase*>(x.node()));
    wanted.push_back(node);
    slots.push_back({node, {}});
    if (node->is_leaf()) slots.back().saved = std::exchange(node->gathered_, {});
  }
  auto collect = [&](std::vector<Tensor<T>>* out) {
    for (Slot& s : slots) {
      Tensor<T> g = s.node->is_leaf() ? s.node->gathered_ : s.node->kept_;
      if (out) out->push_back(g);
    }
    for (auto s = slots.rbegin(); s != slots.rend(); ++s)  // backwards, so an input named twice gets its own back
      (s->node->is_leaf() ? s->node->gathered_ : s->node->kept_) = std::move(s->saved);
  };
  BackwardPass pass(options);
  pass.capture(std::move(wanted));
  std::vector<Tensor<T>> result;
  try {
    const Ref<NodeBase> root(const_cast<NodeBase*>(output.node()));
    pass.run(root.get(), gradient);
  } catch (...) {
    collect(nullptr);
    throw;
  }
  collect(&result);
  return result;
}

}  // namespace gloss::inline GLOSS_ABI
