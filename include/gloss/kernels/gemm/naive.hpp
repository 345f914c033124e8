// The matrix product as three loops: the reference that tests and benchmarks hold the fast kernels against.
#pragma once

#include <gloss/core/shape.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// What a product may apply to each element on its way to memory.
enum class Activation : unsigned char { none, relu };

/// The end of a product: C = activation(... + bias), with bias [n] added to every row; null means none. After that
/// `finish` (gemm/finish.hpp) does what else is wanted.
template <class T>
struct Epilogue {
  const T* bias = nullptr;
  Activation activation = Activation::none;
  /// Called once on each block of C, [rows, columns] from element (i, j) on, while it is in cache, by any thread.
  void (*finish)(const void* how, Index i, Index j, Index rows, Index columns, T* c, Index ldc) = nullptr;
  const void* how = nullptr;
};

namespace detail {
inline constexpr Index work_per_thread = 200'000;  // multiply-adds that are worth waking another thread for
}

/// C = finish(act(alpha op(A) op(B) + beta C + bias)), row-major, one element after the other. beta == 0 never reads C.
/// Shape: op(A) [m, k], op(B) [k, n], C [m, n]; op transposes when its flag is set.
template <class T>
void gemm_naive(bool trans_a, bool trans_b, Index m, Index n, Index k, T alpha, const T* a, Index lda, const T* b,
                Index ldb, T beta, T* c, Index ldc, Epilogue<T> epilogue = {}) {
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < n; ++j) {
      T sum = 0;
      for (Index p = 0; p < k; ++p)
        sum += (trans_a ? a[p * lda + i] : a[i * lda + p]) * (trans_b ? b[j * ldb + p] : b[p * ldb + j]);
      T value = alpha * sum;
      if (beta != T(0)) value += beta * c[i * ldc + j];
      if (epilogue.bias != nullptr) value += epilogue.bias[j];
      if (epilogue.activation == Activation::relu && value < T(0)) value = T(0);  // so that NaN stays NaN
      c[i * ldc + j] = value;
      if (epilogue.finish) epilogue.finish(epilogue.how, i, j, 1, 1, c + i * ldc + j, ldc);
    }
  }
}

}  // namespace gloss::inline GLOSS_ABI::kernels
