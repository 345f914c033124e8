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

/// One recorded case: what stands in the file under OP/NUMBER.
class CaseData {
 public:
  CaseData(const std::string& op, gloss::Index number)
      : golden_(&op_golden(op)), prefix_(op + "/" + std::to_string(number) + "/") {}

  bool has(const std::string& name) const { return golden_->has(prefix_ + name); }
  gloss::Tensor<std::int64_t> ids(const std::string& name) const { return tensor<std::int64_t>(name); }
  gloss::Tensor<bool> mask(const std::string& name) const { return tensor<bool>(name); }
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
  /// Whether a tensor holds real numbers ('f'), integers ('i') or flags ('b').
  char kind(const std::string& name) const {
    const auto dtype = golden_->file().find(prefix_ + name)->dtype;
    return dtype == gloss::io::Dtype::F64 ? 'f' : dtype == gloss::io::Dtype::BOOL ? 'b' : 'i';
  }
  double real(const std::string& name) const { return golden_->real(prefix_ + name, 0); }
  const std::string& prefix() const { return prefix_; }

  template <class U>
  gloss::Tensor<U> tensor(const std::string& name) const {
    return golden_->tensor<U>(prefix_ + name);
  }
  /// A reference result, as it stands in the file.
  template <class U = double>
  gloss::Tensor<U> expected(const std::string& name) const {
    return tensor<U>(name);
  }

 private:
  const Golden* golden_;
  std::string prefix_;
};

/// One recorded case with its inputs as leaves of the graph.
template <class T>
class OpCase : public CaseData {
 public:
  using CaseData::CaseData;

  /// A differentiable input; the same handle each time.
  gloss::Tensor<T> operator[](const std::string& name) {
    auto [entry, is_new] = leaves_.try_emplace(name);
    if (is_new) {
      entry->second = this->template tensor<T>(name);
      entry->second.requires_grad_();
    }
    return entry->second;
  }
  /// Another input of the same kind as x: a leaf of the graph, or integers or flags.
  template <class U>
  gloss::Tensor<U> like(const gloss::Tensor<U>&, const std::string& name) {
    if constexpr (std::is_same_v<T, U>)
      return (*this)[name];
    else
      return this->template tensor<U>(name);
  }
  const std::map<std::string, gloss::Tensor<T>>& leaves() const { return leaves_; }

 private:
  std::map<std::string, gloss::Tensor<T>> leaves_;
};

/// One recorded case with its inputs as plain tensors of any element type.
template <class T>
class ExactCase : public CaseData {
 public:
  using CaseData::CaseData;
  gloss::Tensor<T> operator[](const std::string& name) const { return this->template tensor<T>(name); }
};

/// Same shape and the same values, NaN for NaN and -0 for -0.
template <class U>
bool same_values(const gloss::Tensor<U>& a, const gloss::Tensor<U>& b) {
  if (a.shape() != b.shape()) return false;
  const auto x = a.contiguous(), y = b.contiguous();
  for (gloss::Index i = 0; i < x.numel(); ++i) {
    const double p = static_cast<double>(static_cast<float>(x.data()[i])),
                 q = static_cast<double>(static_cast<float>(y.data()[i]));
    const bool both_nan = p != p && q != q;
    if (!both_nan && (!(x.data()[i] == y.data()[i]) || std::signbit(p) != std::signbit(q))) return false;
  }
  return true;
}

/// run(case) gives exactly PyTorch's values in every case of op, whose inputs are tensors of T.
template <class T, class F>
void check_values(const std::string& op, F run) {
  const gloss::Index count = golden_cases(op);
  CHECK(count > 0);
  for (gloss::Index i = 0; i < count; ++i) {
    const ExactCase<T> c(op, i);
    const auto y = run(c);
    using U = typename std::remove_cvref_t<decltype(y)>::value_type;
    const bool matches = same_values(y, c.template expected<U>("y"));
    INFO(c.prefix());
    CHECK(matches);
  }
}

/// Element types to run a case with; the cases of each are filed under OP_DTYPE.
template <class... T>
struct Types {};
using Integers = Types<std::int64_t, std::int32_t, std::uint8_t>;
using WithBool = Types<std::int64_t, std::int32_t, std::uint8_t, bool>;
using Doubles = Types<double>;

template <class... T, class F>
void check_exact(const std::string& op, Types<T...>, F run) {
  (check_values<T>(op + "_" + gloss::dtype_name<T>(), run), ...);
}

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
/// Bit by bit: for each of the element types, or in double where the op has no gradient.
#define CHECK_GOLDEN_EXACT(op, types, ...) \
  gloss_test::check_exact(op, gloss_test::types{}, [](const auto& c) { return __VA_ARGS__; })
#define CHECK_GOLDEN_VALUES(op, ...) gloss_test::check_values<double>(op, [](const auto& c) { return __VA_ARGS__; })
#define CHECK_GOLDEN(op, ...) CHECK_GOLDEN_WITHIN(op, 1e-5, __VA_ARGS__)

}  // namespace gloss_test
