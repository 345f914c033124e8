// mae: pre-trains the encoder of vit on images without their labels, and shows what it fills in.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/reports.hpp>

#include "../image_classifier/images.hpp"
#include "../vit/encoder.hpp"

using namespace gloss;

namespace {

/// What the command line asks for, and what of it a checkpoint keeps.
struct Settings {
  std::string data = "/usr/share/datasets/fashion-mnist", checkpoint = "mae.safetensors", picture = "mae.png";
  std::vector<std::string> files;
  Encoder encoder;
  Index epochs = 10, batch_size = 128, examples = 0, workers = 1, count = 16;
  double lr = 1.5e-3, weight_decay = 0.05;
  std::uint64_t seed = 1;
  bool force = false, resume = false;

  void add_to(train::Checkpoint& file) {
    encoder.add_to(file);
    file.add("data", data), file.add("epochs", epochs), file.add("batch_size", batch_size), file.add("lr", lr);
    file.add("weight_decay", weight_decay), file.add("seed", seed), file.add("examples", examples);
  }
  /// Reads those of a training. Errors: LoadError
  void load() {
    const std::string moved = data;
    train::Checkpoint file;
    add_to(file);
    file.load(checkpoint);
    encoder.check(checkpoint);
    if (epochs < 1 || batch_size < 1) fail<LoadError>(checkpoint, ": its settings are damaged");
    if (!moved.empty()) data = moved;
  }
  /// Errors: LoadError when a checkpoint is of other images.
  Images images() {
    Images found = load_images(data, encoder.side);
    if (encoder.channels > 0 && (found.channels != encoder.channels || found.train.size() != examples))
      fail<LoadError>(checkpoint, ": was trained on other images than those of ", data);
    encoder.channels = found.channels, examples = found.train.size();
    return found;
  }
};

using Mae = models::ViTMAEForPreTraining<float>;

/// The loss on the test images.
train::Scalars test(Mae& model, const Images& images, Index workers) {
  const data::Map inputs(images.test, [](const Sample& s) { return to_input(std::get<0>(s)); });
  const auto loss = [](const Mae& net, const Tensor<float>& x) { return train::BatchLoss(net.loss(x), x.size(0)); };
  return train::evaluate(model, data::Loader(inputs, {.batch_size = 250, .workers = workers}), loss);
}

int run_train(Settings s) {
  if (s.resume) s.load();
  const Images images = s.images();
  Rng rng(s.seed);
  const RngGuard use(rng);
  const train::StopFlag flag;  // heard as soon as something is shown
  Mae model(s.encoder.mae());
  const auto augment = augmentation(s.encoder.side, s.encoder.side / 14);
  const data::Map inputs(images.train,
                         [&](const Sample& sample, Rng& draws) { return augment(std::get<0>(sample), draws); });
  data::Loader batches(inputs, {.batch_size = s.batch_size, .shuffle = true, .workers = s.workers, .seed = s.seed});
  auto adam = adamw(model, s.lr, s.weight_decay);
  optim::OneCycleLR<float> schedule(
      adam, {.total_steps = s.epochs * batches.size(), .pct_start = 0.1, .cycle_momentum = false});
  const auto loss = [](const Mae& net, const Tensor<float>& x) { return train::BatchLoss(net.loss(x), x.size(0)); };
  train::Checkpoint checkpoint(s.checkpoint);
  s.add_to(checkpoint);
  std::printf("%s images to learn from, %s to test with, %s parameters\n",
              train::with_thousands(images.train.size()).c_str(), train::with_thousands(images.test.size()).c_str(),
              train::with_thousands(model.num_parameters()).c_str());
  std::fflush(stdout);
  train::ProgressLog line({.unit = "images", .file = stdout});
  const train::FitOptions<float> options{.epochs = s.epochs,
                                         .clip_norm = 1,
                                         .schedule = &schedule,
                                         .validate = [&] { return test(model, images, s.workers); },
                                         .checkpoint = checkpoint,
                                         .resume = s.resume,
                                         .loggers = {std::ref(line)}};
  const train::FitReport report = train::fit(model, adam, batches, loss, options);
  line.finish();
  if (report.stop == train::Stop::flag) {
    std::printf("stopped in epoch %lld; saved %s; resume -c %s goes on\n", static_cast<long long>(report.epoch + 1),
                s.checkpoint.c_str(), s.checkpoint.c_str());
    return 130;
  }
  std::printf("saved %s after %.1f s; vit train --mae %s begins with its encoder\n", s.checkpoint.c_str(),
              report.seconds, s.checkpoint.c_str());
  return 0;
}

/// Each image masked, reconstructed and as it is.
int run_show(Settings s) {
  s.load();
  Mae model(s.encoder.mae());
  train::Checkpoint file;
  file.add("model", model);
  file.load(s.checkpoint);
  model.eval();
  std::vector<Tensor<float>> inputs;
  for (const std::string& path : s.files)
    inputs.push_back(to_input(read_image(path, s.encoder.channels, s.encoder.side)));
  if (s.files.empty()) {
    const Images images = s.images();
    for (Index i = 0; i < (std::min)(s.count, images.test.size()); ++i)
      inputs.push_back(to_input(std::get<0>(images.test.get(i))));
  }
  const NoGradGuard no_grad;
  Rng rng(s.seed);
  const RngGuard use(rng);
  const Tensor<float> x = stack(inputs, 0);
  const auto said = model(x);
  const auto shown = model.pictures(x, said);
  const Shape whole = shown.masked.shape();  // of whole patches
  std::vector<Tensor<float>> pictures;
  for (const Tensor<float>& p : {shown.masked, shown.reconstructed, x.narrow(2, 0, whole[2]).narrow(3, 0, whole[3])})
    pictures.push_back(p * 0.5 + 0.5);
  io::write_image(s.picture, train::image_columns(pictures, {.columns = 2, .scale = 3}));
  std::printf("loss %.4f of %lld images; wrote %s\n", static_cast<double>(model.loss(x, said).item()),
              static_cast<long long>(x.size(0)), s.picture.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  using command_line::add_number;
  Settings s;
  CLI::App app("Pre-trains the encoder of vit on images without their labels, and shows what it fills in.");
  app.require_subcommand(1);
  CLI::App* train = app.add_subcommand("train", "Train a model; Ctrl-C saves and stops, resume goes on");
  CLI::App* resume = app.add_subcommand("resume", "Go on with a training as if there had been no stop");
  CLI::App* show = app.add_subcommand("show", "Draw images masked, reconstructed and as they are");
  const std::string data = s.data;
  for (CLI::App* sub : {train, resume, show}) {
    sub->add_option("-c,--checkpoint", s.checkpoint, "The file of weights and settings")->capture_default_str();
    sub->add_option("-d,--data", s.data, "Fashion-MNIST's files, or a folder with a folder of images for each class");
    add_number(*sub, "--workers", s.workers, "Threads that make batches; it changes no bit", 0, 64);
  }
  add_number(*train, "-e,--epochs", s.epochs, "Passes over the data", 1, 10000);
  add_number(*train, "--batch-size", s.batch_size, "Images of a step", 1, 65536);
  s.encoder.add_options(*train);
  add_number(*train, "--lr", s.lr, "Learning rate at its peak", 1e-6, 10.0);
  add_number(*train, "--weight-decay", s.weight_decay, "Weight decay", 0.0, 1.0);
  train->add_option("--seed", s.seed, "Seed of everything random")->capture_default_str();
  train->add_flag("--force", s.force, "Begin anew although the checkpoint exists; it is replaced at once");
  show->add_option("files", s.files, "PNG or JPEG files; without, images of the test");
  add_number(*show, "-n,--count", s.count, "How many images of the test", 1, 1000);
  show->add_option("-o,--output", s.picture, "The picture to write")->capture_default_str();
  const auto run = [&] {
    std::error_code error;
    if (!*train && s.data == data) s.data.clear();  // where the training found it
    if (*train && !s.force && std::filesystem::is_regular_file(s.checkpoint, error))
      fail("train: ", s.checkpoint, " exists; resume goes on with it, --force replaces it");
    if (*show) command_line::keep_apart(s.picture, s.checkpoint, "the picture would replace the checkpoint");
    s.resume = resume->parsed();
    return *train || *resume ? run_train(s) : run_show(s);
  };
  return command_line::run(
      "mae", app, argc, argv, [] {}, run);
}
