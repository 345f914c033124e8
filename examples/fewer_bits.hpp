// What --precision and --weights do.
#pragma once

#include <string>

#include <gloss/io/tensor_file.hpp>
#include <gloss/nn/quantize.hpp>
#include <gloss/ops/matmul_precision.hpp>

inline gloss::MatmulPrecision precision_of(const std::string& word) {
  return word == "bfloat16" ? gloss::MatmulPrecision::bfloat16 : gloss::MatmulPrecision::float32;
}

/// The --precision of a training that goes on. A checkpoint names it where it is not float.
/// Errors: LoadError for another word.
inline std::string precision_from(const gloss::io::TensorFile& file) {
  const auto found = file.metadata().find("precision");
  if (found == file.metadata().end()) return "float";
  if (found->second != "bfloat16")
    gloss::fail<gloss::LoadError>("load: ", file.file(), ": precision is '", found->second, "', expected bfloat16");
  return found->second;
}

/// Keeps the weights of linear layers in what --weights says.
inline void pack_weights(gloss::nn::Module<float>& model, const std::string& word) {
  using gloss::nn::WeightFormat;
  if (word == "float") return;
  const WeightFormat format = word == "int8"       ? WeightFormat::int8
                              : word == "bfloat16" ? WeightFormat::bfloat16
                                                   : WeightFormat::float32;
  gloss::nn::quantize(model, {.weights = format});
}
