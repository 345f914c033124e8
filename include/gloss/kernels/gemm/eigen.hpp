// Matrix products on Eigen: what gemm.hpp is with GLOSS_BACKEND_EIGEN.
#pragma once

#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/gemm/kernels.hpp>
#include <gloss/kernels/simd/eigen_core.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

namespace detail {

template <class T>
using EigenMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class M>
using EigenView = Eigen::Map<M, 0, Eigen::OuterStride<>>;

/// C = alpha A B + beta C on Eigen expressions; the sums over k in pieces, so that long ones keep their digits.
template <class T, class A, class B>
void gemm_eigen_block(T alpha, const A& a, const B& b, T beta, EigenView<EigenMatrix<T>> c) {
  if (beta == T(0))
    c.setZero();
  else if (beta != T(1))
    c *= beta;
  constexpr Index piece = 4096;
  for (Index p = 0; p < a.cols(); p += piece) {
    const Index depth = a.cols() - p < piece ? a.cols() - p : piece;
    c.noalias() += alpha * (a.middleCols(p, depth) * b.middleRows(p, depth));
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
          if (trans_a && trans_b)
            detail::gemm_eigen_block<T>(alpha, va.transpose(), vb.transpose(), beta, vc);
          else if (trans_a)
            detail::gemm_eigen_block<T>(alpha, va.transpose(), vb, beta, vc);
          else if (trans_b)
            detail::gemm_eigen_block<T>(alpha, va, vb.transpose(), beta, vc);
          else
            detail::gemm_eigen_block<T>(alpha, va, vb, beta, vc);
          const bool relu = epilogue.activation == Activation::relu;
          if (epilogue.bias != nullptr || relu)
            detail::gemm_end<T>(rows, columns, c + i * ldc + j, ldc, epilogue.bias ? epilogue.bias + j : nullptr, relu);
          if (epilogue.finish) epilogue.finish(epilogue.how, i, j, rows, columns, c + i * ldc + j, ldc);
        }
      });
}

}  // namespace gloss::inline GLOSS_ABI::kernels
