// Cross-entropy of yes and no
#pragma once

#include <gloss/ops/clamp.hpp>
#include <gloss/ops/elementwise_loss.hpp>
#include <gloss/ops/log.hpp>
#include <gloss/ops/softplus.hpp>

namespace gloss::inline GLOSS_ABI {

template <Real T>
struct BinaryCrossEntropyOptions {
  Tensor<T> weight = {};  // of each loss, stretched to the shape of x
  LossReduction reduction = LossReduction::mean;
};
template <Real T>
struct BinaryCrossEntropyWithLogitsOptions {
  Tensor<T> weight = {};  // of each loss, stretched to the shape of x
  LossReduction reduction = LossReduction::mean;
  Tensor<T> pos_weight = {};  // of the term of a yes, for each class: above 1 it finds more of them
};

namespace detail {
/// A weight stretched to the shape of x, dense; undefined where there is none.
template <class T>
Tensor<T> loss_weight(const char* op, const char* name, const Tensor<T>& weight, const Shape& x) {
  if (!weight.defined()) return {};
  if (broadcast_shapes(op, x, weight.shape()) != x)
    fail<ShapeError>(op, ": ", name, " ", weight.shape(), " does not stretch to x ", x);
  return weight.detach().expand(x).contiguous();
}
template <class T>
struct WeightVectors {
  const T* p;  // null: all are 1
  explicit WeightVectors(const Tensor<T>& weight) : p(weight.defined() ? weight.data() : nullptr) {}
  GLOSS_INLINE kernels::Vec<T> operator()(Index i, Index m) const {
    return p ? kernels::load_n<T>(p + i, m) : kernels::splat<T>(T(1));
  }
};
template <class T>
Tensor<T> times(const Tensor<T>& x, const Tensor<T>& weight) {
  return weight.defined() ? x * weight : x;
}
}  // namespace detail

/// loss = -w (t ln x + (1 - t) ln(1 - x)) for probabilities x and t, by elements; a logarithm counts as -100 where it
/// is below that. binary_cross_entropy_with_logits is exact where these probabilities round to 0 or 1.
/// Shape: x and target alike -> [], or their shape for reduction none; weight stretches to it.
/// Errors: ShapeError when they differ or weight does not stretch, Error when an x is outside [0, 1].
/// Backward: dx = w (x - t) / max(x (1 - x), 1e-12) dloss / count, dt = w (ln(1 - x) - ln x) dloss / count; x, t and w
/// are saved.
/// PyTorch: torch.nn.functional.binary_cross_entropy
template <Real T>
Tensor<T> binary_cross_entropy(const Tensor<T>& x, const Tensor<T>& target, BinaryCrossEntropyOptions<T> options = {}) {
  constexpr const char* op = "binary_cross_entropy";
  const LossReduction reduction = options.reduction;
  detail::require_shape_of_x(op, x.shape(), target.shape());
  const Tensor<T> in = x.detach().contiguous(), to = target.detach().contiguous();
  const Tensor<T> weight = detail::loss_weight(op, "weight", options.weight, x.shape());
  for (Index i = 0; i < in.numel(); ++i)
    if (!(in.data()[i] >= T{0} && in.data()[i] <= T{1})) fail(op, ": x has ", in.data()[i], ", outside [0, 1]");
  const auto dense = [](const Tensor<T>& a, const Tensor<T>& b, const Tensor<T>& c, const auto& use) {
    return [p = static_cast<const T*>(a.data()), t = static_cast<const T*>(b.data()), w = detail::WeightVectors<T>(c),
            use](Index i, Index m) GLOSS_INLINE_LAMBDA {
      return use(kernels::load_n<T>(p + i, m), kernels::load_n<T>(t + i, m)) * w(i, m);
    };
  };
  using V = kernels::Vec<T>;
  Tensor<T> y = detail::elementwise_loss<T>(
      op, x.shape(), reduction,
      dense(in, to, weight, [](V p, V t) GLOSS_INLINE_LAMBDA { return kernels::binary_cross_entropy<T>(p, t); }));
  return record("binary_cross_entropy", y, {x, target}, [=](const Tensor<T>& dy, Grads& dx) {
    const double count = detail::loss_divisor(reduction, static_cast<double>(x.numel()));
    if (dx.needs(0) && is_grad_enabled()) {
      dx.add(0, detail::times(dy / count * ((x - target) / clamp_min((1 - x) * x, 1e-12)), weight));
    } else if (dx.needs(0)) {
      const Tensor<T> a = x.contiguous(), b = target.contiguous();
      dx.add(0, detail::elementwise_loss_gradient<T>(x.shape(), reduction, dy,
                                                     dense(a, b, weight, [](V p, V t) GLOSS_INLINE_LAMBDA {
                                                       return kernels::binary_cross_entropy_slope<T>(p, t);
                                                     })));
    }
    if (dx.needs(1)) dx.add(1, detail::times(dy / count * (log1p(-x) - log(x)), weight));
  });
}

/// loss = w (p t ln(1 + e^-x) + (1 - t) ln(1 + e^x)) by elements: binary_cross_entropy of sigmoid(x) without its
/// rounding, with pos_weight p for what is yes.
/// Shape: x and target alike -> [], or their shape for reduction none; weight and pos_weight stretch to it.
/// Errors: ShapeError when they differ or a weight does not stretch.
/// Backward: dx = w ((1 - t) sigmoid(x) - p t sigmoid(-x)) dloss / count,
/// dt = w (p ln(1 + e^-x) - ln(1 + e^x)) dloss / count; x, t and the weights are saved.
/// PyTorch: torch.nn.functional.binary_cross_entropy_with_logits
template <Real T>
Tensor<T> binary_cross_entropy_with_logits(const Tensor<T>& x, const Tensor<T>& target,
                                           BinaryCrossEntropyWithLogitsOptions<T> options = {}) {
  constexpr const char* op = "binary_cross_entropy_with_logits";
  const LossReduction reduction = options.reduction;
  detail::require_shape_of_x(op, x.shape(), target.shape());
  const Tensor<T> in = x.detach().contiguous(), to = target.detach().contiguous();
  const Tensor<T> weight = detail::loss_weight(op, "weight", options.weight, x.shape());
  const Tensor<T> pos_weight = detail::loss_weight(op, "pos_weight", options.pos_weight, x.shape());
  const auto dense = [weight, pos_weight](const Tensor<T>& a, const Tensor<T>& b, const auto& use) {
    return [p = static_cast<const T*>(a.data()), t = static_cast<const T*>(b.data()),
            w = detail::WeightVectors<T>(weight), pos = detail::WeightVectors<T>(pos_weight), use](Index i, Index m)
               GLOSS_INLINE_LAMBDA {
                 return use(kernels::load_n<T>(p + i, m), kernels::load_n<T>(t + i, m), pos(i, m)) * w(i, m);
               };
  };
  using V = kernels::Vec<T>;
  Tensor<T> y =
      detail::elementwise_loss<T>(op, x.shape(), reduction, dense(in, to, [](V p, V t, V pos) GLOSS_INLINE_LAMBDA {
                                    return kernels::binary_cross_entropy_of_logits<T>(p, t, pos);
                                  }));
  return record("binary_cross_entropy_with_logits", y, {x, target}, [=](const Tensor<T>& dy, Grads& dx) {
    const double count = detail::loss_divisor(reduction, static_cast<double>(x.numel()));
    if (dx.needs(0) && is_grad_enabled()) {
      const Tensor<T> slope = (1 - target) * sigmoid(x) - detail::times(target * sigmoid(-x), pos_weight);
      dx.add(0, detail::times(dy / count * slope, weight));
    } else if (dx.needs(0)) {
      const Tensor<T> a = x.contiguous(), b = target.contiguous();
      dx.add(0, detail::elementwise_loss_gradient<T>(
                    x.shape(), reduction, dy, dense(a, b, [](V p, V t, V pos) GLOSS_INLINE_LAMBDA {
                      return kernels::binary_cross_entropy_of_logits_slope<T>(p, t, pos);
                    })));
    }
    if (dx.needs(1))
      dx.add(1, detail::times(dy / count * (log_sigmoid(-x) - detail::times(log_sigmoid(x), pos_weight)), weight));
  });
}

}  // namespace gloss::inline GLOSS_ABI
