// Softmax and its relatives along an axis.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/softmax.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// y_i = e^(x_i) / sum_j e^(x_j) along dim.
/// Shape: any.
/// Errors: IndexError when x has no axis dim.
/// PyTorch: torch.nn.Softmax, whose dim must be given here
template <Real T>
struct Softmax final : Module<T> {
  Index dim;

  explicit Softmax(Index axis) : dim(axis) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(softmax(x, dim)); }
  void visit(Visitor<T>&) override {}
};

/// y_i = e^(-x_i) / sum_j e^(-x_j) along dim.
/// Shape: any.
/// Errors: IndexError when x has no axis dim.
/// PyTorch: torch.nn.Softmin, whose dim must be given here
template <Real T>
struct Softmin final : Module<T> {
  Index dim;

  explicit Softmin(Index axis) : dim(axis) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(softmax(-x, dim)); }
  void visit(Visitor<T>&) override {}
};

/// y_i = x_i - ln sum_j e^(x_j) along dim.
/// Shape: any.
/// Errors: IndexError when x has no axis dim.
/// PyTorch: torch.nn.LogSoftmax, whose dim must be given here
template <Real T>
struct LogSoftmax final : Module<T> {
  Index dim;

  explicit LogSoftmax(Index axis) : dim(axis) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(log_softmax(x, dim)); }
  void visit(Visitor<T>&) override {}
};

/// Softmax over the channels at each place of a picture.
/// Shape: [N, C, H, W] or [C, H, W] -> the same
/// Errors: ShapeError for another number of axes.
/// PyTorch: torch.nn.Softmax2d
template <Real T>
struct Softmax2d final : Module<T> {
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() != 3 && x.dim() != 4) fail<ShapeError>("Softmax2d: x ", x.shape(), " has neither 3 nor 4 axes");
    return this->output(softmax(x, -3));
  }
  void visit(Visitor<T>&) override {}
};

}  // namespace gloss::inline GLOSS_ABI::nn
