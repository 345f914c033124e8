// Matrix products on Eigen, for compilers without vector types; gemm.hpp chooses. Eigen's own threads are off.
#pragma once

#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE
#endif
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push  // GCC 12 takes its own _mm512_undefined_ps for a mistake
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <Eigen/Core>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/gemm/naive.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

template <class T>
using EigenMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class M>
using EigenView = Eigen::Map<M, 0, Eigen::OuterStride<>>;

/// C = act(alpha A B + beta C + bias) on Eigen expressions.
template <class T, class A, class B>
void gemm_eigen_block(T alpha, const A& a, const B& b, T beta, EigenView<EigenMatrix<T>> c, const T* bias, bool relu) {
  if (beta == T(0))
    c.setZero();
  else if (beta != T(1))
    c *= beta;
  if (a.cols() > 0) c.noalias() += alpha * (a * b);
  for (Index i = 0; i < c.rows(); ++i)
    for (Index j = 0; j < c.cols(); ++j) {
      T& value = c(i, j);
      if (bias != nullptr) value += bias[j];
      if (relu && value < T(0)) value = T(0);
    }
}

}  // namespace detail

/// gemm by Eigen: blocks of C whose shape depends on the sizes alone, one thread for each.
template <class T>
void gemm_eigen(bool trans_a, bool trans_b, Index m, Index n, Index k, T alpha, const T* a, Index lda, const T* b,
                Index ldb, T beta, T* c, Index ldc, Epilogue<T> epilogue = {}) {
  if (m <= 0 || n <= 0) return;
  const Index block_rows = m < 256 ? m : 256;
  const Index block_columns = n < 256 ? n : 256;
  const Index across = (n + block_columns - 1) / block_columns;
  const Index blocks = (m + block_rows - 1) / block_rows * across;
  parallel_for(
      blocks, detail::work_per_thread / (block_rows * block_columns * (k + 1)) + 1, [&](Index begin, Index end) {
        for (Index at = begin; at < end; ++at) {
          const Index i = at / across * block_rows;
          const Index j = at % across * block_columns;
          const Index rows = m - i < block_rows ? m - i : block_rows;
          const Index columns = n - j < block_columns ? n - j : block_columns;
          using View = detail::EigenView<const detail::EigenMatrix<T>>;
          const View va(trans_a ? a + i : a + i * lda, trans_a ? k : rows, trans_a ? rows : k,
                        Eigen::OuterStride<>(lda));
          const View vb(trans_b ? b + j * ldb : b + j, trans_b ? columns : k, trans_b ? k : columns,
                        Eigen::OuterStride<>(ldb));
          const detail::EigenView<detail::EigenMatrix<T>> vc(c + i * ldc + j, rows, columns, Eigen::OuterStride<>(ldc));
          const T* bias = epilogue.bias ? epilogue.bias + j : nullptr;
          const bool relu = epilogue.activation == Activation::relu;
          if (trans_a && trans_b)
            detail::gemm_eigen_block<T>(alpha, va.transpose(), vb.transpose(), beta, vc, bias, relu);
          else if (trans_a)
            detail::gemm_eigen_block<T>(alpha, va.transpose(), vb, beta, vc, bias, relu);
          else if (trans_b)
            detail::gemm_eigen_block<T>(alpha, va, vb.transpose(), beta, vc, bias, relu);
          else
            detail::gemm_eigen_block<T>(alpha, va, vb, beta, vc, bias, relu);
          if (epilogue.finish) epilogue.finish(epilogue.how, i, j, rows, columns, c + i * ldc + j, ldc);
        }
      });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
