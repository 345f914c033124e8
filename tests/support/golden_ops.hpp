// Runs an op on every case that PyTorch has recorded for it: values and the gradient by every input.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "support/golden.hpp"
#include "support/tensors.hpp"

namespace gloss_test {

inline const Golden& op_golden() {
  static const Golden golden("ops_f64.safetensors");
  return golden;
}

/// One recorded case: inputs by name (as leaves of the graph) and options.
template <class T>
class OpCase {
 public:
  OpCase(std::string op, gloss::Index number) : prefix_(std::move(op) + "/" + std::to_string(number) + "/") {}

  bool has(const std::string& name) const { return op_golden().has(prefix_ + name); }
  /// A differentiable input; the same handle each time.
  gloss::Tensor<T> operator[](const std::string& name) {
    auto [entry, is_new] = leaves_.try_emplace(name);
    if (is_new) {
      entry->second = op_golden().tensor<T>(prefix_ + name);
      entry->second.requires_grad_();
    }
    return entry->second;
  }
  gloss::Tensor<std::int64_t> ids(const std::string& name) const {
    return op_golden().tensor<std::int64_t>(prefix_ + name);
  }
  gloss::Tensor<bool> mask(const std::string& name) const { return op_golden().tensor<bool>(prefix_ + name); }
  gloss::Index integer(const std::string& name, gloss::Index otherwise = 0) const {
    return op_golden().integer(prefix_ + name, otherwise);
  }
  double real(const std::string& name) const { return op_golden().real(prefix_ + name, 0); }
  const std::string& prefix() const { return prefix_; }
  const std::map<std::string, gloss::Tensor<T>>& leaves() const { return leaves_; }

 private:
  std::string prefix_;
  std::map<std::string, gloss::Tensor<T>> leaves_;
};

/// op(case) gives y as PyTorch does, and y.backward(dy) the gradients, within `tolerance` relative to 1 + |value|.
template <class T, class F>
void check_golden(const std::string& op, F run, double tolerance) {
  const gloss::Index count = op_golden().integer("count/" + op, 0);
  CHECK(count > 0);
  for (gloss::Index i = 0; i < count; ++i) {
    OpCase<T> c(op, i);
    INFO(c.prefix() << gloss::dtype_name<T>());
    const gloss::Tensor<T> y = run(c);
    CHECK(difference(y, op_golden().tensor<double>(c.prefix() + "y")) <= tolerance);
    y.backward(op_golden().tensor<T>(c.prefix() + "dy"));
    for (const auto& [name, leaf] : c.leaves()) {
      INFO("gradient by " << name);
      if (!c.has("d" + name)) continue;
      // an input that no result depends on may have no gradient at all
      const gloss::Tensor<T> grad = leaf.grad().defined() ? leaf.grad() : gloss::zeros_like(leaf);
      CHECK(difference(grad, op_golden().tensor<double>(c.prefix() + "d" + name)) <= tolerance);
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
