// Any file of tensors, or a folder with a model, whoever has written it: what it is decides who reads it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gloss/io/gguf.hpp>
#include <gloss/io/model_folder.hpp>
#include <gloss/io/npz.hpp>

namespace gloss::inline GLOSS_ABI::io {

namespace detail {

GLOSS_COLD inline TensorFile open_npy_file(MappedFile mapped, const std::string& path) {
  const auto file = std::make_shared<const MappedFile>(std::move(mapped));
  const auto array = std::make_shared<const NpyArray>(file->bytes(), file, path);
  StoredTensor tensor = array->stored();
  tensor.name = "";
  return TensorFile("load_npy", path, {std::move(tensor)}, {}, array);
}

GLOSS_COLD inline TensorFile open_any(MappedFile file, const std::string& path) {
  const std::string_view bytes = file.bytes();
  if (bytes.starts_with("GGUF")) return Gguf(std::move(file), path).tensor_file();
  if (bytes.starts_with("\x93NUMPY")) return open_npy_file(std::move(file), path);
  if (bytes.starts_with("PK") && !is_torch_file(bytes, path)) return Npz(std::move(file), path).tensor_file();
  return open_weights(std::move(file), path);
}

}  // namespace detail

/// Opens what load_safetensors, load_torch_file, load_gguf, load_npz or load_npy (under the name "") reads; by an
/// index, "model.safetensors.index.json", all files that it names; of a folder its model.safetensors or
/// pytorch_model.bin, in one file or in several.
///   io::load_state_dict(model, io::open_tensor_file("gpt2"), {.keys = rules})
/// Errors: LoadError, as theirs; when the file is of no such kind, what it is instead.
/// PyTorch: load_file, torch.load
GLOSS_COLD inline TensorFile open_tensor_file(const std::string& path) {
  return detail::open_path(path, detail::open_any);
}

}  // namespace gloss::inline GLOSS_ABI::io
