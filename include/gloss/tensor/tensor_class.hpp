// The class Tensor<T>: a strided, row-major, reference-counted array that can take part in a graph.
// Include <gloss/tensor/tensor.hpp>, which adds the members that record.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/core/context.hpp>
#include <gloss/core/error.hpp>
#include <gloss/core/shape.hpp>
#include <gloss/tensor/element.hpp>
#include <gloss/tensor/nested.hpp>
#include <gloss/tensor/node.hpp>
#include <gloss/tensor/saved.hpp>
#include <gloss/tensor/storage.hpp>

namespace gloss::inline GLOSS_ABI {

template <class T>
class Tensor;
class AnyTensor;
class GraphInput;
class HookHandle;
namespace detail {
template <class T>
class OpNode;
template <class T>
OpNode<T>* begin_record(const char* op, Tensor<T>& y, const GraphInput* inputs, std::size_t n, std::size_t room,
                        bool always);

template <class T, class Op>
void record_in_place(const char* name, const Tensor<T>& x, Op op);
template <class T>
void become(const char* name, const Tensor<T>& x, const Tensor<T>& y);
template <class T>
const TensorBody& body_of(const char* what, const Tensor<T>& x) {
  return x.body(what);
}
}  // namespace detail

/// How far backward goes beyond the gradients of the leaves.
struct BackwardOptions {
  bool retain_graph = false;  // keep the graph for another backward
  bool create_graph = false;  // record the backward itself, for second derivatives; implies retain_graph
};

/// A handle: copying it shares the numbers, and const says that it stands for the same tensor for ever, not that the
/// numbers stay. So all that changes numbers or gradients in place can be called on a const handle. What only re-reads
/// memory is a member and shares memory with its source; what computes is a free function. Sizes and rank are run-time
/// values. PyTorch: torch.Tensor
template <class T>
class Tensor {
  static_assert(Element<T>,
                "gloss::Tensor: the element type must be float, double, bfloat16, int64, int32, uint8 or bool");

 public:
  /// The element type.
  using value_type = T;

  /// An undefined tensor, as a function result or a missing optional argument; defined() is false.
  Tensor() = default;
  Tensor(const Tensor& other) : body_(other.body_) {
    if (detail::SavedTensors* const list = detail::SavedTensors::current(); list && body_) list->add(body_);
  }
  Tensor(Tensor&& other) noexcept : body_(std::move(other.body_)) {}
  Tensor& operator=(const Tensor&) = default;
  Tensor& operator=(Tensor&&) noexcept = default;
  ~Tensor() = default;
  /// New dense memory of this shape with unspecified contents; zeros, ones, full and empty are the named ways.
  /// Errors: as empty.
  static Tensor uninitialized(const Shape& shape);
  /// On memory that is there already; unchecked, see from_blob.
  static Tensor on_storage(Ref<Storage> storage, T* data, const Shape& shape, const Shape& strides);
  /// From numbers: each level of braces is an axis, so {{1}, {2}} has shape [2, 1].
  /// Errors: ShapeError when rows differ in length or in depth. PyTorch: torch.tensor
  Tensor(std::initializer_list<Nested<T>> values);

  // --- what it is
  /// Whether it is a tensor at all, which a default-constructed handle is not.
  bool defined() const { return static_cast<bool>(body_); }
  /// Sizes, and how far apart in memory neighbours along each axis stand, in elements.
  const Shape& shape() const { return body("shape").shape; }
  const Shape& strides() const { return body("strides").strides; }
  /// The number of axes.
  int dim() const { return shape().rank(); }
  /// Size along an axis; negative axes count from the end.
  Index size(Index axis) const { return shape()[normalize_axis("size", axis, dim())]; }
  /// The number of elements.
  Index numel() const { return shape().numel(); }
  /// First element; the others stand at strides(). Valid while any tensor on this memory lives.
  T* data() const { return static_cast<T*>(body("data").data); }
  /// Whether the elements lie side by side in row-major order.
  bool is_contiguous() const;
  /// The element at a full position; negative entries count from the end.
  /// Errors: IndexError
  T& at(std::initializer_list<Index> position) const;
  /// The value of a one-element tensor. Errors: ShapeError when there are more or none.
  T item() const;
  /// Whether two handles stand for the same tensor.
  bool is_same(const Tensor& other) const { return body_ == other.body_; }
  const Storage* storage() const { return body_ ? body_->storage.get() : nullptr; }
  /// Whether no other handle, view or closure reaches this memory, nor anybody outside.
  bool owns_memory() const {
    return body_ && body_->unique() && body_->storage->unique() && !body_->storage->is_foreign();
  }

  // A tensor is no truth value, not even one of a comparison.
  explicit operator bool() const GLOSS_REFUSED("say any(x).item(), all(x).item() or x.defined()");

  // --- gradients
  /// Whether operations on it are recorded.
  bool requires_grad() const { return body_ && body_->node; }
  bool is_leaf() const { return !requires_grad() || body_->node->is_leaf(); }
  /// Makes this tensor a leaf of the graph (or, with false, takes it out). Returns itself.
  /// Errors: GradError on the result of a recorded op.
  const Tensor& requires_grad_(bool on = true) const requires Real<T>;
  /// The gradient gathered by backward; undefined before the first. Leaves keep one, and what retain_grad() was called
  /// on. Shares memory with the tensor's.
  Tensor grad() const requires Real<T>;
  void set_grad(Tensor grad) const requires Real<T>;
  /// Forgets the gradient. PyTorch: x.grad = None
  void zero_grad() const requires Real<T> {
    if (requires_grad()) set_grad({});
  }
  /// Keeps the gradient of an op's result, too, in grad().
  void retain_grad() const requires Real<T>;
  bool retains_grad() const requires Real<T>;
  /// Calls hook(gradient) in every backward, once for all uses of this tensor: for a result before its op goes back,
  /// for a leaf when the pass is over, before the gradient is added to grad(). The hook may return a Tensor to take the
  /// gradient's place. It may run on any thread that runs backward; it must not hold this tensor, but may hold its
  /// detach(). Hooks belong to the value they were registered on: after a recorded change in place to the old one.
  /// PyTorch: x.register_hook
  template <class F>
  HookHandle register_hook(F hook) const requires Real<T>;
  /// Calls hook(grad()) after a backward has added to the gradients of all leaves. If one throws, the gradients of all
  /// are what they were before.
  template <class F>
  HookHandle register_post_accumulate_grad_hook(F hook) const requires Real<T>;
  /// Adds d(this)/d(leaf) to the gradient of every leaf below; whatever throws, no gradient changes. Without an
  /// argument the tensor must have one element.
  /// Errors: GradError without a graph, with a freed graph, or when `gradient` has another shape.
  void backward(BackwardOptions options = {}) const requires Real<T>;
  void backward(const Tensor& gradient, BackwardOptions options = {}) const requires Real<T>;
  /// The same memory, outside the graph.
  Tensor detach() const;
  /// This, or an undefined tensor: what a closure captures when a backward needs x only for the gradient of another.
  Tensor only_if(bool condition) const { return condition ? *this : Tensor{}; }
  const NodeBase* node() const { return body_ ? body_->node.get() : nullptr; }

  // --- views: the same memory read in another way; gradients flow through
  /// Errors: ShapeError when the size differs or the strides do not allow it (then reshape copies). One -1 is inferred.
  Tensor view(Shape shape) const;
  /// view where possible, else a copy in row-major order.
  Tensor reshape(const Shape& shape) const;
  /// Swaps two axes. Errors: IndexError
  Tensor transpose(Index axis0, Index axis1) const;
  /// Swaps the last two axes of a matrix or batch of matrices. PyTorch: mT
  Tensor mT() const { return transpose(-2, -1); }
  /// Axis i of the result is axis order[i] of this.
  Tensor permute(const Shape& order) const;
  /// Stretches axes of size 1 without copying; -1 keeps a size. New axes may be added in front.
  Tensor expand(const Shape& shape) const;
  /// Positions begin, begin + step, ... below end of one axis; negative ends count from the end, as in Python.
  Tensor slice(Index axis, Index begin, Index end = INT64_MAX, Index step = 1) const;
  /// One position of an axis; the axis goes.
  /// Errors: IndexError
  Tensor select(Index axis, Index index) const;
  /// `length` positions from `start`.
  /// Errors: IndexError beyond the end.
  Tensor narrow(Index axis, Index start, Index length) const;
  /// Without an axis, or without all axes, of size 1; an axis of another size stays.
  Tensor squeeze(Index axis) const;
  Tensor squeeze() const;
  /// With a new axis of size 1 before `axis`. Errors: IndexError
  Tensor unsqueeze(Index axis) const;
  /// Merges the axes start..end into one.
  Tensor flatten(Index start = 0, Index end = -1) const;
  /// select(0, index).
  Tensor operator[](Index index) const { return select(0, index); }
  // more of them, defined in axis_views.hpp and pieces.hpp
  /// Without those of these axes that have size 1. Errors: IndexError
  Tensor squeeze(const Shape& axes) const;
  Tensor swapaxes(Index axis0, Index axis1) const { return transpose(axis0, axis1); }
  /// Swaps the axes of a matrix; a vector or scalar stays. Errors: ShapeError for more axes.
  Tensor t() const;
  /// The axes `source` stand at `destination`, the others keep their order. Errors: IndexError
  Tensor movedim(Index source, Index destination) const { return movedim(Shape{source}, Shape{destination}); }
  Tensor movedim(const Shape& source, const Shape& destination) const;
  /// Splits an axis into several; one size may be -1. Errors: ShapeError when they do not fill it.
  Tensor unflatten(Index axis, Shape sizes) const;
  /// The diagonals of two axes, as a last axis that replaces them; `offset` goes right of the main one.
  /// Errors: IndexError, ShapeError when the two are the same.
  Tensor diagonal(Index offset = 0, Index axis0 = 0, Index axis1 = 1) const;
  /// Windows of `size` elements along an axis, `step` apart, which share memory; the window is a new last axis.
  /// Errors: ShapeError when the window is longer than the axis or the step is not positive.
  Tensor unfold(Index axis, Index size, Index step) const;
  /// expand; view, reshape and expand to another tensor's shape.
  Tensor broadcast_to(const Shape& shape) const { return expand(shape); }
  template <class U>
  Tensor view_as(const Tensor<U>& other) const {
    return view(other.shape());
  }
  template <class U>
  Tensor reshape_as(const Tensor<U>& other) const {
    return reshape(other.shape());
  }
  template <class U>
  Tensor expand_as(const Tensor<U>& other) const {
    return expand(other.shape());
  }
  /// Every position of an axis by select.
  std::vector<Tensor> unbind(Index axis = 0) const;
  /// At most `chunks` views of equal size along an axis, the last perhaps smaller. Errors: Error for fewer than one.
  std::vector<Tensor> chunk(Index chunks, Index axis = 0) const;
  /// Views of `size` along an axis, the last perhaps smaller; or of the sizes in a list, which fill it.
  /// Errors: ShapeError when the list does not fill the axis, Error for a size below one.
  template <std::integral Int>  // a template, so that {3} is a list of one size
  std::vector<Tensor> split(Int size, Index axis = 0) const {
    return split_evenly(static_cast<Index>(size), axis);
  }
  std::vector<Tensor> split(const std::vector<Index>& sizes, Index axis = 0) const;
  /// `sections` views, the first ones larger by one where needed; or the views between the positions in a list.
  template <std::integral Int>
  std::vector<Tensor> tensor_split(Int sections, Index axis = 0) const {
    return split_in(static_cast<Index>(sections), axis);
  }
  std::vector<Tensor> tensor_split(const std::vector<Index>& positions, Index axis = 0) const;

  // --- copies
  /// This tensor if it is dense and row-major, else such a copy.
  Tensor contiguous() const;
  /// A dense copy; gradients flow through.
  Tensor clone() const;

  // --- in place; more of them in ops/in_place.hpp. Part of the graph where this or the source is.
  /// Overwrites this with source, which broadcasts to its shape.
  /// A source on the same memory is read before anything is written.
  /// Errors: ShapeError when it does not, or when elements of this share a place (expand); GradError, while a graph is
  /// recorded, for a leaf that requires a gradient, and for a tensor of the graph whose memory others share.
  const Tensor& copy_(const Tensor& source) const;
  /// Sets every element. Errors: as copy_.
  const Tensor& fill_(T value) const;
  /// fill_(0).
  const Tensor& zero_() const { return fill_(T{}); }
  /// How often this memory was changed in place. Backward refuses a saved tensor whose version is not that at saving.
  std::uint32_t version() const { return body("version").storage->version(); }
  /// Says that data() was written to, under the name of who did it (a string literal); what is in gloss does so itself.
  void mark_changed(const char* by) const { body("mark_changed").storage->mark_changed(by); }

  /// A view with these sizes and strides from an element offset; unchecked and unrecorded, for op authors.
  Tensor as_strided(const Shape& shape, const Shape& strides, Index offset) const;

 protected:
  detail::TensorBody& body(const char* what) const {
    if (!body_) fail(what, ": the tensor is undefined");
    return *body_;
  }
  Ref<detail::TensorBody> body_;

 private:
  std::vector<Tensor> split_evenly(Index size, Index axis) const;
  std::vector<Tensor> split_in(Index sections, Index axis) const;

  template <class U>
  friend class Tensor;
  template <class U>
  friend detail::OpNode<U>* detail::begin_record(const char*, Tensor<U>&, const GraphInput*, std::size_t, std::size_t,
                                                 bool);
  friend class Grads;
  friend class AnyTensor;
  Tensor as_result_of(NodeBase& node) const {
    Tensor t = detach();
    t.body_->node = Ref<NodeBase>(&node);
    return t;
  }

  // For changes in place: the same memory and node as another tensor, memory of its own with the same version where a
  // closure holds this tensor as well, and the node of another.
  template <class U, class Op>
  friend void detail::record_in_place(const char* name, const Tensor<U>& x, Op op);
  template <class U>
  friend void detail::become(const char* name, const Tensor<U>& x, const Tensor<U>& y);
  Tensor alias_with_node() const {
    Tensor t = detach();
    t.body_->node = body_->node;
    return t;
  }
  void keep_if_saved() const {
    if (body_->unique()) return;
    const Tensor copy = detach().clone();
    copy.body_->storage->set_version(version());
    body_->storage = copy.body_->storage;
    body_->data = copy.body_->data;
    body_->strides = copy.body_->strides;
  }
  template <class U>
  friend const detail::TensorBody& detail::body_of(const char* what, const Tensor<U>& x);
  void take_node(const Tensor& other) const { body_->node = other.body_->node; }
};

template <class T>
GLOSS_NOINLINE Tensor<T> Tensor<T>::uninitialized(const Shape& shape) {
  for (Index s : shape)
    if (s < 0) fail<ShapeError>("empty: negative size in ", shape);
  if (!is_countable(shape)) fail<ShapeError>("empty: too many elements in ", shape);
  Tensor t;
  t.body_ = Ref(new detail::TensorBody);
  t.body_->storage = StoragePool::instance().allocate(static_cast<std::size_t>(shape.numel()) * sizeof(T));
  t.body_->data = t.body_->storage->data();
  t.body_->shape = shape;
  t.body_->strides = contiguous_strides(shape);
  return t;
}

template <class T>  // NOLINTNEXTLINE(performance-unnecessary-value-param): moved from
Tensor<T> Tensor<T>::on_storage(Ref<Storage> storage, T* data, const Shape& shape, const Shape& strides) {
  Tensor t;
  t.body_ = Ref(new detail::TensorBody);
  t.body_->storage = std::move(storage);
  t.body_->data = data;
  t.body_->shape = shape;
  t.body_->strides = strides;
  return t;
}

template <class T>
GLOSS_NOINLINE Tensor<T>::Tensor(std::initializer_list<Nested<T>> values) {
  const Nested<T> all(values);
  Shape shape;
  all.append_sizes(shape);
  *this = uninitialized(shape);
  T* next = data();
  all.write(shape, 0, next);
}

template <class T>
GLOSS_NOINLINE bool Tensor<T>::is_contiguous() const {
  const auto& b = body("is_contiguous");
  Index step = 1;
  for (int axis = b.shape.rank() - 1; axis >= 0; --axis) {
    if (b.shape[axis] == 0) return true;
    if (b.shape[axis] != 1 && b.strides[axis] != step) return false;
    step *= b.shape[axis];
  }
  return true;
}

template <class T>
T& Tensor<T>::at(std::initializer_list<Index> position) const {
  if (static_cast<int>(position.size()) != dim())
    fail<IndexError>("at: ", position.size(), " indices for shape ", shape());
  Index offset = 0;
  int axis = 0;
  for (Index i : position) {
    const Index n = shape()[axis];
    if (i < -n || i >= n) fail<IndexError>("at: index ", i, " is out of range for axis ", axis, " of shape ", shape());
    offset += (i < 0 ? i + n : i) * strides()[axis++];
  }
  return data()[offset];
}

template <class T>
T Tensor<T>::item() const {
  if (numel() != 1) fail<ShapeError>("item: one element wanted, shape is ", shape());
  return *data();
}

template <class T>
GLOSS_NOINLINE Tensor<T> Tensor<T>::as_strided(const Shape& shape, const Shape& strides, Index offset) const {
  const auto& from = body("as_strided");
  Tensor t;
  t.body_ = Ref(new detail::TensorBody);
  t.body_->storage = from.storage;
  t.body_->data = static_cast<T*>(from.data) + offset;
  t.body_->shape = shape;
  t.body_->strides = strides;
  return t;
}

template <class T>
Tensor<T> Tensor<T>::detach() const {
  return as_strided(shape(), strides(), 0);
}

}  // namespace gloss::inline GLOSS_ABI
