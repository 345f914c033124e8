// Walks several strided arrays of one shape together, after merging every axis that can be merged.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// The most arrays that a Loop walks.
inline constexpr int max_arrays = 4;

/// The axes of a walk. Those of size 1 are gone and neighbours that are one run of memory in every array are merged, so
/// that dense arrays always have rank 1. The last axis is the inner loop.
struct LoopAxes {
  int rank = 0;
  Index numel = 1;
  Index sizes[max_rank] = {};

  Index inner_size() const { return rank > 0 ? sizes[rank - 1] : 1; }
};

/// Axes and strides of N arrays walked in step.
template <int N>
struct Loop : LoopAxes {
  static_assert(N <= max_arrays);
  Index strides[N][max_rank] = {};

  Index inner_stride(int array) const { return rank > 0 ? strides[array][rank - 1] : 1; }
};

namespace detail {

// The rest of this file knows the number of arrays when it runs, so that it is compiled once.
using Strides = Index[max_rank];

GLOSS_NOINLINE inline void merge_axes(const Shape& shape, int arrays, const Shape* from, LoopAxes& loop,
                                      Strides* strides) {
  loop.numel = shape.numel();
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    bool merges = loop.rank > 0;
    for (int n = 0; n < arrays && merges; ++n) merges = strides[n][loop.rank - 1] == from[n][axis] * shape[axis];
    if (!merges) loop.sizes[loop.rank++] = 1;
    loop.sizes[loop.rank - 1] *= shape[axis];
    for (int n = 0; n < arrays; ++n) strides[n][loop.rank - 1] = from[n][axis];
  }
}

struct RowCall {
  const void* object;
  void (*call)(const void* object, const Index* offsets, Index n);
};

GLOSS_NOINLINE inline void walk_rows(const LoopAxes& loop, int arrays, const Strides* strides, RowCall row,
                                     Index grain) {
  const Index inner = loop.inner_size();
  const bool whole = loop.rank > 1;  // else pieces of the one row
  parallel_for(whole ? loop.numel / inner : inner, whole ? grain / inner + 1 : grain, [&](Index begin, Index end) {
    Index position[max_rank] = {};
    Index offsets[max_arrays] = {};
    Index rest = begin;
    for (int axis = loop.rank - (whole ? 2 : 1); axis >= 0; --axis) {
      position[axis] = rest % loop.sizes[axis];
      rest /= loop.sizes[axis];
      for (int n = 0; n < arrays; ++n) offsets[n] += position[axis] * strides[n][axis];
    }
    if (!whole) return row.call(row.object, offsets, end - begin);
    for (Index r = begin; r < end; ++r) {
      row.call(row.object, offsets, inner);
      for (int axis = loop.rank - 2; axis >= 0; --axis) {
        const bool wraps = ++position[axis] == loop.sizes[axis];
        if (wraps) position[axis] = 0;
        for (int n = 0; n < arrays; ++n) offsets[n] += strides[n][axis] * (wraps ? 1 - loop.sizes[axis] : 1);
        if (!wraps) break;
      }
    }
  });
}

}  // namespace detail

/// The walk over arrays of this shape.
template <int N>
Loop<N> make_loop(const Shape& shape, const Shape (&strides)[N]) {
  Loop<N> loop;
  detail::merge_axes(shape, N, strides, loop, loop.strides);
  return loop;
}

/// Calls row(offsets, n) for each run along the inner axis, in parallel over runs and, when there are few, over pieces
/// of runs. offsets[k] is where array k stands, in elements; it advances by loop.inner_stride(k). A row costs one
/// indirect call. grain is how many elements are worth a thread.
template <int N, class Row>
void for_each_row(const Loop<N>& loop, const Row& row, Index grain = 16384) {
  if (loop.numel == 0) return;
  detail::walk_rows(
      loop, N, loop.strides,
      {&row, [](const void* object, const Index* offsets, Index n) { (*static_cast<const Row*>(object))(offsets, n); }},
      grain);
}

}  // namespace gloss::inline GLOSS_ABI::kernels
