// Tensors and shapes to streams. For those who want it: the umbrella does not include it.
#pragma once

#include <ostream>

#include <gloss/tensor/print.hpp>

namespace gloss::inline GLOSS_ABI {

/// std::cout << x writes to_string(x).
template <class T>
std::ostream& operator<<(std::ostream& out, const Tensor<T>& x) {
  return out << to_string(x);
}
inline std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }

}  // namespace gloss::inline GLOSS_ABI
