// A module's tensors to and from a safetensors file.
#pragma once

#include <string>
#include <vector>

#include <gloss/io/tensor_file.hpp>
#include <gloss/nn/load_state_dict.hpp>

namespace gloss::inline GLOSS_ABI::io {

/// A module's state dict as entries of a file, `prefix` before each name.
template <Real T>
GLOSS_COLD std::vector<NamedTensor> named_tensors(const nn::Module<T>& module, const std::string& prefix = "") {
  std::vector<NamedTensor> out;
  for (const auto& [name, tensor] : module.state_dict()) {
    const std::string key = prefix + name;
    nn::detail::with_state_type<T>(tensor, [&](const auto& x) { out.push_back({key, x}); });
  }
  return out;
}
GLOSS_INSTANTIATE(std::vector<NamedTensor> named_tensors(const nn::Module<float>&, const std::string&))
GLOSS_INSTANTIATE(std::vector<NamedTensor> named_tensors(const nn::Module<double>&, const std::string&))

/// Copies a file's tensors into a module, floating-point numbers of any type into the module's. Nothing is changed
/// unless all fits. Returns what the options let pass.
/// Errors: LoadError naming the file and every problem, as nn::load_state_dict.
/// PyTorch: load_state_dict
template <Real T>
GLOSS_COLD nn::LoadReport load_state_dict(nn::Module<T>& module, const Safetensors& file,
                                          const nn::LoadOptions& options = {}) {
  const nn::StateDict own = module.state_dict();
  std::vector<nn::detail::LoadPlan::Source> sources;
  for (const StoredTensor& stored : file.tensors()) sources.push_back({stored.name, stored.shape});
  nn::detail::LoadPlan plan(own, sources, options);
  NoGradGuard no_grad;
  for (const bool copies : {false, true}) {
    for (const auto& [i, j] : plan.pairs) {
      const AnyTensor& tensor = own.entry(i).second;
      const StoredTensor& stored = file.tensors()[j];
      bool reads = true;
      nn::detail::with_state_type<T>(tensor, [&]<class U>(const Tensor<U>& to) {
        gloss::detail::check_no_overlap("load_state_dict", gloss::detail::body_of("load_state_dict", to));
        if (copies)
          to.copy_(file.tensor<U>(stored.name));
        else
          reads = convert_elements<U>(stored.dtype, nullptr, nullptr, 0);
      });
      if (!reads)
        plan.report.wrong_type.push_back({stored.name, std::string(stored.dtype_name()), std::string(tensor.dtype())});
    }
    plan.require(options, file.file());
  }
  return std::move(plan.report);
}
GLOSS_INSTANTIATE(nn::LoadReport load_state_dict(nn::Module<float>&, const Safetensors&, const nn::LoadOptions&))
GLOSS_INSTANTIATE(nn::LoadReport load_state_dict(nn::Module<double>&, const Safetensors&, const nn::LoadOptions&))

}  // namespace gloss::inline GLOSS_ABI::io
