// .npy and .npz: whatever the bytes, they are read or refused by LoadError.
#include <gloss/io/npz.hpp>

#include "fuzz/target.hpp"

using namespace gloss;

namespace {
template <class T>
void read_as(const io::NpyArray& array) {
  if (array.shape().numel() > 1 << 20) return;
  try {
    const Tensor<T> x = array.tensor<T>();
    gloss_fuzz::require(x.shape() == array.shape() && x.is_contiguous());
    if constexpr (!std::same_as<T, bfloat16>)
      gloss_fuzz::require_of([&] { return io::NpyArray(io::to_npy(x), "own").shape() == x.shape(); });
  } catch (const LoadError&) {
  }
}
void read_all(const io::NpyArray& array) {
  read_as<float>(array);
  read_as<std::int64_t>(array);
  read_as<bool>(array);
  read_as<bfloat16>(array);
}
}  // namespace

void gloss_fuzz::run(std::string_view bytes) {
  try {
    if (!bytes.starts_with("PK")) return read_all(io::NpyArray(std::string(bytes), "f"));
    const io::Npz file(std::string(bytes), "f");
    for (const std::string& name : file.names()) {
      require(file.has(name));
      try {
        read_all(file.array(name));
      } catch (const LoadError&) {
      }
    }
    const io::TensorFile all = file.tensor_file();
    require(all.tensors().size() == file.names().size());
    for (const io::StoredTensor& t : all.tensors())
      if (t.dtype == io::Dtype::F32 && t.shape.numel() < 1 << 20) static_cast<void>(all.tensor<double>(t.name));
  } catch (const LoadError&) {
  }
}
