// What a sublayer may be asked to add its result to.
#pragma once

#include <gloss/nn/linear.hpp>

namespace gloss::inline GLOSS_ABI::transformer {

/// The x of x + sublayer(x), for a sublayer that ends in a linear layer, whose product then adds it in the same pass.
/// Empty where nothing is to be added.
template <Real T>
struct Residual {
  const Tensor<T>* x = nullptr;

  /// last(y), added to x if there is one.
  Tensor<T> plus(const nn::Linear<T>& last, const Tensor<T>& y) const { return x ? last.added_to(*x, y) : last(y); }
};

}  // namespace gloss::inline GLOSS_ABI::transformer
