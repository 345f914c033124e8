// Averages of a model's weights over the steps of its training: EMA and SWA.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gloss/kernels/schedule_free.hpp>
#include <gloss/nn/module.hpp>
#include <gloss/optim/parameter_group.hpp>
#include <gloss/optim/schedules/schedule.hpp>

namespace gloss::inline GLOSS_ABI::train {

struct WeightAverageOptions {
  double decay = 0.999;  // how much of the average stays in an update; 0: the mean of all updates
  bool warmup = false;   // the decay grows: at most (1 + n) / (10 + n) in update n, so that short runs have an average
  Index start = 0;       // updates before it only copy the weights
  bool buffers = false;  // averages floating-point buffers too, as the statistics of batch normalisation
};

/// The average of a model's weights, in numbers of its own. Update n, from 0:
///   average = decay * average + (1 - decay) * weights, the first time average = weights
/// or, with a decay of 0, average += (weights - average) / (n + 1).
///   train::WeightAverage<float> ema(model, {.decay = 0.999});
///   ... optimizer.step(), ema.update() ...
///   { const auto averaged = ema.swap_in(); evaluate(model); }  // then the weights are back
/// The model must outlive it.
/// Errors: Error for a decay outside [0, 1) or a negative start.
/// PyTorch: torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn, or without for the mean
template <Real T>
class WeightAverage {
 public:
  GLOSS_COLD explicit WeightAverage(nn::Module<T>& model, WeightAverageOptions options = {}) : options_(options) {
    optim::detail::check_part("WeightAverage", "decay", options.decay);
    if (options.start < 0) fail("WeightAverage: start ", options.start, " is negative");
    for (const auto& [name, tensor] : model.named_parameters()) add(name, tensor.detach());
    if (options.buffers)
      for (const auto& [name, tensor] : model.named_buffers())
        if (tensor.template is<T>()) add(name, tensor.template as<T>());
  }

  /// Takes the weights as they are now; after optimizer.step().
  /// Errors: Error while the average is in the model.
  void update() {
    check_apart("update");
    const NoGradGuard no_grad;
    const Index n = updates_ - options_.start;
    double part = 1;  // of the weights in the new average
    if (n > 0) part = options_.decay == 0 ? 1 / static_cast<double>(n + 1) : 1 - decay(n);
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      if (part == 1) {
        average_[i].second.copy_(weights_[i]);
        continue;
      }
      const Tensor<T> dense = weights_[i].contiguous();
      kernels::towards(average_[i].second.data(), static_cast<const T*>(dense.data()), dense.numel(),
                       static_cast<T>(part));
    }
    ++updates_;
  }
  /// How often update() was called.
  Index updates() const { return updates_; }

  /// The average in the place of the weights, for as long as it lives.
  class [[nodiscard]] Swapped {
   public:
    explicit Swapped(WeightAverage& owner) : owner_(owner) {
      owner_.check_apart("swap_in");
      owner_.swap(true);
    }
    ~Swapped() { owner_.swap(false); }
    Swapped(const Swapped&) = delete;
    Swapped& operator=(const Swapped&) = delete;

   private:
    WeightAverage& owner_;
  };
  /// Puts the average into the model, to evaluate or save it; the weights are back when what it returns is gone. Before
  /// the first update that is as much as the first weights.
  /// Errors: Error when it is there already.
  Swapped swap_in() { return Swapped(*this); }

  using Named = std::vector<std::pair<std::string, Tensor<T>>>;
  /// What a checkpoint keeps, by name: it shares memory with the average.
  /// Errors: Error while the average is in the model.
  GLOSS_COLD Named state() const {
    check_apart("state");
    Named out = average_;
    out.emplace_back("updates", scalar<T>(static_cast<T>(updates_)));
    return out;
  }
  /// Goes on where another one of the same options and model stood.
  /// Errors: LoadError as load_state of an optimizer, and for what is no count; then nothing is changed.
  GLOSS_COLD void load_state(const Named& from) {
    Named own = state();
    Tensor<T>& count = own.back().second;
    for (const auto& [name, tensor] : from)
      if (name == "updates" && tensor.numel() == 1)
        optim::detail::count_of("updates", static_cast<double>(tensor.detach().reshape({}).item()));
    optim::detail::fill_state<T>(own, from, "average");
    updates_ = optim::detail::count_of("updates", static_cast<double>(count.item()));
  }

 private:
  void add(const std::string& name, const Tensor<T>& tensor) {
    weights_.push_back(tensor);
    average_.emplace_back(name, tensor.clone());
  }
  double decay(Index n) const {
    const auto number = static_cast<double>(n);
    return options_.warmup ? (std::min)(options_.decay, (1 + number) / (10 + number)) : options_.decay;
  }
  void check_apart(const char* what) const {
    if (is_in_) fail("WeightAverage: ", what, "() while the average is in the model");
  }
  void swap(bool in) {
    const NoGradGuard no_grad;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const Tensor<T>& average = average_[i].second;
      if (weights_[i].is_contiguous()) {
        std::swap_ranges(average.data(), average.data() + average.numel(), weights_[i].data());
        weights_[i].mark_changed("an average of the weights");
      } else {
        const Tensor<T> kept = weights_[i].clone();
        weights_[i].copy_(average);
        average.copy_(kept);
      }
    }
    is_in_ = in;
  }

  WeightAverageOptions options_;
  std::vector<Tensor<T>> weights_;  // the model's
  Named average_;                   // dense
  Index updates_ = 0;
  bool is_in_ = false;
};

}  // namespace gloss::inline GLOSS_ABI::train
