// Vectors of GLOSS_VECTOR_BYTES: Vec<float>, Vec<double> and the integers of the same width, on the vector extensions
// of GCC and Clang (no intrinsics, so nothing to include); elsewhere a struct of an array that the optimiser may
// vectorise.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <gloss/core/shape.hpp>
#include <gloss/kernels/simd/isa.hpp>

#if defined(__GNUC__) || defined(__clang__)
#define GLOSS_INLINE inline __attribute__((always_inline))
#define GLOSS_INLINE_LAMBDA __attribute__((always_inline))  // stands after the lambda's parameters
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

namespace gloss::inline GLOSS_ABI::kernels::detail {

/// The signed integer of a size.
template <int Bytes>
struct SizedInt;
template <>
struct SizedInt<4> {
  using type = std::int32_t;
};
template <>
struct SizedInt<8> {
  using type = std::int64_t;
};

}  // namespace gloss::inline GLOSS_ABI::kernels::detail

#define GLOSS_ISA_FILE <gloss/kernels/simd/simd.inc>
#include <gloss/kernels/simd/isa_copies.inc>
#undef GLOSS_ISA_FILE
