// AT's "SimpleLossCompute": generator and criterion together.
#pragma once

#include <utility>

#include <gloss/ops/div.hpp>
#include <gloss/train/annotated/label_smoothing.hpp>
#include <gloss/transformer/generator.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// What a loss computation yields: the loss summed over the batch, for the report, and normalised, for backward.
template <Real T>
struct Loss {
  double total = 0;
  Tensor<T> node;
};

/// loss(x, y, norm) = criterion(generator(x), y) / norm.
/// Shape: x [batch, n, d_model], y [batch, n]
/// Errors: Error when norm is not positive, and those of its parts.
/// AT: SimpleLossCompute
template <class Generator, class Criterion>
class SimpleLossCompute {
 public:
  SimpleLossCompute(const Generator& generator, Criterion criterion)
      : generator_(&generator), criterion_(std::move(criterion)) {}

  template <Real T>
  Loss<T> operator()(const Tensor<T>& x, const Tensor<std::int64_t>& y, RealNumber norm) const {
    if (!(norm > 0)) fail("SimpleLossCompute: norm ", norm, " is not positive");
    const Tensor<T> loss = criterion_((*generator_)(x), y) / norm;
    return {static_cast<double>(loss.item()) * norm, loss};
  }

 private:
  const Generator* generator_;  // the model's, which outlives this
  Criterion criterion_;
};

GLOSS_INSTANTIATE(class SimpleLossCompute<transformer::Generator<float>, LabelSmoothing<float>>)
GLOSS_INSTANTIATE(Loss<float> SimpleLossCompute<transformer::Generator<float>, LabelSmoothing<float>>::operator()(
    const Tensor<float>&, const Tensor<std::int64_t>&, RealNumber) const)
GLOSS_INSTANTIATE(class SimpleLossCompute<transformer::Generator<double>, LabelSmoothing<double>>)
GLOSS_INSTANTIATE(Loss<double> SimpleLossCompute<transformer::Generator<double>, LabelSmoothing<double>>::operator()(
    const Tensor<double>&, const Tensor<std::int64_t>&, RealNumber) const)

}  // namespace gloss::inline GLOSS_ABI::train
