// Which elements lie on the same memory: what an op in place asks before it writes.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <gloss/core/error.hpp>
#include <gloss/tensor/tensor_class.hpp>

namespace gloss::inline GLOSS_ABI::detail {

/// How far the last element lies behind the first one, in elements.
inline Index reach(const Shape& shape, const Shape& strides) {
  Index last = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) last += (shape[axis] - 1) * strides[axis];
  return last;
}

/// Whether a walk over all elements comes to a place twice.
GLOSS_COLD inline bool visits_twice(const Shape& shape, const Shape& strides) {
  std::vector<bool> seen(static_cast<std::size_t>(reach(shape, strides) + 1));
  Shape position = Shape::filled(shape.rank(), 0);
  Index at = 0;
  for (Index left = shape.numel(); left > 0; --left) {
    if (seen[static_cast<std::size_t>(at)]) return true;
    seen[static_cast<std::size_t>(at)] = true;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      at += strides[axis];
      if (++position[axis] < shape[axis]) break;
      at -= strides[axis] * std::exchange(position[axis], 0);
    }
  }
  return false;
}

/// Whether each axis, from the last to the first, steps over all that the axes before span: then all places differ.
inline bool nests(const Shape& shape, const Shape& strides) {
  Index last = 0;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (shape[axis] == 1) continue;
    if (strides[axis] <= last) return false;
    last += (shape[axis] - 1) * strides[axis];
  }
  return true;
}

/// Whether elements share a place, so that writing one writes another.
GLOSS_NOINLINE inline bool overlaps_itself(Shape shape, Shape strides) {
  if (shape.numel() == 0) return false;
  for (int axis = 1; axis < shape.rank(); ++axis)  // the longest stride first
    for (int at = axis; at > 0 && strides[at - 1] < strides[at]; --at) {
      std::swap(strides[at - 1], strides[at]);
      std::swap(shape[at - 1], shape[at]);
    }
  return !nests(shape, strides) && visits_twice(shape, strides);
}

/// Errors: ShapeError when elements of x share a place.
GLOSS_NOINLINE inline void check_no_overlap(const char* op, const TensorBody& x) {
  if (nests(x.shape, x.strides) || !overlaps_itself(x.shape, x.strides)) return;
  for (int axis = 0; axis < x.shape.rank(); ++axis)
    if (x.strides[axis] == 0 && x.shape[axis] > 1)
      fail<ShapeError>(op, ": the elements along axis ", axis, " of shape ", x.shape,
                       " are one place in memory; clone() it first");
  fail<ShapeError>(op, ": elements of shape ", x.shape, " with strides ", x.strides,
                   " share places in memory; clone() it first");
}

/// Whether the memory from a's first element to its last meets that of b, whoever made them: two tensors may stand on
/// one memory that is not gloss's.
GLOSS_NOINLINE inline bool share_memory(const TensorBody& a, std::size_t size_a, const TensorBody& b,
                                        std::size_t size_b) {
  if (a.shape.numel() == 0 || b.shape.numel() == 0) return false;
  const auto first_a = reinterpret_cast<std::uintptr_t>(a.data), first_b = reinterpret_cast<std::uintptr_t>(b.data);
  const auto bytes_a = (static_cast<std::size_t>(reach(a.shape, a.strides)) + 1) * size_a;
  const auto bytes_b = (static_cast<std::size_t>(reach(b.shape, b.strides)) + 1) * size_b;
  return first_a < first_b + bytes_b && first_b < first_a + bytes_a;
}
template <class A, class B>
bool share_memory(const Tensor<A>& a, const Tensor<B>& b) {
  return share_memory(body_of("share_memory", a), sizeof(A), body_of("share_memory", b), sizeof(B));
}

/// b, to be read while x is written: `copy`, which becomes one, where they share memory.
template <class X, class B>
const Tensor<B>& apart_from(const Tensor<X>& x, const Tensor<B>& b, Tensor<B>& copy) {
  return share_memory(x, b) ? copy = b.detach().clone() : b;
}

}  // namespace gloss::inline GLOSS_ABI::detail
