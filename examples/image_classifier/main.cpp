// image_classifier: trains a small ResNet on images and says what others show.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/metrics.hpp>
#include <gloss/reports.hpp>
#include <gloss/train.hpp>

#include "../command_line.hpp"
#include "images.hpp"
#include "resnet.hpp"

using namespace gloss;

namespace {

/// What the command line asks for, and what of it a checkpoint keeps.
struct Settings {
  std::string data = "/usr/share/datasets/fashion-mnist", checkpoint = "image_classifier.safetensors";
  std::string report = "image_classifier.html";
  std::vector<std::string> files;
  Index epochs = 6, batch_size = 128, width = 16, side = 28, shift = 0, workers = 1;
  double lr = 0.2, weight_decay = 5e-4, smoothing = 0.1;
  std::uint64_t seed = 1;
  bool force = false, resume = false;
  std::string class_lines;  // the names of the classes
  Index channels = 0, examples = 0;

  std::vector<std::string> classes() const {
    std::vector<std::string> names;
    for (std::size_t from = 0, to; (to = class_lines.find('\n', from)) != std::string::npos; from = to + 1)
      names.push_back(class_lines.substr(from, to - from));
    return names;
  }
  void add_to(train::Checkpoint& file) {
    file.add("data", data), file.add("epochs", epochs), file.add("batch_size", batch_size), file.add("width", width);
    file.add("side", side), file.add("lr", lr), file.add("weight_decay", weight_decay), file.add("seed", seed);
    file.add("smoothing", smoothing), file.add("shift", shift), file.add("classes", class_lines);
    file.add("channels", channels), file.add("examples", examples);
  }
  /// Reads those of a training. Errors: LoadError
  void load() {
    const std::string moved = data;
    train::Checkpoint file;
    add_to(file);
    file.load(checkpoint);
    const auto within = [](Index value, Index low, Index high) { return value >= low && value <= high; };
    if (!within(width, 1, 1024) || !within(side, 8, 512) || !within(epochs, 1, 10000) || !within(channels, 1, 4) ||
        !within(batch_size, 2, 65536) || !within(shift, 0, 512) || class_lines.empty())
      fail<LoadError>(checkpoint, ": its settings are damaged");
    if (!moved.empty()) data = moved;
  }
  /// Errors: LoadError when a checkpoint is of other images.
  Images images() {
    Images found = load_images(data, side);
    std::string lines;
    for (const std::string& name : found.classes) lines += name + "\n";
    if (channels > 0 && (lines != class_lines || found.train.size() != examples))
      fail<LoadError>(checkpoint, ": was trained on other images than those of ", data);
    class_lines = lines, channels = found.channels, examples = found.train.size();
    return found;
  }
};

/// A model and the average of its weights, which is what answers.
struct Model {
  ResNet<float> net;
  train::WeightAverage<float> average{net, {.decay = 0.998, .warmup = true, .buffers = true}};

  explicit Model(const Settings& s) : net(s.channels, s.width, static_cast<Index>(s.classes().size())) {}
  /// Reads it; the average takes the place of the weights.
  train::WeightAverage<float>::Swapped load(const std::string& path) {
    train::Checkpoint file;
    file.add("model", net), file.add("average", average);
    file.load(path);
    net.eval();
    return average.swap_in();
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
  if (s.resume) s.load();
  const Images images = s.images();
  Rng rng(s.seed);
  const RngGuard use(rng);
  Model model(s);
  const auto augment = augmentation(s.side, s.shift);
  const data::Map inputs(images.train, [&](const Sample& sample, Rng& draws) {
    return std::pair(augment(std::get<0>(sample), draws), std::get<1>(sample));
  });
  data::Loader batches(inputs, {.batch_size = (std::min)(s.batch_size, images.train.size()),
                                .shuffle = true,
                                .drop_last = true,  // batch normalisation wants more than an image or two
                                .workers = s.workers,
                                .seed = s.seed});
  optim::SGD<float> sgd(model.net.parameters(),
                        {.lr = s.lr, .momentum = 0.9, .weight_decay = s.weight_decay, .nesterov = true});
  optim::OneCycleLR<float> schedule(
      sgd, {.total_steps = s.epochs * batches.size(), .max_lr = s.lr, .pct_start = 0.25, .cycle_momentum = false});
  const auto loss = [&](const auto& net, const auto& batch) {
    const auto& [x, y] = batch;
    return train::BatchLoss(cross_entropy(net(x), y, {.label_smoothing = s.smoothing}), y.size(0));
  };
  train::Checkpoint checkpoint(s.checkpoint);
  s.add_to(checkpoint);
  const train::StopFlag flag;  // heard as soon as something is shown
  std::printf("%s images to learn from, %s to test with, %zu classes, %s parameters\n",
              train::with_thousands(images.train.size()).c_str(), train::with_thousands(images.test.size()).c_str(),
              s.classes().size(), train::with_thousands(model.net.num_parameters()).c_str());
  std::fflush(stdout);
  train::ProgressLog line({.unit = "images", .file = stdout});
  const train::FitOptions<float> options{.epochs = s.epochs,
                                         .schedule = &schedule,
                                         .average = &model.average,
                                         .validate = [&] { return test(model, images, s.workers, [](auto&&...) {}); },
                                         .checkpoint = checkpoint,
                                         .resume = s.resume,
                                         .loggers = {std::ref(line)}};
  const train::FitReport report = train::fit(model.net, sgd, batches, loss, options);
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

int run_predict(Settings s) {
  s.load();
  Model model(s);
  const auto average = model.load(s.checkpoint);
  const std::vector<std::string> classes = s.classes();
  const NoGradGuard no_grad;
  int status = 0;
  for (const std::string& path : s.files) try {
      const Tensor<float> x = to_input(read_image(path, s.channels, s.side));
      const auto [shares, order] = sort(softmax(model.net(x.unsqueeze(0)), -1)[0], -1, {.descending = true});
      std::printf("%s:", path.c_str());
      for (Index i = 0; i < (std::min)(order.numel(), Index{3}); ++i)
        std::printf("%s %s %.1f %%", i > 0 ? "," : "", classes[static_cast<std::size_t>(order.data()[i])].c_str(),
                    100 * static_cast<double>(shares.data()[i]));
      std::printf("\n");
    } catch (const Error& error) {
      std::fflush(stdout);
      std::fprintf(stderr, "image_classifier: %s\n", error.what());
      status = 1;
    }
  return status;
}

int run_report(Settings s) {
  s.load();
  const Images images = s.images();
  Model model(s);
  const auto average = model.load(s.checkpoint);
  metrics::ConfusionMatrix matrix(static_cast<Index>(images.classes.size()));
  std::vector<train::ReportImage> mistakes;
  Index at = 0;
  const train::Scalars all = test(model, images, s.workers, [&](const Tensor<float>& scores, const auto& labels) {
    matrix.add(scores, labels);
    const Tensor<std::int64_t> said = argmax(scores, -1);
    for (Index i = 0; i < labels.numel(); ++i, ++at) {
      const auto right = static_cast<std::size_t>(labels.data()[i]), wrong = static_cast<std::size_t>(said.data()[i]);
      if (right != wrong && mistakes.size() < 24)
        mistakes.push_back({io::encode_png(std::get<0>(images.test.get(at))),
                            images.classes[right] + ", taken for " + images.classes[wrong]});
    }
  });
  train::History history;
  for (const train::Event& event : train::read_events(s.checkpoint)) history(event);
  train::Report page("image_classifier", "A small ResNet, trained on " + s.data);
  page.fact("accuracy on " + train::with_thousands(images.test.size()) + " test images", std::to_string(all[1].second));
  page.fact("parameters", train::with_thousands(model.net.num_parameters()));
  page.history("Training", history);
  page.picture("What is taken for what",
               train::render_confusion_svg({.counts = matrix.result(), .classes = images.classes}));
  page.images("Mistakes", mistakes);
  page.preformatted("Model", nn::summary(model.net, to_input(std::get<0>(images.test.get(0))).unsqueeze(0)));
  page.save(s.report);
  std::printf("wrote %s\n", s.report.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  using command_line::add_number;
  Settings s;
  CLI::App app("Trains a small ResNet on images and says what others show.");
  app.require_subcommand(1);
  CLI::App* train = app.add_subcommand("train", "Train a model; Ctrl-C saves and stops, resume goes on");
  CLI::App* resume = app.add_subcommand("resume", "Go on with a training as if there had been no stop");
  CLI::App* eval = app.add_subcommand("eval", "Accuracy on the test images, and of each class precision and recall");
  CLI::App* predict = app.add_subcommand("predict", "Say what images show");
  CLI::App* report = app.add_subcommand("report", "Write curves, confusions and mistakes as a page");
  const std::string data = s.data;
  for (CLI::App* sub : {train, resume, eval, predict, report}) {
    sub->add_option("-c,--checkpoint", s.checkpoint, "The file of weights and settings")->capture_default_str();
    if (sub == predict) continue;
    sub->add_option("-d,--data", s.data, "Fashion-MNIST's files, or a folder with a folder of images for each class");
    add_number(*sub, "--workers", s.workers, "Threads that make batches; it changes no bit", 0, 64);
  }
  add_number(*train, "-e,--epochs", s.epochs, "Passes over the data", 1, 10000);
  add_number(*train, "--batch-size", s.batch_size, "Images of a step", 2, 65536);
  add_number(*train, "--width", s.width, "Channels of the first layer; the last has 8 times them", 1, 1024);
  add_number(*train, "--side", s.side, "Height and width that images are scaled to", 8, 512);
  add_number(*train, "--shift", s.shift, "Pixels that an image is shifted by at most", 0, 512);
  add_number(*train, "--lr", s.lr, "Learning rate at its peak", 1e-6, 10.0);
  add_number(*train, "--weight-decay", s.weight_decay, "Weight decay", 0.0, 1.0);
  add_number(*train, "--smoothing", s.smoothing, "Label smoothing", 0.0, 0.9);
  train->add_option("--seed", s.seed, "Seed of everything random")->capture_default_str();
  train->add_flag("--force", s.force, "Begin anew although the checkpoint exists; it is replaced at once");
  predict->add_option("files", s.files, "PNG or JPEG files")->required();
  report->add_option("-o,--output", s.report, "The page to write")->capture_default_str();
  const auto run = [&] {
    std::error_code error;
    if (!*train && s.data == data) s.data.clear();  // where the training found it
    if (*train && !s.force && std::filesystem::is_regular_file(s.checkpoint, error))
      fail("train: ", s.checkpoint, " exists; resume goes on with it, --force replaces it");
    if (*report) command_line::keep_apart(s.report, s.checkpoint, "the page would replace the checkpoint");
    s.resume = resume->parsed();
    return *train || *resume ? run_train(s) : *eval ? run_eval(s) : *predict ? run_predict(s) : run_report(s);
  };
  return command_line::run(
      "image_classifier", app, argc, argv, [] {}, run);
}
