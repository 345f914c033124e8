// The members of Tensor that overwrite all of it. Changes in place that compute stand in ops/in_place.hpp.
#pragma once

#include <gloss/core/profile_scope.hpp>
#include <gloss/kernels/elementwise.hpp>
#include <gloss/tensor/overlap.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
/// x becomes the result of a recorded op that forgets what stood there: source, which gets the gradient, or a value.
template <class T>
void record_overwrite(const char* op, const Tensor<T>& x, const Tensor<T>* source, T value);
}  // namespace detail

template <class T>
GLOSS_NOINLINE const Tensor<T>& Tensor<T>::copy_(const Tensor& source) const {
  const bool recorded = detail::records_in_place("copy_", body("copy_"), source.node());
  ProfileScope scope("copy_");
  detail::check_no_overlap("copy_", *body_);
  if (broadcast_shapes("copy_", shape(), source.shape()) != shape())
    fail<ShapeError>("copy_: source ", source.shape(), " does not broadcast to ", shape());
  if (scope) scope.bytes(sizeof(T), {numel(), source.numel()});
  if constexpr (Real<T>)
    if (recorded) return detail::record_overwrite("copy_", *this, &source, T{}), *this;
  Tensor copy;
  const Tensor& from = detail::apart_from(*this, source, copy);
  const Shape steps = broadcast_strides(from.shape(), from.strides(), shape());
  kernels::copy(kernels::make_loop<2>(shape(), {strides(), steps}), data(), static_cast<const T*>(from.data()));
  mark_changed("copy_");
  return *this;
}

template <class T>
GLOSS_NOINLINE const Tensor<T>& Tensor<T>::fill_(T value) const {
  const bool recorded = detail::records_in_place("fill_", body("fill_"), nullptr);
  ProfileScope scope("fill_");
  const bool dense = is_contiguous();
  if (!dense) detail::check_no_overlap("fill_", *body_);
  if (scope) scope.bytes(sizeof(T), {numel()});
  if constexpr (Real<T>)
    if (recorded) return detail::record_overwrite<T>("fill_", *this, nullptr, value), *this;
  if (dense) {
    kernels::fill(data(), value, numel());
  } else {
    const Shape still = Shape::filled(dim(), 0);
    kernels::map(
        kernels::make_loop<2>(shape(), {strides(), still}), [](T v) { return v; }, data(), &value);
  }
  mark_changed("fill_");
  return *this;
}

}  // namespace gloss::inline GLOSS_ABI
