// What a product may do to a block of its result beyond bias and relu, while that is in cache: see Epilogue.
#pragma once

#include <gloss/kernels/activation.hpp>
#include <gloss/kernels/gemm/naive.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// C = gelu(C), by tanh where `by_tanh`; `before`, where given, receives C as it was, its rows as far apart.
template <class T>
struct GeluFinish {
  T* before = nullptr;
  bool by_tanh = false;

  static GLOSS_NOINLINE void finish(const void* how, Index i, Index j, Index rows, Index columns, T* c, Index ldc) {
    const GeluFinish& f = *static_cast<const GeluFinish*>(how);
    T* b = f.before ? f.before + i * ldc + j : nullptr;
    for (Index r = 0; r < rows; ++r, c += ldc) {
      each_vector<T>(columns, [&](Index k, Index m) GLOSS_INLINE_LAMBDA {
        const Vec<T> v = load_n<T>(c + k, m);
        if (b) store_n<T>(b + k, v, m);
        store_n<T>(c + k, f.by_tanh ? detail::gelu_tanh<T>(v) : detail::gelu<T>(v), m);
      });
      if (b) b += ldc;
    }
  }
};

/// C = C + residual, [m, n] with rows ld apart.
template <class T>
struct AddFinish {
  const T* residual;
  Index ld;

  static GLOSS_NOINLINE void finish(const void* how, Index i, Index j, Index rows, Index columns, T* c, Index ldc) {
    const AddFinish& f = *static_cast<const AddFinish*>(how);
    const T* residual = f.residual + i * f.ld + j;
    for (Index r = 0; r < rows; ++r, c += ldc, residual += f.ld)
      each_vector<T>(columns, [&](Index k, Index m) GLOSS_INLINE_LAMBDA {
        store_n<T>(c + k, load_n<T>(c + k, m) + load_n<T>(residual + k, m), m);
      });
  }
};

}  // namespace gloss::inline GLOSS_ABI::kernels
