// Dropout of elements and of whole channels.
#pragma once

#include <gloss/nn/module.hpp>
#include <gloss/ops/drop_path.hpp>
#include <gloss/ops/dropout.hpp>

namespace gloss::inline GLOSS_ABI::nn {

/// In training, each element is 0 with probability p and otherwise divided by 1 - p; in evaluation, the identity.
/// Shape: any.
/// Errors: Error when p is not in [0, 1].
/// PyTorch: torch.nn.Dropout
template <Real T>
struct Dropout final : Module<T> {
  double p;

  explicit Dropout(double p_drop = 0.5) : p(p_drop) {
    if (!(p >= 0 && p <= 1)) fail("Dropout: p ", p, " is not in [0, 1]");
  }
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(dropout(x, p, this->is_training())); }
  void visit(Visitor<T>&) override {}
};

/// In training, each channel is 0 as a whole with probability p and otherwise divided by 1 - p; in evaluation, the
/// identity.
/// Shape: [N, C, L], or [C, L] without a batch -> the same
/// Errors: Error when p is not in [0, 1], ShapeError for another number of axes.
/// Source: Tompson et al. 2015.
/// PyTorch: torch.nn.Dropout1d
template <Real T>
struct Dropout1d final : Module<T> {
  double p;

  explicit Dropout1d(double p_drop = 0.5) : p(p_drop) {
    if (!(p >= 0 && p <= 1)) fail("Dropout1d: p ", p, " is not in [0, 1]");
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() != 2 && x.dim() != 3) fail<ShapeError>("Dropout1d: x ", x.shape(), " has neither 2 nor 3 axes");
    if (x.dim() == 3) return this->output(feature_dropout(x, p, this->is_training()));
    return this->output(feature_dropout(x.unsqueeze(0), p, this->is_training()).squeeze(0));
  }
  void visit(Visitor<T>&) override {}
};

/// In training, each channel is 0 as a whole with probability p and otherwise divided by 1 - p; in evaluation, the
/// identity.
/// Shape: [N, C, H, W], or [N, C, L] -> the same
/// Errors: Error when p is not in [0, 1], ShapeError for another number of axes.
/// Source: Tompson et al. 2015.
/// PyTorch: torch.nn.Dropout2d
template <Real T>
struct Dropout2d final : Module<T> {
  double p;

  explicit Dropout2d(double p_drop = 0.5) : p(p_drop) {
    if (!(p >= 0 && p <= 1)) fail("Dropout2d: p ", p, " is not in [0, 1]");
  }
  Tensor<T> operator()(const Tensor<T>& x) const {
    if (x.dim() != 3 && x.dim() != 4) fail<ShapeError>("Dropout2d: x ", x.shape(), " has neither 3 nor 4 axes");
    return this->output(feature_dropout(x, p, this->is_training()));
  }
  void visit(Visitor<T>&) override {}
};

GLOSS_INSTANTIATE(struct Dropout<float>)
GLOSS_INSTANTIATE(struct Dropout<double>)

}  // namespace gloss::inline GLOSS_ABI::nn
