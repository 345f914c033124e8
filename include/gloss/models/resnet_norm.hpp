// What normalises the channels of a ResNet: a batch norm, or one whose numbers stay as they are.
#pragma once

#include <cmath>
#include <optional>
#include <string_view>

#include <gloss/kernels/simd/simd.hpp>
#include <gloss/nn/batch_norm.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/relu.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// y = weight (x - running_mean) / sqrt(running_var + eps) + bias for each channel, in training too: nothing of it is
/// trained, and nothing moves.
/// Shape: [n, num_features, ...] -> the same
/// Errors: ShapeError as batch_norm.
/// PyTorch: torchvision.ops.FrozenBatchNorm2d
/// Keys: weight, bias, running_mean, running_var [num_features]
template <Real T>
struct FrozenBatchNorm2d final : nn::Module<T> {
  nn::Buffer<T> weight, bias, running_mean, running_var;
  double eps;

  explicit FrozenBatchNorm2d(Index num_features, double epsilon = 1e-5)
      : weight(ones<T>({num_features})),
        bias(zeros<T>({num_features})),
        running_mean(bias),
        running_var(weight),
        eps(epsilon) {}
  Tensor<T> operator()(const Tensor<T>& x) const {
    return this->output(batch_norm(x, running_mean, running_var, weight, bias, {.eps = eps}));
  }
  void visit(nn::Visitor<T>& v) override {
    v("weight", weight), v("bias", bias), v("running_mean", running_mean), v("running_var", running_var);
  }
};

namespace detail {
/// x = max(x scale + shift + added, 0) by channel, where it stands; a null `added` is 0.
/// Shape: x, added [n, channels, size]; scale, shift [channels].
template <class T>
GLOSS_NOINLINE void scale_add_relu(T* x, const T* scale, const T* shift, const T* added, Index n, Index channels,
                                   Index size) {
  using namespace kernels;
  parallel_for(n * channels, 32768 / (size + 1) + 1, [=](Index begin, Index end) {
    for (Index k = begin; k < end; ++k) {
      T* const row = x + k * size;
      const T* const more = added != nullptr ? added + k * size : nullptr;
      const T by = scale[k % channels], plus = shift[k % channels];
      each_vector<T>(size, [&](Index i, Index m) GLOSS_INLINE_LAMBDA {
        Vec<T> y = load_n<T>(row + i, m) * by + plus;
        if (more != nullptr) y = y + load_n<T>(more + i, m);
        store_n<T>(row + i, select<T>(y < Vec<T>{}, Vec<T>{}, y), m);  // so that NaN stays NaN
      });
    }
  });
}
}  // namespace detail

/// BatchNorm2d, or FrozenBatchNorm2d, under one name.
template <Real T>
class ResNetNorm {
 public:
  std::optional<nn::BatchNorm2d<T>> trained;
  std::optional<FrozenBatchNorm2d<T>> frozen;

  ResNetNorm(Index channels, bool is_frozen) {
    if (is_frozen)
      frozen.emplace(channels);
    else
      trained.emplace(channels);
  }
  Tensor<T> operator()(const Tensor<T>& x) const { return frozen ? (*frozen)(x) : (*trained)(x); }
  /// relu(norm(x) + added), where `added` may be undefined. Without a graph it is done in one pass, in the memory of x,
  /// which then holds the result: x must be the caller's own.
  Tensor<T> with_relu(const Tensor<T>& x, const Tensor<T>& added = {}) const {
    if (is_grad_enabled() || (trained && trained->is_training()) || nn::detail::OutputListener::first)
      return relu(added.defined() ? (*this)(x) + added : (*this)(x));
    return frozen ? in_one_pass(frozen->weight, frozen->bias, frozen->running_mean, frozen->running_var, frozen->eps, x,
                                added)
                  : in_one_pass(trained->weight, trained->bias, trained->running_mean, trained->running_var,
                                trained->options.eps, x, added);
  }
  void visit(std::string_view name, nn::Visitor<T>& v) {
    if (frozen)
      v(name, *frozen);
    else
      v(name, *trained);
  }

 private:
  static Tensor<T> in_one_pass(const Tensor<T>& weight, const Tensor<T>& bias, const Tensor<T>& mean,
                               const Tensor<T>& var, double eps, const Tensor<T>& x, const Tensor<T>& added) {
    ProfileScope scope("batch_norm_relu");
    if (scope) scope.bytes(sizeof(T), {x.numel(), x.numel(), added.defined() ? added.numel() : Index{0}});
    const Index channels = x.size(1);
    const Tensor<T> scale = empty<T>({channels}), shift = empty<T>({channels});
    for (Index c = 0; c < channels; ++c) {
      const double by = static_cast<double>(weight.data()[c]) / std::sqrt(static_cast<double>(var.data()[c]) + eps);
      scale.data()[c] = static_cast<T>(by);
      shift.data()[c] = static_cast<T>(static_cast<double>(bias.data()[c]) - static_cast<double>(mean.data()[c]) * by);
    }
    const Tensor<T> more = added.defined() ? added.contiguous() : added;
    detail::scale_add_relu<T>(x.data(), scale.data(), shift.data(), more.defined() ? more.data() : nullptr, x.size(0),
                              channels, x.size(2) * x.size(3));
    return x;
  }
};

}  // namespace gloss::inline GLOSS_ABI::models
