// record(): the only door to the graph.
#pragma once

#include <cstddef>
#include <new>

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
/// A node with its closure, which lies behind it in the same block of memory. One class for all closures of an element
/// type: a program has a hundred of them, and each class would be compiled.
template <class T>
class OpNode final : public Node<T> {
 public:
  /// Calls the closure on (dy, dx), or destroys it when dy is null.
  using Act = void (*)(void* closure, const Tensor<T>* dy, Grads* dx);
  static constexpr std::size_t closure_align = alignof(std::max_align_t);

  /// A node with `room` bytes for a closure, which the caller constructs at closure() and hands over by arm().
  static OpNode* make(const char* op, const Shape& shape, std::size_t room) {
    return ::new (::operator new(closure_offset() + room)) OpNode(op, shape);
  }
  ~OpNode() override { drop_closure(); }
  static void operator delete(void* node) { ::operator delete(node); }

  void* closure() { return reinterpret_cast<std::byte*>(this) + closure_offset(); }
  void arm(Act act) { act_ = act; }
  bool is_leaf() const override { return false; }

 private:
  OpNode(const char* op, const Shape& shape) : Node<T>(op, shape) {}
  static constexpr std::size_t closure_offset() {
    return (sizeof(OpNode) + closure_align - 1) / closure_align * closure_align;
  }
  void drop_closure() {
    if (const Act act = std::exchange(act_, nullptr)) act(closure(), nullptr, nullptr);
  }
  void step_back(BackwardPass& pass, bool retain) override {
    if (!act_)
      fail<GradError>("backward: the graph of ", this->op(),
                      " was freed by an earlier backward; pass {.retain_graph = true} to that one");
    const Tensor<T> dy = this->take_gathered();
    if (pass.is_captured(this)) this->kept_ = dy;
    Grads dx(*this, pass);
    act_(closure(), &dy, &dx);
    if (!retain) drop_closure();
  }

  Act act_ = nullptr;
};

template <class T, class F>
void act(void* closure, const Tensor<T>* dy, Grads* dx) {
  F& backward = *static_cast<F*>(closure);
  if (dy)
    backward(*dy, *dx);
  else
    backward.~F();
}

/// y gets a node on these inputs, with `room` for a closure; null when none of them needs a gradient.
template <class T>
GLOSS_NOINLINE OpNode<T>* begin_record(const char* op, Tensor<T>& y, const GraphInput* inputs, std::size_t n,
                                       std::size_t room);

template <class T, class F>
Tensor<T> record_on(const char* op, Tensor<T> y, const GraphInput* inputs, std::size_t n, F&& backward) {
  using Closure = std::remove_cvref_t<F>;
  static_assert(alignof(Closure) <= OpNode<T>::closure_align);
  if (OpNode<T>* const node = begin_record(op, y, inputs, n, sizeof(Closure))) {
    ::new (node->closure()) Closure(std::forward<F>(backward));
    node->arm(&act<T, Closure>);
  }
  return y;
}
}  // namespace detail

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
  return detail::record_on(op, std::move(y), inputs.begin(), inputs.size(), std::forward<F>(backward));
}

/// The same for a list of inputs whose length is known at run time (cat, stack).
template <class T, class F>
Tensor<T> record(const char* op, Tensor<T> y, const std::vector<Tensor<T>>& inputs, F&& backward) {
  const std::vector<GraphInput> list(inputs.begin(), inputs.end());
  return detail::record_on(op, std::move(y), list.data(), list.size(), std::forward<F>(backward));
}

template <class T>
detail::OpNode<T>* detail::begin_record(const char* op, Tensor<T>& y, const GraphInput* inputs, std::size_t n,
                                        std::size_t room) {
  bool any = false;
  if (is_grad_enabled())
    for (std::size_t i = 0; i < n; ++i) any = any || inputs[i].node();
  if (!any) return nullptr;
  OpNode<T>* const node = OpNode<T>::make(op, y.shape(), room);
  y.body_->node = Ref<NodeBase>(node);
  node->set_inputs(inputs, static_cast<int>(n));
  return node;
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
