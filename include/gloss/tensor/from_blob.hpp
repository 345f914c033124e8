// Tensors on memory that is not gloss's, and spans over a tensor's memory. Nothing is copied.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <gloss/tensor/tensor_class.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
template <class T>
GLOSS_NOINLINE void check_blob(const T* data, const Shape& shape, const Shape& strides) {
  if (strides.rank() != shape.rank())
    fail<ShapeError>("from_blob: strides ", strides, " have not one entry per axis of ", shape);
  for (const Index size : shape)
    if (size < 0) fail<ShapeError>("from_blob: negative size in ", shape);
  if (!is_countable(shape)) fail<ShapeError>("from_blob: too many elements in ", shape);
  for (const Index stride : strides)
    if (stride < 0) fail<ShapeError>("from_blob: negative stride in ", strides);
  if (!data && shape.numel() > 0) fail<ShapeError>("from_blob: a null pointer cannot hold shape ", shape);
  if (reinterpret_cast<std::uintptr_t>(data) % alignof(T) != 0)
    fail<ShapeError>("from_blob: the address is not a multiple of ", alignof(T), ", which ", dtype_name<T>(), " needs");
}
/// A function that is called when its owner dies.
template <class T, class F>
class CallAtEnd {
 public:
  CallAtEnd(T* data, F f) : data_(data), f_(std::move(f)) {}
  CallAtEnd(CallAtEnd&& other) noexcept
      : data_(other.data_), f_(std::move(other.f_)), armed_(std::exchange(other.armed_, false)) {}
  ~CallAtEnd() {
    if (armed_) f_(data_);
  }

 private:
  T* data_;
  F f_;
  bool armed_ = true;
};
struct Nobody {};
}  // namespace detail

/// A tensor on the caller's memory: writing to one writes to the other. The memory needs the alignment of T, no more.
/// `owner` is moved into the tensor's storage and dies with the last tensor on it; one that can be called with the
/// pointer, such as std::free, is called then. Without an owner the caller keeps the memory alive as long as any tensor
/// on it.
/// Shape: any, with strides in elements; dense and row-major by default.
/// Errors: ShapeError for a negative size or stride, a null pointer, an address that is not aligned for T.
/// PyTorch: torch::from_blob
template <Element T, class Owner>
Tensor<T> from_blob(T* data, const Shape& shape, const Shape& strides, Owner owner) {
  detail::check_blob(data, shape, strides);
  if constexpr (std::is_invocable_v<Owner&, T*>) {
    using Guard = detail::CallAtEnd<T, Owner>;
    return Tensor<T>::on_storage(Ref<Storage>(new ForeignStorage<Guard>(Guard(data, std::move(owner)))), data, shape,
                                 strides);
  } else {
    return Tensor<T>::on_storage(Ref<Storage>(new ForeignStorage<Owner>(std::move(owner))), data, shape, strides);
  }
}
template <Element T>
Tensor<T> from_blob(T* data, const Shape& shape, const Shape& strides) {
  return from_blob(data, shape, strides, detail::Nobody{});
}
template <Element T>
Tensor<T> from_blob(T* data, const Shape& shape) {
  detail::check_blob(data, shape, shape);  // before strides are made of sizes that may be absurd
  return from_blob(data, shape, contiguous_strides(shape), detail::Nobody{});
}

/// A tensor on the memory of a span, which the caller keeps alive: from_span(std::span(vector)).
/// Shape: [n], or `shape` with as many elements.
/// Errors: ShapeError when the span does not fill the shape.
template <Element T>
Tensor<T> from_span(std::span<T> values, const Shape& shape) {
  if (static_cast<Index>(values.size()) != shape.numel())
    fail<ShapeError>("from_span: ", values.size(), " values do not fill shape ", shape);
  return from_blob(values.data(), shape);
}
template <Element T>
Tensor<T> from_span(std::span<T> values) {
  return from_blob(values.data(), {static_cast<Index>(values.size())});
}

/// The elements of a dense row-major tensor, in its own memory. Valid while a tensor on it lives.
/// Errors: ShapeError when it is not dense; contiguous() makes such a copy.
template <Element T>
std::span<T> as_span(const Tensor<T>& x) {
  if (!x.is_contiguous())
    fail<ShapeError>("as_span: a tensor of shape ", x.shape(), " with strides ", x.strides(), " is not contiguous");
  return {x.data(), static_cast<std::size_t>(x.numel())};
}

}  // namespace gloss::inline GLOSS_ABI
