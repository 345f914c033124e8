// The weights in a model's folder: safetensors' files or PyTorch's, one or several.
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

#include <gloss/io/json_reader.hpp>
#include <gloss/io/safetensors.hpp>
#include <gloss/io/torch_file.hpp>

namespace gloss::inline GLOSS_ABI::io {

namespace detail {

/// Whether the bytes are those of a file that torch.save has written.
GLOSS_COLD inline bool is_torch_file(std::string_view bytes, const std::string& path) {
  const bool header = bytes.size() > 8 && bytes[8] == '{';  // of safetensors, behind its size, which may begin so too
  if (!bytes.starts_with("PK")) return bytes.starts_with("\x80") && !header;
  const ZipReader zip("open_tensor_file", bytes, path);
  return std::any_of(zip.members().begin(), zip.members().end(),
                     [](const ZipMember& m) { return m.name.ends_with("data.pkl"); });
}

/// Opens a file of safetensors or of PyTorch.
GLOSS_COLD inline TensorFile open_weights(MappedFile file, const std::string& path) {
  if (is_torch_file(file.bytes(), path)) return TorchReader(std::move(file), path, {}).read();
  return read_safetensors(std::move(file), path);
}

using TensorFileOpener = TensorFile(MappedFile file, const std::string& path);

/// Which file of the same folder holds which tensor, as "model.safetensors.index.json" says.
GLOSS_COLD inline std::map<std::string, std::string> read_weight_map(const std::string& path) {
  std::map<std::string, std::string> files;
  const std::string json = read_file(path, max_header_bytes);
  try {
    const auto members = json_members(json);
    const auto map = members.find("weight_map");
    for (const auto& [name, value] : json_members(map == members.end() ? "" : map->second)) {
      if (!value.starts_with('"')) fail<LoadError>("open_tensor_file: ", path, ": ", name, ": its file is not a name");
      const std::string file = JsonReader(value).string();
      if (file.empty() || file == ".." || file.find_first_of("/\\:") != std::string::npos)
        fail<LoadError>("open_tensor_file: ", path, ": ", name, ": '", file, "' is no file of its folder");
      files.emplace(name, file);
    }
  } catch (const JsonError&) {
    fail<LoadError>("open_tensor_file: ", path, ": it has no weight_map");
  }
  return files;
}

/// All tensors of the files that an index names. A tensor that stands in several files is that of the index.
GLOSS_COLD inline TensorFile open_shards(const std::string& path, TensorFileOpener* open) {
  const std::map<std::string, std::string> files = read_weight_map(path);
  const std::string folder = path.substr(0, path.find_last_of("/\\") + 1);
  const auto shards = std::make_shared<std::map<std::string, TensorFile>>();
  std::vector<StoredTensor> tensors;
  Metadata metadata;
  for (const auto& [name, file] : files)
    if (!shards->contains(file)) shards->emplace(file, open(MappedFile(folder + file), folder + file));
  for (const auto& [name, file] : files)
    if (!shards->at(file).find(name)) fail<LoadError>("open_tensor_file: ", path, ": ", name, ": it is not in ", file);
  for (const auto& [file, shard] : *shards) {
    metadata.insert(shard.metadata().begin(), shard.metadata().end());
    for (const StoredTensor& t : shard.tensors())
      if (const auto place = files.find(t.name); place == files.end() || place->second == file) tensors.push_back(t);
  }
  return TensorFile("open_tensor_file", path, std::move(tensors), std::move(metadata), shards);
}

GLOSS_COLD inline TensorFile open_file_or_shards(const std::string& path, TensorFileOpener* open) {
  return path.ends_with(".index.json") ? open_shards(path, open) : open(MappedFile(path), path);
}
GLOSS_COLD inline TensorFile open_folder(const std::string& folder, TensorFileOpener* open) {
  for (const char* const name :
       {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (const std::filesystem::path path = std::filesystem::path(folder) / name; std::filesystem::exists(path))
      return open_file_or_shards(path.string(), open);
  fail<LoadError>("open_tensor_file: ", folder, ": the folder has neither model.safetensors nor pytorch_model.bin nor ",
                  "an index of one");
}

/// A folder with a model, an index of its files, or a file of its own kind.
GLOSS_COLD inline TensorFile open_path(const std::string& path, TensorFileOpener* open) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) return open_folder(path, open);
  return open_file_or_shards(path, open);
}

}  // namespace detail

}  // namespace gloss::inline GLOSS_ABI::io
