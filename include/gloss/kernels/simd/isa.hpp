// The instruction sets that one program carries, and the one that it computes with: kernels for which it pays are
// compiled for what -march allows and, beside that, for AVX2 and AVX-512, and the processor decides when the program
// runs.
#pragma once

#include <cstdlib>
#include <string_view>

#include <gloss/core/build_notice.hpp>

namespace gloss::inline GLOSS_ABI::kernels {

/// What a dispatched kernel computes with. baseline: what the compiler's flags allow.
enum class Isa : unsigned char { baseline, avx2, avx512 };

/// The best set that `processor` (as processor_instruction_set says it) and `wish` (GLOSS_ISA; null: no wish) allow and
/// of which this program has a copy. An unknown wish is none.
inline Isa choose_isa(std::string_view processor, const char* wish) {
  const std::string_view most = wish ? wish : "";
  [[maybe_unused]] const bool is_512 = processor == "avx512" && most != "avx2" && most != "portable";
  [[maybe_unused]] const bool is_2 = (processor == "avx512" || processor == "avx2") && most != "portable";
#ifdef GLOSS_COPY_AVX512
  if (is_512) return Isa::avx512;
#endif
#ifdef GLOSS_COPY_AVX2
  if (is_2) return Isa::avx2;
#endif
  return Isa::baseline;
}

#ifdef GLOSS_COPY_AVX512
namespace detail {
/// The set in use. Tests change it, while nothing else computes.
GLOSS_NOINLINE inline Isa& isa_in_use() {
  static Isa isa = choose_isa(processor_instruction_set(), std::getenv("GLOSS_ISA"));
  return isa;
}
}  // namespace detail

/// What dispatched kernels compute with in this process: found out once. The environment variable GLOSS_ISA = avx2 or
/// portable lowers it, as far as the compiler's flags; results differ in their last bits from set to set.
inline Isa isa() { return detail::isa_in_use(); }
#else
constexpr Isa isa() { return Isa::baseline; }
#endif

/// The set's name, as compiled_instruction_set says it.
inline std::string_view isa_name(Isa isa) {
  return isa == Isa::avx512 ? "avx512" : isa == Isa::avx2 ? "avx2" : compiled_instruction_set;
}

// GLOSS_ON_ISA(f(x)) calls the copy of f for the set in use. f stands in a file that isa_copies.inc has read for every
// set, in namespace kernels::on_avx512, kernels::on_avx2 and, for the baseline, kernels itself.
#if defined(GLOSS_COPY_AVX2)
#define GLOSS_ON_ISA(...)                                                            \
  (::gloss::kernels::isa() == ::gloss::kernels::Isa::avx512 ? on_avx512::__VA_ARGS__ \
   : ::gloss::kernels::isa() == ::gloss::kernels::Isa::avx2 ? on_avx2::__VA_ARGS__   \
                                                            : __VA_ARGS__)
#elif defined(GLOSS_COPY_AVX512)
#define GLOSS_ON_ISA(...) \
  (::gloss::kernels::isa() == ::gloss::kernels::Isa::avx512 ? on_avx512::__VA_ARGS__ : __VA_ARGS__)
#else
#define GLOSS_ON_ISA(...) (__VA_ARGS__)
#endif

}  // namespace gloss::inline GLOSS_ABI::kernels
