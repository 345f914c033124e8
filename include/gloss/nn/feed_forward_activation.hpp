// What stands between the two linear layers of PyTorch's Transformer layers.
#pragma once

#include <concepts>
#include <string_view>
#include <utility>

#include <gloss/core/ref.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/ops/gelu.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// "relu", "gelu", or any callable from Tensor<T> to Tensor<T>; if that is a module, its parameters belong to the layer
/// that holds it, and copies have their own.
/// Errors: Error for another name.
/// PyTorch: the argument activation of torch.nn.TransformerEncoderLayer
template <Real T>
class FeedForwardActivation {
 public:
  FeedForwardActivation(const char* name) : is_gelu_(std::string_view(name) == "gelu") {
    if (!is_gelu_ && std::string_view(name) != "relu")
      fail("FeedForwardActivation: activation must be relu, gelu or a callable, not ", name);
  }
  template <class F>
    requires(!std::convertible_to<F, const char*> && !std::same_as<F, FeedForwardActivation> &&
             requires(const F& f, const Tensor<T>& x) {
               { f(x) } -> std::convertible_to<Tensor<T>>;
             })
  FeedForwardActivation(F f) : other_(new Callable<F>(std::move(f))) {}
  FeedForwardActivation(const FeedForwardActivation& from)
      : is_gelu_(from.is_gelu_), other_(from.other_ ? from.other_->clone() : Ref<Any>()) {}
  FeedForwardActivation(FeedForwardActivation&&) noexcept = default;
  FeedForwardActivation& operator=(const FeedForwardActivation& from) { return *this = FeedForwardActivation(from); }
  FeedForwardActivation& operator=(FeedForwardActivation&&) noexcept = default;

  Tensor<T> operator()(const Tensor<T>& x) const { return other_ ? (*other_)(x) : is_gelu_ ? gelu(x) : relu(x); }
  /// dropout(activation(linear(x)), p), as one or two ops for relu and gelu.
  Tensor<T> after(const Linear<T>& linear, const Tensor<T>& x, double p, bool training) const {
    if (other_) return dropout((*other_)(linear(x)), p, training);
    if (training && p > 0) return is_gelu_ ? gelu_dropout(linear(x), p) : relu_dropout(linear(x), p);
    return is_gelu_ ? linear.with_gelu(x) : linear.with_relu(x);
  }
  void visit(Visitor<T>& v) {
    if (other_) other_->visit(v);
  }

 private:
  struct Any : RefCounted {
    virtual ~Any() = default;
    virtual Tensor<T> operator()(const Tensor<T>& x) const = 0;
    virtual Ref<Any> clone() const = 0;
    virtual void visit(Visitor<T>& v) = 0;
    friend void destroy(Any* any) { delete any; }
  };
  template <class F>
  struct Callable final : Any {
    F f;
    explicit Callable(F function) : f(std::move(function)) {}
    Tensor<T> operator()(const Tensor<T>& x) const override { return f(x); }
    Ref<Any> clone() const override { return Ref<Any>(new Callable(f)); }
    void visit(Visitor<T>& v) override {
      if constexpr (std::derived_from<F, Module<T>>) v("activation", f);
    }
  };

  bool is_gelu_ = false;
  Ref<Any> other_;  // not shared: copies clone it
};

}  // namespace gloss::inline GLOSS_ABI::nn
