// Pretrained models in the folders that transformers has: config.json and weights.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gloss/io/config_file.hpp>
#include <gloss/io/model_folder.hpp>
#include <gloss/io/state_dict.hpp>
#include <gloss/tensor/random.hpp>

namespace gloss::inline GLOSS_ABI::io {

struct PretrainedOptions {
  bool new_parts = false;            // what the files lack keeps its first, random weights, as a new head does
  nn::LoadReport* report = nullptr;  // which tensors were missing, and which the model does not have
};

namespace detail {
/// Whether two tensors are one is decided by the file: config.json may be of a program that says otherwise. Where one
/// of them is missing, it keeps its word.
template <class M>
GLOSS_COLD void decide_ties(const TensorFile& file, typename M::Config& config) {
  const StoredTensor *head = nullptr, *table = nullptr;
  for (const StoredTensor& t : file.tensors()) {
    if (t.name.ends_with(M::tied_tensors.first)) head = &t;
    if (t.name.ends_with(M::tied_tensors.second)) table = &t;
  }
  if (head && table) config.decide_ties(head->shape == table->shape && head->bytes == table->bytes);
}
}  // namespace detail

/// A model with a Config of the caller's, say with another number of labels, and the weights of a folder.
/// transformers: from_pretrained(folder, config=config)
template <nn::IsModule M>
GLOSS_COLD M from_pretrained(const std::string& folder, typename M::Config config, PretrainedOptions options = {}) {
  const TensorFile file = detail::open_path(folder, detail::open_weights);
  if constexpr (requires { M::tied_tensors; }) detail::decide_ties<M>(file, config);
  const auto load = [&](M& model) {  // whether all of it was there
    nn::LoadReport report = load_state_dict<typename M::value_type>(model, file, {.keys = M::keys(), .strict = false});
    const bool whole = report.missing.empty();
    if (!whole && !options.new_parts) {
      report.unexpected.clear();
      std::string text;
      for (const std::string& line : report.lines()) text += "\n  " + line;
      fail<LoadError>("from_pretrained: ", folder, ": not all of ", M::architecture,
                      " is there; {.new_parts = true} leaves what is new as it was drawn", text);
    }
    if (options.report) *options.report = std::move(report);
    model.eval();
    return whole;
  };
  {
    const SkipDrawsGuard skip;  // which would take most of the time
    M model(config);
    if (load(model)) return model;
  }
  M model(config);  // what is new has to be drawn
  load(model);
  return model;
}

/// A model of transformers' from a folder: config.json, and model.safetensors or pytorch_model.bin, in one file or in
/// several. It is in evaluation mode. Tensors that it does not have, as those of another head, are passed over.
///   const auto bert = io::from_pretrained<models::BertModel<float>>("all-MiniLM-L6-v2");
/// Errors: Error and LoadError as read_config, open_tensor_file and load_state_dict; LoadError for tensors that are
/// missing, unless they may be new.
/// transformers: from_pretrained
template <nn::IsModule M>
GLOSS_COLD M from_pretrained(const std::string& folder, PretrainedOptions options = {}) {
  return from_pretrained<M>(folder, read_config<typename M::Config>(folder + "/config.json"), options);
}

/// Writes config.json and model.safetensors into a folder, which is made if need be: transformers' from_pretrained
/// loads it. Of tied tensors one is written.
/// Errors: Error when something cannot be written.
/// transformers: save_pretrained
template <nn::IsModule M>
GLOSS_COLD void save_pretrained(const M& model, const std::string& folder) {
  std::filesystem::create_directories(folder);
  std::vector<NamedTensor> tensors;
  for (NamedTensor& t : named_tensors<typename M::value_type>(model, "", M::keys())) {
    bool is_tied = false;
    for (const NamedTensor& before : tensors)
      is_tied = is_tied || before.stored().bytes.data() == t.stored().bytes.data();
    if (!is_tied) tensors.push_back(std::move(t));
  }
  save_safetensors(folder + "/model.safetensors", tensors, {{"format", "pt"}});
  write_file_atomically(folder + "/config.json", config_json(model.config, M::architecture));
}

}  // namespace gloss::inline GLOSS_ABI::io
