// How this program was built, for bug reports and for finding out why it is slow.
#pragma once

#include <string>

#include <gloss/core/build_notice.hpp>
#include <gloss/core/error.hpp>
#include <gloss/core/parallel_for.hpp>
#include <gloss/kernels/gemm.hpp>

namespace gloss::inline GLOSS_ABI {

/// A few lines: version, compiler, language, optimisation, the instruction set of the code beside the processor's,
/// vectors, how many threads of what (gloss's pool, an OpenMP team, serial), and what computes matrix products, with
/// which instruction set. gloss::compiled may have been built otherwise than its caller; what is said here holds for
/// the copy of this function that the linker kept.
GLOSS_LAZY std::string build_report() {
  std::string text;
  const auto add = [&text](const auto&... parts) { (append_part(text, parts), ...); };
  add("gloss ", GLOSS_VERSION_MAJOR, '.', GLOSS_VERSION_MINOR, '.', GLOSS_VERSION_PATCH, "\ncompiler: ");
#if defined(__clang__)
  add("Clang ", __clang_major__, '.', __clang_minor__, '.', __clang_patchlevel__);
#elif defined(__GNUC__)
  add("GCC ", __GNUC__, '.', __GNUC_MINOR__, '.', __GNUC_PATCHLEVEL__);
#elif defined(_MSC_VER)
  add("MSVC ", _MSC_VER);
#else
  add("unknown");
#endif
#ifdef _MSVC_LANG
  constexpr long language = _MSVC_LANG;
#else
  constexpr long language = __cplusplus;
#endif
  add(", C++ ", language, is_optimized ? ", optimised" : ", not optimised");
  add("\ninstruction set: ", compiled_instruction_set, "; the processor has ", processor_instruction_set());
  add("\nvectors: ", GLOSS_VECTOR_BYTES, " bytes, ");
#ifdef GLOSS_VECTOR_TYPES
  add("the compiler's vector types");
#else
  add("Eigen's arrays");
#endif
  add("\nthreads: ", num_threads());
#if defined(GLOSS_THREADS_SERIAL)
  add(", serial");
#elif defined(GLOSS_ONE_THREAD)
  add(", no OpenMP");
#elif defined(GLOSS_THREADS_OPENMP)
  add(" of an OpenMP ", openmp_version, " team");
#else
  add(" of gloss's pool, counted by OpenMP ", openmp_version);
#endif
  if (const int idle = idle_cores(); idle > 0) add(", which leaves ", idle, idle == 1 ? " core idle" : " cores idle");
  add("\nproducts: ");
#ifdef GLOSS_BACKEND_EIGEN
  add("Eigen ", EIGEN_WORLD_VERSION, '.', EIGEN_MAJOR_VERSION, '.', EIGEN_MINOR_VERSION);
#else
#ifdef GLOSS_WITH_BLAS
  add("a BLAS where they are large, else ");
#endif
  add("gloss's tiles, ", kernels::isa_name(kernels::isa()));
#endif
  add("\n");
  return text;
}

}  // namespace gloss::inline GLOSS_ABI
