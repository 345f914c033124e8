// Layers one after the other.
#pragma once

#include <string>
#include <tuple>
#include <utility>

#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y = last(... second(first(x))). Layers may be modules or any callables; modules are named by position.
/// Shape: that of the first layer -> that of the last
/// PyTorch: torch.nn.Sequential
/// Keys: 0., 1., ...
template <Real T, class... Layers>
class Sequential final : public Module<T> {
  static_assert(((!IsModule<Layers> || std::derived_from<Layers, Module<T>>)&&...),
                "nn::Sequential: all layers have its element type, as in Sequential<float, Linear<float>>");

 public:
  explicit Sequential(Layers... layers) : layers_(std::move(layers)...) {}

  /// Arguments behind x are the last layer's.
  template <class X, class... Further>
  auto operator()(const X& x, const Further&... further) const {
    if constexpr (std::same_as<decltype(forward<0>(x, further...)), Tensor<T>>)
      return this->output(forward<0>(x, further...));
    else
      return forward<0>(x, further...);
  }
  void visit(Visitor<T>& v) override { visit_all(v, std::index_sequence_for<Layers...>{}); }

  template <std::size_t i>
  auto& get() {
    return std::get<i>(layers_);
  }
  template <std::size_t i>
  const auto& get() const {
    return std::get<i>(layers_);
  }

 private:
  template <std::size_t i, class X, class... Further>
  auto forward(const X& x, const Further&... further) const {
    if constexpr (i + 1 == sizeof...(Layers))
      return std::get<i>(layers_)(x, further...);
    else
      return forward<i + 1>(std::get<i>(layers_)(x), further...);
  }
  template <std::size_t... i>
  void visit_all(Visitor<T>& v, std::index_sequence<i...>) {
    (visit_one(v, std::to_string(i), std::get<i>(layers_)), ...);
  }
  template <class L>
  static void visit_one(Visitor<T>& v, const std::string& name, L& layer) {
    if constexpr (std::derived_from<L, Module<T>>) v(name, layer);
  }

  std::tuple<Layers...> layers_;
};

/// The types follow from the layers when the first is a module: nn::Sequential net{nn::Linear<float>(2, 3), ...};
/// Braces make the layers in the order in which they stand; in parentheses the compiler chooses, and so the weights.
template <IsModule First, class... Rest>
Sequential(First, Rest...) -> Sequential<typename First::value_type, First, Rest...>;

}  // namespace gloss::inline GLOSS_ABI::nn
