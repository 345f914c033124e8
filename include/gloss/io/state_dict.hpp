// A module's tensors to and from a safetensors file.
#pragma once

#include <string>
#include <vector>

#include <gloss/io/safetensors.hpp>
#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// A module's state dict as entries of a file, `prefix` before each name.
template <Real T>
std::vector<NamedTensor> named_tensors(const nn::Module<T>& module, const std::string& prefix = "") {
  std::vector<NamedTensor> out;
  for (const auto& [name, tensor] : module.state_dict()) out.emplace_back(prefix + name, tensor);
  return out;
}

/// Copies a file's tensors into a module. Every tensor of the module must be there with its shape, and every entry of
/// the file that begins with `prefix` must be wanted; nothing is changed unless all fit.
/// Errors: LoadError naming the file, the key and, for a wrong shape, both shapes.
/// PyTorch: load_state_dict(strict=True)
template <Real T>
void load_state_dict(nn::Module<T>& module, const Safetensors& file, const std::string& prefix = "") {
  const auto own = module.state_dict();
  std::vector<Tensor<T>> values;
  for (const auto& [name, tensor] : own) {
    const std::string key = prefix + name;
    const StoredTensor* stored = file.find(key);
    if (!stored) fail<LoadError>("load_state_dict: ", file.file(), ": ", key, " is missing");
    if (stored->shape != tensor.shape())
      fail<LoadError>("load_state_dict: ", file.file(), ": ", key, " has shape ", stored->shape, ", the model's has ",
                      tensor.shape());
    values.push_back(file.tensor<T>(key));
  }
  for (const StoredTensor& stored : file.tensors()) {
    if (stored.name.compare(0, prefix.size(), prefix) != 0) continue;
    bool wanted = false;
    for (const auto& entry : own) wanted = wanted || prefix + entry.first == stored.name;
    if (!wanted) fail<LoadError>("load_state_dict: ", file.file(), ": ", stored.name, " is unexpected");
  }
  NoGradGuard no_grad;
  for (std::size_t i = 0; i < own.size(); ++i) Tensor<T>(own[i].second).copy_(values[i]);
}

}  // namespace gloss::inline GLOSS_ABI::io
