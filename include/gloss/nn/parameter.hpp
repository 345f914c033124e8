// Parameter and Buffer: the tensors a module owns.
#pragma once

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// A trainable tensor that belongs to a module. Unlike a Tensor, which shares, copying a Parameter copies its numbers,
/// so that modules are ordinary values. Moving keeps the tensor, so handles that an optimizer holds stay valid.
/// PyTorch: torch.nn.Parameter
template <Real T>
class Parameter : public Tensor<T> {
 public:
  Parameter() = default;
  explicit Parameter(const Tensor<T>& data) : Tensor<T>(data.detach()) { this->requires_grad_(); }
  Parameter(const Parameter& other) : Tensor<T>(copy_of(other)) {}
  Parameter(Parameter&&) noexcept = default;
  /// Copies the numbers into the tensor already here when the shapes agree, so ties and handles survive.
  Parameter& operator=(const Parameter& other) {
    if (this == &other) return *this;
    if (this->defined() && other.defined() && this->shape() == other.shape()) {
      NoGradGuard no_grad;
      this->copy_(other.detach());
    } else {
      Tensor<T>::operator=(copy_of(other));
    }
    return *this;
  }
  Parameter& operator=(Parameter&&) noexcept = default;

  /// Makes this the same tensor as `other`: one set of numbers, one gradient.
  /// Errors: ShapeError when the shapes differ.
  void tie(const Parameter& other) {
    if (this->shape() != other.shape())
      fail<ShapeError>("tie: shape ", this->shape(), " cannot be tied to ", other.shape());
    Tensor<T>::operator=(other);
  }

 private:
  GLOSS_NOINLINE static Tensor<T> copy_of(const Parameter& other) {
    if (!other.defined()) return {};
    Tensor<T> data = other.detach().clone();
    data.requires_grad_(other.requires_grad());
    return data;
  }
};

struct BufferOptions {
  bool persistent = true;  // part of the state dict
};

/// A tensor that belongs to a module and its state dict but is not trained. Copying copies its numbers. Besides the
/// module's own type it may hold int64 (counts, indices) or bool (masks).
/// PyTorch: register_buffer
template <class T>
  requires Real<T> || std::same_as<T, std::int64_t> || std::same_as<T, bool>
class Buffer : public Tensor<T> {
 public:
  Buffer() = default;
  explicit Buffer(const Tensor<T>& data, BufferOptions options = {})
      : Tensor<T>(data.detach()), is_persistent_(options.persistent) {}
  Buffer(const Buffer& other) : Tensor<T>(copy_of(other)), is_persistent_(other.is_persistent_) {}
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(const Buffer& other) {
    if (this == &other) return *this;
    Tensor<T>::operator=(copy_of(other));
    is_persistent_ = other.is_persistent_;
    return *this;
  }
  Buffer& operator=(Buffer&&) noexcept = default;

  /// Whether it is part of the state dict.
  bool is_persistent() const { return is_persistent_; }

 private:
  GLOSS_NOINLINE static Tensor<T> copy_of(const Buffer& other) {
    return other.defined() ? other.detach().clone() : Tensor<T>{};
  }
  bool is_persistent_ = true;
};

}  // namespace gloss::inline GLOSS_ABI::nn
