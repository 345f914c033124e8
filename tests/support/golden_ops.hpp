// Runs an op on every case that PyTorch has recorded for it: values and the gradient by every input.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/golden.hpp"
#include "support/tensors.hpp"

namespace gloss_test {

/// The file of tests/golden, ops_*.safetensors, that holds the cases of an op.
inline const Golden& op_golden(const std::string& op) {
  static const std::vector<Golden> files = [] {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(GLOSS_TEST_DATA)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("ops_") && name.ends_with(".safetensors")) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return std::vector<Golden>(names.begin(), names.end());
  }();
  for (const Golden& golden : files)
    if (golden.has("count/" + op)) return golden;
  gloss::fail("golden: no file of tests/golden has cases of ", op);
}
inline gloss::Index golden_cases(const std::string& op) { return op_golden(op).integer("count/" + op, 0); }

/// One recorded case: inputs by name (as leaves of the graph) and options.
template <class T>
class OpCase {
 public:
  OpCase(const std::string& op, gloss::Index number)
      : golden_(&op_golden(op)), prefix_(op + "/" + std::to_string(number) + "/") {}

  bool has(const std::string& name) const { return golden_->has(prefix_ + name); }
  /// A differentiable input; the same handle each time.
  gloss::Tensor<T> operator[](const std::string& name) {
    auto [entry, is_new] = leaves_.try_emplace(name);
    if (is_new) {
      entry->second = golden_->tensor<T>(prefix_ + name);
      entry->second.requires_grad_();
    }
    return entry->second;
  }
  gloss::Tensor<std::int64_t> ids(const std::string& name) const {
    return golden_->tensor<std::int64_t>(prefix_ + name);
  }
  gloss::Tensor<bool> mask(const std::string& name) const { return golden_->tensor<bool>(prefix_ + name); }
  gloss::Index integer(const std::string& name, gloss::Index otherwise = 0) const {
    return golden_->integer(prefix_ + name, otherwise);
  }
  double real(const std::string& name) const { return golden_->real(prefix_ + name, 0); }
  const std::string& prefix() const { return prefix_; }
  const std::map<std::string, gloss::Tensor<T>>& leaves() const { return leaves_; }

  /// A reference result, as it stands in the file.
  template <class U = double>
  gloss::Tensor<U> expected(const std::string& name) const {
    return golden_->tensor<U>(prefix_ + name);
  }

 private:
  const Golden* golden_;
  std::string prefix_;
  std::map<std::string, gloss::Tensor<T>> leaves_;
};

/// op(case) gives y as PyTorch does, and y.backward(dy) the gradients, within `tolerance` relative to 1 + |value|.
template <class T, class F>
void check_golden(const std::string& op, F run, double tolerance) {
  const gloss::Index count = golden_cases(op);
  CHECK(count > 0);
  for (gloss::Index i = 0; i < count; ++i) {
    OpCase<T> c(op, i);
    INFO(c.prefix() << gloss::dtype_name<T>());
    const gloss::Tensor<T> y = run(c);
    CHECK(difference(y, c.expected("y")) <= tolerance);
    y.backward(c.template expected<T>("dy"));
    for (const auto& [name, leaf] : c.leaves()) {
      INFO("gradient by " << name);
      if (!c.has("d" + name)) continue;
      // an input that no result depends on may have no gradient at all
      const gloss::Tensor<T> grad = leaf.grad().defined() ? leaf.grad() : gloss::zeros_like(leaf);
      CHECK(difference(grad, c.expected("d" + name)) <= tolerance);
    }
  }
}

/// In double to 1e-12, in float to `float_tolerance`.
#define CHECK_GOLDEN_WITHIN(op, float_tolerance, ...)                                   \
  do {                                                                                  \
    gloss_test::check_golden<double>(                                                   \
        op, [](gloss_test::OpCase<double>& c) { return __VA_ARGS__; }, 1e-12);          \
    gloss_test::check_golden<float>(                                                    \
        op, [](gloss_test::OpCase<float>& c) { return __VA_ARGS__; }, float_tolerance); \
  } while (false)
#define CHECK_GOLDEN(op, ...) CHECK_GOLDEN_WITHIN(op, 1e-5, __VA_ARGS__)

}  // namespace gloss_test
