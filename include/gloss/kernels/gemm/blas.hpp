// Matrix products by a BLAS, for programs built with GLOSS_WITH_BLAS; gemm.hpp chooses. Few rows, small products and
// batches stay with gloss's tiles. How many threads a BLAS uses, and whether their number changes the last bits, is its
// own affair.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/gemm/blocks.hpp>

#ifdef GLOSS_WITH_BLAS

extern "C" {
void sgemm_(const char* trans_a, const char* trans_b, const int* m, const int* n, const int* k, const float* alpha,
            const float* a, const int* lda, const float* b, const int* ldb, const float* beta, float* c,
            const int* ldc);
void dgemm_(const char* trans_a, const char* trans_b, const int* m, const int* n, const int* k, const double* alpha,
            const double* a, const int* lda, const double* b, const int* ldb, const double* beta, double* c,
            const int* ldc);
}

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// Whether a product is one for a BLAS: of some size, countable in int, and in the precision of T.
template <class T>
bool suits_blas(const Product<T>& x) {
  if (std::is_same_v<T, float> && other_gemm.load(std::memory_order_relaxed)) return false;
  constexpr Index most = 2147483647;
  return !x.is_dot() && !x.is_dot_transposed() && x.k > 0 && x.m * x.n * x.k > work_per_thread && x.m <= most &&
         x.n <= most && x.k <= most && x.lda <= most && x.ldb <= most && x.ldc <= most;
}

/// A BLAS counts down columns, where a matrix by rows is its transpose: C^T = op(B)^T op(A)^T.
template <class T>
void gemm_blas(const Product<T>& x) {
  const int m = static_cast<int>(x.m), n = static_cast<int>(x.n), k = static_cast<int>(x.k);
  const int lda = static_cast<int>(x.lda), ldb = static_cast<int>(x.ldb), ldc = static_cast<int>(x.ldc);
  const char *a = x.trans_a ? "T" : "N", *b = x.trans_b ? "T" : "N";
  if constexpr (sizeof(T) == 4)
    sgemm_(b, a, &n, &m, &k, &x.alpha, x.b, &ldb, x.a, &lda, &x.beta, x.c, &ldc);
  else
    dgemm_(b, a, &n, &m, &k, &x.alpha, x.b, &ldb, x.a, &lda, &x.beta, x.c, &ldc);
  const Epilogue<T>& e = x.epilogue;
  if (e.bias == nullptr && e.activation == Activation::none && !e.finish) return;
  parallel_for(x.m, 65536 / x.n + 1, [&](Index begin, Index end) { gemm_end(x, begin, 0, end - begin, x.n); });
}

}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#endif
