// What people look at while a model trains and afterwards: docs/reports.md goes through it. Files go to a folder of the
// system's temporary files, whose name is told on stderr.
#include <cstdio>
#include <filesystem>
#include <gloss/gloss.hpp>
#include <gloss/io/image_file.hpp>
#include <gloss/metrics.hpp>
#include <gloss/reports.hpp>

using namespace gloss;
using Ids = Tensor<std::int64_t>;

namespace {

const std::vector<std::string> shapes = {"cross", "square", "stroke"};

struct Data {
  Tensor<double> x;  // [n, 1, 8, 8]
  Ids label;         // [n]
};

/// n noisy drawings of 8 x 8 pixels.
Data draw(Index n) {
  const Ids label = randint(0, 3, {n}), at = randint(1, 7, {n}), to = randint(1, 7, {n});
  Tensor<double> x = 0.75 * rand<double>({n, 1, 8, 8});
  for (Index i = 0; i < n; ++i)
    for (Index r = 0; r < 8; ++r)
      for (Index c = 0; c < 8; ++c) {
        const Index left = at.at({i}), top = to.at({i});
        const bool cross = r == top || c == left, edge = r == 0 || r == top || c == 0 || c == left;
        const bool ink[] = {cross, edge && r <= top && c <= left, r - c == top - left};
        if (ink[label.at({i})]) x.at({i, 0, r, c}) += 0.5;
      }
  return {x, label};
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path run = std::filesystem::temp_directory_path() / "gloss-18_reports";
  std::filesystem::remove_all(run);
  std::filesystem::create_directories(run);
  manual_seed(3);
  const Data training = draw(480), held_out = draw(240);
  nn::Sequential model(nn::Conv2d<double>(1, 6, 3, {.padding = 1}), nn::ReLU<double>(), nn::Flatten<double>(),
                       nn::Linear<double>(6 * 64, 3));
  optim::Adam<double> adam(model.parameters(), {.lr = 0.003});

  train::ProgressLog bar({.title = "shapes", .unit = "images"});
  train::CsvLog csv((run / "log.csv").string());
  train::JsonLog json((run / "log.jsonl").string());
  train::TensorBoard board((run / "board").string());
  train::History history;
  const auto log = [&](const train::Event& event) {
    bar(event), csv(event), json(event), board(event), history(event);
  };

  metrics::ConfusionMatrix matrix(3);
  const Index epochs = 4, batches = 15;
  const double start = monotonic_seconds();
  Profile profile;
  for (Index step = 1; step <= epochs * batches; ++step) {
    const Index epoch = (step - 1) / batches, first = (step - 1) % batches * 32;
    const Tensor<double> scores = model(training.x.narrow(0, first, 32));
    const Tensor<double> loss = cross_entropy(scores, training.label.narrow(0, first, 32));
    if (step == 1) io::write_file_atomically((run / "loss.dot").string(), graph_dot(loss, model.named_parameters()));
    adam.zero_grad();
    loss.backward();
    adam.step();
    train::Event event{.phase = "train", .step = step, .epoch = epoch, .values = {{"loss", loss.item()}}};
    event.seconds = monotonic_seconds() - start;
    event.steps = epochs * batches;
    event.items = 32.0 * static_cast<double>(step);
    log(event);
    if (step % batches != 0) continue;

    const NoGradGuard no_grad;
    const Tensor<double> answers = model(held_out.x);
    matrix = metrics::ConfusionMatrix(3);
    matrix.add(answers, held_out.label);
    metrics::Accuracy accuracy;
    accuracy.add(answers, held_out.label);
    event.phase = "validation";
    event.values = {{"loss", cross_entropy(answers, held_out.label).item()}, {"accuracy", accuracy.result()}};
    log(event);
    board.add_histogram("3.weight", model.get<3>().weight, step);
    std::printf("epoch %d: loss %.3f, accuracy %.3f\n", static_cast<int>(epoch + 1), event.values[0].second,
                event.values[1].second);
  }
  profile.stop();
  bar.finish();

  const std::string samples =
      io::encode_png(train::image_grid(held_out.x.narrow(0, 0, 24), {.columns = 12, .scale = 4, .background = 128}));
  board.add_image("samples", samples, 0);
  board.add_text("shapes", "crosses, squares and *strokes*", 0);

  const std::string curves =
      train::render_curves_svg({.curves = history.curves("loss"), .title = "loss", .log_y = true});
  const std::string confusion =
      train::render_confusion_svg({.counts = matrix.result(), .classes = shapes, .title = "held-out drawings"});
  if (argc > 1) {
    const std::filesystem::path pictures = argv[1];
    io::write_file_atomically((pictures / "curves.svg").string(), curves);
    io::write_file_atomically((pictures / "confusion.svg").string(), confusion);
  }

  const std::string summary = nn::summary(model, held_out.x);
  train::Report report("shapes", "Which shape is it? A small convolutional network, four epochs.");
  report.fact("accuracy, held out", train::short_number(100 * history.curves("accuracy")[0].y.back()) + " %");
  report.fact("training", train::format_duration(profile.seconds()));
  report.history("Curves", history);
  report.picture("Confusion matrix", confusion);
  report.images("Drawings", {{samples, "24 of those held out"}});
  report.settings("Settings", {{"optimiser", "Adam"}, {"lr", "0.003"}, {"batch", "32"}, {"seed", "3"}});
  report.preformatted("Model", summary);
  report.profile("Where the time went", profile);
  report.preformatted("Machine", build_report());
  report.save((run / "report.html").string());

  std::printf("%s multiply-adds\n", train::with_thousands(nn::summarize(model, {}, held_out.x).multiply_adds).c_str());
  for (const auto& file : {"log.csv", "log.jsonl", "loss.dot", "report.html"})
    std::printf("%s %s\n", file, std::filesystem::file_size(run / file) > 0 ? "written" : "is empty");
  std::fprintf(stderr, "the files are in %s\n", run.string().c_str());
}
