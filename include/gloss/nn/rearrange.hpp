// rearrange as a layer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gloss/nn/module.hpp>
#include <gloss/ops/einops.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// The same elements in another order and shape: see rearrange. Rearrange<float>("b (h w) c -> b c h w", {{"h", 14}})
/// Shape: as the pattern says
/// Errors: Error for a wrong pattern, when the layer is made; ShapeError as rearrange.
/// PyTorch: einops.layers.torch.Rearrange
template <Real T>
struct Rearrange final : Module<T> {
  std::string pattern;
  std::vector<std::pair<std::string, Index>> sizes;  // of named axes

  explicit Rearrange(std::string text, std::vector<std::pair<std::string, Index>> axes = {})
      : pattern(std::move(text)), sizes(std::move(axes)) {
    static_cast<void>(gloss::detail::EinopsPlan(gloss::detail::Einops::rearrange, pattern));
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    AxisSizes given;
    for (const auto& [axis, size] : sizes) given.push_back({axis, size});
    return this->output(rearrange(x, runtime_pattern(pattern), given));
  }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
