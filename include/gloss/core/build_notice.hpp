// What the code was compiled for, what the processor has, and the line that says so when the two do not fit.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#if defined(__linux__)
#include <sched.h>
#elif defined(__unix__)
#include <unistd.h>
#endif

#include <gloss/core/config.hpp>
#include <gloss/core/parallel_for.hpp>

namespace gloss::inline GLOSS_ABI {

#define GLOSS_TEXT_OF(...) #__VA_ARGS__
#define GLOSS_TEXT(...) GLOSS_TEXT_OF(__VA_ARGS__)
/// The instruction set of this code, as in the name of its inline namespace: avx512, avx2, avx, sse2, neon or generic.
inline constexpr std::string_view compiled_instruction_set =
    std::string_view(GLOSS_TEXT(GLOSS_ABI)).substr(std::string_view(GLOSS_TEXT(GLOSS_ABI)).find('_') + 1);
#undef GLOSS_TEXT
#undef GLOSS_TEXT_OF

/// Whether the compiler was asked to optimise.
#if defined(__OPTIMIZE__) || (defined(_MSC_VER) && !defined(__clang__) && !defined(_DEBUG))
inline constexpr bool is_optimized = true;
#else
inline constexpr bool is_optimized = false;
#endif

/// How many cores this process may use and does not, because it was built without OpenMP. 0 where that is not known, or
/// one thread was asked for (GLOSS_THREADS_SERIAL).
inline int idle_cores() {
  if (openmp_version > 0) return 0;
#if defined(GLOSS_THREADS_SERIAL)
  return 0;
#elif defined(__linux__)
  cpu_set_t cores;
  return sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) - 1 : 0;
#elif defined(_SC_NPROCESSORS_ONLN)
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores > 1 ? static_cast<int>(cores) - 1 : 0;
#else
  return 0;
#endif
}

/// The best of those sets that this processor has, or "unknown".
inline std::string_view processor_instruction_set() {
#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__i386__))
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl"))
    return "avx512";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "avx2";
  if (__builtin_cpu_supports("avx")) return "avx";
  return __builtin_cpu_supports("sse2") ? "sse2" : "generic";
#elif defined(__aarch64__)
  return "neon";
#else
  return "unknown";
#endif
}

namespace detail {

/// Whether what a program computes most with has copies for better processors.
#ifdef GLOSS_COPY_AVX512
inline constexpr bool has_copies = true;
#else
inline constexpr bool has_copies = false;
#endif

/// One line, or "" when little is lost: code without AVX2's multiply-add on a processor that has it is far below it,
/// AVX2 on one with AVX-512 is not, nor is a program with copies. `idle` is what idle_cores() says.
inline std::string build_notice(bool optimized, std::string_view compiled, std::string_view processor, bool copies,
                                int idle) {
  const bool has_fma = processor == "avx2" || processor == "avx512";
  const bool uses_fma = copies || compiled == "avx2" || compiled == "avx512";
  std::string text;
  if (!optimized) text += " without optimisation (-O2)";
  if (has_fma && !uses_fma) {
    if (!text.empty()) text += " and";
    ((text += " for ") += compiled) += ", while this processor has ";
    (text += processor) += " (-march=native, gloss::native)";
  }
  if (idle > 0) {
    if (!text.empty()) text += " and";
    ((text += " without OpenMP (-fopenmp), which leaves ") += std::to_string(idle)) += idle == 1 ? " core" : " cores";
    text += " idle";
  }
  if (!text.empty()) {
    text.insert(0, "gloss: built");
    text += ": it runs at a fraction of its speed. GLOSS_QUIET=1 hides this line\n";
  }
  return text;
}

/// Whether constants arrive as they are: with AVX-512, GCC 12.2 makes {1, 1, 1, 1} of {1, 1, 0, 0} when it copies them
/// at once, as into a std::vector.
GLOSS_NOINLINE inline bool copies_constants() {
  static std::int64_t copy[4];
  const std::int64_t constants[4] = {1, 1, 0, 0};
  std::memcpy(copy, constants, sizeof copy);
  const volatile std::int64_t* const seen = copy;
  return seen[3] == 0;
}
inline constexpr const char* constants_notice =
    "gloss: this compiler copies constants wrongly: std::vector<long>{1, 1, 0, 0} holds 1, 1, 1, 1. Build with "
    "-mmove-max=128 -mstore-max=128 (gloss::native does) or a later GCC. GLOSS_QUIET=1 hides this line\n";

/// Says it on stderr, unless GLOSS_QUIET is set in the environment or GLOSS_NO_NOTICE is defined for the program.
GLOSS_COLD inline void give_notice([[maybe_unused]] const char* text) {
#ifndef GLOSS_NO_NOTICE
#ifdef _MSC_VER
#pragma warning(suppress : 4996)
#endif
  const char* const quiet = std::getenv("GLOSS_QUIET");
  if (quiet && *quiet && std::string_view(quiet) != "0") return;
  std::fputs(text, stderr);
#endif
}

/// Called once in a process, when the first tensor asks for memory.
GLOSS_COLD inline void give_build_notice() {
#ifndef GLOSS_NO_NOTICE
  // Else there is nothing to say, and nothing to compile.
  if constexpr (!is_optimized || !has_copies || openmp_version == 0) {
    std::string text =
        build_notice(is_optimized, compiled_instruction_set, processor_instruction_set(), has_copies, idle_cores());
    if (!copies_constants()) text += constants_notice;
    if (!text.empty()) give_notice(text.c_str());
  }
#endif
}

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI
