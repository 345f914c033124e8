// A pass over data that a model does not learn from.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gloss/nn/module.hpp>
#include <gloss/train/batch_loss.hpp>
#include <gloss/train/event.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// Puts a model into evaluation while it lives; then each of its modules is in the mode that it was in.
template <Real T>
class [[nodiscard]] EvalGuard {
 public:
  explicit EvalGuard(nn::Module<T>& model) {
    for (const auto& [name, module] : model.named_modules()) before_.emplace_back(module, module->is_training());
    model.eval();
  }
  ~EvalGuard() {
    for (const auto& [module, on] : before_) module->train(on);  // those within come after what they are in
  }
  EvalGuard(const EvalGuard&) = delete;
  EvalGuard& operator=(const EvalGuard&) = delete;

 private:
  std::vector<std::pair<nn::Module<T>*, bool>> before_;
};

/// A metric and what it is called in Scalars.
template <class M>
struct NamedMetric {
  std::string name;
  M metric;
};
/// For evaluate: train::metric("accuracy", metrics::Accuracy()).
template <class M>
NamedMetric<M> metric(std::string name, M m) {
  return {std::move(name), std::move(m)};
}

namespace detail {
template <class M, class Loss>
void add_to_metric(M& metric, const Loss& loss) {
  if constexpr (requires { metric.add(loss.scores, loss.target); })
    metric.add(loss.scores, loss.target);
  else if constexpr (requires { metric.add(loss.mean.item(), Index{}); })  // such as metrics::Perplexity
    metric.add(static_cast<double>(loss.mean.item()), static_cast<Index>(loss.count));
  else
    static_assert(!std::is_class_v<M>,
                  "gloss::train: this metric needs the scores and the target of a batch: let the "
                  "loss function return BatchLoss(mean, count, scores, target)");
}
}  // namespace detail

/// The mean loss over all that the batches count, as "loss", and each metric's result. In evaluation, without a graph;
/// then the model is in the mode that it was in. loss(model, batch) gives a tensor of one number or a BatchLoss.
///   train::evaluate(model, held_out, loss, train::metric("accuracy", metrics::Accuracy()))
/// Errors: Error when there is no batch or they count nothing, ShapeError for a loss that is not one number.
template <nn::IsModule M, class Batches, class LossFunction, class... Metrics>
Scalars evaluate(M& model, Batches&& batches, LossFunction&& loss, NamedMetric<Metrics>... metrics) {
  nn::detail::know_module<M>();
  const EvalGuard<typename M::value_type> evaluation(model);
  const NoGradGuard no_grad;
  double total = 0, count = 0;
  for (auto&& batch : batches) {
    const auto& result = loss(model, batch);
    const auto& of_batch = detail::as_batch_loss(result);
    detail::check_batch_loss("evaluate", of_batch.mean, of_batch.count);
    if (of_batch.count == 0) continue;  // the mean of nothing may be NaN
    total += static_cast<double>(of_batch.mean.item()) * of_batch.count;
    count += of_batch.count;
    (detail::add_to_metric(metrics.metric, of_batch), ...);
  }
  if (count == 0) fail("evaluate: there is nothing to evaluate");
  Scalars out = {{"loss", total / count}};
  (out.emplace_back(metrics.name, metrics.metric.result()), ...);
  return out;
}

}  // namespace gloss::inline GLOSS_ABI::train
