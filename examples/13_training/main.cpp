// Training a model of your own, start to end: which wave is it? docs/training.md goes through it.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <gloss/gloss.hpp>
#include <gloss/io/safetensors.hpp>
#include <gloss/io/state_dict.hpp>
#include <numbers>

using namespace gloss;
using Ids = Tensor<std::int64_t>;

namespace {

struct Waves {
  Tensor<float> x;  // [n, 1, 64]: one channel of 64 samples
  Ids label;        // [n]: 0 sine, 1 square, 2 sawtooth
};

/// n waves of random pitch, phase and loudness, with noise.
Waves draw_waves(Index n) {
  const Ids label = randint(0, 3, {n});
  const Tensor<double> pitch = rand<double>({n}, 2, 6), phase = rand<double>({n}), loud = rand<double>({n}, 0.5, 2);
  Tensor<float> x = 0.1 * randn<float>({n, 1, 64});
  for (Index i = 0; i < n; ++i)
    for (Index t = 0; t < 64; ++t) {
      const double turns = pitch.at({i}) * static_cast<double>(t) / 64 + phase.at({i}), at = turns - std::floor(turns);
      const double waves[] = {std::sin(2 * std::numbers::pi * at), at < 0.5 ? 1.0 : -1.0, 2 * at - 1};
      x.at({i, 0, t}) += static_cast<float>(loud.at({i}) * waves[label.at({i})]);
    }
  return {x, label};
}

template <Real T>
struct WaveNet final : nn::Module<T> {
  nn::Sequential<T, nn::Conv1d<T>, nn::ReLU<T>, nn::MaxPool1d<T>, nn::Conv1d<T>, nn::ReLU<T>> features;
  nn::Dropout<T> dropout;
  nn::Linear<T> head;

  explicit WaveNet(Index classes)
      : features{nn::Conv1d<T>(1, 16, 5, {.padding = 2}), nn::ReLU<T>(), nn::MaxPool1d<T>(2),
                 nn::Conv1d<T>(16, 32, 5, {.padding = 2}), nn::ReLU<T>()},
        dropout(0.1),
        head(32, classes) {}
  /// Shape: [n, 1, length] -> [n, classes], scores: log-probabilities but for a constant
  Tensor<T> operator()(const Tensor<T>& x) const { return this->output(head(dropout(mean(features(x), -1)))); }
  void visit(nn::Visitor<T>& v) override { v("features", features), v("dropout", dropout), v("head", head); }
};

/// Share of waves whose largest score is the right one.
double accuracy(WaveNet<float>& model, const Waves& data) {
  const NoGradGuard no_grad;
  model.eval();
  const double right = mean(cast<float>(argmax(model(data.x), -1) == data.label)).item();
  model.train();
  return right;
}

struct Training {
  WaveNet<float> model{3};
  optim::AdamW<float> adam{model.parameters(), {.lr = 0.01, .weight_decay = 0.01}};
  // Up in 20 steps, then down along half a cosine to 0 in step 192.
  optim::WarmupLR<optim::CosineAnnealingLR<float>> schedule{{adam, {.T_max = 172}},
                                                            {.steps = 20, .start_factor = 0.05}};
  Index epoch = 0;

  /// One pass over the data in random order; returns the mean loss.
  double run_epoch(const Waves& data) {
    Rng rng(1, static_cast<std::uint64_t>(epoch++));  // a stream for each epoch, for the order and for dropout
    const RngGuard use(rng);
    const std::vector<Ids> batches = randperm(data.x.size(0)).split(32);
    double total = 0;
    for (const Ids& batch : batches) {
      const Tensor<float> scores = model(index_select(data.x, 0, batch));
      const Tensor<float> loss = cross_entropy(scores, index_select(data.label, 0, batch));
      if (!std::isfinite(loss.item())) fail("step ", schedule.steps(), ": the loss is ", loss.item());
      total += loss.item();
      loss.backward();
      optim::clip_grad_norm_(model.parameters(), 1.0);
      adam.step();
      adam.zero_grad();
      schedule.step();
    }
    return total / static_cast<double>(batches.size());
  }

  void save(const std::string& path) {
    std::vector<io::NamedTensor> tensors = io::named_tensors(model, "model.");
    for (const auto& [name, x] : adam.state()) tensors.emplace_back("adam." + name, x);
    io::save_safetensors(path, tensors, {{"epoch", std::to_string(epoch)}, {"step", std::to_string(schedule.steps())}});
  }
  void resume(const std::string& path) {
    const io::TensorFile file = io::load_safetensors(path);
    io::load_state_dict(model, file, {.prefix = "model."});
    for (auto& [name, x] : adam.state()) x.copy_(file.tensor<float>("adam." + name));
    epoch = std::stoll(file.metadata().at("epoch"));
    schedule.set_steps(std::stoll(file.metadata().at("step")));
  }
};

}  // namespace

int main() {
  manual_seed(1);
  const Waves train = draw_waves(1024), held_out = draw_waves(512);
  const std::string path = (std::filesystem::temp_directory_path() / "gloss_waves.safetensors").string();

  Training run;
  for (int i = 0; i < 6; ++i) {
    const double loss = run.run_epoch(train);
    std::printf("epoch %d: loss %.2f, %.0f %% right\n", i + 1, loss, 100 * accuracy(run.model, held_out));
    if (i == 2) run.save(path);
  }

  Training again;
  again.resume(path);
  for (int i = 3; i < 6; ++i) again.run_epoch(train);
  bool same = true;
  for (std::size_t i = 0; i < run.model.parameters().size(); ++i)
    same = same && equal(run.model.parameters()[i], again.model.parameters()[i]);
  std::printf("saved after epoch 3 and resumed: %s\n", same ? "the same bits" : "other bits");

  // Another question about the same waves, and few of them: the features stay, a new head is trained.
  const Waves few = draw_waves(32);
  const auto is_smooth = [](const Waves& waves) { return cast<std::int64_t>(waves.label == 0); };
  WaveNet<float> tuned(2);
  io::load_state_dict(tuned, io::load_safetensors(path),
                      {.prefix = "model.", .strict = false, .skip_wrong_shapes = true});
  nn::freeze(tuned, "features");
  optim::SGD<float> sgd(tuned.parameters(), {.lr = 0.1, .momentum = 0.9});
  for (int step = 0; step < 100; ++step) {
    cross_entropy(tuned(few.x), is_smooth(few)).backward();
    sgd.step();
    sgd.zero_grad();
  }
  std::printf("fine-tuned on 32 waves: %.0f %% right\n", 100 * accuracy(tuned, {held_out.x, is_smooth(held_out)}));

  // Where does the first NaN come from?
  try {
    const AnomalyGuard watch(run.model);
    mean(log(run.model(held_out.x))).backward();
  } catch (const Error& e) {
    std::printf("%s\n", e.what());
  }
  std::filesystem::remove(path);
}
