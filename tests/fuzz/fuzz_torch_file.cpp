// PyTorch's files, and pickles in such a file: whatever the bytes, they are read or refused by LoadError.
#include <gloss/io/torch_file.hpp>
#include <gloss/io/torch_write.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

namespace {
template <class T>
void read_as(const io::TensorFile& file, const io::StoredTensor& t) {
  if (!io::reads_as<T>(t) || t.shape.numel() > 1 << 20) return;
  const Tensor<T> x = file.tensor<T>(t.name);
  gloss_fuzz::require_of([&] {
    const io::TensorFile own = io::from_torch_file(io::to_torch_file({{t.name, x}}), "own");
    return x.shape() == t.shape && own.tensor<T>(t.name).shape() == t.shape;
  });
}
}  // namespace

void gloss_fuzz::run(std::string_view bytes) {
  std::string file(bytes);
  if (!bytes.starts_with("PK") && !bytes.starts_with("\x80\x02\x8a\n")) {
    io::ZipWriter zip;
    zip.add("a/data.pkl", bytes, false);
    zip.add("a/data/0", std::string(64, '\1'), false);
    zip.add("a/data/1", std::string(8, '\2'), false);
    file = std::move(zip).finish();
  }
  try {
    const io::TensorFile read = io::from_torch_file(std::move(file), "f");
    for (const io::StoredTensor& t : read.tensors()) {
      require(read.find(t.name) == &t);
      read_as<float>(read, t);
      read_as<std::int64_t>(read, t);
      read_as<bool>(read, t);
      read_as<bfloat16>(read, t);
    }
  } catch (const LoadError&) {
  }
}
