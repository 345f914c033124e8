// GGUF: whatever the bytes, they are read or refused by LoadError.
#include <gloss/io/gguf.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

namespace {
template <class T>
void read_list(const io::GgufValue& value) {
  try {
    gloss_fuzz::require(value.list<T>().size() == value.size());
  } catch (const LoadError&) {
  }
}
}  // namespace

void gloss_fuzz::run(std::string_view bytes) {
  try {
    const io::Gguf file(std::string(bytes), "f");
    for (const io::StoredTensor& t : file.tensor_file().tensors()) {
      if (t.shape.numel() > 1 << 20) continue;
      if (io::reads_as<float>(t)) require(file.tensor_file().tensor<float>(t.name).shape() == t.shape);
      if (io::reads_as<std::int64_t>(t)) require(file.tensor_file().tensor<std::int64_t>(t.name).shape() == t.shape);
    }
    for (const auto& [key, value] : file.values()) {
      require(file.find(key) == &value);
      if (!value.is_list()) continue;
      read_list<std::string>(value);
      read_list<std::int64_t>(value);
      read_list<float>(value);
      read_list<bool>(value);
    }
  } catch (const LoadError&) {
  }
}
