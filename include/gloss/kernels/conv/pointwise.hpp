// Convolutions whose windows are one cell: matrix products, with strides of the cells that windows meet.
#pragma once

#include <cstring>

#include <gloss/kernels/conv/naive.hpp>
#include <gloss/kernels/gemm.hpp>
#include <gloss/kernels/simd/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

/// y_e = op(a_e) op(b_e) + beta y_e for the count e of images and groups, in batches; operands(e, a, b, y) sets the
/// three pointers.
template <class T, class F>
void gemm_images(Index count, bool trans_a, bool trans_b, Index m, Index n, Index k, Index lda, Index ldb, T beta,
                 Index ldc, const F& operands) {
  constexpr Index most = 64;
  const T* a[most];
  const T* b[most];
  T* y[most];
  for (Index done = 0, part; done < count; done += part) {
    part = count - done < most ? count - done : most;
    for (Index e = 0; e < part; ++e) operands(done + e, a[e], b[e], y[e]);
    gemm_batched(trans_a, trans_b, m, n, k, T(1), a, lda, b, ldb, beta, y, ldc, part);
  }
}

/// out = op(weight) in for every image and group, each a matrix of a row for each channel.
template <class T>
void pointwise(const Conv& c, bool transposed, const T* in, const T* weight, const T* bias, T* out) {
  const Index n = c.places(), to = transposed ? c.ins : c.outs, from = transposed ? c.outs : c.ins;
  if (bias != nullptr)
    parallel_for(c.batch * c.groups * to, 16384 / n + 1, [=, &c](Index begin, Index end) {
      for (Index r = begin; r < end; ++r)
        for (Index j = 0; j < n; j += lanes<T>)
          store_n<T>(out + r * n + j, splat<T>(bias[r % (c.groups * to)]), n - j < lanes<T> ? n - j : lanes<T>);
    });
  gemm_images(c.batch * c.groups, transposed, false, to, n, from, c.ins, n, bias != nullptr ? T(1) : T(0), n,
              [=, &c](Index e, const T*& a, const T*& b, T*& y) {
                a = weight + e % c.groups * c.outs * c.ins;
                b = in + e * from * n;
                y = out + e * to * n;
              });
}

/// Whether windows are single cells that do not lie side by side.
inline bool skips_cells(const Conv& c) {
  return c.taps() == 1 && c.h.is_inside() && c.w.is_inside() && (c.h.stride > 1 || c.w.stride > 1);
}
/// The convolution of the cells that windows meet.
inline Conv of_met_cells(const Conv& c) {
  return {c.batch, c.groups, c.ins, c.outs, {c.h.out, c.h.out}, {c.w.out, c.w.out}};
}
inline Index met_cells(const Conv& c) { return c.batch * c.groups * c.ins * c.places(); }

/// met [batch, groups * ins, places] = the cells of x that windows meet.
template <class T>
void take_met_cells(const Conv& c, const T* x, T* met) {
  parallel_for(c.batch * c.groups * c.ins, 16384 / (c.places() + 1) + 1, [=, &c](Index begin, Index end) {
    for (Index r = begin * c.h.out; r < end * c.h.out; ++r)
      copy_by_step(x + (r / c.h.out * c.h.in + r % c.h.out * c.h.stride) * c.w.in, c.w.stride, c.w.out,
                   met + r * c.w.out);
  });
}
/// The way back: the other cells of x are 0.
template <class T>
void put_met_cells(const Conv& c, const T* met, T* x) {
  parallel_for(c.batch * c.groups * c.ins, 16384 / (c.cells() + 1) + 1, [=, &c](Index begin, Index end) {
    for (Index p = begin; p < end; ++p) {
      std::memset(x + p * c.cells(), 0, static_cast<std::size_t>(c.cells()) * sizeof(T));
      for (Index oh = 0; oh < c.h.out; ++oh) {
        T* const row = x + (p * c.h.in + oh * c.h.stride) * c.w.in;
        const T* const from = met + (p * c.h.out + oh) * c.w.out;
        for (Index ow = 0; ow < c.w.out; ++ow) row[ow * c.w.stride] = from[ow];
      }
    }
  });
}

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::kernels
