// Taps: what the layers of a model return, by their names.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/core/nearest.hpp>
#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::nn {

struct TapsOptions {
  bool retain_grad = false;  // keep each output's gradient too: taps["norm"].grad() after backward
};

/// While it lives, keeps the outputs of a model's modules that are called on its thread:
///   nn::Taps taps(model, {"encoder.layers.0"});  model(x);  taps["encoder.layers.0"];
/// Without names, of all modules; "" is the model itself. The outputs are part of the graph, where one is recorded. A
/// module that its owner does not call (because its work is fused with a neighbour's) has none. The model must stay
/// where it is.
/// Errors: Error for a name that no module of the model has.
/// PyTorch: register_forward_hook
template <Real T>
class [[nodiscard]] Taps final : detail::OutputListener {
 public:
  /// One call of a module.
  struct Call {
    std::string name;
    Tensor<T> y;
  };

  explicit Taps(const Module<T>& model, const std::vector<std::string>& names = {}, TapsOptions options = {})
      : retain_grad_(options.retain_grad) {
    std::vector<std::string> known;
    for (auto& [name, module] : model.named_modules()) {
      known.push_back(name);
      if (names.empty()) modules_.emplace_back(name, module);
      for (const std::string& wanted : names)
        if (wanted == name) modules_.emplace_back(name, module);
    }
    for (const std::string& wanted : names) require("the model has no module", wanted, known);
    this->listen();
  }
  ~Taps() { this->stop(); }
  Taps(const Taps&) = delete;
  Taps& operator=(const Taps&) = delete;

  /// Output of the last call of a module. Errors: Error when it is not tapped or was not called.
  Tensor<T> operator[](std::string_view name) const {
    std::vector<Tensor<T>> outputs = all(name);
    if (outputs.empty()) fail("Taps: '", name, "' was not called");
    return std::move(outputs.back());
  }
  /// Outputs of each call of a module, in order. Errors: Error when it is not tapped.
  std::vector<Tensor<T>> all(std::string_view name) const {
    std::vector<std::string> known;
    for (const auto& entry : modules_) known.push_back(entry.first);
    require("there is no tap on", name, known);
    std::vector<Tensor<T>> out;
    for (const Call& call : calls_)
      if (call.name == name) out.push_back(call.y);
    return out;
  }
  /// Everything heard so far: a module comes after those that it called.
  const std::vector<Call>& calls() const { return calls_; }
  /// Forgets what was heard, before the next batch.
  void clear() { calls_.clear(); }

 private:
  void hear(const void* module, const void* output) override {
    for (const auto& [name, known] : modules_) {
      if (known != module) continue;
      const auto& y = *static_cast<const Tensor<T>*>(output);
      if (retain_grad_ && y.requires_grad()) y.retain_grad();
      calls_.push_back({name, y});
    }
  }
  static void require(const char* problem, std::string_view name, const std::vector<std::string>& known) {
    for (const std::string& one : known)
      if (one == name) return;
    const std::string nearest = nearest_name(name, known);
    if (nearest.empty()) fail("Taps: ", problem, " '", name, "'");
    fail("Taps: ", problem, " '", name, "'; the nearest name is '", nearest, "'");
  }

  std::vector<std::pair<std::string, const Module<T>*>> modules_;
  std::vector<Call> calls_;
  bool retain_grad_;
};

}  // namespace gloss::inline GLOSS_ABI::nn
