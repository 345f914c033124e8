// Reductions over any set of axes. The order of the additions is fixed by the shape, never by the number of threads.
#pragma once

#include <algorithm>
#include <vector>

#include <gloss/kernels/loop.hpp>

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

namespace detail {

// One run of n elements, in lanes that are folded in a fixed order: vectorises, and is more accurate than one
// sum.
template <class T, class X, class Combine>
T reduce_run(const X* x, Index n, Index stride, T identity, Combine combine) {
  constexpr int lanes = 16;
  T acc[lanes];
  for (T& a : acc) a = identity;
  Index i = 0;
  if (stride == 1) {
    for (; i + lanes <= n; i += lanes)
      for (int l = 0; l < lanes; ++l) acc[l] = combine(acc[l], static_cast<T>(x[i + l]));
  } else {
    for (; i + lanes <= n; i += lanes)
      for (int l = 0; l < lanes; ++l) acc[l] = combine(acc[l], static_cast<T>(x[(i + l) * stride]));
  }
  for (int l = 0; i < n; ++i, ++l) acc[l] = combine(acc[l], static_cast<T>(x[i * stride]));
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) acc[l] = combine(acc[l], acc[l + half]);
  return acc[0];
}

// Elements [begin, end) of the reduced loop, for one output.
template <class T, class X, class Combine>
T reduce_range(const Loop<1>& reduced, const X* x, Index begin, Index end, T identity, Combine combine) {
  const Index inner = reduced.inner_size(), stride = reduced.inner_stride(0);
  T acc = identity;
  while (begin < end) {
    const Index n = (std::min)(end - begin, inner - begin % inner);
    acc = combine(acc, reduce_run(x + offset_of(reduced, begin), n, stride, identity, combine));
    begin += n;
  }
  return acc;
}

}  // namespace detail

/// y[kept] = identity combined with every x[kept, reduced], converted to T. combine must be associative and commutative
/// up to rounding.
template <class X, class T, class Combine>
void reduce(const Reduction& r, const X* x, T* y, T identity, Combine combine) {
  const Index outputs = r.kept.numel, count = r.reduced.numel;
  if (outputs == 0) return;
  if (count == 0) {
    for (Index o = 0; o < outputs; ++o) y[o] = identity;
    return;
  }
  constexpr Index chunk = 4096;  // elements of one partial result
  const bool columns = r.kept.rank > 0 && r.kept.inner_stride(0) == 1 && r.reduced.inner_stride(0) != 1;
  if (columns && r.kept.inner_size() > 1) {
    // The kept axis is the dense one: add whole rows into a block of columns, 128 rows to a partial sum.
    constexpr Index width = 128, height = 128;
    const Index inner = r.kept.inner_size(), outer = outputs / inner, blocks = (inner + width - 1) / width;
    parallel_for(outer * blocks, 32768 / (width * (std::min)(count, height)) + 1, [&](Index begin, Index end) {
      for (Index job = begin; job < end; ++job) {
        const Index first = job / blocks * inner + job % blocks * width;
        const Index n = (std::min)(width, inner - job % blocks * width);
        const X* column = x + offset_of(r.kept, first);
        T total[width], partial[width];
        for (Index c = 0; c < n; ++c) total[c] = identity;
        for (Index row = 0; row < count; row += height) {
          for (Index c = 0; c < n; ++c) partial[c] = identity;
          const Index stop = (std::min)(count, row + height);
          for (Index q = row; q < stop; ++q) {
            const X* px = column + offset_of(r.reduced, q);
            for (Index c = 0; c < n; ++c) partial[c] = combine(partial[c], static_cast<T>(px[c]));
          }
          for (Index c = 0; c < n; ++c) total[c] = combine(total[c], partial[c]);
        }
        for (Index c = 0; c < n; ++c) y[first + c] = total[c];
      }
    });
    return;
  }
  const Index chunks = (count + chunk - 1) / chunk;
  auto fold = [&](const X* base) {  // all chunks of one output, in order
    T acc = identity;
    for (Index c = 0; c < chunks; ++c)
      acc = combine(
          acc, detail::reduce_range(r.reduced, base, c * chunk, (std::min)(count, (c + 1) * chunk), identity, combine));
    return acc;
  };
  if (outputs == 1 && chunks > 1) {  // few outputs: the chunks are the parallel work
    struct Partial {                 // a vector of bool itself would pack bits, which threads cannot write apart
      T value;
    };
    std::vector<Partial> partial(static_cast<std::size_t>(chunks), Partial{identity});
    parallel_for(chunks, 8, [&](Index begin, Index end) {
      for (Index c = begin; c < end; ++c)
        partial[static_cast<std::size_t>(c)].value =
            detail::reduce_range(r.reduced, x, c * chunk, (std::min)(count, (c + 1) * chunk), identity, combine);
    });
    T acc = identity;
    for (const Partial& p : partial) acc = combine(acc, p.value);
    y[0] = acc;
    return;
  }
  parallel_for(outputs, 32768 / count + 1, [&](Index begin, Index end) {
    for (Index o = begin; o < end; ++o) y[o] = fold(x + offset_of(r.kept, o));
  });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
