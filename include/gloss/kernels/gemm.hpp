// Matrix products, alone and in batches: on our own tiles or on Eigen.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/gemm/naive.hpp>

// GLOSS_BACKEND_EIGEN takes Eigen's products; else GLOSS_WITH_BLAS gives large ones to the BLAS that the program links.
#ifdef GLOSS_BACKEND_EIGEN
#include <gloss/kernels/gemm/eigen.hpp>
#else
#include <gloss/kernels/gemm/blas.hpp>
#include <gloss/kernels/gemm/blocks.hpp>
#endif

namespace gloss::inline GLOSS_ABI::kernels {

/// C = finish(act(alpha op(A) op(B) + beta C + bias)), row-major. beta == 0 never reads C.
/// Every element is summed in an order that depends on the sizes alone: any number of threads gives the same bits
/// (unless a BLAS computes it).
/// Shape: op(A) [m, k], op(B) [k, n], C [m, n]; op transposes when its flag is set.
/// PyTorch: addmm.
template <class T>
void gemm(bool trans_a, bool trans_b, Index m, Index n, Index k, T alpha, const T* a, Index lda, const T* b, Index ldb,
          T beta, T* c, Index ldc, Epilogue<T> epilogue = {}) {
#ifdef GLOSS_BACKEND_EIGEN
  gemm_eigen(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, epilogue);
#else
  const detail::Product<T> product{trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, epilogue};
#ifdef GLOSS_WITH_BLAS
  if (detail::suits_blas(product)) return detail::gemm_blas(product);
#endif
  detail::gemm(product);
#endif
}

/// The pointers of one of several products.
template <class T>
struct Factors {
  const T* a;
  const T* b;
  T* c;
  T beta = 0;
  const T* bias = nullptr;
};

/// `count` products of one shape and form, C_i = op(A_i) op(B_i) + beta_i C_i + bias_i, as one: each block of all C_i
/// is computed by one thread, in order. So the products may add up in one C, with beta 1 from the second on.
template <class T>
void gemm_several(bool trans_a, bool trans_b, Index m, Index n, Index k, Index lda, Index ldb, Index ldc,
                  const Factors<T>* each, Index count) {
#if defined(GLOSS_BACKEND_EIGEN) || defined(GLOSS_WITH_BLAS)
  for (const Factors<T>* f = each; f < each + count; ++f)
    gemm(trans_a, trans_b, m, n, k, T{1}, f->a, lda, f->b, ldb, f->beta, f->c, ldc, Epilogue<T>{f->bias});
#else
  constexpr Index most = 4;  // at once
  for (Index done = 0; done < count;) {
    const Index now = count - done < most ? count - done : most;
    const auto product = [&](Index i) {
      const Factors<T>& f = each[done + (i < now ? i : 0)];
      return detail::Product<T>{trans_a, trans_b, m, n, k, T{1}, f.a, lda, f.b, ldb, f.beta, f.c, ldc, {f.bias}};
    };
    const detail::Product<T> products[most] = {product(0), product(1), product(2), product(3)};
    detail::gemm(products, now);
    done += now;
  }
#endif
}

/// The products of `batch` pairs of matrices of one shape; a, b, c point to each entry's matrix.
/// PyTorch: baddbmm.
template <class T>
void gemm_batched(bool trans_a, bool trans_b, Index m, Index n, Index k, T alpha, const T* const* a, Index lda,
                  const T* const* b, Index ldb, T beta, T* const* c, Index ldc, Index batch) {
  const auto entries = [&](Index begin, Index end) {
    for (Index e = begin; e < end; ++e)
#ifdef GLOSS_BACKEND_EIGEN
      gemm(trans_a, trans_b, m, n, k, alpha, a[e], lda, b[e], ldb, beta, c[e], ldc);
#else
      detail::gemm(detail::Product<T>{trans_a, trans_b, m, n, k, alpha, a[e], lda, b[e], ldb, beta, c[e], ldc, {}});
#endif
  };
  const Index work = m * n * k;
  const Index threads = num_threads();
  // too few to share out evenly, but each can feed all threads
  const bool one_by_one = work > 4 * detail::work_per_thread && batch < 8 * threads && batch % threads != 0;
  parallel_for(batch, one_by_one ? batch : detail::work_per_thread / (work + 1) + 1, entries);
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
