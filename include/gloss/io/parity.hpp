// Parity: a model beside the PyTorch model it was ported from, layer by layer, on a batch dumped by scripts/parity.py.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gloss/io/safetensors.hpp>
#include <gloss/io/state_dict.hpp>
#include <gloss/nn/taps.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/mul.hpp>
#include <gloss/ops/sum.hpp>

namespace gloss::inline GLOSS_ABI::io {

struct ParityOptions {
  double tolerance = 0;  // relative to the largest magnitude of a tensor; 0 is 1e-4 for float and 1e-9 for double
};

/// A tensor that is not as PyTorch has it.
struct ParityDifference {
  std::string name;            // of the layer or parameter; "layers.0@1" is a layer's second call
  Shape shape, wanted;         // here, in PyTorch; where they differ there is nothing more
  Shape position;              // of the first element that differs
  double here = 0, there = 0;  // its value
  double largest = 0;          // the largest difference of all elements
  Index elements = 0;          // how many differ
};

/// What Parity::compare found.
struct ParityReport {
  std::string file;
  double tolerance = 0;
  Index layers_compared = 0, gradients_compared = 0;
  std::vector<ParityDifference> layers;           // in the order of the forward, the model's outputs last
  std::vector<ParityDifference> layer_gradients;  // of outputs of layers, in the order of the backward
  std::vector<ParityDifference> gradients;        // of parameters, and of inputs as "input 0", in the same order
  std::vector<std::string> not_called;            // layers that PyTorch calls, and this model has and does not call
  std::vector<std::string> unknown;               // layers that this model does not have, with the nearest name
  std::string last_agreeing;                      // before the first layer that differs

  /// Whether all that was compared agrees.
  bool ok() const { return layers.empty() && layer_gradients.empty() && gradients.empty(); }
  /// For people: the first layer and the first element that differ, forward and backward.
  std::string text() const;
};

namespace detail {

inline void append_difference(std::string& out, const ParityDifference& d) {
  const auto add = [&](const auto&... parts) { (append_part(out, parts), ...); };
  if (d.shape != d.wanted) {
    add("  shape ", d.shape, " here, ", d.wanted, " in PyTorch\n");
    return;
  }
  // The last digits differ from machine to machine and say nothing, unless the others are the same.
  const auto number = [](double x, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*g", digits, x);
    return std::string(text);
  };
  const int digits = number(d.here, 10) == number(d.there, 10) ? 17 : 10;
  add("  element ", d.position, ": ", number(d.here, digits), " here, ", number(d.there, digits), " in PyTorch; ",
      d.elements, " of ", d.shape.numel(), " elements differ, by up to ", number(d.largest, 3), "\n");
}

/// Compares two tensors of the same kind. `floor` is what a magnitude counts at least.
template <Real T>
bool differs(const std::string& name, const Tensor<T>& here, const Tensor<double>& there, double tolerance,
             double floor, std::vector<ParityDifference>& out) {
  ParityDifference d{.name = name, .shape = here.shape(), .wanted = there.shape(), .position = {}};
  if (d.shape == d.wanted) {
    const Tensor<T> x = here.detach().contiguous();
    const Tensor<double> y = there.contiguous();
    double scale = floor;
    for (Index i = 0; i < y.numel(); ++i)
      if (const double q = std::abs(y.data()[i]); std::isfinite(q)) scale = (std::max)(scale, q);
    for (Index i = 0; i < y.numel(); ++i) {
      const double p = static_cast<double>(x.data()[i]), q = y.data()[i];
      if (p == q || (std::isnan(p) && std::isnan(q)) || std::abs(p - q) <= tolerance * scale) continue;
      if (d.elements++ == 0) {
        d.here = p;
        d.there = q;
        d.position = d.shape;
        Index rest = i;
        for (int axis = d.shape.rank() - 1; axis >= 0; --axis) {
          d.position[axis] = rest % d.shape[axis];
          rest /= d.shape[axis];
        }
      }
      if (!(std::abs(p - q) <= d.largest)) d.largest = std::abs(p - q);
    }
    if (d.elements == 0) return false;
  }
  out.push_back(std::move(d));
  return true;
}

}  // namespace detail

inline std::string ParityReport::text() const {
  std::string out;
  const auto add = [&](const auto&... parts) { (append_part(out, parts), ...); };
  const auto part = [&](const char* what, Index compared, const std::vector<ParityDifference>& found) {
    const Index bad = static_cast<Index>(found.size());
    if (bad == 0) {
      add(what, ": all ", compared, " agree\n");
      return;
    }
    add(what, ": ", bad, " of ", compared, " differ, first ", found[0].name, "\n");
    detail::append_difference(out, found[0]);
  };
  const auto list = [&](const char* what, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i) add(i == 0 ? what : ", ", names[i]);
    if (!names.empty()) add("\n");
  };
  add("parity with ", file, ", tolerance ", tolerance, "\n");
  part("forward, outputs of layers", layers_compared, layers);
  if (!layers.empty())
    add("  ", last_agreeing.empty() ? "no layer before it agrees" : "the last layer before it is as in PyTorch: ",
        last_agreeing, "\n");
  part("backward, gradients of outputs", layers_compared, layer_gradients);
  part("backward, gradients of parameters and inputs", gradients_compared, gradients);
  list("not called here: ", not_called);
  list("not in this model: ", unknown);
  return out;
}

/// One batch of a PyTorch model, dumped by scripts/parity.py (parity.dump(model, inputs, path)), to be run here:
///   io::Parity<float> parity("parity.safetensors");
///   parity.load(model);
///   std::cout << parity.compare(model, [&] { return model(parity.input(0)); }).text();
template <Real T>
class Parity {
 public:
  /// Errors: LoadError when the file is not valid or is not such a dump.
  explicit Parity(const std::string& path, const std::string& name = "parity")
      : file_(load_safetensors(path)), name_(name + "/") {
    if (!has("keys"))
      fail<LoadError>("Parity: ", path, ": is not a dump of scripts/parity.py: ", name_, "keys is missing");
  }

  /// Gives the model the dumped parameters and buffers, strictly by name, and the mode that PyTorch's was in.
  /// Errors: LoadError as load_state_dict.
  void load(nn::Module<T>& model) const {
    load_state_dict(model, file_, {.prefix = name_ + "state/"});
    model.train(file_.tensor<std::int64_t>(name_ + "option/training").item() != 0);
  }

  /// An input by its position or its keyword, a leaf of the graph where PyTorch has a gradient; the same handle each
  /// time. Errors: LoadError when there is none.
  Tensor<T> input(const std::string& key) {
    auto [entry, is_new] = inputs_.try_emplace(key);
    if (is_new) {
      entry->second = file_.tensor<T>(name_ + "input/" + key);
      if (has("d_input/" + key)) entry->second.requires_grad_();
    }
    return entry->second;
  }
  Tensor<T> input(int position) { return input(std::to_string(position)); }
  Tensor<std::int64_t> ids(const std::string& key) const { return file_.tensor<std::int64_t>(name_ + "input/" + key); }
  Tensor<std::int64_t> ids(int position) const { return ids(std::to_string(position)); }
  Tensor<bool> mask(const std::string& key) const { return file_.tensor<bool>(name_ + "input/" + key); }
  Tensor<bool> mask(int position) const { return mask(std::to_string(position)); }

  /// Runs forward(), which calls the model on these inputs and returns its output, a tensor or a tuple of them, then
  /// backward from the gradient that PyTorch's began with, and compares every layer. Gradients gathered before are
  /// forgotten. A magnitude counts at least a hundredth of the largest of its kind, so that rounding around zero is not
  /// taken for a difference.
  /// Errors: Error when not one layer or output can be compared.
  template <class F>
  ParityReport compare(const nn::Module<T>& model, F forward, ParityOptions options = {}) {
    ParityReport report;
    report.file = file_.file();
    report.tolerance = options.tolerance > 0 ? options.tolerance : std::is_same_v<T, float> ? 1e-4 : 1e-9;
    model.zero_grad();
    for (const auto& [key, leaf] : inputs_) leaf.zero_grad();

    const nn::Taps<T> taps(model, {}, {.retain_grad = true});
    const auto result = forward();
    std::vector<std::pair<std::string, Tensor<T>>> outputs;
    const auto take = [&](const auto& y, const std::string& number) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(y)>, Tensor<T>>) {
        if (has("output" + number)) outputs.emplace_back("output" + number, y);
      }
    };
    if constexpr (requires { result.shape(); })
      take(result, "");
    else
      std::apply([&, i = 0](const auto&... y) mutable { (take(y, "/" + std::to_string(i++)), ...); }, result);

    const std::vector<Call> calls = pair_calls(model, taps, report);
    report.layers_compared = static_cast<Index>(calls.size() + outputs.size());
    if (report.layers_compared == 0) fail("Parity: no layer of the model is in ", file_.file());
    const double floor = floor_of("activation/");
    for (const Call& call : calls)
      if (!differ(call.key, call.y, "activation/" + call.key, report, floor, report.layers) && report.layers.empty())
        report.last_agreeing = call.key;
    for (const auto& [name, y] : outputs)
      differ(name == "output" ? "the model's output" : "the model's " + name, y, name, report, floor, report.layers);
    backward(model, calls, outputs, report);
    return report;
  }

 private:
  struct Call {
    std::string key;
    Tensor<T> y;
  };

  bool has(const std::string& key) const { return file_.find(name_ + key) != nullptr; }
  std::vector<std::string> below(const std::string& part) const {
    std::vector<std::string> names;
    for (const StoredTensor& stored : file_.tensors())
      if (stored.name.compare(0, name_.size() + part.size(), name_ + part) == 0)
        names.push_back(stored.name.substr(name_.size() + part.size()));
    return names;
  }
  double floor_of(const std::string& part) const {
    double largest = 0;
    for (const std::string& key : below(part)) {
      const Tensor<double> x = file_.tensor<double>(name_ + part + key);
      for (Index i = 0; i < x.numel(); ++i)
        if (const double v = std::abs(x.data()[i]); std::isfinite(v)) largest = (std::max)(largest, v);
    }
    return 0.01 * largest;
  }
  bool differ(const std::string& name, const Tensor<T>& here, const std::string& key, const ParityReport& report,
              double floor, std::vector<ParityDifference>& out) const {
    return detail::differs(name, here, file_.tensor<double>(name_ + key), report.tolerance, floor, out);
  }

  /// The dump's calls in the order of its forward, with what the model returned in the same call of the same layer.
  std::vector<Call> pair_calls(const nn::Module<T>& model, const nn::Taps<T>& taps, ParityReport& report) {
    std::vector<std::string> known;
    for (const auto& entry : model.named_modules()) known.push_back(entry.first);
    std::map<Index, Call> by_position;
    for (const std::string& layer : below("calls/")) {
      const Tensor<std::int64_t> positions = file_.tensor<std::int64_t>(name_ + "calls/" + layer);
      last_call_[layer] = positions.at({-1});
      if (std::find(known.begin(), known.end(), layer) == known.end()) {
        const std::string nearest = nearest_name(layer, known);
        report.unknown.push_back(layer + (nearest.empty() ? "" : " (the nearest name is " + nearest + ")"));
        continue;
      }
      const std::vector<Tensor<T>> heard = taps.all(layer);
      for (Index i = 0; i < positions.numel(); ++i) {
        const std::string key = i == 0 ? layer : layer + "@" + std::to_string(i);
        if (static_cast<std::size_t>(i) < heard.size())
          by_position[positions.at({i})] = {key, heard[static_cast<std::size_t>(i)]};
        else
          report.not_called.push_back(key);
      }
    }
    std::vector<Call> calls;
    for (auto& [position, call] : by_position) calls.push_back(std::move(call));
    return calls;
  }

  static Tensor<T> gradient_of(const Tensor<T>& x) {
    const Tensor<T> g = x.grad();
    return g.defined() ? g : zeros<T>(x.shape());
  }
  /// When the layer that holds a parameter was last called; 0 where nobody knows.
  Index called(std::string parameter) const {
    for (auto dot = parameter.rfind('.'); dot != std::string::npos; dot = parameter.rfind('.')) {
      parameter.resize(dot);
      if (const auto at = last_call_.find(parameter); at != last_call_.end()) return at->second;
    }
    return 0;
  }

  void backward(const nn::Module<T>& model, const std::vector<Call>& calls,
                const std::vector<std::pair<std::string, Tensor<T>>>& outputs, ParityReport& report) {
    Tensor<T> start;
    for (const auto& [name, y] : outputs) {
      if (!has("d_" + name) || !y.requires_grad()) continue;
      const Tensor<T> d = file_.tensor<T>(name_ + "d_" + name);
      if (d.shape() != y.shape()) continue;  // the forward's report has said it
      const Tensor<T> part = sum(y * d);
      start = start.defined() ? start + part : part;
    }
    if (!start.defined()) return;
    start.backward();
    const double layer_floor = floor_of("d_activation/"), floor = floor_of("d_state/");
    for (auto call = calls.rbegin(); call != calls.rend(); ++call)
      if (has("d_activation/" + call->key))
        differ(call->key, gradient_of(call->y), "d_activation/" + call->key, report, layer_floor,
               report.layer_gradients);
    auto parameters = model.named_parameters();
    const auto order = sorted_order(parameters.size(), [&](std::size_t a, std::size_t b) {
      return called(parameters[a].first) > called(parameters[b].first);
    });
    for (const std::size_t i : order) {
      const auto& [name, p] = parameters[i];
      if (!has("d_state/" + name)) continue;
      ++report.gradients_compared;
      differ(name, gradient_of(p), "d_state/" + name, report, floor, report.gradients);
    }
    for (const auto& [key, leaf] : inputs_) {
      if (!has("d_input/" + key)) continue;
      ++report.gradients_compared;
      differ("input " + key, gradient_of(leaf), "d_input/" + key, report, 0, report.gradients);
    }
  }

  TensorFile file_;
  std::string name_;  // of the case, with a slash
  std::map<std::string, Tensor<T>> inputs_;
  std::map<std::string, Index> last_call_;
};

}  // namespace gloss::inline GLOSS_ABI::io
