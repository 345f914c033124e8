// Walks several strided arrays of one shape together, after merging every axis that can be merged.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Shape and strides of N arrays walked in step. Axes of size 1 are gone and neighbours that are one run of memory in
/// every array are merged, so that dense arrays always have rank 1. The last axis is the inner loop.
template <int N>
struct Loop {
  int rank = 0;
  Index numel = 1;
  Index sizes[max_rank] = {};
  Index strides[N][max_rank] = {};

  Index inner_size() const { return rank > 0 ? sizes[rank - 1] : 1; }
  Index inner_stride(int array) const { return rank > 0 ? strides[array][rank - 1] : 1; }
};

template <int N>
GLOSS_NOINLINE Loop<N> make_loop(const Shape& shape, const Shape (&strides)[N]) {
  Loop<N> loop;
  loop.numel = shape.numel();
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    bool merges = loop.rank > 0;
    for (int n = 0; n < N && merges; ++n) merges = loop.strides[n][loop.rank - 1] == strides[n][axis] * shape[axis];
    if (!merges) {
      loop.sizes[loop.rank++] = 1;
    }
    loop.sizes[loop.rank - 1] *= shape[axis];
    for (int n = 0; n < N; ++n) loop.strides[n][loop.rank - 1] = strides[n][axis];
  }
  return loop;
}

namespace detail {

template <int N>
struct RowCall {
  const void* object;
  void (*call)(const void* object, const Index* offsets, Index n);
};

template <int N>
GLOSS_NOINLINE void walk_rows(const Loop<N>& loop, RowCall<N> row, Index grain) {
  const Index inner = loop.inner_size();
  if (loop.rank <= 1) {
    parallel_for(inner, grain, [&](Index begin, Index end) {
      Index offsets[N];
      for (int n = 0; n < N; ++n) offsets[n] = begin * loop.inner_stride(n);
      row.call(row.object, offsets, end - begin);
    });
    return;
  }
  const Index rows = loop.numel / inner;
  parallel_for(rows, grain / inner + 1, [&](Index begin, Index end) {
    Index position[max_rank] = {};
    Index offsets[N] = {};
    Index rest = begin;
    for (int axis = loop.rank - 2; axis >= 0; --axis) {
      position[axis] = rest % loop.sizes[axis];
      rest /= loop.sizes[axis];
      for (int n = 0; n < N; ++n) offsets[n] += position[axis] * loop.strides[n][axis];
    }
    for (Index r = begin; r < end; ++r) {
      row.call(row.object, offsets, inner);
      for (int axis = loop.rank - 2; axis >= 0; --axis) {
        for (int n = 0; n < N; ++n) offsets[n] += loop.strides[n][axis];
        if (++position[axis] < loop.sizes[axis]) break;
        for (int n = 0; n < N; ++n) offsets[n] -= loop.sizes[axis] * loop.strides[n][axis];
        position[axis] = 0;
      }
    }
  });
}

}  // namespace detail

/// Calls row(offsets, n) for each run along the inner axis, in parallel over runs and, when there are few, over pieces
/// of runs. offsets[k] is where array k stands, in elements; it advances by loop.inner_stride(k). The walk is compiled
/// once for each N; a row costs one indirect call. grain is how many elements are worth a thread.
template <int N, class Row>
void for_each_row(const Loop<N>& loop, const Row& row, Index grain = 16384) {
  if (loop.numel == 0) return;
  detail::walk_rows<N>(
      loop,
      {&row, [](const void* object, const Index* offsets, Index n) { (*static_cast<const Row*>(object))(offsets, n); }},
      grain);
}

}  // namespace gloss::inline GLOSS_ABI::kernels
