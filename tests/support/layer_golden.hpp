// Compares a layer with what PyTorch recorded of it (scripts/parity.py): outputs, gradients of inputs and parameters.
//
//   static const Golden golden("layers_mine.safetensors");
//   gloss_test::check_layers(golden, "Linear/",                         // every case whose name begins so
//       []<class T>(const LayerCase<T>& c) { return nn::Linear<T>(c.integer("in"), c.integer("out")); },
//       [](const auto& layer, auto& c) { return layer(c.input("0")); });  // the call may be left out where it is this
//
// The layer gets the recorded state by name, strictly, and the recorded mode (train or eval); the order of its names is
// compared. Double is held to 1e-10 and float to 1e-5, relative to the largest magnitude of each tensor, at least 1.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <gloss/io/state_dict.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sum.hpp>

#include "support/golden.hpp"
#include "support/tensors.hpp"

namespace gloss_test {

/// The largest |a - b|, relative to the largest |b| but at least 1; infinity when shapes differ, one side alone is NaN
/// or infinities differ.
template <class T, class U>
double difference_to_scale(const gloss::Tensor<T>& a, const gloss::Tensor<U>& b) {
  if (a.shape() != b.shape()) return INFINITY;
  const auto x = a.contiguous();
  const auto y = b.contiguous();
  double worst = 0, scale = 1;
  for (gloss::Index i = 0; i < x.numel(); ++i) {
    const double p = static_cast<double>(x.data()[i]), q = static_cast<double>(y.data()[i]);
    if (std::isfinite(q)) scale = std::max(scale, std::abs(q));
    if (p == q || (std::isnan(p) && std::isnan(q))) continue;
    const double d = std::abs(p - q);
    if (!(d <= worst)) worst = std::isnan(d) ? INFINITY : d;
  }
  return worst / scale;
}

/// One recorded case: its options, and its inputs in the layer's element type.
template <gloss::Real T>
class LayerCase {
 public:
  using value_type = T;
  static constexpr double tolerance = std::is_same_v<T, double> ? 1e-10 : 1e-5;

  LayerCase(const Golden& golden, std::string name) : golden_(&golden), name_(std::move(name)) {
    if (!has("keys")) gloss::fail("golden: ", golden.file().file(), " has no case ", name_);
  }

  const std::string& name() const { return name_; }
  const Golden& golden() const { return *golden_; }
  std::string key(const std::string& rest) const { return name_ + "/" + rest; }
  bool has(const std::string& rest) const { return golden_->has(key(rest)); }
  template <class U = T>
  gloss::Tensor<U> tensor(const std::string& rest) const {
    return golden_->tensor<U>(key(rest));
  }
  /// What stands below a part of the case: below("d_state/") gives the parameters' names.
  std::vector<std::string> below(const std::string& part) const {
    std::vector<std::string> names;
    const std::string prefix = key(part);
    for (const auto& stored : golden_->file().tensors())
      if (stored.name.starts_with(prefix)) names.push_back(stored.name.substr(prefix.size()));
    return names;
  }

  // --- options
  bool has_option(const std::string& option) const { return has("option/" + option); }
  gloss::Index integer(const std::string& option) const { return tensor<std::int64_t>("option/" + option).item(); }
  gloss::Index integer(const std::string& option, gloss::Index otherwise) const {
    return has_option(option) ? integer(option) : otherwise;
  }
  bool flag(const std::string& option, bool otherwise) const { return integer(option, otherwise) != 0; }
  double real(const std::string& option, double otherwise) const {
    return golden_->real(key("option/" + option), otherwise);
  }
  /// A list of integers, or of one.
  std::vector<gloss::Index> list(const std::string& option) const {
    return values(tensor<std::int64_t>("option/" + option));
  }
  gloss::Shape shape(const std::string& option) const {
    const auto sizes = list(option);
    return gloss::Shape(sizes.begin(), sizes.end());
  }
  std::string text(const std::string& option, const std::string& otherwise) const {
    return has_option(option) ? characters("option/" + option) : otherwise;
  }
  /// Bytes as text, such as the names of the state dict.
  std::string characters(const std::string& rest) const {
    std::string out;
    for (const std::uint8_t c : values(tensor<std::uint8_t>(rest))) out += static_cast<char>(c);
    return out;
  }

  // --- inputs, by position ("0") or by keyword ("mask")
  bool has_input(const std::string& input) const { return has("input/" + input); }
  /// Real numbers, a leaf of the graph where a gradient is recorded; the same handle each time.
  gloss::Tensor<T> input(const std::string& input) {
    auto [entry, is_new] = leaves_.try_emplace(input);
    if (is_new) {
      entry->second = tensor("input/" + input);
      if (has("d_input/" + input)) entry->second.requires_grad_();
    }
    return entry->second;
  }
  gloss::Tensor<T> input(int position) { return input(std::to_string(position)); }
  gloss::Tensor<std::int64_t> ids(const std::string& input) const { return tensor<std::int64_t>("input/" + input); }
  gloss::Tensor<std::int64_t> ids(int position) const { return ids(std::to_string(position)); }
  gloss::Tensor<bool> mask(const std::string& input) const { return tensor<bool>("input/" + input); }
  gloss::Tensor<bool> mask(int position) const { return mask(std::to_string(position)); }
  /// A mask that may not be there: then an undefined tensor.
  gloss::Tensor<bool> optional_mask(const std::string& input) const {
    return has_input(input) ? mask(input) : gloss::Tensor<bool>();
  }
  /// Whether an input holds real numbers ('f'), integers ('i') or flags ('b').
  char kind(const std::string& input) const {
    const auto dtype = golden_->file().entry(key("input/" + input)).dtype;
    return dtype == gloss::io::Dtype::F64 ? 'f' : dtype == gloss::io::Dtype::BOOL ? 'b' : 'i';
  }
  const std::map<std::string, gloss::Tensor<T>>& leaves() const { return leaves_; }

 private:
  const Golden* golden_;
  std::string name_;
  std::map<std::string, gloss::Tensor<T>> leaves_;
};

/// The names of the cases in a file that begin with `prefix`.
inline std::vector<std::string> layer_cases(const Golden& golden, const std::string& prefix = "") {
  std::vector<std::string> names;
  for (const auto& stored : golden.file().tensors())
    if (stored.name.starts_with(prefix) && stored.name.ends_with("/keys"))
      names.push_back(stored.name.substr(0, stored.name.size() - 5));
  std::sort(names.begin(), names.end());
  return names;
}

namespace detail {
template <class T>
void compare(const LayerCase<T>& c, const gloss::Tensor<T>& got, const std::string& rest) {
  INFO(rest);
  REQUIRE(c.has(rest));
  CHECK(difference_to_scale(got, c.template tensor<double>(rest)) <= LayerCase<T>::tolerance);
}
template <class T, class U>
void compare(const LayerCase<T>& c, const gloss::Tensor<U>& got, const std::string& rest) {
  INFO(rest << ", exactly");
  CHECK(same_bits(got, c.template tensor<U>(rest)));
}
template <class T>
gloss::Tensor<T> gradient_of(const gloss::Tensor<T>& leaf) {
  const gloss::Tensor<T> grad = leaf.grad();
  return grad.defined() ? grad : gloss::zeros<T>(leaf.shape());
}
}  // namespace detail

/// Gives a layer the case's state and mode. The state dict must have PyTorch's names, order and shapes.
template <class T, class Layer>
void load_recorded_state(const LayerCase<T>& c, Layer& layer) {
  std::string names;
  for (const std::string& name : layer.state_dict().names()) names += (names.empty() ? "" : "\n") + name;
  CHECK(names == c.characters("keys"));
  gloss::io::load_state_dict<T>(layer, c.golden().file(), {.prefix = c.key("state/")});
  layer.train(c.flag("training", true));
}

/// run(layer, case) gives what PyTorch gave, a tensor or a std::tuple (or pair) of them, and backward its gradients.
/// The layer is loaded with the recorded state first.
template <class T, class Layer, class Run>
void check_recorded(LayerCase<T>& c, Layer& layer, Run run) {
  INFO(c.name() << ", " << gloss::dtype_name<T>());
  load_recorded_state(c, layer);
  const auto result = run(static_cast<const Layer&>(layer), c);

  gloss::Tensor<T> start;  // sum over the outputs of y * dy
  std::size_t compared = 0;
  const auto output = [&](const auto& y, const std::string& number) {
    ++compared;
    detail::compare(c, y, "output" + number);
    using U = typename std::remove_cvref_t<decltype(y)>::value_type;
    if constexpr (std::is_same_v<U, T>) {
      if (!c.has("d_output" + number)) return;
      const gloss::Tensor<T> part = gloss::sum(y * c.tensor("d_output" + number));
      start = start.defined() ? start + part : part;
    }
  };
  if constexpr (requires { result.shape(); })
    output(result, "");
  else
    std::apply([&, i = 0](const auto&... y) mutable { (output(y, "/" + std::to_string(i++)), ...); }, result);
  CHECK(compared == c.below("output").size());

  for (const auto& [name, tensor] : layer.state_dict()) {
    if (!c.has("state_after/" + name)) continue;
    gloss::nn::detail::with_state_type<T>(
        tensor, [&, &key = name](const auto& x) { detail::compare(c, x, "state_after/" + key); });
  }
  if (!start.defined()) return;
  start.backward();
  for (const std::string& name : c.below("d_input/"))
    detail::compare(c, detail::gradient_of(c.input(name)), "d_input/" + name);
  std::size_t parameters = 0;
  for (const auto& [name, p] : layer.named_parameters()) {
    ++parameters;
    detail::compare(c, detail::gradient_of(p), "d_state/" + name);
  }
  CHECK(parameters == c.below("d_state/").size());
}

/// Every case of the file whose name begins with `prefix`, in double and in float. make(case) gives the layer, run(layer,
/// case) calls it.
template <class Make, class Run>
void check_layers(const Golden& golden, const std::string& prefix, Make make, Run run) {
  const auto names = layer_cases(golden, prefix);
  INFO("cases of " << prefix);
  CHECK_FALSE(names.empty());
  const auto check = [&]<class T>(LayerCase<T> c) {
    auto layer = make(std::as_const(c));
    check_recorded(c, layer, run);
  };
  for (const std::string& name : names) {
    check(LayerCase<double>(golden, name));
    check(LayerCase<float>(golden, name));
  }
}
template <class Make>
void check_layers(const Golden& golden, const std::string& prefix, Make make) {
  check_layers(golden, prefix, make, [](const auto& layer, auto& c) { return layer(c.input(0)); });
}

}  // namespace gloss_test
