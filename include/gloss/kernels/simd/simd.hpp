// Vectors of GLOSS_VECTOR_BYTES: Vec<float>, Vec<double> and the integers of the same width, on the vector extensions
// of GCC and Clang (no intrinsics, so nothing to include), or on Eigen's arrays (simd/eigen.hpp).
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include <gloss/core/shape.hpp>
#include <gloss/kernels/simd/isa.hpp>
#ifdef GLOSS_BACKEND_EIGEN
#include <gloss/kernels/simd/eigen.hpp>
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
