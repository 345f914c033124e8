// A small training that the tests of train/ share: a net with dropout, points with noise, batches of them.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gloss/io/safetensors.hpp>
#include <gloss/io/state_dict.hpp>
#include <gloss/nn/dropout.hpp>
#include <gloss/nn/linear.hpp>
#include <gloss/ops/index_select.hpp>
#include <gloss/ops/mse_loss.hpp>
#include <gloss/ops/tanh.hpp>
#include <gloss/tensor/random.hpp>

namespace gloss_test {

using namespace gloss;

template <Real T>
struct SmallNet final : nn::Module<T> {
  nn::Linear<T> hidden, out;
  nn::Dropout<T> dropout;

  explicit SmallNet(double drop = 0) : hidden(3, 8), out(8, 1), dropout(drop) {}
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(out(dropout(tanh(hidden(x))))); }
  void visit(nn::Visitor<T>& v) override { v("hidden", hidden), v("out", out), v("dropout", dropout); }
};

template <Real T>
struct Points {
  Tensor<T> x, y;  // [n, 3], [n, 1]
};
template <Real T>
Points<T> draw_points(Index n, std::uint64_t seed) {
  Rng rng(seed, 77);
  const RngGuard use(rng);
  const Tensor<T> x = randn<T>({n, 3});
  return {x, (x.narrow(1, 0, 1) * x.narrow(1, 1, 1)).contiguous()};
}
/// In batches of these sizes, in order.
template <Real T>
std::vector<Points<T>> in_batches(const Points<T>& all, const std::vector<Index>& sizes) {
  std::vector<Points<T>> out;
  Index first = 0;
  for (const Index n : sizes) {
    out.push_back({all.x.narrow(0, first, n).contiguous(), all.y.narrow(0, first, n).contiguous()});
    first += n;
  }
  return out;
}

/// The mean over a batch.
inline constexpr auto squared_error = [](const auto& model, const auto& batch) {
  return mse_loss(model(batch.x), batch.y);
};

/// A range that draws a new order in each pass, from the current stream.
template <Real T>
class Shuffled {
 public:
  explicit Shuffled(std::vector<Points<T>> batches) : batches_(std::move(batches)) {}
  auto begin() {
    const Tensor<std::int64_t> order = randperm(static_cast<Index>(batches_.size()));
    drawn_.clear();
    for (Index i = 0; i < order.numel(); ++i) drawn_.push_back(batches_[static_cast<std::size_t>(order.data()[i])]);
    return drawn_.begin();
  }
  auto end() { return drawn_.end(); }
  std::size_t size() const { return batches_.size(); }

 private:
  std::vector<Points<T>> batches_, drawn_;
};

/// All weights, as bytes to compare.
template <class M>
std::string bits_of(const M& model) {
  return io::to_safetensors(io::named_tensors(model));
}

}  // namespace gloss_test
