// Runs a test on every instruction set that the program has a copy for and the processor can execute.
#pragma once

#include <string>

#include <gloss/kernels/simd/isa.hpp>

#include "catch.hpp"

namespace gloss_test {

/// Calls f once for each set; dispatched kernels compute with that set meanwhile.
template <class F>
void for_each_isa(F f) {
#ifdef GLOSS_COPY_AVX512
  using gloss::kernels::Isa;
  struct Restore {
    Isa before = gloss::kernels::isa();
    ~Restore() { gloss::kernels::detail::isa_in_use() = before; }
  } restore;
  Isa last = Isa::baseline;
  for (const char* wish : {"portable", "avx2", "avx512"}) {
    const Isa isa = gloss::kernels::choose_isa(gloss::processor_instruction_set(), wish);
    if (isa == last && isa != Isa::baseline) continue;
    if (isa == last && std::string(wish) != "portable") continue;
    last = isa;
    gloss::kernels::detail::isa_in_use() = isa;
    INFO("instruction set: " << gloss::kernels::isa_name(isa));
    f();
  }
#else
  f();
#endif
}

}  // namespace gloss_test
