// Reference data of tests/golden: Golden golden("ops_f64.safetensors"); golden.tensor<double>("softmax/0/x").
#pragma once

#include <string>
#include <string_view>

#include <gloss/io/safetensors.hpp>

namespace gloss_test {

/// A file of tests/golden. A key that is not there throws LoadError with its name.
class Golden {
 public:
  explicit Golden(const std::string& file)
      : file_(gloss::io::load_safetensors(std::string(GLOSS_TEST_DATA "/") + file)) {}

  bool has(std::string_view key) const { return file_.find(key) != nullptr; }
  template <class T>
  gloss::Tensor<T> tensor(std::string_view key) const {
    return file_.tensor<T>(key);
  }
  /// A one-element option such as "softmax/0/axis", or `otherwise` where it is not given.
  gloss::Index integer(std::string_view key, gloss::Index otherwise) const {
    return has(key) ? file_.tensor<std::int64_t>(key).item() : otherwise;
  }
  double real(std::string_view key, double otherwise) const {
    return has(key) ? file_.tensor<double>(key).item() : otherwise;
  }
  const gloss::io::TensorFile& file() const { return file_; }

 private:
  gloss::io::TensorFile file_;
};

}  // namespace gloss_test
