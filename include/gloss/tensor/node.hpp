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

  // What happens at the end of a pass to `sum`, the leaf that gathered the gradient of this node's tensor for it.
  /// Lets a leaf's hooks see and replace it.
  virtual void call_hooks(NodeBase& /*sum*/) {}
  /// Gives it memory of its own, because the user may change it in place.
  virtual void own_gathered(bool recorded) = 0;
  /// Does what asks for memory: afterwards commit() cannot fail. `keep`: so that restore() is possible.
  virtual void prepare(NodeBase& sum, bool recorded, bool keep) = 0;
  /// Adds it to what the user sees.
  virtual void commit(NodeBase& sum) = 0;
  virtual void restore(NodeBase& sum) = 0;
  /// For hooks after the accumulation.
  virtual bool has_listeners() const { return false; }
  virtual void tell() {}

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

/// For the nodes that a pass reaches and whose gradient somebody wants: leaves that gather it in their place.
class GatheredSums {
 public:
  struct Entry {
    NodeBase* node;
    Ref<NodeBase> sum;
  };
  const Entry* begin() const { return entries_.data(); }
  const Entry* end() const { return entries_.data() + entries_.size(); }

  /// The leaf of a node, or null.
  GLOSS_NOINLINE NodeBase* find(const NodeBase* node) const {
    if (places_.empty()) return nullptr;
    for (std::size_t at = slot(node); places_[at]; at = (at + 1) & (places_.size() - 1))
      if (const Entry& entry = entries_[places_[at] - 1]; entry.node == node) return entry.sum.get();
    return nullptr;
  }
  GLOSS_COLD void add(NodeBase* node, NodeBase* sum) {
    entries_.push_back({node, Ref<NodeBase>(sum)});
    if (2 * entries_.size() < places_.size()) return note(entries_.size());
    places_.assign(entries_.size() < 16 ? 64 : 2 * places_.size(), 0);
    for (std::size_t place = 1; place <= entries_.size(); ++place) note(place);
  }

 private:
  std::size_t slot(const NodeBase* node) const {
    const auto address = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(node));
    return static_cast<std::size_t>((address * 0x9E3779B97F4A7C15u) >> 32) & (places_.size() - 1);
  }
  void note(std::size_t place) {
    std::size_t at = slot(entries_[place - 1].node);
    while (places_[at]) at = (at + 1) & (places_.size() - 1);
    places_[at] = place;
  }
  std::vector<Entry> entries_;       // in order of arrival
  std::vector<std::size_t> places_;  // a hash table of 1 + the entry's number, or 0
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
