// The entry that libFuzzer calls.
#include "fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gloss_fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
