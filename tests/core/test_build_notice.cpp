#include <set>
#include <string>

#include <gloss/core/build_notice.hpp>
#include <gloss/core/config.hpp>

#include "support/catch.hpp"

using namespace gloss;
using gloss::detail::build_notice;

TEST_CASE("build notice: silent where optimised code uses what the processor has, or nearly") {
  CHECK(build_notice(true, "avx512", "avx512", false, 0) == "");
  CHECK(build_notice(true, "avx2", "avx512", false, 0) == "");
  CHECK(build_notice(true, "sse2", "sse2", false, 0) == "");
  CHECK(build_notice(true, "sse2", "avx", false, 0) == "");
  CHECK(build_notice(true, "sse2", "avx512", true, 0) == "");
  CHECK(build_notice(true, "neon", "neon", false, 0) == "");
  CHECK(build_notice(true, "sse2", "unknown", false, 0) == "");
}

TEST_CASE("build notice: one line that says what is missing and how to get it") {
  CHECK(build_notice(false, "avx2", "avx2", false, 0) ==
        "gloss: built without optimisation (-O2): it runs at a fraction of its speed. GLOSS_QUIET=1 hides this line\n");
  CHECK(build_notice(true, "sse2", "avx512", false, 0) ==
        "gloss: built for sse2, while this processor has avx512 (-march=native, gloss::native): it runs at a fraction "
        "of its speed. GLOSS_QUIET=1 hides this line\n");
  CHECK(build_notice(false, "sse2", "avx2", true, 0) ==
        "gloss: built without optimisation (-O2): it runs at a fraction of its speed. GLOSS_QUIET=1 hides this line\n");
  CHECK(build_notice(false, "avx", "avx2", false, 0) ==
        "gloss: built without optimisation (-O2) and for avx, while this processor has avx2 (-march=native, "
        "gloss::native): it runs at a fraction of its speed. GLOSS_QUIET=1 hides this line\n");
}

TEST_CASE("build notice: this program's constants are what they were written as") {
  CHECK(gloss::detail::copies_constants());
}

TEST_CASE("build notice: cores that stand idle without OpenMP") {
  CHECK(build_notice(true, "avx512", "avx512", false, 1) ==
        "gloss: built without OpenMP (-fopenmp), which leaves 1 core idle: it runs at a fraction of its speed. "
        "GLOSS_QUIET=1 hides this line\n");
  CHECK(
      build_notice(false, "sse2", "avx2", true, 7) ==
      "gloss: built without optimisation (-O2) and without OpenMP (-fopenmp), which leaves 7 cores idle: it runs at a "
      "fraction of its speed. GLOSS_QUIET=1 hides this line\n");
}

TEST_CASE("build notice: the instruction sets have the names that it knows") {
  const std::set<std::string_view> known = {"avx512", "avx2", "avx", "sse2", "neon", "generic"};
  CHECK(known.contains(compiled_instruction_set));
  const std::string_view has = processor_instruction_set();
  CHECK((known.contains(has) || has == "unknown"));
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
  CHECK((has == "avx512" || compiled_instruction_set != "avx512"));  // else this test could not run
#endif
}
