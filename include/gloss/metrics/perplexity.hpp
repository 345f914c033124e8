// How many words a model wavers between
#pragma once

#include <cmath>

#include <gloss/tensor/tensor.hpp>

namespace gloss::inline GLOSS_ABI::metrics {

/// e to the mean loss of a token; NaN of none.
class Perplexity {
 public:
  /// Adds a batch by its mean loss and the number of tokens that it is the mean of.
  /// Errors: Error for a negative count.
  void add(double mean_loss, Index tokens) {
    if (tokens < 0) fail("Perplexity: ", tokens, " tokens");
    if (tokens > 0) total_ += mean_loss * static_cast<double>(tokens);
    tokens_ += tokens;
  }
  /// Adds the loss of each token. Those of ignored tokens, which are 0, must be left out.
  template <Real T>
  void add(const Tensor<T>& losses) {
    const Tensor<T> each = losses.detach().contiguous();
    for (Index i = 0; i < each.numel(); ++i) total_ += static_cast<double>(each.data()[i]);
    tokens_ += each.numel();
  }
  /// Adds what another one has counted.
  void merge(const Perplexity& other) { total_ += other.total_, tokens_ += other.tokens_; }
  /// From 1 up.
  double result() const { return std::exp(total_ / static_cast<double>(tokens_)); }

 private:
  double total_ = 0;
  Index tokens_ = 0;
};

}  // namespace gloss::inline GLOSS_ABI::metrics
