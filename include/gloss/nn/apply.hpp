// Doing something to every module of a model, or to every module of one kind.
#pragma once

#include <type_traits>
#include <utility>

#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// Calls f(module) for every module within and for the model itself, inner ones first. With a type, only for modules of
/// that type, as such:
///   nn::apply<nn::Linear<float>>(model, [](auto& linear) { nn::init::xavier_uniform_(linear.weight); });
/// PyTorch: model.apply
template <class Kind = void, Real T, class F>
void apply(Module<T>& model, F f) {
  const auto modules = model.named_modules();
  for (auto at = modules.rbegin(); at != modules.rend(); ++at) {
    if constexpr (std::is_void_v<Kind>)
      f(*at->second);
    else if (auto* const kind = dynamic_cast<Kind*>(at->second))
      f(*kind);
  }
}

}  // namespace gloss::inline GLOSS_ABI::nn
