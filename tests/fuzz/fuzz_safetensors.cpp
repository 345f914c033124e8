// safetensors: whatever the bytes, they are read or refused by LoadError.
#include <gloss/io/safetensors.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

namespace {
template <class T>
void read_as(const io::TensorFile& file, const io::StoredTensor& t) {
  try {
    const Tensor<T> x = file.tensor<T>(t.name);
    gloss_fuzz::require_of([&] {
      const io::TensorFile own = io::from_safetensors(io::to_safetensors({{t.name, x}}, file.metadata()), "own");
      return x.shape() == t.shape && own.tensor<T>(t.name).shape() == t.shape && own.metadata() == file.metadata();
    });
  } catch (const LoadError&) {
  }
}
}  // namespace

void gloss_fuzz::run(std::string_view bytes) {
  try {
    const io::TensorFile file = io::from_safetensors(std::string(bytes), "f");
    for (const io::StoredTensor& t : file.tensors()) {
      require_of([&] { return t.strides.rank() == 0 && file.find(t.name) == &t; });
      read_as<float>(file, t);
      read_as<std::int64_t>(file, t);
      read_as<bool>(file, t);
      read_as<bfloat16>(file, t);
    }
  } catch (const LoadError&) {
  }
}
