// video_directions: trains a small TimeSformer that tells which way a shape moves in videos that the program draws.
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <gloss/data.hpp>
#include <gloss/gloss.hpp>
#include <gloss/io/image_file.hpp>
#include <gloss/metrics.hpp>
#include <gloss/models/timesformer.hpp>
#include <gloss/reports.hpp>
#include <gloss/train.hpp>
#include <gloss/vision.hpp>

#include "../command_line.hpp"
#include "clips.hpp"

using namespace gloss;

namespace {

using Model = models::TimesformerForVideoClassification<float>;
using Item = std::pair<Tensor<float>, std::int64_t>;  // [frames, 3, side, side] and the direction

/// What the command line asks for, and what of it a checkpoint keeps.
struct Settings {
  std::string checkpoint = "video_directions.safetensors", folder, direction = directions[0];
  Index epochs = 16, clips = 8192, batch_size = 16, frames = 8, side = 32, patch = 8, width = 32, layers = 2;
  Index test_clips = 1000, workers = 1;
  double lr = 3e-3, weight_decay = 0.01;
  std::uint64_t seed = 1;
  bool force = false, resume = false, shuffles = false;
  std::vector<std::string> folders;

  void add_to(train::Checkpoint& file) {
    file.add("epochs", epochs), file.add("clips", clips), file.add("batch_size", batch_size), file.add("seed", seed);
    file.add("frames", frames), file.add("side", side), file.add("patch", patch), file.add("width", width);
    file.add("layers", layers), file.add("lr", lr), file.add("weight_decay", weight_decay);
  }
  /// Reads those of a training. Errors: LoadError
  void load() {
    train::Checkpoint file;
    add_to(file);
    file.load(checkpoint);
    const auto within = [](Index value, Index low, Index high) { return value >= low && value <= high; };
    if (!within(epochs, 1, 10000) || !within(clips, 1, 10'000'000) || !within(batch_size, 1, 65536) ||
        !within(frames, 4, 256) || !within(side, 16, 512) || !within(patch, 2, side) || !within(width, 16, 4096) ||
        width % 16 != 0 || !within(layers, 1, 100))
      fail<LoadError>(checkpoint, ": its settings are damaged");
  }
  /// Small models learn sooner from larger first weights, and from positions and times that stand out.
  Model model() const {
    Model made({.image_size = side,
                .patch_size = patch,
                .num_frames = frames,
                .hidden_size = width,
                .num_hidden_layers = layers,
                .num_attention_heads = width / 16,
                .intermediate_size = 4 * width,
                .initializer_range = 0.15,
                .num_labels = static_cast<Index>(directions.size())});
    nn::init::normal_(made.timesformer.embeddings.position_embeddings);
    nn::init::normal_(made.timesformer.embeddings.time_embeddings);
    return made;
  }
};

Tensor<float> to_input(const Tensor<std::uint8_t>& clip) {
  return cast<float>(clip).permute({0, 3, 1, 2}).contiguous() / 127.5f - 1;
}

/// Videos of each direction in turn, drawn when they are asked for, with other draws in each epoch.
auto drawn_clips(const Settings& s, Index count, bool shuffles = false) {
  return data::LazyDataset(count, [frames = s.frames, side = s.side, shuffles](Index i) {
    const Index direction = i % static_cast<Index>(directions.size());
    const Tensor<float> clip = to_input(draw_clip(direction, frames, side));
    return Item(shuffles ? index_select(clip, 0, randperm(frames)) : clip, direction);
  });
}

/// Loss and accuracy on videos that no training draws, and what f(scores, labels) makes of each batch.
template <class F>
train::Scalars test(Model& model, const Settings& s, F f) {
  const auto loss = [&f](const Model& m, const auto& batch) {
    const auto& [x, y] = batch;
    const Tensor<float> scores = m(x);
    f(scores, y);
    return train::BatchLoss(cross_entropy(scores, y), y.size(0), scores, y);
  };
  const std::uint64_t seed = s.seed ^ 0x7465737400000000;
  return train::evaluate(
      model,
      data::Loader(drawn_clips(s, s.test_clips, s.shuffles), {.batch_size = 100, .workers = s.workers, .seed = seed}),
      loss, train::metric("accuracy", metrics::Accuracy()));
}

int run_train(Settings s) {
  if (s.resume) s.load();
  Rng rng(s.seed);
  const RngGuard use(rng);
  const train::StopFlag flag;  // heard as soon as something is shown
  Model model = s.model();
  data::Loader batches(
      drawn_clips(s, s.clips),
      {.batch_size = (std::min)(s.batch_size, s.clips), .shuffle = true, .workers = s.workers, .seed = s.seed});
  optim::Groups groups(model, optim::AdamWOptions{.lr = s.lr, .weight_decay = s.weight_decay});
  groups.where("biases and norms", [](auto, const auto& p) { return p.dim() < 2; }).weight_decay = 0;
  optim::AdamW<float> adam(groups);
  optim::OneCycleLR<float> schedule(
      adam, {.total_steps = s.epochs * batches.size(), .pct_start = 0.15, .cycle_momentum = false});
  const auto loss = [](const Model& m, const auto& batch) {
    const auto& [x, y] = batch;
    return train::BatchLoss(m.loss(x, y), y.size(0));
  };
  train::Checkpoint checkpoint(s.checkpoint);
  s.add_to(checkpoint);
  std::printf("%s videos an epoch, %zu directions, %s parameters\n", train::with_thousands(s.clips).c_str(),
              directions.size(), train::with_thousands(model.num_parameters()).c_str());
  std::fflush(stdout);
  train::ProgressLog line({.unit = "videos", .file = stdout});
  const train::FitOptions<float> options{.epochs = s.epochs,
                                         .clip_norm = 1,
                                         .schedule = &schedule,
                                         .validate = [&] { return test(model, s, [](auto&&...) {}); },
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
  std::printf("saved %s after %.1f s\n", s.checkpoint.c_str(), report.seconds);
  return 0;
}

/// The model of a checkpoint, whose settings s has been given.
Model trained(const Settings& s) {
  Model model = s.model();
  train::Checkpoint file;
  file.add("model", model);
  file.load(s.checkpoint);
  model.eval();
  return model;
}

int run_eval(Settings s) {
  s.load();
  Model model = trained(s);
  metrics::ConfusionMatrix matrix(static_cast<Index>(directions.size()));
  const train::Scalars all =
      test(model, s, [&](const auto& scores, const auto& labels) { matrix.add(scores, labels); });
  std::printf("%s videos%s: accuracy %.2f %%, loss %.4f\n", train::with_thousands(s.test_clips).c_str(),
              s.shuffles ? ", frames shuffled" : "", 100 * all[1].second, all[0].second);
  const Tensor<std::int64_t> counts = matrix.result();
  for (std::size_t i = 0; i < directions.size(); ++i) {
    std::printf("%8s is taken for", directions[i]);
    for (std::size_t j = 0; j < directions.size(); ++j)
      std::printf("%s %s %lld", j > 0 ? "," : "", directions[j],
                  static_cast<long long>(counts.at({static_cast<Index>(i), static_cast<Index>(j)})));
    std::printf("\n");
  }
  return 0;
}

/// The frames of a folder that the model sees: one of each of as many equal parts as it has frames.
Tensor<float> read_clip(const std::string& folder, const Settings& s) {
  const std::vector<std::string> files = data::frame_files(folder);
  std::vector<Tensor<std::uint8_t>> frames;
  for (const Index i : data::segment_centers(static_cast<Index>(files.size()), {.segments = s.frames})) {
    const auto image = io::read_image(files[static_cast<std::size_t>(i)], {.channels = 3});
    frames.push_back(data::resize(image, data::ImageSize(s.side)));
  }
  return to_input(stack(frames));
}

int run_predict(Settings s) {
  s.load();
  const Model model = trained(s);
  const NoGradGuard no_grad;
  int status = 0;
  for (const std::string& folder : s.folders) try {
      const Tensor<float> shares = softmax(model(read_clip(folder, s).unsqueeze(0)), -1)[0];
      const auto best = static_cast<std::size_t>(argmax(shares, -1).item());
      std::printf("%s: %s (", folder.c_str(), directions[best]);
      for (std::size_t i = 0; i < directions.size(); ++i)
        std::printf("%s%s %.1f %%", i > 0 ? ", " : "", directions[i], 100 * static_cast<double>(shares.data()[i]));
      std::printf(")\n");
    } catch (const Error& error) {
      std::fflush(stdout);
      std::fprintf(stderr, "video_directions: %s\n", error.what());
      status = 1;
    }
  return status;
}

int run_draw(const Settings& s) {
  if (std::filesystem::exists(s.folder)) fail("draw: ", s.folder, " exists");
  const auto direction = std::find(directions.begin(), directions.end(), s.direction) - directions.begin();
  Rng rng(s.seed);
  const RngGuard use(rng);
  const Tensor<std::uint8_t> clip = draw_clip(direction, s.frames, s.side);
  std::filesystem::create_directories(s.folder);
  for (Index t = 0; t < s.frames; ++t) io::write_image(s.folder + "/frame" + std::to_string(t) + ".png", clip[t]);
  std::printf("%s: %lld frames of a shape that moves %s\n", s.folder.c_str(), static_cast<long long>(s.frames),
              s.direction.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  using command_line::add_number;
  Settings s;
  CLI::App app("Trains a small TimeSformer that tells which way a shape moves, in videos that it draws itself.");
  app.require_subcommand(1);
  CLI::App* train = app.add_subcommand("train", "Train a model; Ctrl-C saves and stops, resume goes on");
  CLI::App* resume = app.add_subcommand("resume", "Go on with a training as if there had been no stop");
  CLI::App* eval = app.add_subcommand("eval", "Accuracy on videos that were not trained with");
  CLI::App* predict = app.add_subcommand("predict", "Say which way the shape moves in folders of frames");
  CLI::App* draw = app.add_subcommand("draw", "Write the frames of a video into a new folder");
  for (CLI::App* sub : {train, resume, eval, predict}) {
    sub->add_option("-c,--checkpoint", s.checkpoint, "The file of weights and settings")->capture_default_str();
    if (sub == predict) continue;
    add_number(*sub, "--workers", s.workers, "Threads that draw videos; it changes no bit", 0, 64);
    add_number(*sub, "--test-clips", s.test_clips, "Videos to test with", 1, 1000000);
  }
  add_number(*train, "-e,--epochs", s.epochs, "Epochs", 1, 10000);
  add_number(*train, "--clips", s.clips, "Videos of an epoch, all of them new", 1, 10000000);
  add_number(*train, "--batch-size", s.batch_size, "Videos of a step", 1, 65536);
  add_number(*train, "--patch", s.patch, "Height and width of a patch", 2, 512);
  add_number(*train, "--width", s.width, "Width of the model, a multiple of 16", 16, 4096);
  add_number(*train, "--layers", s.layers, "Layers", 1, 100);
  add_number(*train, "--lr", s.lr, "Learning rate at its peak", 1e-6, 10.0);
  add_number(*train, "--weight-decay", s.weight_decay, "Weight decay", 0.0, 1.0);
  train->add_flag("--force", s.force, "Begin anew although the checkpoint exists; it is replaced at once");
  for (CLI::App* sub : {train, draw}) {
    add_number(*sub, "--frames", s.frames, "Frames of a video", 4, 256);
    add_number(*sub, "--side", s.side, "Height and width of a frame", 16, 512);
    sub->add_option("--seed", s.seed, "Seed of everything random")->capture_default_str();
  }
  eval->add_flag("--shuffle-frames", s.shuffles, "Put the frames of each video in random order");
  predict->add_option("folders", s.folders, "Folders of PNG or JPEG files")->required();
  draw->add_option("folder", s.folder, "The folder")->required();
  draw->add_option("--direction", s.direction, "right, left, down or up")
      ->check(CLI::IsMember(std::vector<std::string>(directions.begin(), directions.end())))
      ->capture_default_str();
  const auto parsed = [&] {
    if (s.width % 16 != 0) throw CLI::ValidationError("--width", "is not a multiple of 16");
    if (s.patch > s.side) throw CLI::ValidationError("--patch", "is larger than --side");
  };
  const auto run = [&] {
    std::error_code error;
    if (*train && !s.force && std::filesystem::is_regular_file(s.checkpoint, error))
      fail("train: ", s.checkpoint, " exists; resume goes on with it, --force replaces it");
    s.resume = resume->parsed();
    return *train || *resume ? run_train(s) : *eval ? run_eval(s) : *predict ? run_predict(s) : run_draw(s);
  };
  return command_line::run("video_directions", app, argc, argv, parsed, run);
}
