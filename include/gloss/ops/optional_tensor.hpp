// The shared part of ops with operands or gradients that may be undefined: they reach a kernel as null.
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::detail {

template <class T>
Tensor<T> dense_or_none(const Tensor<T>& t) {
  return t.defined() ? t.detach().contiguous() : Tensor<T>{};
}
template <class T>
Tensor<T> empty_or_none(bool wanted, const Shape& shape) {
  return wanted ? empty<T>(shape) : Tensor<T>{};
}
template <class T>
const T* read_or_null(const Tensor<T>& t) {
  return t.defined() ? t.data() : nullptr;
}
template <class T>
T* write_or_null(const Tensor<T>& t) {
  return t.defined() ? t.data() : nullptr;
}

}  // namespace gloss::inline GLOSS_ABI::detail
