#include <string>
#include <vector>

#include <gloss/tensor/build_report.hpp>

#include "support/catch.hpp"

using namespace gloss;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::string line;
  for (const char c : text)
    if (c == '\n')
      lines.push_back(std::exchange(line, ""));
    else
      line += c;
  CHECK(line.empty());
  return lines;
}

}  // namespace

TEST_CASE("build report: six lines, each with its name") {
  const auto lines = lines_of(build_report());
  REQUIRE(lines.size() == 6);
  CHECK(lines[0] == "gloss " + std::to_string(GLOSS_VERSION_MAJOR) + "." + std::to_string(GLOSS_VERSION_MINOR) + "." +
                        std::to_string(GLOSS_VERSION_PATCH));
  CHECK(lines[1].starts_with("compiler: "));
  CHECK(lines[1].find(", C++ 20") != std::string::npos);
  CHECK(lines[1].ends_with(is_optimized ? ", optimised" : ", not optimised"));
  CHECK(lines[2] == "instruction set: " + std::string(compiled_instruction_set) + "; the processor has " +
                        std::string(processor_instruction_set()));
#if defined(GLOSS_THREADS_SERIAL)
  const std::string kind = ", serial";
  CHECK(idle_cores() == 0);
#elif !defined(_OPENMP)
  const std::string kind = ", no OpenMP";
#elif defined(GLOSS_THREADS_OPENMP)
  const std::string kind = " of an OpenMP " + std::to_string(_OPENMP) + " team";
#else
  const std::string kind = " of gloss's pool, counted by OpenMP " + std::to_string(_OPENMP);
#endif
  CHECK(lines[4] == "threads: " + std::to_string(num_threads()) + kind +
                        (idle_cores() == 1  ? ", which leaves 1 core idle"
                         : idle_cores() > 0 ? ", which leaves " + std::to_string(idle_cores()) + " cores idle"
                                            : ""));
  const std::string bytes = "vectors: " + std::to_string(GLOSS_VECTOR_BYTES) + " bytes, ";
#ifdef GLOSS_BACKEND_EIGEN
  CHECK(lines[3] == bytes + "Eigen's arrays");
  CHECK(lines[5].starts_with("products: Eigen "));
#else
  CHECK(lines[3] == bytes + "the compiler's vector types");
  CHECK(lines[5].starts_with("products: "));
  CHECK(lines[5].ends_with("gloss's tiles, " + std::string(kernels::isa_name(kernels::isa()))));
#endif
}

#if defined(__GNUC__) && !defined(__clang__)
TEST_CASE("build report: the compiler's version is the compiler's own") {
  CHECK(lines_of(build_report())[1].starts_with("compiler: GCC " __VERSION__ ","));
}
#endif
