// A module saved to and loaded from a safetensors file, in one line.
#pragma once

#include <string>

#include <gloss/io/safetensors.hpp>
#include <gloss/io/state_dict.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// Loads a module from a safetensors file: io::load(model, "model.safetensors"). By key rules the file may be
/// somebody else's: io::load(model, "model.safetensors", {.keys = rules}). Files of other kinds are opened by
/// open_tensor_file and loaded by load_state_dict.
/// Errors: LoadError when the file is not a valid one, and as load_state_dict.
/// PyTorch: model.load_state_dict(load_file(path))
template <nn::IsModule M>
nn::LoadReport load(M& module, const std::string& path, const LoadOptions& options = {}) {
  nn::detail::know_module<M>();
  return load_state_dict<typename M::value_type>(module, load_safetensors(path), options);
}

/// Saves a module as a safetensors file, which PyTorch loads too: io::save(model, "model.safetensors"). By key rules
/// the file has their names and layouts.
/// Errors: as save_safetensors.
/// PyTorch: save_file(model.state_dict(), path)
template <nn::IsModule M>
void save(const M& module, const std::string& path, const Metadata& metadata = {}, const KeyMap& keys = {}) {
  nn::detail::know_module<M>();
  save_safetensors(path, named_tensors<typename M::value_type>(module, "", keys), metadata);
}

}  // namespace gloss::inline GLOSS_ABI::io
