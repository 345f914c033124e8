// What the functions of linalg share: a batch of matrices as Eigen sees it, and errors that name a matrix
#pragma once

#include <vector>

#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE  // the threads are parallel_for's, over the batch
#endif
#include <gloss/ops/add.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/matmul.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/tensor/eigen.hpp>

namespace gloss::inline GLOSS_ABI::linalg::detail {

/// As Eigen's decompositions want a matrix: by columns.
template <class T>
using ByColumns = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
/// Matrix i of a dense batch of m x n ones.
template <class T>
EigenMatrixMap<T> matrix_at(T* batch, Index i, Index m, Index n) {
  return {batch + i * m * n, m, n};
}
/// The same memory by columns, which is the n x m transpose.
template <class T>
Eigen::Map<ByColumns<T>> transpose_at(T* batch, Index i, Index m, Index n) {
  return {batch + i * m * n, n, m};
}

/// The axes before the last two.
inline Shape batch_of(const Shape& shape) { return {shape.begin(), shape.end() - 2}; }
/// batch with these axes behind it.
inline Shape behind(Shape batch, std::initializer_list<Index> sizes) {
  for (const Index size : sizes) batch.push_back(size);
  return batch;
}

GLOSS_NOINLINE inline void check_matrix(const char* op, const Shape& a) {
  if (a.rank() < 2) fail<ShapeError>("linalg::", op, ": a matrix is wanted, shape is ", a);
}
GLOSS_NOINLINE inline void check_square(const char* op, const Shape& a) {
  check_matrix(op, a);
  if (a[a.rank() - 1] != a[a.rank() - 2]) fail<ShapeError>("linalg::", op, ": a square matrix is wanted, shape is ", a);
}

/// Calls f(begin, end) on ranges of [0, count), each element of which takes about `work` multiplications.
template <class F>
void for_each_matrix(Index count, Index work, const F& f) {
  parallel_for(count, (Index{1} << 15) / (work + 1) + 1, f);
}

/// Which matrices of a batch something failed for, noted from several threads.
class Failures {
 public:
  explicit Failures(Index count) : failed_(static_cast<std::size_t>(count)) {}
  void note(Index i) { failed_[static_cast<std::size_t>(i)] = 1; }
  /// Errors: Error naming the first one, if there is any: "linalg::inv: matrix 3 of the batch is singular".
  GLOSS_NOINLINE void check(const char* op, const Shape& batch, const char* what) const {
    for (std::size_t i = 0; i < failed_.size(); ++i)
      if (failed_[i]) {
        if (batch.empty()) fail("linalg::", op, ": the matrix ", what);
        fail("linalg::", op, ": matrix ", i, " of the batch ", what);
      }
  }

 private:
  std::vector<unsigned char> failed_;
};

/// The transposed matrices, as a view.
template <class T>
Tensor<T> adjoint(const Tensor<T>& a) {
  return a.transpose(-2, -1);
}

template <class T>
Tensor<T> minus_adjoint(const Tensor<T>& a) {
  return a - adjoint(a);
}

/// x / by, and 0 where both are 0, so that what is not asked for does not count: repeated eigenvalues, say, in a
/// gradient that comes from the eigenvalues alone.
template <class T>
Tensor<T> divide_unless_zero(const Tensor<T>& x, const Tensor<T>& by) {
  return x / (by + map_binary<T>("linalg", x, by, [](T p, T q) { return static_cast<T>(p == T{0} && q == T{0}); }));
}

/// One dense vector that holds several batches of matrices (or vectors), one behind the other, and is one node of the
/// graph; each is a view of it.
class Parts {
 public:
  Parts(std::initializer_list<Shape> shapes) : shapes_(shapes) {}
  Index numel() const { return start(shapes_.size()); }
  template <class T>
  T* data(const Tensor<T>& packed, std::size_t i) const {
    return packed.data() + start(i);
  }
  template <class T>
  Tensor<T> view(const Tensor<T>& packed, std::size_t i) const {
    return packed.narrow(0, start(i), shapes_[i].numel()).view(shapes_[i]);
  }

 private:
  Index start(std::size_t i) const {
    Index sum = 0;
    for (std::size_t k = 0; k < i; ++k) sum += shapes_[k].numel();
    return sum;
  }
  std::vector<Shape> shapes_;
};

}  // namespace gloss::inline GLOSS_ABI::linalg::detail
