// Any file of tensors, or a folder with a model, whoever has written it: what it is decides who reads it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <gloss/io/gguf.hpp>
#include <gloss/io/npz.hpp>
#include <gloss/io/safetensors.hpp>
#include <gloss/io/torch_file.hpp>

namespace gloss::inline GLOSS_ABI::io {

namespace detail {

GLOSS_COLD inline TensorFile open_npy_file(MappedFile mapped, const std::string& path) {
  const auto file = std::make_shared<const MappedFile>(std::move(mapped));
  const auto array = std::make_shared<const NpyArray>(file->bytes(), file, path);
  StoredTensor tensor = array->stored();
  tensor.name = "";
  return TensorFile("load_npy", path, {std::move(tensor)}, {}, array);
}

GLOSS_COLD inline TensorFile open_file(const std::string& path) {
  MappedFile file(path);
  const std::string_view bytes = file.bytes();
  if (bytes.starts_with("GGUF")) return Gguf(std::move(file), path).tensor_file();
  if (bytes.starts_with("\x93NUMPY")) return open_npy_file(std::move(file), path);
  const bool header = bytes.size() > 8 && bytes[8] == '{';  // of safetensors, behind its size, which may begin so too
  bool torch = bytes.starts_with("\x80") && !header;
  const bool archive = bytes.starts_with("PK");
  if (archive) {
    const ZipReader zip("open_tensor_file", bytes, path);
    torch = std::any_of(zip.members().begin(), zip.members().end(),
                        [](const ZipMember& m) { return m.name.ends_with("data.pkl"); });
  }
  if (torch) return TorchReader(std::move(file), path, {}).read();
  if (archive) return Npz(std::move(file), path).tensor_file();
  return read_safetensors(std::move(file), path);
}

/// Which file of the same folder holds which tensor, as "model.safetensors.index.json" says.
GLOSS_COLD inline std::map<std::string, std::string> read_weight_map(const std::string& path) {
  std::map<std::string, std::string> files;
  const std::string json = read_file(path, max_header_bytes);
  try {
    const auto members = text::detail::json_members(json);
    const auto map = members.find("weight_map");
    for (const auto& [name, value] : text::detail::json_members(map == members.end() ? "" : map->second)) {
      if (!value.starts_with('"')) fail<LoadError>("open_tensor_file: ", path, ": ", name, ": its file is not a name");
      const std::string file = text::detail::JsonReader(value).string();
      if (file.empty() || file == ".." || file.find_first_of("/\\:") != std::string::npos)
        fail<LoadError>("open_tensor_file: ", path, ": ", name, ": '", file, "' is no file of its folder");
      files.emplace(name, file);
    }
  } catch (const text::detail::JsonError&) {
    fail<LoadError>("open_tensor_file: ", path, ": it has no weight_map");
  }
  return files;
}

/// All tensors of the files that an index names. A tensor that stands in several files is that of the index.
GLOSS_COLD inline TensorFile open_shards(const std::string& path) {
  const std::map<std::string, std::string> files = read_weight_map(path);
  const std::string folder = path.substr(0, path.find_last_of("/\\") + 1);
  const auto shards = std::make_shared<std::map<std::string, TensorFile>>();
  std::vector<StoredTensor> tensors;
  Metadata metadata;
  for (const auto& [name, file] : files)
    if (!shards->contains(file)) shards->emplace(file, open_file(folder + file));
  for (const auto& [name, file] : files)
    if (!shards->at(file).find(name)) fail<LoadError>("open_tensor_file: ", path, ": ", name, ": it is not in ", file);
  for (const auto& [file, shard] : *shards) {
    metadata.insert(shard.metadata().begin(), shard.metadata().end());
    for (const StoredTensor& t : shard.tensors())
      if (const auto place = files.find(t.name); place == files.end() || place->second == file) tensors.push_back(t);
  }
  return TensorFile("open_tensor_file", path, std::move(tensors), std::move(metadata), shards);
}

GLOSS_COLD inline TensorFile open_folder(const std::string& folder) {
  for (const char* const name :
       {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (const std::filesystem::path path = std::filesystem::path(folder) / name; std::filesystem::exists(path))
      return path.extension() == ".json" ? open_shards(path.string()) : open_file(path.string());
  fail<LoadError>("open_tensor_file: ", folder, ": the folder has neither model.safetensors nor pytorch_model.bin nor ",
                  "an index of one");
}

}  // namespace detail

/// Opens what load_safetensors, load_torch_file, load_gguf, load_npz or load_npy (under the name "") reads; by an
/// index, "model.safetensors.index.json", all files that it names; of a folder its model.safetensors or
/// pytorch_model.bin, in one file or in several.
///   io::load_state_dict(model, io::open_tensor_file("gpt2"), {.keys = rules})
/// Errors: LoadError, as theirs; when the file is of no such kind, what it is instead.
/// PyTorch: load_file, torch.load
GLOSS_COLD inline TensorFile open_tensor_file(const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) return detail::open_folder(path);
  if (path.ends_with(".index.json")) return detail::open_shards(path);
  return detail::open_file(path);
}

}  // namespace gloss::inline GLOSS_ABI::io
