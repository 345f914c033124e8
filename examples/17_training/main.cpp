// A training with all that one usually wants, by train::fit. It is stopped half-way and resumed, with the same bits.
#include <cstdio>
#include <filesystem>
#include <gloss/gloss.hpp>
#include <gloss/metrics.hpp>
#include <gloss/train.hpp>

using namespace gloss;

struct Batch {
  Tensor<float> x;         // [n, 2]
  Tensor<std::int64_t> y;  // [n]: which of three spirals the points lie on
};

std::vector<Batch> spirals(Index batches, Index size) {
  std::vector<Batch> out;
  for (Index b = 0; b < batches; ++b) {
    const Tensor<std::int64_t> y = randint(0, 3, {size});
    const Tensor<float> r = rand<float>({size}, 0.1f, 1), angle = 5 * r + cast<float>(y) * 2.0944f;
    const Tensor<float> x = stack(std::vector{r * cos(angle), r * sin(angle)}, 1);
    out.push_back({x + 0.02 * randn<float>({size, 2}), y});
  }
  return out;
}

template <Real T>
struct Net final : nn::Module<T> {
  nn::Linear<T> in{2, 64}, out{64, 3};
  nn::LayerNorm<T> norm{64};
  nn::Dropout<T> dropout{0.1};
  Tensor<T> operator()(const Tensor<T>& x) const { return out(dropout(gelu(norm(in(x))))); }
  void visit(nn::Visitor<T>& v) override { v("in", in), v("norm", norm), v("dropout", dropout), v("out", out); }
};

train::FitReport run(const std::string& path, Index stop_after) {
  manual_seed(1);
  const std::vector<Batch> data = spirals(24, 32), held_out = spirals(4, 128);
  Net<float> model;
  optim::Groups groups(model, optim::AdamWOptions{.lr = 5e-3, .weight_decay = 0.05});
  groups.where("biases and norms", [](auto, const auto& p) { return p.dim() < 2; }).weight_decay = 0;
  optim::AdamW<float> adam(groups);
  optim::WarmupLR<optim::CosineAnnealingLR<float>> schedule({adam, {.T_max = 220}}, {.steps = 20});
  train::WeightAverage<float> ema(model, {.decay = 0.95});

  const auto loss = [](const Net<float>& net, const Batch& b) {
    const Tensor<float> scores = net(b.x);
    return train::BatchLoss(cross_entropy(scores, b.y), b.y.size(0), scores, b.y);
  };
  const auto show = [](const train::Event& e) {
    if (e.phase == "validation" && e.epoch % 5 == 0)
      std::printf("epoch %2d: held out %.0f %% right\n", static_cast<int>(e.epoch), 100 * *e.find("accuracy"));
  };
  const train::Monitor best{.name = "accuracy", .maximize = true, .best_path = path + ".best"};
  return train::fit(
      model, adam, data, loss,
      {.epochs = 20,
       .max_steps = stop_after,
       .accumulate = 2,
       .clip_norm = 1,
       .schedule = &schedule,
       .average = &ema,  // validated and kept as the best with its weights
       .validate =
           [&] { return train::evaluate(model, held_out, loss, train::metric("accuracy", metrics::Accuracy())); },
       .monitor = best,
       .checkpoint = path,
       .resume = true,  // where there is a file
       .loggers = {show}});
}

int main() {
  const auto folder = std::filesystem::temp_directory_path() / "gloss_17_training";
  std::filesystem::create_directory(folder);
  const std::string whole = (folder / "whole").string(), stopped = (folder / "stopped").string();
  std::printf("the best model is right in %.0f %%\n", 100 * run(whole, 0).best);
  run(stopped, 120);
  run(stopped, 0);  // the same program again
  std::printf("stopped after step 120 and resumed: %s\n", read_file(whole) == read_file(stopped) ? "same" : "other");
  std::filesystem::remove_all(folder);
}
