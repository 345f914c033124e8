// vit: trains a small Vision Transformer on images, says what others show, and where it looks.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/io/module_file.hpp>
#include <gloss/metrics.hpp>
#include <gloss/models/attention_rollout.hpp>
#include <gloss/reports.hpp>

#include "../image_classifier/images.hpp"
#include "encoder.hpp"

using namespace gloss;

namespace {

/// What the command line asks for, and what of it a checkpoint keeps.
struct Settings {
  std::string data = "/usr/share/datasets/fashion-mnist", checkpoint = "vit.safetensors", mae, maps;
  std::vector<std::string> files;
  Encoder encoder;
  Index epochs = 12, batch_size = 128, labels = 0, shift = 0, workers = 1;
  double lr = 2e-3, weight_decay = 0.05, smoothing = 0.1, drop_path = 0;
  std::uint64_t seed = 1;
  bool force = false, resume = false;
  std::string class_lines;  // the names of the classes
  Index examples = 0;

  std::vector<std::string> classes() const {
    std::vector<std::string> names;
    for (std::size_t from = 0, to; (to = class_lines.find('\n', from)) != std::string::npos; from = to + 1)
      names.push_back(class_lines.substr(from, to - from));
    return names;
  }
  void add_to(train::Checkpoint& file) {
    encoder.add_to(file);
    file.add("data", data), file.add("epochs", epochs), file.add("batch_size", batch_size), file.add("labels", labels);
    file.add("lr", lr), file.add("weight_decay", weight_decay), file.add("smoothing", smoothing);
    file.add("drop_path", drop_path), file.add("shift", shift), file.add("seed", seed);
    file.add("classes", class_lines), file.add("examples", examples);
  }
  /// Reads those of a training. Errors: LoadError
  void load() {
    const std::string moved = data;
    train::Checkpoint file;
    add_to(file);
    file.load(checkpoint);
    encoder.check(checkpoint);
    if (epochs < 1 || batch_size < 1 || shift < 0 || shift > 512 || class_lines.empty())
      fail<LoadError>(checkpoint, ": its settings are damaged");
    if (!moved.empty()) data = moved;
  }
  /// The size of the encoder that --mae names.
  void load_mae() {
    train::Checkpoint file;
    encoder.add_to(file);
    file.load(mae);
    encoder.check(mae);
  }
  /// Errors: LoadError when a checkpoint is of other images.
  Images images() {
    Images found = load_images(data, encoder.side);
    std::string lines;
    for (const std::string& name : found.classes) lines += name + "\n";
    const bool known = !class_lines.empty();
    if (known && (lines != class_lines || found.train.size() != examples))
      fail<LoadError>(checkpoint, ": was trained on other images than those of ", data);
    if ((known || !mae.empty()) && found.channels != encoder.channels)
      fail<LoadError>(known ? checkpoint : mae, ": was trained on other images than those of ", data);
    class_lines = lines, encoder.channels = found.channels, examples = found.train.size();
    return found;
  }
};

/// A model and the average of its weights, which is what answers.
struct Model {
  models::ViTForImageClassification<float> net;
  train::WeightAverage<float> average{net, {.decay = 0.998, .warmup = true}};

  explicit Model(const Settings& s)
      : net(models::classifier_from(models::ViTMAEForPreTraining<float>(s.encoder.mae()), config(s))) {}
  /// Reads it; the average takes the place of the weights.
  train::WeightAverage<float>::Swapped load(const std::string& path) {
    train::Checkpoint file;
    file.add("model", net), file.add("average", average);
    file.load(path);
    net.eval();
    return average.swap_in();
  }
  /// The mean of the patches is classified.
  static models::ViTConfig config(const Settings& s) {
    models::ViTConfig c = s.encoder.mae().encoder();
    c.num_labels = static_cast<Index>(s.classes().size());
    c.drop_path_rate = s.drop_path;
    c.pooling = "mean", c.fc_norm = true;
    return c;
  }
};

/// The loss, the accuracy, and what f(scores, labels) makes of each batch of the test images.
template <class F>
train::Scalars test(Model& model, const Images& images, Index workers, F f) {
  const data::Map inputs(images.test,
                         [](const Sample& s) { return std::pair(to_input(std::get<0>(s)), std::get<1>(s)); });
  const auto loss = [&f](const auto& net, const auto& batch) {
    const auto& [x, y] = batch;
    const Tensor<float> scores = net(x);
    f(scores, y);
    return train::BatchLoss(cross_entropy(scores, y), y.size(0), scores, y);
  };
  return train::evaluate(model.net, data::Loader(inputs, {.batch_size = 250, .workers = workers}), loss,
                         train::metric("accuracy", metrics::Accuracy()));
}

int run_train(Settings s) {
  if (s.resume)
    s.load();
  else if (!s.mae.empty())
    s.load_mae();
  const Images images = s.images();
  Rng rng(s.seed);
  const RngGuard use(rng);
  const train::StopFlag flag;  // heard as soon as something is shown
  Model model(s);
  if (!s.mae.empty())
    io::load_state_dict<float>(model.net.vit, io::load_safetensors(s.mae), {.prefix = "model.vit.", .strict = false});
  const Tensor<std::int64_t> order = randperm(images.train.size());
  const Index labelled = s.labels > 0 ? (std::min)(s.labels, order.numel()) : order.numel();
  const auto augment = augmentation(s.encoder.side, s.shift);
  const data::Map inputs(data::Subset(images.train, {order.data(), order.data() + labelled}),
                         [&](const Sample& sample, Rng& draws) {
                           return std::pair(augment(std::get<0>(sample), draws), std::get<1>(sample));
                         });
  data::Loader batches(inputs, {.batch_size = s.batch_size, .shuffle = true, .workers = s.workers, .seed = s.seed});
  auto adam = adamw(model.net, s.lr, s.weight_decay);
  optim::OneCycleLR<float> schedule(
      adam, {.total_steps = s.epochs * batches.size(), .pct_start = 0.1, .cycle_momentum = false});
  const auto loss = [&](const auto& net, const auto& batch) {
    const auto& [x, y] = batch;
    return train::BatchLoss(cross_entropy(net(x), y, {.label_smoothing = s.smoothing}), y.size(0));
  };
  train::Checkpoint checkpoint(s.checkpoint);
  s.add_to(checkpoint);
  std::printf("%s images to learn from, %s to test with, %zu classes, %s parameters\n",
              train::with_thousands(inputs.size()).c_str(), train::with_thousands(images.test.size()).c_str(),
              s.classes().size(), train::with_thousands(model.net.num_parameters()).c_str());
  std::fflush(stdout);
  train::ProgressLog line({.unit = "images", .file = stdout});
  const Index epochs_per_test = images.test.size() / inputs.size();  // for a few labels: no more testing than learning
  const train::FitOptions<float> options{.epochs = s.epochs,
                                         .clip_norm = 1,
                                         .schedule = &schedule,
                                         .average = &model.average,
                                         .validate = [&] { return test(model, images, s.workers, [](auto&&...) {}); },
                                         .validate_every = epochs_per_test > 1 ? epochs_per_test * batches.size() : 0,
                                         .checkpoint = checkpoint,
                                         .resume = s.resume,
                                         .loggers = {std::ref(line)}};
  const train::FitReport report = train::fit(model.net, adam, batches, loss, options);
  line.finish();
  if (report.stop == train::Stop::flag) {
    std::printf("stopped in epoch %lld; saved %s; resume -c %s goes on\n", static_cast<long long>(report.epoch + 1),
                s.checkpoint.c_str(), s.checkpoint.c_str());
    return 130;
  }
  std::printf("saved %s after %.1f s\n", s.checkpoint.c_str(), report.seconds);
  return 0;
}

int run_eval(Settings s) {
  s.load();
  const Images images = s.images();
  Model model(s);
  const auto average = model.load(s.checkpoint);
  metrics::PrecisionRecall found(static_cast<Index>(images.classes.size()));
  const train::Scalars all =
      test(model, images, s.workers, [&](const auto& scores, const auto& labels) { found.add(scores, labels); });
  std::printf("%lld images: accuracy %.2f %%, loss %.4f\n", static_cast<long long>(images.test.size()),
              100 * all[1].second, all[0].second);
  const std::vector<metrics::PrecisionRecallScore> classes = found.result().classes;
  for (std::size_t c = 0; c < classes.size(); ++c)
    std::printf("%12s  precision %5.1f %%  recall %5.1f %%\n", images.classes[c].c_str(), 100 * classes[c].precision,
                100 * classes[c].recall);
  return 0;
}

/// What the patches, whose mean is classified, look at, [patches below each other, side by side].
Tensor<float> looked_at(const Model& model, const std::vector<Tensor<float>>& attentions) {
  const Pair grid = model.net.vit.trained_grid();
  const Tensor<float> of_patches = mean(models::attention_rollout(attentions)[0].narrow(0, 1, grid.h * grid.w), 0);
  return of_patches.narrow(0, 1, grid.h * grid.w).reshape({grid.h, grid.w});
}

int run_predict(Settings s) {
  s.load();
  Model model(s);
  const auto average = model.load(s.checkpoint);
  const std::vector<std::string> classes = s.classes();
  const NoGradGuard no_grad;
  std::vector<Tensor<std::uint8_t>> pictures;
  int status = 0;
  for (const std::string& path : s.files) try {
      const Tensor<std::uint8_t> image = read_image(path, s.encoder.channels, s.encoder.side);
      std::vector<Tensor<float>> attentions;
      const Tensor<float> scores = model.net(to_input(image).unsqueeze(0), &attentions);
      const auto [shares, order] = sort(softmax(scores, -1)[0], -1, {.descending = true});
      std::printf("%s:", path.c_str());
      for (Index i = 0; i < (std::min)(order.numel(), Index{3}); ++i)
        std::printf("%s %s %.1f %%", i > 0 ? "," : "", classes[static_cast<std::size_t>(order.data()[i])].c_str(),
                    100 * static_cast<double>(shares.data()[i]));
      std::printf("\n");
      const Tensor<float> weights = looked_at(model, attentions);
      for (const double opacity : {0.0, 0.65})
        pictures.push_back(train::attention_overlay(image, weights, {.opacity = opacity, .scale = 8}));
    } catch (const Error& error) {
      std::fflush(stdout);
      std::fprintf(stderr, "vit: %s\n", error.what());
      status = 1;
    }
  if (s.maps.empty() || pictures.empty()) return status;
  io::write_image(s.maps, train::image_grid(stack(pictures, 0), {.columns = 2}));
  std::printf("wrote %s\n", s.maps.c_str());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  using command_line::add_number;
  Settings s;
  CLI::App app("Trains a small Vision Transformer on images, says what others show, and where it looks.");
  app.require_subcommand(1);
  CLI::App* train = app.add_subcommand("train", "Train a model; Ctrl-C saves and stops, resume goes on");
  CLI::App* resume = app.add_subcommand("resume", "Go on with a training as if there had been no stop");
  CLI::App* eval = app.add_subcommand("eval", "Accuracy on the test images, and of each class precision and recall");
  CLI::App* predict = app.add_subcommand("predict", "Say what images show, and draw where the model looks");
  const std::string data = s.data;
  for (CLI::App* sub : {train, resume, eval, predict}) {
    sub->add_option("-c,--checkpoint", s.checkpoint, "The file of weights and settings")->capture_default_str();
    if (sub == predict) continue;
    sub->add_option("-d,--data", s.data, "Fashion-MNIST's files, or a folder with a folder of images for each class");
    add_number(*sub, "--workers", s.workers, "Threads that make batches; it changes no bit", 0, 64);
  }
  train->add_option("--mae", s.mae, "Begin with the encoder that mae has pre-trained, which says its own size");
  add_number(*train, "-e,--epochs", s.epochs, "Passes over the data", 1, 10000);
  add_number(*train, "--batch-size", s.batch_size, "Images of a step", 1, 65536);
  add_number(*train, "--labels", s.labels, "Learn from so many of the images alone; 0: from all", 0, 1000000000);
  s.encoder.add_options(*train);
  add_number(*train, "--lr", s.lr, "Learning rate at its peak", 1e-6, 10.0);
  add_number(*train, "--weight-decay", s.weight_decay, "Weight decay", 0.0, 1.0);
  add_number(*train, "--smoothing", s.smoothing, "Label smoothing", 0.0, 0.9);
  add_number(*train, "--shift", s.shift, "Pixels that an image is shifted by at most", 0, 512);
  add_number(*train, "--drop-path", s.drop_path, "How often the last layer is left out for an image", 0.0, 0.9);
  train->add_option("--seed", s.seed, "Seed of everything random")->capture_default_str();
  train->add_flag("--force", s.force, "Begin anew although the checkpoint exists; it is replaced at once");
  predict->add_option("files", s.files, "PNG or JPEG files")->required();
  predict->add_option("-m,--maps", s.maps, "A picture to write: each image, and where the model looks in it");
  const auto run = [&] {
    std::error_code error;
    if (!*train && s.data == data) s.data.clear();  // where the training found it
    if (*train && !s.force && std::filesystem::is_regular_file(s.checkpoint, error))
      fail("train: ", s.checkpoint, " exists; resume goes on with it, --force replaces it");
    if (*predict) command_line::keep_apart(s.maps, s.checkpoint, "the picture would replace the checkpoint");
    if (*train) command_line::keep_apart(s.checkpoint, s.mae, "the checkpoint would replace the encoder");
    s.resume = resume->parsed();
    return *train || *resume ? run_train(s) : *eval ? run_eval(s) : run_predict(s);
  };
  return command_line::run(
      "vit", app, argc, argv, [] {}, run);
}
