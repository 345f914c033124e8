// Reversible layers: what they compute is computed again on the way back, from what comes out of them.
#pragma once

#include <utility>
#include <vector>

#include <gloss/nn/module.hpp>
#include <gloss/ops/add.hpp>
#include <gloss/ops/cat.hpp>
#include <gloss/ops/sub.hpp>
#include <gloss/tensor/checkpoint.hpp>
#include <gloss/tensor/grad.hpp>

namespace gloss::inline GLOSS_ABI::models {

namespace detail {
/// On the way back: the states behind the layer whose turn it is, which the layer behind it has left here.
template <Real T>
struct ReversibleTrace final : RefCounted {
  Tensor<T> states;
  friend void destroy(ReversibleTrace* trace) { delete trace; }
};

/// Where a call drew its random numbers.
struct Draws {
  Rng start{};
  std::vector<std::uint64_t> words = {};
};

template <Real T, class F>
Tensor<T> call_noted(const F& f, const Tensor<T>& x, Draws& draws) {
  draws.start = current_rng();
  gloss::detail::DrawLog log(current_rng());
  const Tensor<T> y = f(x);
  draws.words = log.words();
  return y;
}

/// f(x) once more, with the same random numbers. Adds the gradient by x to dx, and hands the others on: parameter i is
/// input i + 1 of the node.
template <Real T, class F>
Tensor<T> call_back(const F& f, const Tensor<T>& x, const Draws& draws, const Tensor<T>& dy,
                    const std::vector<Tensor<T>>& parameters, Tensor<T>& dx, Grads& grads) {
  std::vector<Tensor<T>> wanted = {x.detach()};
  wanted[0].requires_grad_();
  std::vector<int> places;
  for (int i = 1; i <= static_cast<int>(parameters.size()); ++i)
    if (grads.needs(i)) wanted.push_back(parameters[static_cast<std::size_t>(i) - 1]), places.push_back(i);
  Tensor<T> y;
  {
    Rng rng = draws.start;
    const RngGuard draw(rng);
    gloss::detail::DrawLog log(rng, draws.words);
    const GradGuard recorded(true);
    y = f(wanted[0]);
  }
  std::vector<Tensor<T>> found = grad(y, wanted, {.allow_unused = true}, dy);
  for (std::size_t i = 0; i < places.size(); ++i)
    if (found[i + 1].defined()) grads.add(places[i], std::move(found[i + 1]));
  dx = dx + found[0];
  return y.detach();
}
}  // namespace detail

/// A stack of layers with two states: y1 = x1 + f(x2), y2 = x2 + g(y1). Since x2 = y2 - g(y1) and x1 = y1 - f(x2), no
/// layer keeps anything but where its random numbers began: backward computes the states again, from the last ones, and
/// what f and g computed on the way too, layer by layer. A layer has
///   plan(x2, input): what is to stay as it is when f is called again; it may draw, f then shall not draw the same
///   f(x2, plan) and g(y1), of x2's shape
/// and must live until the backward.
/// Shape: x1 and x2 as states [2, ...] -> y1 and y2 of the last layer
/// Errors: GradError for a backward that is itself recorded.
/// Backward: of f and g, once each.
/// Source: Gomez et al. 2017; Kitaev et al. 2020.
template <Real T, nn::IsModule Layer, class Input>
Tensor<T> reversible(const std::vector<Layer>& layers, Tensor<T> states, const Input& input) {
  const Ref<detail::ReversibleTrace<T>> trace(new detail::ReversibleTrace<T>);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer* const layer = &layers[i];
    std::vector<Tensor<T>> parameters, inputs = {states};
    for (auto& [name, p] : layer->named_parameters()) parameters.push_back(p), inputs.push_back(p);
    detail::Draws draws_f, draws_g;
    Tensor<T> next;
    auto plan = [&] {
      const NoGradGuard no_grad;
      const Tensor<T> x1 = states[0].detach(), x2 = states[1].detach();
      auto made = layer->plan(x2, input);
      const Tensor<T> y1 =
          x1 + detail::call_noted<T>([&](const Tensor<T>& x) { return layer->f(x, made); }, x2, draws_f);
      const Tensor<T> y2 = x2 + detail::call_noted<T>([&](const Tensor<T>& x) { return layer->g(x); }, y1, draws_g);
      next = stack<T>({y1, y2});
      return made;
    }();
    const Tensor<T> last = i + 1 == layers.size() ? next.detach() : Tensor<T>{};
    states = record(
        "reversible", next, inputs,
        [layer, trace, parameters, draws_f, draws_g, plan, last](const Tensor<T>& dy, Grads& dx) {
          if (is_grad_enabled())
            fail<GradError>("reversible: a backward that is itself recorded does not go through reversible layers");
          if (last.defined()) trace->states = last;
          const Tensor<T> y1 = trace->states[0], y2 = trace->states[1];
          Tensor<T> dx1 = dy[0], dx2 = dy[1];
          const Tensor<T> x2 = y2 - detail::call_back<T>([&](const Tensor<T>& x) { return layer->g(x); }, y1, draws_g,
                                                         dx2, parameters, dx1, dx);
          const Tensor<T> x1 = y1 - detail::call_back<T>([&](const Tensor<T>& x) { return layer->f(x, plan); }, x2,
                                                         draws_f, dx1, parameters, dx2, dx);
          trace->states = stack<T>({x1, x2});
          dx.add(0, stack<T>({dx1, dx2}));
        });
  }
  return states;
}

}  // namespace gloss::inline GLOSS_ABI::models
