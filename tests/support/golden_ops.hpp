// Runs an op on every case that PyTorch has recorded for it: values and the gradient by every input.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <type_traits>
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
  /// A list of integers, such as axes.
  std::vector<gloss::Index> list(const std::string& name) const {
    return values(golden_->tensor<std::int64_t>(prefix_ + name));
  }
  gloss::Shape shape(const std::string& name) const {
    const auto entries = list(name);
    return gloss::Shape(entries.begin(), entries.end());
  }
  /// Another input of the same kind as x: a leaf of the graph, or integers or flags.
  template <class U>
  gloss::Tensor<U> like(const gloss::Tensor<U>&, const std::string& name) {
    if constexpr (std::is_same_v<T, U>)
      return (*this)[name];
    else
      return golden_->tensor<U>(prefix_ + name);
  }
  /// Whether a tensor holds real numbers ('f'), integers ('i') or flags ('b').
  char kind(const std::string& name) const {
    const auto dtype = golden_->file().find(prefix_ + name)->dtype;
    return dtype == gloss::io::Dtype::F64 ? 'f' : dtype == gloss::io::Dtype::BOOL ? 'b' : 'i';
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

/// The same values in other memory: x as a view that is neither dense nor in order (where x has two elements or more).
template <class T>
gloss::Tensor<T> scattered_copy(const gloss::Tensor<T>& x) {
  gloss::Shape order;
  for (int a = x.dim() - 1; a >= 0; --a) order.push_back(a);
  const gloss::Tensor<T> turned = x.permute(order).unsqueeze(-1);
  gloss::Shape twice = turned.shape();
  twice[twice.rank() - 1] = 2;
  return turned.expand(twice).clone().select(-1, 1).permute(order);
}

/// run(case, x) gives y as PyTorch does for x of any kind that is on file: real numbers in T with their gradients, to
/// `tolerance`, integers and flags exactly; y's dtype included. As x stands, and as a strided view.
template <class T, class F>
void check_golden_every(const std::string& op, F run, double tolerance) {
  const gloss::Index count = golden_cases(op);
  CHECK(count > 0);
  for (gloss::Index i = 0; i < count; ++i)
    for (bool strided : {false, true}) {
      OpCase<T> c(op, i);
      INFO(c.prefix() << gloss::dtype_name<T>() << (strided ? ", strided" : ""));
      const auto exactly = [&](auto x) {
        const auto y = run(c, strided ? scattered_copy(x) : x);
        using U = typename decltype(y.detach())::value_type;
        CHECK(c.kind("y") == (std::is_same_v<U, bool> ? 'b' : std::is_integral_v<U> ? 'i' : 'f'));
        CHECK(same_bits(y, c.template expected<U>("y")));
      };
      if (c.kind("x") == 'b') {
        exactly(c.mask("x"));
      } else if (c.kind("x") == 'i') {
        exactly(c.ids("x"));
      } else {
        const auto y = run(c, strided ? scattered_copy(c["x"]) : c["x"]);
        using U = typename decltype(y.detach())::value_type;
        CHECK(c.kind("y") == (std::is_same_v<U, bool> ? 'b' : std::is_integral_v<U> ? 'i' : 'f'));
        if constexpr (std::is_same_v<U, T>) {
          CHECK(difference(y, c.expected("y")) <= tolerance);
          if (!c.has("dy")) continue;
          y.backward(c.template expected<T>("dy"));
          for (const auto& [name, leaf] : c.leaves()) {
            INFO("gradient by " << name);
            if (!c.has("d" + name)) continue;
            const gloss::Tensor<T> grad = leaf.grad().defined() ? leaf.grad() : gloss::zeros_like(leaf);
            CHECK(difference(grad, c.expected("d" + name)) <= tolerance);
          }
        } else {
          CHECK(same_bits(y, c.template expected<U>("y")));
        }
      }
    }
}

/// For x in double (to 1e-12), float (to 1e-5), int64 and bool, whichever are on file. The expression names the case
/// and its input: CHECK_GOLDEN_EVERY("flip", flip(x, c.shape("axes"))).
#define CHECK_GOLDEN_EVERY(op, ...)                          \
  do {                                                       \
    const auto run_ = [](auto& c, const auto& x) {           \
      static_cast<void>(c);                                  \
      return __VA_ARGS__;                                    \
    };                                                       \
    gloss_test::check_golden_every<double>(op, run_, 1e-12); \
    gloss_test::check_golden_every<float>(op, run_, 1e-5);   \
  } while (false)

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
