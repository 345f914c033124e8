// Rows of a table picked by token ids, and the gradient added back.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/softmax.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// y[r] = scale weight[ids[r]].
/// Shape: weight [num, n], ids [rows], y [rows, n]; every id in [0, num).
template <class T>
void embedding_forward(const T* weight, const std::int64_t* ids, T* y, Index rows, Index n, T scale = T(1)) {
  parallel_for(rows, detail::row_grain(n), [=](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const T* w = weight + ids[r] * n;
      T* yr = y + r * n;
      each_vector<T>(n,
                     [&](Index i, Index m) GLOSS_INLINE_LAMBDA { store_n<T>(yr + i, load_n<T>(w + i, m) * scale, m); });
    }
  });
}

/// dweight[ids[r]] += scale dy[r], in the order of r; rows of padding_idx are left out (none if negative).
/// Each thread owns the ids of some remainders, so that equal ids meet in one order whatever the number of threads.
/// (Owning a range of columns is slower than one thread alone: the processors fetch each other's neighbouring lines.)
template <class T>
void embedding_backward(const T* dy, const std::int64_t* ids, T* dweight, Index rows, Index n, T scale = T(1),
                        std::int64_t padding_idx = -1) {
  constexpr Index remainders = 64;
  const Index grain = detail::row_grain(rows * n, 8192 * remainders);
  parallel_for(remainders, grain, [=](Index begin, Index end) {
    for (Index r = 0; r < rows; ++r) {
      if (ids[r] % remainders < begin || ids[r] % remainders >= end || ids[r] == padding_idx) continue;
      T* w = dweight + ids[r] * n;
      const T* dyr = dy + r * n;
      each_vector<T>(n, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        store_n<T>(w + i, load_n<T>(w + i, m) + load_n<T>(dyr + i, m) * scale, m);
      });
    }
  });
}

GLOSS_INSTANTIATE(void embedding_forward<float>(const float*, const std::int64_t*, float*, Index, Index, float))
GLOSS_INSTANTIATE(void embedding_forward<double>(const double*, const std::int64_t*, double*, Index, Index, double))
GLOSS_INSTANTIATE(void embedding_backward<float>(const float*, const std::int64_t*, float*, Index, Index, float,
                                                 std::int64_t))
GLOSS_INSTANTIATE(void embedding_backward<double>(const double*, const std::int64_t*, double*, Index, Index, double,
                                                  std::int64_t))

}  // namespace gloss::inline GLOSS_ABI::kernels
