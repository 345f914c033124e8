// What the reductions share: which axes go, and what shape stays.
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// What a sum or product of T is counted in: whole numbers and truth values in int64, as in PyTorch.
template <Summable T>
using Total = std::conditional_t<Real<T>, T, std::int64_t>;

/// What a long chain of T goes through on the way to a T: double for float, so that a million terms keep their digits.
template <Element T>
using Accumulator = std::conditional_t<Real<T>, double, T>;

struct ReduceOptions {
  bool keepdim = false;  // keep reduced axes with size 1
};

/// Axes to reduce over: none named means all. Converts from one axis or a list.
class Axes {
 public:
  Axes() = default;
  Axes(Index axis) : list_{axis} {}
  Axes(int axis) : Axes(static_cast<Index>(axis)) {}
  Axes(std::initializer_list<Index> axes) : list_(axes) {}
  explicit Axes(const Shape& axes) : list_(axes) {}

  /// Marks the axes of a tensor of this rank. Errors: IndexError out of range or named twice.
  void mark(const char* op, int rank, bool (&is_reduced)[max_rank]) const {
    for (int axis = 0; axis < max_rank; ++axis) is_reduced[axis] = list_.empty() && axis < rank;
    for (Index entry : list_) {
      const int axis = normalize_axis(op, entry, rank);
      if (is_reduced[axis]) fail<IndexError>(op, ": axis ", axis, " appears twice");
      is_reduced[axis] = true;
    }
  }

 private:
  Shape list_;
};

/// What is needed before a reduction and after it: marks, the two shapes, the count of elements per result.
struct ReducePlan {
  bool is_reduced[max_rank];
  Shape dropped;  // result shape without the reduced axes
  Shape kept;     // result shape with them as 1
  Index count = 1;

  GLOSS_NOINLINE ReducePlan(const char* op, const Shape& shape, const Axes& axes) {
    axes.mark(op, shape.rank(), is_reduced);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      kept.push_back(is_reduced[axis] ? 1 : shape[axis]);
      if (is_reduced[axis])
        count *= shape[axis];
      else
        dropped.push_back(shape[axis]);
    }
  }
  const Shape& shape(ReduceOptions options) const { return options.keepdim ? kept : dropped; }

  /// x, or a term of each x and the number of its output, reduced in the type of `identity`, unrecorded, in the shape
  /// that options ask for.
  template <class X, class T, class Combine, class Term = kernels::Itself>
  Tensor<T> run(const Tensor<X>& x, T identity, Combine combine, ReduceOptions options, Term term = {}) const {
    ProfileScope scope("reduce");
    Tensor<T> y = empty<T>(shape(options));
    scope.makes(y.data());
    if (scope) scope.bytes(sizeof(X), {x.numel()});
    if (scope) scope.bytes(sizeof(T), {y.numel()});
    kernels::reduce(kernels::Reduction(x.shape(), x.strides(), is_reduced), static_cast<const X*>(x.data()), y.data(),
                    identity, combine, term);
    return y;
  }
  /// Errors: ShapeError when there is nothing to choose from.
  void require_elements(const char* op, const Shape& x) const {
    if (count == 0) fail<ShapeError>(op, ": no elements to reduce in shape ", x);
  }
};

}  // namespace gloss::inline GLOSS_ABI
