// The tensors that a backward closure saves, with the version each had: a value overwritten since is found before it is
// used.
#pragma once

#include <utility>

#include <gloss/core/context.hpp>
#include <gloss/tensor/node.hpp>
#include <gloss/tensor/storage.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// What a Tensor handle points to, for all element types.
struct TensorBody : RefCounted {
  Ref<Storage> storage;
  void* data = nullptr;  // the first element
  Shape shape;
  Shape strides;
  Ref<NodeBase> node;  // null when no gradient is needed
};
GLOSS_NOINLINE inline void destroy(TensorBody* body) { delete body; }

/// Filled by the copy constructor of Tensor while a node copies its closure, so that no op has to name what it saves:
/// a handle that the closure holds, at any depth that copying reaches, is noted.
class SavedTensors {
 public:
  SavedTensors() = default;
  SavedTensors(const SavedTensors&) = delete;
  SavedTensors& operator=(const SavedTensors&) = delete;
  ~SavedTensors() { delete[] more_; }

  /// While it lives, copies of tensors on this thread are noted in `list`.
  class [[nodiscard]] Scope {
   public:
    explicit Scope(SavedTensors& list) : outer_(current()) { current() = &list; }
    ~Scope() { current() = outer_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    SavedTensors* outer_;
  };
  static SavedTensors*& current() { return current_; }

  GLOSS_NOINLINE void add(const Ref<TensorBody>& body) {
    if (n_ == capacity_) {
      Entry* const larger = new Entry[static_cast<std::size_t>(2 * capacity_)];
      for (int i = 0; i < n_; ++i) larger[i] = std::exchange(entries()[i], {});
      delete[] more_;
      more_ = larger;
      capacity_ *= 2;
    }
    entries()[n_++] = {body, body->storage->version()};
  }
  void clear() {
    while (n_ > 0) entries()[--n_].body = nullptr;
  }
  /// Errors: GradError when one was changed in place since.
  void check(const char* op) const {
    for (int i = 0; i < n_; ++i)
      if (const Entry& e = entries()[i]; e.body->storage->version() != e.version) refuse(op, e);
  }

 private:
  struct Entry {
    Ref<TensorBody> body;
    std::uint32_t version = 0;
  };
  static constexpr int inline_entries = 3;

  Entry* entries() { return more_ ? more_ : inline_; }
  const Entry* entries() const { return more_ ? more_ : inline_; }
  [[noreturn]] GLOSS_COLD static void refuse(const char* op, const Entry& e) {
    const char* const by = e.body->storage->changed_by();
    fail<GradError>("backward of ", op, ": a tensor of shape ", e.body->shape,
                    " that was saved for it has been changed in place", by ? " by " : "", by ? by : "", " (version ",
                    e.body->storage->version(), ", saved at ", e.version, "); change a clone() instead");
  }

  static inline thread_local SavedTensors* current_ = nullptr;
  int n_ = 0;
  int capacity_ = inline_entries;
  Entry* more_ = nullptr;
  Entry inline_[inline_entries];
};

/// What every op in place asks before it writes to x: whether the change has to be recorded, because x or what is
/// written to it is in the graph.
/// Errors: GradError for a leaf that requires a gradient, and for a recorded change of shared memory.
GLOSS_NOINLINE inline bool records_in_place(const char* op, const TensorBody& x, const NodeBase* source) {
  if (!is_grad_enabled() || !(x.node || source)) return false;
  if (x.node && x.node->is_leaf())
    fail<GradError>(op, ": a leaf that requires a gradient is changed in place; use a NoGradGuard");
  if (!x.storage->unique())
    fail<GradError>(op,
                    ": a change of a tensor in the graph cannot be recorded while others (a view, a detach(), a "
                    "saved result) share its memory; change a clone() instead");
  return true;
}

}  // namespace gloss::inline GLOSS_ABI::detail
