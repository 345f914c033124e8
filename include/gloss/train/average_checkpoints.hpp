// One model out of several checkpoints of a training.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gloss/io/safetensors.hpp>
#include <gloss/io/state_dict.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/in_place.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Gives a model the mean of the weights and floating-point buffers that the files hold, as the Annotated Transformer
/// does with the last of its epochs; sums are in double. Other buffers are the last file's. The prefix of the names is
/// that of Checkpoint::add("model", model).
/// Errors: Error for no files, LoadError when one does not fit; then nothing is changed.
/// AT: average
template <Real T>
void average_checkpoints(nn::Module<T>& model, const std::vector<std::string>& paths,
                         const io::LoadOptions& options = {.prefix = "model."}) {
  if (paths.empty()) fail("average_checkpoints: there are no files");
  std::vector<io::TensorFile> files;
  for (const std::string& path : paths) files.push_back(io::load_safetensors(path));
  const io::TensorFile before = io::from_safetensors(io::to_safetensors(io::named_tensors(model)), "the model");
  const NoGradGuard no_grad;
  std::vector<Tensor<double>> sums;
  const nn::StateDict own = model.state_dict();
  const auto for_each_real = [&](auto f) {
    std::size_t i = 0;
    for (const auto& [name, tensor] : own)
      if (tensor.template is<T>()) f(tensor.template as<T>(), i++);
  };
  try {
    for (const io::TensorFile& file : files) {
      io::load_state_dict(model, file, options);
      for_each_real([&](const Tensor<T>& x, std::size_t i) {
        if (i == sums.size()) sums.push_back(zeros<double>(x.shape()));
        sums[i] += cast<double>(x);
      });
    }
  } catch (...) {
    io::load_state_dict(model, before);
    throw;
  }
  for_each_real(
      [&](const Tensor<T>& x, std::size_t i) { x.copy_(cast<T>(sums[i] / static_cast<double>(files.size()))); });
}

}  // namespace gloss::inline GLOSS_ABI::train
