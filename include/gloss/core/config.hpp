// Version, ABI tag and the switch between header-only and precompiled use.
#pragma once

#define GLOSS_VERSION_MAJOR 0
#define GLOSS_VERSION_MINOR 1
#define GLOSS_VERSION_PATCH 0

// There is no such file to include: compilers stop there, instead of burying the reason under thousands of errors.
#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) < 202002L
#error "gloss needs C++20: build with -std=c++20 (MSVC: /std:c++20)"
#include <see_the_error_above>
#elif !defined(__cpp_exceptions) && !defined(_CPPUNWIND)
#error "gloss reports errors by exceptions: build without -fno-exceptions"
#include <see_the_error_above>
#elif defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(_M_FP_FAST)
#error \
    "gloss counts on IEEE arithmetic: build without -ffast-math, -Ofast and what they are made of \
(-ffinite-math-only, -funsafe-math-optimizations, -fassociative-math, -freciprocal-math; MSVC: /fp:fast), or write \
-fno-fast-math behind them"
#include <see_the_error_above>
#endif
static_assert(sizeof(1.0) == sizeof(double), "gloss computes in double: build without -fsingle-precision-constant");

// What parallel_for runs on, the same in all of a program: gloss's own pool of threads or, defined for the whole
// program, an OpenMP team (GLOSS_THREADS_OPENMP) or the calling thread alone (GLOSS_THREADS_SERIAL).
#if defined(GLOSS_THREADS_OPENMP) && defined(GLOSS_THREADS_SERIAL)
#error "gloss runs on OpenMP or on one thread: define GLOSS_THREADS_OPENMP or GLOSS_THREADS_SERIAL, not both"
#include <see_the_error_above>
#elif defined(GLOSS_THREADS_OPENMP) && !defined(_OPENMP)
#error "gloss: GLOSS_THREADS_OPENMP needs OpenMP: build with -fopenmp (MSVC: /openmp)"
#include <see_the_error_above>
#endif

// What kernels are made of: the compiler's vector types with gloss's own products, or, with GLOSS_BACKEND_EIGEN defined
// for the whole program, Eigen's arrays and products (kernels/simd/eigen.hpp, kernels/gemm/eigen.hpp). A compiler
// without vector types has no choice.
#if !defined(__GNUC__) && !defined(__clang__) && !defined(GLOSS_BACKEND_EIGEN)
#define GLOSS_BACKEND_EIGEN
#endif
#ifdef GLOSS_BACKEND_EIGEN
#define GLOSS_ABI_BACKEND eigen
#else
#define GLOSS_VECTOR_TYPES
#define GLOSS_ABI_BACKEND
#endif

// Everything lives in an inline namespace named for what kernels are made of and what loops run on, where it is not the
// usual, and for the instruction set, so that objects built with different flags fail at link instead of crashing in
// each other's functions.
#if defined(GLOSS_THREADS_OPENMP)
#define GLOSS_ABI_THREADS openmp
#elif defined(GLOSS_THREADS_SERIAL)
#define GLOSS_ABI_THREADS serial
#else
#define GLOSS_ABI_THREADS
#endif
#define GLOSS_ABI_NAME(backend, threads, instruction_set) v0##backend##threads##_##instruction_set
#define GLOSS_ABI_WITH(backend, threads, instruction_set) GLOSS_ABI_NAME(backend, threads, instruction_set)
#define GLOSS_ABI_OF(instruction_set) GLOSS_ABI_WITH(GLOSS_ABI_BACKEND, GLOSS_ABI_THREADS, instruction_set)
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define GLOSS_ABI GLOSS_ABI_OF(avx512)
#define GLOSS_VECTOR_BYTES 64
#elif defined(__AVX2__) && defined(__FMA__)
#define GLOSS_ABI GLOSS_ABI_OF(avx2)
#define GLOSS_VECTOR_BYTES 32
#elif defined(__AVX__)
#define GLOSS_ABI GLOSS_ABI_OF(avx)
#define GLOSS_VECTOR_BYTES 32
#elif defined(__SSE2__) || defined(_M_X64)
#define GLOSS_ABI GLOSS_ABI_OF(sse2)
#define GLOSS_VECTOR_BYTES 16
#elif defined(__ARM_NEON)
#define GLOSS_ABI GLOSS_ABI_OF(neon)
#define GLOSS_VECTOR_BYTES 16
#else
#define GLOSS_ABI GLOSS_ABI_OF(generic)
#define GLOSS_VECTOR_BYTES 16
#endif

// What a program built without -march flags computes most with it has in copies for better processors as well, and
// chooses when it runs (kernels/simd/isa.hpp). GLOSS_NO_COPIES, defined for the whole program, leaves them out. Eigen
// has one instruction set to a program. (GCC on Windows keeps too little alignment on the stack for such vectors.)
#if defined(GLOSS_VECTOR_TYPES) && defined(__GNUC__) && defined(__x86_64__) && !defined(_WIN32) && \
    !defined(GLOSS_NO_COPIES)
#if GLOSS_VECTOR_BYTES < 64
#define GLOSS_COPY_AVX512
#if !(defined(__AVX2__) && defined(__FMA__))
#define GLOSS_COPY_AVX2
#endif
#endif
#endif

// GLOSS_INSTANTIATE(declaration) stands under a heavy function template, once for each element type. A program that
// links gloss::compiled (which defines GLOSS_COMPILED) only declares the instance; the library's one source file
// defines it; a header-only program ignores the line.
#if defined(GLOSS_COMPILED_IMPLEMENTATION)
#define GLOSS_INSTANTIATE(...) template __VA_ARGS__;
#elif defined(GLOSS_COMPILED)
#define GLOSS_INSTANTIATE(...) extern template __VA_ARGS__;
#else
#define GLOSS_INSTANTIATE(...)
#endif

// GLOSS_REFUSED("why") ends the declaration of a function that must not be called. Compilers that know no reasons show
// the line it stands on.
#if defined(__cpp_deleted_function) && __cpp_deleted_function >= 202403L && __cplusplus > 202302L
#define GLOSS_REFUSED(reason) = delete (reason)
#else
#define GLOSS_REFUSED(reason) = delete
#endif

// GLOSS_NOINLINE marks what runs once per op and not per element: copies of it at every call would only cost compile
// time. GLOSS_COLD marks what a program hardly ever runs: error texts, diagnosis, what happens once in a process.
#if defined(__GNUC__) || defined(__clang__)
#define GLOSS_RESTRICT __restrict__
#define GLOSS_NOINLINE __attribute__((noinline))
#define GLOSS_COLD __attribute__((noinline, cold))
#elif defined(_MSC_VER)
#define GLOSS_RESTRICT __restrict
#define GLOSS_NOINLINE __declspec(noinline)
#define GLOSS_COLD __declspec(noinline)
#else
#define GLOSS_RESTRICT
#define GLOSS_NOINLINE
#define GLOSS_COLD
#endif

// GLOSS_INLINE is for functions that take or return vectors; GLOSS_INLINE_LAMBDA stands after such a lambda's
// parameters.
#if defined(__GNUC__) || defined(__clang__)
#define GLOSS_INLINE inline __attribute__((always_inline))
#define GLOSS_INLINE_LAMBDA __attribute__((always_inline))
#elif defined(_MSC_VER)
#define GLOSS_INLINE __forceinline
#define GLOSS_INLINE_LAMBDA
#else
#define GLOSS_INLINE inline
#define GLOSS_INLINE_LAMBDA
#endif

// Before a loop with constant bounds over an array of Vec: unrolled, so that the array lives in registers.
#if defined(__clang__)
#define GLOSS_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define GLOSS_UNROLL _Pragma("GCC unroll 64")
#else
#define GLOSS_UNROLL
#endif

// GLOSS_PREFETCH(pointer) and GLOSS_PREFETCH(pointer, 1), which is for writing, ask for a cache line.
#if defined(__GNUC__) || defined(__clang__)
#define GLOSS_PREFETCH(...) __builtin_prefetch(__VA_ARGS__)
#else
#define GLOSS_PREFETCH(...) static_cast<void>(0)
#endif

// GLOSS_LAZY stands in place of `inline` before a function that is no template and that few programs call: it makes it
// one, so that the function, and what it uses of the standard library, is compiled only where it is called.
#define GLOSS_LAZY template <class = void>
