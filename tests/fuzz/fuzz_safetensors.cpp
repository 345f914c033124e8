// safetensors: whatever the bytes, they are read or refused by LoadError.
#include <gloss/io/safetensors.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

void gloss_fuzz::run(std::string_view bytes) {
  try {
    const io::Safetensors file(std::string(bytes), "f");
    for (const io::StoredTensor& t : file.tensors()) {
      try {
        require(file.tensor<float>(t.name).shape() == t.shape);
      } catch (const LoadError&) {
      }
    }
  } catch (const LoadError&) {
  }
}
