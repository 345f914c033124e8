// Matrix products, alone and in batches.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/gemm_naive.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

template <class T>
void gemm_row(bool trans_a, bool trans_b, Index i, Index n, Index k, T alpha, const T* a, Index lda, const T* b,
              Index ldb, T beta, T* c, Epilogue<T> epilogue) {
  constexpr Index block = 128;
  for (Index j0 = 0; j0 < n; j0 += block) {
    const Index width = n - j0 < block ? n - j0 : block;
    T sum[block] = {};
    if (trans_b) {
      for (Index j = 0; j < width; ++j)
        for (Index p = 0; p < k; ++p) sum[j] += (trans_a ? a[p * lda + i] : a[i * lda + p]) * b[(j0 + j) * ldb + p];
    } else {
      for (Index p = 0; p < k; ++p) {
        const T x = trans_a ? a[p * lda + i] : a[i * lda + p];
        for (Index j = 0; j < width; ++j) sum[j] += x * b[p * ldb + j0 + j];
      }
    }
    for (Index j = 0; j < width; ++j) {
      T value = alpha * sum[j];
      if (beta != T(0)) value += beta * c[j0 + j];
      if (epilogue.bias != nullptr) value += epilogue.bias[j0 + j];
      if (epilogue.activation == Activation::relu && value < T(0)) value = T(0);
      c[j0 + j] = value;
    }
  }
}

}  // namespace detail

/// C = act(alpha op(A) op(B) + beta C + bias), row-major. beta == 0 never reads C.
/// Bitwise the same for any number of threads.
/// Shape: op(A) [m, k], op(B) [k, n], C [m, n]; op transposes when its flag is set.
/// PyTorch: addmm.
template <class T>
void gemm(bool trans_a, bool trans_b, Index m, Index n, Index k, T alpha, const T* a, Index lda, const T* b, Index ldb,
          T beta, T* c, Index ldc, Epilogue<T> epilogue = {}) {
  parallel_for(m, 1 + 100000 / (n * k + 1), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i)
      detail::gemm_row(trans_a, trans_b, i, n, k, alpha, a, lda, b, ldb, beta, c + i * ldc, epilogue);
  });
}

/// The product of `batch` pairs of matrices of one shape; a, b, c point to each batch entry's matrix.
/// PyTorch: baddbmm.
template <class T>
void gemm_batched(bool trans_a, bool trans_b, Index m, Index n, Index k, T alpha, const T* const* a, Index lda,
                  const T* const* b, Index ldb, T beta, T* const* c, Index ldc, Index batch) {
  parallel_for(batch * m, 1 + 100000 / (n * k + 1), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Index e = r / m;
      const Index i = r % m;
      detail::gemm_row(trans_a, trans_b, i, n, k, alpha, a[e], lda, b[e], ldb, beta, c[e] + i * ldc, Epilogue<T>{});
    }
  });
}

GLOSS_INSTANTIATE(void gemm(bool, bool, Index, Index, Index, float, const float*, Index, const float*, Index, float,
                            float*, Index, Epilogue<float>))
GLOSS_INSTANTIATE(void gemm(bool, bool, Index, Index, Index, double, const double*, Index, const double*, Index, double,
                            double*, Index, Epilogue<double>))
GLOSS_INSTANTIATE(void gemm_batched(bool, bool, Index, Index, Index, float, const float* const*, Index,
                                    const float* const*, Index, float, float* const*, Index, Index))
GLOSS_INSTANTIATE(void gemm_batched(bool, bool, Index, Index, Index, double, const double* const*, Index,
                                    const double* const*, Index, double, double* const*, Index, Index))

}  // namespace gloss::inline GLOSS_ABI::kernels
