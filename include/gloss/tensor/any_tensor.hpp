// AnyTensor: a tensor whose element type is known when the program runs, for lists of tensors of several types.
#pragma once

#include <string_view>

#include <gloss/tensor/overlap.hpp>

namespace gloss::inline GLOSS_ABI {

/// A handle, as Tensor<T> is one: it shares the numbers. It is made from a Tensor of any type and gives it back.
class AnyTensor {
 public:
  AnyTensor() = default;
  template <class T>
  AnyTensor(const Tensor<T>& x) : body_(x.body_), dtype_(dtype_name<T>()), element_bytes_(sizeof(T)) {}

  bool defined() const { return static_cast<bool>(body_); }
  /// The element type, as PyTorch names it: "float32", "int64", ...
  std::string_view dtype() const { return dtype_; }
  template <Element T>
  bool is() const {
    return dtype_ == dtype_name<T>();
  }
  /// The tensor. Errors: Error when its elements are of another type.
  template <Element T>
  Tensor<T> as() const {
    if (!is<T>()) fail("AnyTensor: the elements are ", dtype_, ", not ", dtype_name<T>());
    Tensor<T> x;
    x.body_ = body_;
    return x;
  }
  const Shape& shape() const { return body().shape; }
  Index numel() const { return shape().numel(); }
  std::size_t bytes() const { return static_cast<std::size_t>(numel()) * element_bytes_; }
  bool requires_grad() const { return body_ && body_->node; }
  /// Whether the memory from the first element to the last meets that of another.
  bool shares_memory_with(const AnyTensor& other) const {
    return detail::share_memory(body(), element_bytes_, other.body(), other.element_bytes_);
  }
  /// The first element.
  void* data() const { return body().data; }

 private:
  detail::TensorBody& body() const {
    if (!body_) fail("AnyTensor: the tensor is undefined");
    return *body_;
  }
  Ref<detail::TensorBody> body_;
  std::string_view dtype_ = "undefined";
  std::size_t element_bytes_ = 0;
};

}  // namespace gloss::inline GLOSS_ABI
