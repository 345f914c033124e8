// Scores by distance moved to where their keys are
#pragma once

#include <gloss/ops/pad.hpp>

namespace gloss::inline GLOSS_ABI {

/// y[i, j] = x[i, j + n - 1 - i]: where x holds scores of query i with the distances m - 1, ..., 1, 0, y has for each
/// key j that of its distance, the n queries being the last of m positions. It holds for j <= i + m - n; beyond, where
/// keys come after the query, y has a 0 and then what the next row has too much, and a causal mask hides it. The trick:
/// a column of zeros in front makes each row one longer, and reading the memory in rows of m again moves each by one.
/// Shape: [..., n, m] -> the same
/// Errors: ShapeError for fewer than two axes.
/// Backward: made of pad and views.
/// Source: Dai et al. 2019, appendix B. PyTorch: Transformer-XL's _rel_shift
template <Real T>
Tensor<T> relative_shift(const Tensor<T>& x) {
  if (x.dim() < 2) fail<ShapeError>("relative_shift: x ", x.shape(), " is not [..., n, m]");
  Shape turned = x.shape();
  turned[x.dim() - 2] = x.size(-1) + 1;
  turned[x.dim() - 1] = x.size(-2);
  return pad(x, {1, 0}).view(turned).slice(-2, 1).view(x.shape());
}

}  // namespace gloss::inline GLOSS_ABI
