// record(): the only door to the graph.
#pragma once

#include <cstddef>
#include <new>

#include <gloss/core/profile_scope.hpp>
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

  /// A node with `room` bytes for a closure, which the caller constructs at closure(), while saved() is noted, and
  /// hands over by arm().
  static OpNode* make(const char* op, const Shape& shape, std::size_t room) {
    return ::new (::operator new(closure_offset() + room)) OpNode(op, shape);
  }
  GLOSS_NOINLINE ~OpNode() override { drop_closure(); }
  static void operator delete(void* node) { ::operator delete(node); }

  void* closure() { return reinterpret_cast<std::byte*>(this) + closure_offset(); }
  SavedTensors& saved() { return saved_; }
  void arm(Act act) { act_ = act; }
  bool is_leaf() const override { return false; }

 private:
  OpNode(const char* op, const Shape& shape) : Node<T>(op, shape) {}
  static constexpr std::size_t closure_offset() {
    return (sizeof(OpNode) + closure_align - 1) / closure_align * closure_align;
  }
  void drop_closure() {
    if (const Act act = std::exchange(act_, nullptr)) act(closure(), nullptr, nullptr);
    saved_.clear();
    this->set_rebuild({});
  }
  Tensor<T>& shown() override { return this->extras_->retained; }
  void step_back(BackwardPass& pass, bool retain) override {
    if (!act_)
      fail<GradError>("backward: the graph of ", this->op(),
                      " was freed by an earlier backward; pass {.retain_graph = true} to that one");
    Tensor<T> dy = this->take_gathered();
    if (this->extras_) dy = this->extras_->receive(std::move(dy), *this, pass);
    pass.keep(this, dy);
    if (!pass.goes_beyond(this)) return;
    saved_.check(this->op());
    Grads dx(*this, pass);
    act_(closure(), &dy, &dx);
    if (!retain) drop_closure();
  }

  Act act_ = nullptr;
  SavedTensors saved_;
};

template <class T, class F>
void act(void* closure, const Tensor<T>* dy, Grads* dx) {
  if (dy)
    (*static_cast<const F*>(closure))(*dy, *dx);
  else
    static_cast<F*>(closure)->~F();
}

/// y gets a node on these inputs, with `room` for a closure; null when none of them needs a gradient and not `always`.
template <class T>
GLOSS_NOINLINE OpNode<T>* begin_record(const char* op, Tensor<T>& y, const GraphInput* inputs, std::size_t n,
                                       std::size_t room, bool always);

template <class T, class F>
Tensor<T> record_on(const char* op, Tensor<T> y, const GraphInput* inputs, std::size_t n, const F& backward,
                    bool always = false) {
  static_assert(alignof(F) <= OpNode<T>::closure_align);
  static_assert(std::is_copy_constructible_v<F>, "record: the closure must be copyable");
  if (OpNode<T>* const node = begin_record(op, y, inputs, n, sizeof(F), always)) {
    const SavedTensors::Scope note(node->saved());
    ::new (node->closure()) F(backward);  // a copy, because copying is what reaches every tensor in it
    node->arm(&act<T, F>);
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
/// may ask dx.needs(i) to save work. It captures inputs or y.detach(), never y, which would keep itself alive. It is
/// copied, and every tensor that is copied with it is checked before it runs: GradError when one was changed in place.
template <class T, class F>
Tensor<T> record(const char* op, Tensor<T> y, std::initializer_list<GraphInput> inputs, const F& backward) {
  return detail::record_on(op, std::move(y), inputs.begin(), inputs.size(), backward);
}

/// The same for a list of inputs whose length is known at run time (cat, stack).
template <class T, class F>
Tensor<T> record(const char* op, Tensor<T> y, const std::vector<Tensor<T>>& inputs, const F& backward) {
  const std::vector<GraphInput> list(inputs.begin(), inputs.end());
  return detail::record_on(op, std::move(y), list.data(), list.size(), backward);
}

template <class T>
detail::OpNode<T>* detail::begin_record(const char* op, Tensor<T>& y, const GraphInput* inputs, std::size_t n,
                                        std::size_t room, bool always) {
  if (profile && y.defined()) profile->name(op, y.data());
  bool any = always;
  if (is_grad_enabled())
    for (std::size_t i = 0; i < n; ++i) any = any || inputs[i].node();
  if (!any) return nullptr;
  OpNode<T>* const node = OpNode<T>::make(op, y.shape(), room);
  const Ref<NodeBase> owner(node);
  node->set_inputs(inputs, static_cast<int>(n));
  if (anomaly) check_anomaly(y, *node);
  y.body_->node = owner;  // last: what y was may be an input
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

GLOSS_INSTANTIATE(class detail::OpNode<float>)
GLOSS_INSTANTIATE(class detail::OpNode<double>)

}  // namespace gloss::inline GLOSS_ABI
