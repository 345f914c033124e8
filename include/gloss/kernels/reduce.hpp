// Reductions over any set of axes. The order of the additions is fixed by the shape, never by the number of threads.
#pragma once

#include <algorithm>
#include <type_traits>

#include <gloss/kernels/loop.hpp>
#include <gloss/kernels/workspace.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// Which axes of x are reduced and how y (dense, the kept axes in order) is laid out.
struct Reduction {
  Loop<1> kept;     // strides in x of the kept axes
  Loop<1> reduced;  // strides in x of the reduced axes

  GLOSS_NOINLINE Reduction(const Shape& shape, const Shape& strides, const bool (&is_reduced)[max_rank]) {
    Shape kept_shape, kept_strides, reduced_shape, reduced_strides;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      (is_reduced[axis] ? reduced_shape : kept_shape).push_back(shape[axis]);
      (is_reduced[axis] ? reduced_strides : kept_strides).push_back(strides[axis]);
    }
    kept = make_loop<1>(kept_shape, {kept_strides});
    reduced = make_loop<1>(reduced_shape, {reduced_strides});
  }
};

/// Where element i of a loop (counted in row-major order) stands.
GLOSS_NOINLINE inline Index offset_of(const Loop<1>& loop, Index i) {
  Index offset = 0;
  for (int axis = loop.rank - 1; axis >= 0; --axis) {
    offset += i % loop.sizes[axis] * loop.strides[0][axis];
    i /= loop.sizes[axis];
  }
  return offset;
}

/// What is combined of element v for output o: v itself.
struct Itself {
  template <class X>
  constexpr X operator()(X v, Index) const {
    return v;
  }
};

namespace detail {

// What partial results are combined in: double for float, since there may be many.
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double, T>;

// The terms of one run of n elements, in lanes that are folded in a fixed order: vectorises, and is more accurate than
// one sum.
template <class T, class X, class Combine, class Term>
T reduce_run(const X* x, Index n, Index stride, T identity, Combine combine, Term term) {
  constexpr int lanes = 16;
  T acc[lanes];
  for (T& a : acc) a = identity;
  Index i = 0;
  if (stride == 1) {
    for (; i + lanes <= n; i += lanes)
      for (int l = 0; l < lanes; ++l) acc[l] = combine(acc[l], static_cast<T>(term(x[i + l])));
  } else {
    for (; i + lanes <= n; i += lanes)
      for (int l = 0; l < lanes; ++l) acc[l] = combine(acc[l], static_cast<T>(term(x[(i + l) * stride])));
  }
  for (int l = 0; i < n; ++i, ++l) acc[l] = combine(acc[l], static_cast<T>(term(x[i * stride])));
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) acc[l] = combine(acc[l], acc[l + half]);
  return acc[0];
}

// Elements [begin, end) of the reduced loop, for one output.
template <class T, class X, class Combine, class Term>
T reduce_range(const Loop<1>& reduced, const X* x, Index begin, Index end, T identity, Combine combine, Term term) {
  const Index inner = reduced.inner_size(), stride = reduced.inner_stride(0);
  Wide<T> acc = identity;
  while (begin < end) {
    const Index n = (std::min)(end - begin, inner - begin % inner);
    acc = combine(acc, Wide<T>{reduce_run(x + offset_of(reduced, begin), n, stride, identity, combine, term)});
    begin += n;
  }
  return static_cast<T>(acc);
}

// Of an output whose kept axis is the dense one: whole rows are added into a block of columns, 128 rows to a partial
// sum.
template <class X, class T, class Combine, class Term>
void reduce_columns(const Reduction& r, const X* x, T* y, T identity, Combine combine, Term term) {
  constexpr Index width = 128, height = 128;
  const Index count = r.reduced.numel, inner = r.kept.inner_size(), outer = r.kept.numel / inner;
  const Index blocks = (inner + width - 1) / width;
  parallel_for(outer * blocks, 32768 / (width * (std::min)(count, height)) + 1, [&](Index begin, Index end) {
    for (Index job = begin; job < end; ++job) {
      const Index first = job / blocks * inner + job % blocks * width;
      const Index n = (std::min)(width, inner - job % blocks * width);
      const X* column = x + offset_of(r.kept, first);
      T partial[width];
      Wide<T> total[width];
      for (Index c = 0; c < n; ++c) total[c] = identity;
      for (Index row = 0; row < count; row += height) {
        for (Index c = 0; c < n; ++c) partial[c] = identity;
        const Index stop = (std::min)(count, row + height);
        for (Index q = row; q < stop; ++q) {
          const X* px = column + offset_of(r.reduced, q);
          for (Index c = 0; c < n; ++c) partial[c] = combine(partial[c], static_cast<T>(term(px[c], first + c)));
        }
        for (Index c = 0; c < n; ++c) total[c] = combine(total[c], Wide<T>{partial[c]});
      }
      for (Index c = 0; c < n; ++c) y[first + c] = static_cast<T>(total[c]);
    }
  });
}

// Output by output; of a single one, chunk by chunk: then the chunks are the parallel work.
template <class X, class T, class Combine, class Term>
void reduce_cells(const Reduction& r, const X* x, T* y, T identity, Combine combine, Term term) {
  constexpr Index chunk = 4096;  // elements of one partial result
  const Index outputs = r.kept.numel, count = r.reduced.numel;
  const bool split = outputs == 1 && count > chunk;
  const Index cells = split ? (count + chunk - 1) / chunk : outputs;
  T* const results = split ? workspace<0>().template get<T>(cells) : y;
  parallel_for(cells, split ? 8 : 32768 / count + 1, [&](Index begin, Index end) {
    for (Index cell = begin; cell < end; ++cell) {
      const X* const base = split ? x : x + offset_of(r.kept, cell);
      const auto of_cell = [&term, o = split ? 0 : cell](X v) { return term(v, o); };
      Wide<T> acc = identity;
      Index from = split ? cell * chunk : 0;
      const Index stop = split ? (std::min)(count, from + chunk) : count;
      for (; from < stop; from += chunk)
        acc = combine(acc, Wide<T>{reduce_range(r.reduced, base, from, (std::min)(stop, from + chunk), identity,
                                                combine, of_cell)});
      results[cell] = static_cast<T>(acc);
    }
  });
  if (!split) return;
  Wide<T> acc = identity;
  for (Index cell = 0; cell < cells; ++cell) acc = combine(acc, Wide<T>{results[cell]});
  y[0] = static_cast<T>(acc);
}

}  // namespace detail

/// y[kept] = identity combined with term(x[kept, reduced], kept) of every x, converted to T; kept is counted in
/// row-major order. combine must be associative and commutative up to rounding.
template <class X, class T, class Combine, class Term = Itself>
void reduce(const Reduction& r, const X* x, T* y, T identity, Combine combine, Term term = {}) {
  const bool columns = r.kept.rank > 0 && r.kept.inner_stride(0) == 1 && r.reduced.inner_stride(0) != 1;
  if (r.kept.numel == 0) return;
  if (r.reduced.numel == 0) {
    for (Index o = 0; o < r.kept.numel; ++o) y[o] = identity;
  } else if (columns && r.kept.inner_size() > 1) {
    detail::reduce_columns(r, x, y, identity, combine, term);
  } else {
    detail::reduce_cells(r, x, y, identity, combine, term);
  }
}

}  // namespace gloss::inline GLOSS_ABI::kernels
