// Convolutions whose windows are one cell: matrix products.
#pragma once

#include <gloss/kernels/conv_naive.hpp>
#include <gloss/kernels/gemm.hpp>
#include <gloss/kernels/simd.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

#ifndef GLOSS_GEMM_EIGEN
namespace detail {

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
  constexpr Index most = 64;
  const T* a[most];
  const T* b[most];
  T* y[most];
  for (Index done = 0, count; done < c.batch * c.groups; done += count) {
    count = c.batch * c.groups - done < most ? c.batch * c.groups - done : most;
    for (Index e = 0; e < count; ++e) {
      a[e] = weight + (done + e) % c.groups * c.outs * c.ins;
      b[e] = in + (done + e) * from * n;
      y[e] = out + (done + e) * to * n;
    }
    gemm_batched(transposed, false, to, n, from, T(1), a, c.ins, b, n, bias != nullptr ? T(1) : T(0), y, n, count);
  }
}

}  // namespace detail
#endif

}  // namespace gloss::inline GLOSS_ABI::kernels
