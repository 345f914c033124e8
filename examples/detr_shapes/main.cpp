// detr_shapes: trains a small DETR on pictures that it draws itself, and finds the shapes on others.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <gloss/data.hpp>
#include <gloss/data/images.hpp>
#include <gloss/gloss.hpp>
#include <gloss/io/image_file.hpp>
#include <gloss/metrics.hpp>
#include <gloss/models/detr.hpp>
#include <gloss/reports.hpp>
#include <gloss/train.hpp>

#include "../command_line.hpp"
#include "shapes.hpp"

using namespace gloss;
using Detr = models::DetrForObjectDetection<float>;
using Target = models::DetrTarget<float>;

namespace {

/// What the command line asks for, and what of it a checkpoint keeps.
struct Settings {
  std::string checkpoint = "detr_shapes.safetensors", file, output = "found.png";
  Index epochs = 60, epoch_size = 4096, batch_size = 16, side = 64, most = 4, width = 64, queries = 10;
  Index pictures = 0, test_size = 500, workers = 1, scale = 6;
  double lr = 5e-4, threshold = 0.7;
  std::uint64_t seed = 1;
  bool force = false, resume = false, seen = false;

  void add_to(train::Checkpoint& file_of) {
    file_of.add("epochs", epochs), file_of.add("epoch_size", epoch_size), file_of.add("batch_size", batch_size);
    file_of.add("side", side), file_of.add("most", most), file_of.add("width", width);
    file_of.add("queries", queries), file_of.add("pictures", pictures), file_of.add("lr", lr);
    file_of.add("seed", seed);
  }
  /// Reads those of a training. Errors: LoadError
  void load() {
    train::Checkpoint stored;
    add_to(stored);
    stored.load(checkpoint);
    const auto within = [](Index value, Index low, Index high) { return value >= low && value <= high; };
    if (!within(width, 8, 1024) || width % 8 != 0 || !within(side, 16, 512) || !within(most, 1, 50) ||
        !within(queries, most, 200) || !within(epochs, 1, 100000) || !within(batch_size, 2, 4096) ||
        !within(epoch_size, batch_size, 10000000) || pictures < 0)
      fail<LoadError>(checkpoint, ": its settings are damaged");
  }
  /// A picture to learn from, or, with a number below 0, to be tested with.
  shapes::Scene scene(Index number) const {
    Rng rng(seed, static_cast<std::uint64_t>(number));
    return shapes::draw_scene(side, most, rng);
  }
  models::DetrConfig model() const {
    return {.backbone_config = {.resnet = {.embedding_size = width / 2,
                                           .hidden_sizes = {width, 2 * width},  // a map of an 8th of the side
                                           .depths = {1, 1},
                                           .layer_type = "basic",
                                           .zero_init_residual = true}},
            .num_queries = queries,
            .d_model = width,
            .encoder_layers = 2,
            .encoder_ffn_dim = 3 * width,
            .encoder_attention_heads = 4,
            .decoder_layers = 3,
            .decoder_ffn_dim = 3 * width,
            .decoder_attention_heads = 4,
            .dropout = 0,
            .auxiliary_loss = true,
            .eos_coefficient = 0.2,
            .num_labels = static_cast<Index>(shapes::names.size()),
            .frozen_batch_norm = false,
            .temperature = 20,
            .feeds_normed_layers = false};
  }
};

/// A model and the average of its weights, which is what answers.
struct Model {
  Detr net;
  train::WeightAverage<float> average{net, {.decay = 0.998, .warmup = true, .buffers = true}};

  explicit Model(const Settings& s) : net(s.model()) {}
  /// Reads it; the average takes the place of the weights.
  train::WeightAverage<float>::Swapped load(const std::string& path) {
    train::Checkpoint file;
    file.add("model", net), file.add("average", average);
    file.load(path);
    net.eval();
    return average.swap_in();
  }
};

const data::Compose to_input(data::ToTensor<float>(), data::Normalize({0.5}, {0.25}));

/// The pictures of these numbers: from 0 on, or, for the test, from -1 on downwards.
auto items(const Settings& s, Index size, bool test) {
  return data::LazyDataset(size, [s, test](Index i, Rng& rng) {
    const bool fresh = !test && s.pictures == 0;
    const shapes::Scene scene =
        fresh ? shapes::draw_scene(s.side, s.most, rng) : s.scene(test ? -1 - i : i % s.pictures);
    return std::pair(to_input(scene.image), Target{scene.labels, scene.boxes});
  });
}

/// Loss and average precision, AP50 as well, of these pictures.
train::Scalars test(const Settings& s, Detr& net, bool test_pictures) {
  metrics::BoxAveragePrecision precision(static_cast<Index>(shapes::names.size()));
  const auto loss = [&](const Detr& model, const auto& batch) {
    const auto& [x, targets] = batch;
    const auto all = model.predictions({x});
    const auto found = models::detr_detections(all[0], {}, 0);
    for (std::size_t i = 0; i < targets.size(); ++i)
      precision.add(found[i].boxes, found[i].scores, found[i].labels,
                    box_convert(targets[i].boxes, BoxFormat::cxcywh, BoxFormat::xyxy), targets[i].class_labels);
    return train::BatchLoss(models::detr_loss(all, targets, model.config.weights()), x.size(0));
  };
  const Index size = test_pictures ? s.test_size : s.pictures;
  train::Scalars out =
      train::evaluate(net, data::Loader(items(s, size, test_pictures), {.batch_size = 50, .workers = s.workers}), loss);
  const metrics::BoxPrecisionReport report = precision.result();
  out.emplace_back("AP50", report.ap50), out.emplace_back("AP", report.ap);
  return out;
}

int run_train(Settings s) {
  if (s.resume) s.load();
  Rng rng(s.seed);
  const RngGuard use(rng);
  const train::StopFlag flag;  // heard as soon as something is shown
  Model model(s);
  data::Loader batches(items(s, s.epoch_size, false), {.batch_size = s.batch_size,
                                                       .drop_last = true,  // for batch normalisation
                                                       .workers = s.workers,
                                                       .seed = s.seed});
  optim::AdamW<float> adam(model.net.parameters(), {.lr = s.lr, .weight_decay = 1e-4});
  optim::OneCycleLR<float> schedule(
      adam, {.total_steps = s.epochs * batches.size(), .max_lr = s.lr, .pct_start = 0.1, .cycle_momentum = false});
  const auto loss = [](const Detr& net, const auto& batch) {
    const auto& [x, targets] = batch;
    return train::BatchLoss(net.loss({x}, targets), x.size(0));
  };
  train::Checkpoint checkpoint(s.checkpoint);
  s.add_to(checkpoint);
  std::printf("%s pictures of %lld x %lld pixels, %s parameters, %zu kinds of shapes\n",
              train::with_thousands(s.epochs * batches.size() * s.batch_size).c_str(), static_cast<long long>(s.side),
              static_cast<long long>(s.side), train::with_thousands(model.net.num_parameters()).c_str(),
              shapes::names.size());
  std::fflush(stdout);
  train::ProgressLog line({.unit = "pictures", .file = stdout});
  const train::FitOptions<float> options{.epochs = s.epochs,
                                         .clip_norm = 1,
                                         .schedule = &schedule,
                                         .average = &model.average,
                                         .validate = [&] { return test(s, model.net, s.pictures == 0); },
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
  if (s.seen && s.pictures == 0) fail("eval: the training saw no picture twice, so that --seen has nothing to show");
  Model model(s);
  const auto average = model.load(s.checkpoint);
  const train::Scalars all = test(s, model.net, !s.seen);
  std::printf("%lld pictures: AP50 %.3f, AP %.3f, loss %.3f\n",
              static_cast<long long>(s.seen ? s.pictures : s.test_size), all[1].second, all[2].second, all[0].second);
  return 0;
}

int run_predict(Settings s) {
  s.load();
  Model model(s);
  const auto average = model.load(s.checkpoint);
  const NoGradGuard no_grad;
  const Tensor<std::uint8_t> image = io::read_image(s.file, {.channels = 3});
  const Tensor<float> x = to_input(data::resize(image, {s.side, s.side}));
  const auto prediction = model.net({x.unsqueeze(0)});
  const auto size = Tensor<std::int64_t>{{image.size(0), image.size(1)}};
  const models::Detections<float> found = models::detr_detections(prediction, size, s.threshold)[0];
  for (Index i = 0; i < found.labels.numel(); ++i)
    std::printf("%s %.0f %% from (%.0f, %.0f) to (%.0f, %.0f)\n",
                shapes::names[static_cast<std::size_t>(found.labels.data()[i])].c_str(),
                100 * static_cast<double>(found.scores.data()[i]), static_cast<double>(found.boxes.at({i, 0})),
                static_cast<double>(found.boxes.at({i, 1})), static_cast<double>(found.boxes.at({i, 2})),
                static_cast<double>(found.boxes.at({i, 3})));
  const train::BoxPictureOptions options{
      .boxes = found.boxes, .labels = found.labels, .scores = found.scores, .classes = shapes::names, .scale = s.scale};
  if (s.output.ends_with(".svg"))
    io::write_file_atomically(s.output,
                              train::render_boxes_svg(io::encode_png(image), image.size(0), image.size(1), options));
  else
    io::write_image(s.output, train::draw_boxes(image, options));
  std::printf("wrote %s\n", s.output.c_str());
  return 0;
}

int run_draw(const Settings& s) {
  io::write_image(s.output, s.scene(-1).image);
  std::printf("wrote %s\n", s.output.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  using command_line::add_number;
  Settings s;
  CLI::App app("Trains a small DETR on pictures that it draws itself, and finds the shapes on others.");
  app.require_subcommand(1);
  CLI::App* train = app.add_subcommand("train", "Train a model; Ctrl-C saves and stops, resume goes on");
  CLI::App* resume = app.add_subcommand("resume", "Go on with a training as if there had been no stop");
  CLI::App* eval = app.add_subcommand("eval", "Average precision on pictures that the training has not seen");
  CLI::App* predict = app.add_subcommand("predict", "Find the shapes on a picture, and draw boxes around them");
  CLI::App* draw = app.add_subcommand("draw", "Draw a picture with shapes");
  for (CLI::App* sub : {train, resume, eval, predict})
    sub->add_option("-c,--checkpoint", s.checkpoint, "The file of weights and settings")->capture_default_str();
  for (CLI::App* sub : {train, resume, eval})
    add_number(*sub, "--workers", s.workers, "Threads that draw pictures; it changes no bit", 0, 64);
  for (CLI::App* sub : {train, resume, eval})
    add_number(*sub, "--test-size", s.test_size, "Pictures to test with", 1, 1000000);
  for (CLI::App* sub : {train, draw}) {
    add_number(*sub, "--side", s.side, "Height and width of the pictures", 16, 512);
    add_number(*sub, "--most", s.most, "Shapes on a picture, at most", 1, 50);
    sub->add_option("--seed", s.seed, "Seed of everything random")->capture_default_str();
  }
  add_number(*train, "-e,--epochs", s.epochs, "Tests, and checkpoints, in the training", 1, 100000);
  add_number(*train, "--epoch-size", s.epoch_size, "Pictures between two of them", 2, 10000000);
  add_number(*train, "--batch-size", s.batch_size, "Pictures of a step", 2, 4096);
  add_number(*train, "--pictures", s.pictures, "Learn from so many, over and over; 0: no picture twice", 0, 10000000);
  add_number(*train, "--width", s.width, "Width of the Transformer, a multiple of 8", 8, 1024);
  add_number(*train, "--queries", s.queries, "Objects that can be found on a picture", 1, 200);
  add_number(*train, "--lr", s.lr, "Learning rate at its peak", 1e-6, 1.0);
  train->add_flag("--force", s.force, "Begin anew although the checkpoint exists; it is replaced at once");
  eval->add_flag("--seen", s.seen, "On the pictures of the training, where --pictures said how many");
  predict->add_option("file", s.file, "A PNG or JPEG file")->required();
  add_number(*predict, "--threshold", s.threshold, "How sure it must be", 0.0, 1.0);
  add_number(*predict, "--scale", s.scale, "Each pixel is drawn as a square of so many", 1, 64);
  predict->add_option("-o,--output", s.output, "The picture to write: .png, .jpg or .svg")->capture_default_str();
  draw->add_option("-o,--output", s.output, "The picture to write: .png or .jpg")->capture_default_str();
  const auto parsed = [&] {
    if (*train && s.width % 8 != 0) throw CLI::ValidationError("--width", "must be a multiple of 8");
    if (*train && s.queries < s.most) throw CLI::ValidationError("--queries", "must be at least --most");
    if (*train && s.epoch_size < s.batch_size) throw CLI::ValidationError("--epoch-size", "is below --batch-size");
  };
  const auto run = [&] {
    std::error_code error;
    if (*train && !s.force && std::filesystem::is_regular_file(s.checkpoint, error))
      fail("train: ", s.checkpoint, " exists; resume goes on with it, --force replaces it");
    if (*predict) command_line::keep_apart(s.output, s.checkpoint, "the picture would replace the checkpoint");
    if (*predict) command_line::keep_apart(s.output, s.file, "the picture would replace the one that is read");
    s.resume = resume->parsed();
    return *train || *resume ? run_train(s) : *eval ? run_eval(s) : *predict ? run_predict(s) : run_draw(s);
  };
  return command_line::run("detr_shapes", app, argc, argv, parsed, run);
}
