// How the models of the world draw their first weights.
#pragma once

#include <gloss/nn/init.hpp>
#include <gloss/nn/module.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// Matrices and tables from N(0, std), biases 0, norms as they are.
/// transformers: _init_weights with initializer_range
template <Real T>
GLOSS_COLD void init_normal_(nn::Module<T>& model, double std) {
  for (const auto& [name, p] : model.named_parameters()) {
    if (p.dim() >= 2)
      nn::init::normal_(p, 0, std);
    else if (name.ends_with("bias"))
      nn::init::zeros_(p);
  }
}

}  // namespace gloss::inline GLOSS_ABI::models
