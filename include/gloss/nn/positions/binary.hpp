// The third idea: the digits of the position in base 2, one to a column.
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// Column i of position p is binary digit i of p, the least significant first: each column changes half as often as the
/// one before it. It is bounded and does not depend on n, but its values are corners of a cube with nothing between.
/// Shape: n, digits -> [n, digits]
/// Errors: ShapeError for a negative size, and when n positions need more digits: two would be the same.
template <Real T>
Tensor<T> binary_positions(Index n, Index digits) {
  if (n < 0 || digits < 0) fail<ShapeError>("binary_positions: negative size: n ", n, ", digits ", digits);
  if (digits < 63 && n > Index{1} << digits)
    fail<ShapeError>("binary_positions: ", n, " positions do not fit in ", digits, " binary digits");
  Tensor<T> table = empty<T>({n, digits});
  for (Index p = 0; p < n; ++p)
    for (Index i = 0; i < digits; ++i) table.data()[p * digits + i] = static_cast<T>(i < 63 ? p >> i & 1 : 0);
  return table;
}

}  // namespace gloss::inline GLOSS_ABI::nn
