// Several linear layers of one input
#pragma once

#include <vector>

#include <gloss/ops/linear.hpp>
#include <gloss/ops/optional_tensor.hpp>

namespace gloss::inline GLOSS_ABI {

/// y = [x W_1^T + b_1, x W_2^T + b_2, ...] side by side: linear of the weights laid one below the other, which they
/// need not be. What queries, keys and values are made by.
/// Shape: x [..., in], weights [out, in] each, biases [out] each, or none -> [..., count * out]
/// Errors: ShapeError when the sizes do not fit.
/// Backward: with g_i the parts of dy: dx = sum of g_i W_i, added up in place; dW_i = g_i^T x, db_i = sum of g_i's
/// rows; x and the weights are saved.
/// PyTorch: torch.nn.functional.linear(x, torch.cat(weights), torch.cat(biases))
template <Real T>
Tensor<T> joint_linear(const Tensor<T>& x, const std::vector<Tensor<T>>& weights,
                       const std::vector<Tensor<T>>& biases = {}) {
  if (weights.empty()) fail<ShapeError>("joint_linear: there is no weight");
  if (!biases.empty() && biases.size() != weights.size())
    fail<ShapeError>("joint_linear: ", biases.size(), " biases for ", weights.size(), " weights");
  const auto count = static_cast<Index>(weights.size());
  Shape shape;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    shape = detail::linear_shape("joint_linear", x, weights[i], biases.empty() ? Tensor<T>{} : biases[i]);
    if (weights[i].shape() != weights[0].shape())
      fail<ShapeError>("joint_linear: weight ", i, " has shape ", weights[i].shape(), ", weight 0 has ",
                       weights[0].shape());
  }
  ProfileScope scope("joint_linear");
  const Index in = weights[0].size(1), out = weights[0].size(0), rows = detail::rows_of(shape);
  shape[shape.rank() - 1] = count * out;
  const Tensor<T> flat = x.detach().reshape({rows, in}).contiguous();
  Tensor<T> y = empty<T>(shape);
  if (scope) scope.flops({2, rows, count * out, in});
  if (scope) scope.bytes(sizeof(T), {x.numel(), count * out * in, y.numel()});
  std::vector<Tensor<T>> inputs = {x}, w, b;
  std::vector<kernels::Factors<T>> parts;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    inputs.push_back(weights[i]);
    b.push_back(biases.empty() ? Tensor<T>{} : detail::dense_or_none(biases[i]));
    T* const part = y.data() + static_cast<Index>(i) * out;
    if constexpr (std::is_same_v<T, float>)
      if (const auto* const packed = detail::packed_weight(weights[i])) {
        detail::check_packed("joint_linear", x);
        packed->linear(rows, flat.data(), part, count * out, {detail::read_or_null(b[i])});
        continue;
      }
    w.push_back(weights[i].detach().contiguous());
    parts.push_back({flat.data(), w.back().data(), part, T{0}, detail::read_or_null(b[i])});
  }
  kernels::gemm_several(false, true, rows, out, in, in, in, count * out, parts.data(),
                        static_cast<Index>(parts.size()));
  bool learns = false;
  for (const Tensor<T>& weight : weights) learns = learns || weight.requires_grad();
  for (std::size_t i = 0; i < weights.size(); ++i) inputs.push_back(biases.empty() ? Tensor<T>{} : biases[i]);
  const auto keep = x.requires_grad() ? weights : std::vector<Tensor<T>>{};
  return record("joint_linear", std::move(y), inputs,
                [p = detail::SavedInput<T>(x, learns), keep, n = count, rows, in, out](const Tensor<T>& dy, Grads& dx) {
                  const Tensor<T> g = dy.reshape({rows, n * out}).contiguous();
                  const auto part = [&](const Tensor<T>& all, Index i) { return all.narrow(-1, i * out, out); };
                  const auto index = [](Index i) { return static_cast<std::size_t>(i); };
                  if (dx.needs(0) && is_grad_enabled()) {
                    for (Index i = 0; i < n; ++i) dx.add(0, matmul(part(g, i), keep[index(i)]).view(dx.shape(0)));
                  } else if (dx.needs(0)) {
                    ProfileScope work("joint_linear", true);
                    if (work) work.flops({2, rows, n * out, in});
                    Tensor<T> d = empty<T>(dx.shape(0));
                    std::vector<Tensor<T>> dense;
                    std::vector<kernels::Factors<T>> terms;
                    for (Index i = 0; i < n; ++i) {
                      dense.push_back(keep[index(i)].contiguous());
                      terms.push_back({g.data() + i * out, dense[index(i)].data(), d.data(), T(i > 0)});
                    }
                    kernels::gemm_several(false, false, rows, in, out, n * out, in, in, terms.data(), n);
                    dx.add(0, std::move(d));
                  }
                  bool biased = false;
                  Tensor<T> again;  // x
                  for (Index i = 0; i < n; ++i) {
                    const int at = static_cast<int>(1 + i);
                    if (dx.needs(at)) {
                      if (!again.defined()) again = p.get(dx, 0).reshape({rows, in});
                      dx.add(at, matmul(part(g, i).mT(), again));
                    }
                    biased = biased || dx.needs(at + static_cast<int>(n));
                  }
                  if (!biased) return;
                  Tensor<T> db = empty<T>({n * out});
                  if (is_grad_enabled())
                    db = sum(g, 0);
                  else
                    kernels::sum_rows(rows, n * out, static_cast<const T*>(g.data()), db.data());
                  for (Index i = 0; i < n; ++i) dx.add(static_cast<int>(1 + n + i), part(db, i));
                });
}

GLOSS_INSTANTIATE(Tensor<float> joint_linear(const Tensor<float>&, const std::vector<Tensor<float>>&,
                                             const std::vector<Tensor<float>>&))
GLOSS_INSTANTIATE(Tensor<double> joint_linear(const Tensor<double>&, const std::vector<Tensor<double>>&,
                                              const std::vector<Tensor<double>>&))

}  // namespace gloss::inline GLOSS_ABI
