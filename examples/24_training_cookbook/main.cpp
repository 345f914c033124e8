// The cookbook's second part: idioms of models and of training. docs/cookbook.md shows them one by one.
#include <filesystem>
#include <gloss/data.hpp>
#include <gloss/gloss.hpp>
#include <gloss/io/module_file.hpp>
#include <gloss/iostream.hpp>
#include <gloss/metrics.hpp>
#include <gloss/nn/summary.hpp>
#include <gloss/reports.hpp>
#include <gloss/tensor/profile.hpp>
#include <gloss/train.hpp>
#include <gloss/vision.hpp>
#include <iostream>

using namespace gloss;
using std::cout;
using Ids = Tensor<std::int64_t>;

namespace {

/// Stands for any network: pictures of 3 channels to the scores of classes.
struct Net final : nn::Module<float> {
  using Layer = nn::Sequential<float, nn::Conv2d<float>, nn::BatchNorm2d<float>, nn::ReLU<float>>;
  Layer layer1, layer2;
  nn::Linear<float> fc;

  explicit Net(Index classes = 10)
      : layer1{nn::Conv2d<float>(3, 8, 3, {.padding = 1}), nn::BatchNorm2d<float>(8), nn::ReLU<float>()},
        layer2{nn::Conv2d<float>(8, 16, 3, {.stride = 2, .padding = 1}), nn::BatchNorm2d<float>(16), nn::ReLU<float>()},
        fc(16, classes) {}
  Tensor<float> features(const Tensor<float>& x) const { return adaptive_avg_pool2d(layer2(layer1(x)), 1).flatten(1); }
  Tensor<float> operator()(const Tensor<float>& x) const { return output(fc(features(x))); }
  void visit(nn::Visitor<float>& v) override { v("layer1", layer1), v("layer2", layer2), v("fc", fc); }
};

/// As the statistics of batch normalisation: not trained, and saved with the model.
struct Centered final : nn::Module<float> {
  nn::Buffer<float> running_mean{zeros<float>({3})};
  Tensor<float> operator()(const Tensor<float>& x) const {
    const NoGradGuard no_grad;
    if (is_training()) running_mean.copy_(lerp(running_mean, mean(x, 0), 0.1));
    return x - running_mean;
  }
  void visit(nn::Visitor<float>& v) override { v("running_mean", running_mean); }
};

void convolutions() {
  const Tensor<float> images = randn<float>({2, 3, 32, 32});  // N C H W
  const nn::Conv2d<float> same(3, 16, 3, {.padding = 1}), pointwise(3, 16, 1),
      half(3, 16, 3, {.stride = 2, .padding = 1});
  cout << same(images).shape() << " " << pointwise(images).shape() << " " << half(images).shape() << "\n";
  cout << adaptive_avg_pool2d(same(images), 1).shape() << "\n";  // global average pooling
}

void running_average() {
  Centered centered;
  for (int step = 0; step < 60; ++step) centered(full<float>({4, 3}, 2));
  centered.eval();
  cout << round(centered(zeros<float>({1, 3})), 2) << " " << centered.state_dict().names()[0] << "\n";
}

void first_weights() {
  Net model;
  for (const auto& [name, module] : model.named_modules()) {  // named_children() goes one level deep
    if (auto* conv = dynamic_cast<nn::Conv2d<float>*>(module)) {
      nn::init::kaiming_normal_(conv->weight,
                                {.mode = nn::init::Fan::out, .nonlinearity = nn::init::Nonlinearity::relu});
      nn::init::zeros_(conv->bias);
    } else if (auto* linear = dynamic_cast<nn::Linear<float>*>(module)) {
      nn::init::xavier_normal_(linear->weight);
      nn::init::zeros_(linear->bias);
    }
  }
  const NoGradGuard no_grad;
  model.fc.bias.copy_(full<float>({10}, 0.5f));  // from a tensor
  cout << model.fc.bias[0] << " " << model.layer1.get<0>().bias[0] << "\n";
}

void looking_at_a_model() {
  Net model;
  const Tensor<float> images = randn<float>({1, 3, 32, 32});
  const std::string table = nn::summary(model, images);  // layers, shapes, parameters, operations, memory
  const std::string graph = graph_dot(sum(model(images)), model.named_parameters());  // for Graphviz
  cout << model.num_parameters() << " parameters, " << (table.find("Conv2d") != std::string::npos) << " "
       << (graph.find("fc.weight") != std::string::npos) << "\n";
}

void part_of_a_checkpoint() {
  const std::string path = (std::filesystem::temp_directory_path() / "gloss-cookbook.safetensors").string();
  io::save(Net(10), path);
  Net model(100);  // another head
  const nn::LoadReport report = io::load(model, path, {.strict = false, .skip_wrong_shapes = true});
  for (const auto& wrong : report.wrong_shape) cout << wrong.name << " " << wrong.stored << " " << wrong.wanted << "\n";
  std::filesystem::remove(path);
}

void features_of_layers() {
  Net model;
  model.eval();
  const NoGradGuard no_grad;
  const Tensor<float> images = randn<float>({2, 3, 32, 32});
  cout << model.features(images).shape() << " " << model.layer1(images).shape() << "\n";  // what is before the head
  nn::Taps<float> taps(model, {"layer1", "layer2"});                                      // of any model, by name
  model(images);
  cout << taps["layer1"].shape() << " " << taps["layer2"].shape() << "\n";
}

void a_new_head() {
  Net model;
  nn::freeze(model, "layer*");  // they get no gradient
  model.fc = nn::Linear<float>(16, 100);
  optim::SGD<float> sgd(model.fc.parameters(), {.lr = 1e-2, .momentum = 0.9, .weight_decay = 1e-4});
  cout << model.num_parameters(true) << " of " << model.num_parameters() << " numbers are trained\n";
}

void rates_and_decays_of_their_own() {
  Net model;
  optim::Groups groups(model, optim::SGDOptions{.lr = 1e-3, .momentum = 0.9, .weight_decay = 1e-4});
  groups["fc.weight"].lr = 1e-2;  // by a name, or a pattern
  groups["*.bias"].weight_decay = 0;
  optim::SGD<float> sgd(groups);
  for (Index group = 0; group < sgd.num_groups(); ++group) cout << sgd.lr(group) << " ";
  cout << "\n";
}

void rates_that_fall() {
  Net model;
  optim::SGD<float> sgd(model.parameters(), {.lr = 0.1});
  optim::ReduceLROnPlateau<float> plateau(sgd, {.maximize = true, .patience = 2});
  for (const double accuracy : {0.5, 0.6, 0.6, 0.6, 0.6}) plateau.step(accuracy);  // after each validation
  cout << sgd.lr() << " ";
  sgd.set_lr(0.1);
  optim::MultiStepLR<float> steps(sgd, {.milestones = {50, 70}, .gamma = 0.1});
  for (int epoch = 0; epoch < 60; ++epoch) steps.step();
  cout << steps.lr() << " ";
  optim::WarmupLR<optim::CosineAnnealingLR<float>> cosine({sgd, {.T_max = 70}}, {.steps = 10});
  for (int epoch = 0; epoch < 80; ++epoch) cosine.step();
  cout << round(scalar<double>(cosine.lr()), 6) << "\n";
}

void transforms() {
  const std::vector<double> mean = {0.485, 0.456, 0.406}, deviation = {0.229, 0.224, 0.225};
  const data::Compose train(data::RandomResizedCrop(24), data::RandomHorizontalFlip(), data::ToTensor<float>(),
                            data::Normalize(mean, deviation));
  const data::Compose test(data::Resize(Index{28}), data::CenterCrop(24), data::ToTensor<float>(),
                           data::Normalize(mean, deviation));
  const Tensor<std::uint8_t> image = full<std::uint8_t>({40, 50, 3}, 128);  // H W C, as io::read_image gives it
  cout << train(image, current_rng()).shape() << " " << test(image).shape() << "\n";
}

void a_step_with_mixup() {
  Net model;
  optim::SGD<float> sgd(model.parameters(), {.lr = 0.1});
  const data::TensorDataset set(randn<float>({32, 3, 8, 8}), randint(0, 10, {32}));
  for (const auto& [images, labels] : data::Loader(set, {.batch_size = 16, .shuffle = true, .workers = 2})) {
    const auto [mixed, targets] = data::mixup(images, labels, 10, current_rng(), 0.2);
    const Tensor<float> loss = cross_entropy(model(mixed), targets);  // targets are shares of the classes
    sgd.zero_grad();
    loss.backward();
    sgd.step();
    cout << mixed.shape() << " " << targets.shape() << " " << (loss.item() > 0) << "\n";
  }
}

void checkpoints() {
  const auto folder = std::filesystem::temp_directory_path() / "gloss-cookbook";
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "last.safetensors").string(), best_path = (folder / "best.safetensors").string();
  for (const int run : {1, 2}) {  // the second goes on where the first ended
    Net model;
    optim::SGD<float> sgd(model.parameters(), {.lr = 0.1, .momentum = 0.9});
    double best_accuracy = 0;
    Index epoch = 0;
    train::Checkpoint checkpoint(path);
    checkpoint.add("model", model), checkpoint.add("optimizer", sgd);
    checkpoint.add("best_accuracy", best_accuracy), checkpoint.add("epoch", epoch);
    if (checkpoint.resume()) cout << "goes on after epoch " << epoch << ", best so far " << best_accuracy << "\n";
    while (epoch < 2 * run) {
      const double accuracy = epoch == 1 ? 0.75 : 0.5;  // ... a pass over the data, and a validation
      const bool is_best = accuracy > best_accuracy;
      best_accuracy = (std::max)(best_accuracy, accuracy);
      ++epoch;
      checkpoint.save();  // whole or not at all
      if (is_best) io::save(model, best_path);
    }
  }
  std::filesystem::remove_all(folder);
}

void learning_curves() {
  train::History history;  // also a logger of train::fit
  for (Index epoch = 1; epoch <= 20; ++epoch)
    for (const char* phase : {"train", "validation"})
      history({.phase = phase, .step = epoch, .values = {{"loss", 1.0 / static_cast<double>(epoch)}}});
  const std::string svg = train::render_curves_svg({.curves = history.curves("loss"), .title = "loss", .log_y = true});
  cout << history.curves("loss").size() << " curves, " << (svg.find("</svg>") != std::string::npos) << "\n";
}

void where_time_goes() {
  Net model;
  Profile profile;  // of all that follows on this thread
  sum(model(randn<float>({8, 3, 32, 32}))).backward();
  profile.stop();
  bool found = false;
  for (const ProfileRow& row : profile.rows()) found = found || row.op == "conv2d";
  cout << found << "\n";  // profile.table() has calls, times, FLOP/s and bytes
}

void frames_of_a_video() {
  const data::SegmentOptions eight{.segments = 8};
  const std::vector<Index> train = data::segment_frames(37, eight, current_rng());  // any of each part
  const std::vector<Index> test = data::segment_centers(37, eight);                 // the middle of each part
  cout << train.size() << " frames, " << test.front() << " to " << test.back() << "\n";
}

}  // namespace

int main() {
  manual_seed(0);
  convolutions();
  running_average();
  first_weights();
  looking_at_a_model();
  part_of_a_checkpoint();
  features_of_layers();
  a_new_head();
  rates_and_decays_of_their_own();
  rates_that_fall();
  transforms();
  a_step_with_mixup();
  checkpoints();
  learning_curves();
  where_time_goes();
  frames_of_a_video();
}
