// The recorded graph: a node per tensor that needs a gradient, holding the closure that goes one step back.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/core/ref.hpp>
#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI {

template <class T>
class Tensor;
class BackwardPass;

/// What backward and destruction need to know of a node, whatever its element type.
class NodeBase : public RefCounted {
 public:
  NodeBase(const char* op, const Shape& shape) : op_(op), shape_(shape) {}
  virtual ~NodeBase() { delete[] more_; }

  /// Name of the op that made the tensor; "leaf" for a tensor that the user made.
  const char* op() const { return op_; }
  /// Grows with creation, so a node's inputs always have smaller numbers.
  std::uint64_t sequence() const { return sequence_; }
  virtual bool is_leaf() const = 0;
  /// Of the tensor, and so of its gradient.
  const Shape& shape() const { return shape_; }
  /// Whether backward may go on from here to tensors that are not among the inputs, as with checkpoint().
  bool reaches_beyond() const { return reaches_beyond_; }
  void set_reaches_beyond() { reaches_beyond_ = true; }

  int inputs() const { return n_inputs_; }
  NodeBase* input(int i) const { return i < inline_inputs ? inline_[i].get() : more_[i - inline_inputs].get(); }
  template <class Input>
  void set_inputs(const Input* inputs, int n) {
    n_inputs_ = n;
    if (n > inline_inputs) more_ = new Ref<NodeBase>[static_cast<std::size_t>(n - inline_inputs)];
    for (int i = 0; i < n; ++i)
      (i < inline_inputs ? inline_[i] : more_[i - inline_inputs]) =
          Ref<NodeBase>(const_cast<NodeBase*>(inputs[i].node()));
  }

 protected:
  friend class BackwardPass;
  template <class T>
  friend class Node;
  friend void destroy(NodeBase* node);

  /// Runs the closure on the gathered gradient, then drops both unless `retain`.
  virtual void step_back(BackwardPass& pass, bool retain) = 0;
  virtual void drop_gathered() = 0;
  /// For a leaf: takes over what a pass gathered for it in a leaf of its own.
  virtual void finish(NodeBase& /*gathered*/, BackwardPass&) {}

 private:
  static constexpr int inline_inputs = 3;
  static std::uint64_t next_sequence() {
    static std::atomic<std::uint64_t> counter{0};
    return counter.fetch_add(1, std::memory_order_relaxed);
  }

  const char* op_;
  Shape shape_;
  std::uint64_t sequence_ = next_sequence();
  std::uint64_t queued_by_ = 0;    // the last BackwardPass that brought a gradient here
  std::uint64_t explored_by_ = 0;  // the last one that asked what lies below
  bool leads_on_ = false;          // its answer: something that is asked for
  bool reaches_beyond_ = false;
  int n_inputs_ = 0;
  Ref<NodeBase> inline_[inline_inputs];
  Ref<NodeBase>* more_ = nullptr;  // by hand, because <memory> is slow to compile
  NodeBase* next_doomed_ = nullptr;
};

/// Nodes that wait for their turn, the latest first. Compiled once: heaps and sorts cost a compiler more than they do.
class NodeQueue {
 public:
  bool empty() const { return nodes_.empty(); }
  GLOSS_NOINLINE void push(NodeBase* node) {
    nodes_.push_back(node);
    std::push_heap(nodes_.begin(), nodes_.end(), older);
  }
  GLOSS_NOINLINE NodeBase* pop() {
    std::pop_heap(nodes_.begin(), nodes_.end(), older);
    NodeBase* const node = nodes_.back();
    nodes_.pop_back();
    return node;
  }

 private:
  static bool older(const NodeBase* a, const NodeBase* b) { return a->sequence() < b->sequence(); }
  std::vector<NodeBase*> nodes_;
};

/// Deletes a node. Deleting it may release its inputs, and theirs: those are put on a list instead of recursing, so a
/// chain of any length is destroyed on a flat stack.
GLOSS_NOINLINE inline void destroy(NodeBase* node) {
  thread_local NodeBase* doomed = nullptr;
  thread_local bool busy = false;
  node->next_doomed_ = doomed;
  doomed = node;
  if (busy) return;
  busy = true;
  while (doomed) {
    NodeBase* const next = doomed;
    doomed = next->next_doomed_;
    delete next;
  }
  busy = false;
}

}  // namespace gloss::inline GLOSS_ABI
