// The precision of matrix products
#pragma once

#include <gloss/kernels/attention/bfloat16.hpp>
#include <gloss/kernels/gemm/bfloat16.hpp>
#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// What products of float compute with.
enum class MatmulPrecision : unsigned char {
  float32,   // the factors as they are
  bfloat16,  // factors rounded to nearest, ties to even; the sums are float
};

/// The precision in force.
/// PyTorch: torch.get_float32_matmul_precision
inline MatmulPrecision matmul_precision() {
#ifdef GLOSS_BACKEND_EIGEN
  return MatmulPrecision::float32;
#else
  const bool whole = kernels::detail::other_gemm.load(std::memory_order_relaxed) == nullptr;
  return whole ? MatmulPrecision::float32 : MatmulPrecision::bfloat16;
#endif
}

/// Whether products in bfloat16 are faster than in float here: AVX512-BF16 in AMD's processors (from Zen 4 on).
/// Elsewhere, in Intel's as well, whose instructions for it take twice as long as those for float, they are computed in
/// float from rounded factors, to the same result but for the rounding of the sums, and gain no time.
inline bool has_fast_bfloat16() { return kernels::detail::uses_bfloat16_tiles(); }

/// From now on the matrix products of this process that are of float have this precision, forward and backward: matmul
/// and what is made of it, linear and its kin, those within attention, convolutions over single cells. Tensors, sums
/// and all else stay float, and so do products of up to 16 rows or 8 columns and attention of up to 7 queries, which
/// wait for memory, and other convolutions. An attention's backward wants the precision of its forward. double is not
/// concerned. Where it gains no time, one line on stderr says so (GLOSS_QUIET=1 hides it).
/// Errors: Error for bfloat16 in a program whose products are Eigen's.
/// PyTorch: torch.set_float32_matmul_precision, "highest" or "medium"
GLOSS_LAZY void set_matmul_precision(MatmulPrecision precision) {
  const bool whole = precision == MatmulPrecision::float32;
#ifdef GLOSS_BACKEND_EIGEN
  if (!whole) fail<Error>("set_matmul_precision: products are Eigen's in this program, which has none in bfloat16");
#else
  kernels::detail::other_gemm.store(whole ? nullptr : kernels::detail::gemm_bfloat16, std::memory_order_relaxed);
  kernels::detail::other_attention_product.store(whole ? nullptr : kernels::detail::attention_product_in_bfloat16,
                                                 std::memory_order_relaxed);
  if (whole || has_fast_bfloat16()) return;
  static const bool said = (detail::give_notice("gloss: this processor has no fast products in bfloat16: they are "
                                                "computed in float and gain no time. GLOSS_QUIET=1 hides this line\n"),
                            true);
  static_cast<void>(said);
#endif
}

/// The precision while it lives, for the whole process: guards follow each other or lie within each other, on whichever
/// threads.
class [[nodiscard]] MatmulPrecisionGuard {
 public:
  /// Errors: as set_matmul_precision
  explicit MatmulPrecisionGuard(MatmulPrecision precision) : saved_(matmul_precision()) {
    set_matmul_precision(precision);
  }
  ~MatmulPrecisionGuard() { set_matmul_precision(saved_); }
  MatmulPrecisionGuard(const MatmulPrecisionGuard&) = delete;
  MatmulPrecisionGuard& operator=(const MatmulPrecisionGuard&) = delete;

 private:
  MatmulPrecision saved_;
};

}  // namespace gloss::inline GLOSS_ABI
