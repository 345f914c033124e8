#include <cmath>
#include <string>
#include <vector>

#include <gloss/kernels/simd/isa.hpp>
#include <gloss/kernels/simd/math.hpp>

#include "support/catch.hpp"
#include "support/isa.hpp"

#define GLOSS_ISA_FILE "support/isa_body.inc"
#include <gloss/kernels/simd/isa_copies.inc>
#undef GLOSS_ISA_FILE

using namespace gloss;
using kernels::Isa;

namespace gloss::inline GLOSS_ABI::kernels {
namespace {
Index bytes_in_use() { return GLOSS_ON_ISA(test_vector_bytes()); }
template <class T>
void exp_in_use(const std::vector<T>& x, std::vector<T>& y) {
  GLOSS_ON_ISA(test_exp<T>(static_cast<Index>(x.size()), x.data(), y.data()));
}
template <class T>
T sum_in_use(const std::vector<T>& x) {
  return GLOSS_ON_ISA(test_sum<T>(static_cast<Index>(x.size()), x.data()));
}
}  // namespace
}  // namespace gloss::inline GLOSS_ABI::kernels

TEST_CASE("isa: the best copy that the processor can execute is chosen, and a wish lowers it") {
  using kernels::choose_isa;
#if defined(GLOSS_COPY_AVX2)
  const Isa best = Isa::avx512, middle = Isa::avx2;
#elif defined(GLOSS_COPY_AVX512)
  const Isa best = Isa::avx512, middle = Isa::baseline;
#else
  const Isa best = Isa::baseline, middle = Isa::baseline;
#endif
  CHECK(choose_isa("avx512", nullptr) == best);
  CHECK(choose_isa("avx512", "") == best);
  CHECK(choose_isa("avx512", "avx512") == best);
  CHECK(choose_isa("avx512", "no such set") == best);
  CHECK(choose_isa("avx512", "avx2") == middle);
  CHECK(choose_isa("avx512", "portable") == Isa::baseline);
  CHECK(choose_isa("avx2", nullptr) == middle);
  CHECK(choose_isa("avx2", "avx512") == middle);
  CHECK(choose_isa("avx2", "portable") == Isa::baseline);
  for (const char* processor : {"avx", "sse2", "neon", "generic", "unknown"})
    CHECK(choose_isa(processor, "avx512") == Isa::baseline);
}

TEST_CASE("isa: the set in use is one that both the program and the processor have") {
  const std::string name(kernels::isa_name(kernels::isa()));
  if (kernels::isa() == Isa::baseline)
    CHECK(name == compiled_instruction_set);
  else
    CHECK((name == processor_instruction_set() || name == "avx2"));
}

TEST_CASE("isa: a copy computes with its own vectors") {
  gloss_test::for_each_isa([] {
    const Isa isa = kernels::isa();
    CHECK(kernels::bytes_in_use() == (isa == Isa::avx512 ? 64 : isa == Isa::avx2 ? 32 : GLOSS_VECTOR_BYTES));
  });
}

TEMPLATE_TEST_CASE("isa: every copy computes the same function", "", float, double) {
  using T = TestType;
  gloss_test::for_each_isa([] {
    for (std::size_t n = 0; n < 40; ++n) {
      std::vector<T> x(n), y(n + 1, T(7));
      T sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        x[i] = T(int(i) - 20) / T(4);
        sum += x[i];
      }
      kernels::exp_in_use(x, y);
      for (std::size_t i = 0; i < n; ++i)
        CHECK(std::abs(y[i] / std::exp(x[i]) - T(1)) <= 4 * std::numeric_limits<T>::epsilon());
      CHECK(y[n] == T(7));
      CHECK(kernels::sum_in_use(x) == sum);  // quarters: no rounding
    }
  });
}
