// fine_tune_bert: teaches a BERT or an ALBERT to classify short texts.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/io/crc.hpp>
#include <gloss/metrics.hpp>
#include <gloss/reports.hpp>
#include <gloss/train.hpp>

#include "../command_line.hpp"
#include "../standard_input.hpp"
#include "model.hpp"

using namespace gloss;

namespace {

/// The texts to learn from and those that are held out. Errors: LoadError when a checkpoint is of other texts.
std::pair<std::vector<Example>, std::vector<Example>> load_texts(Settings& s) {
  const std::string bytes = read_file(s.data);
  const std::uint32_t checksum = io::crc32(bytes);
  if (s.loaded && checksum != s.checksum)
    fail<LoadError>(s.checkpoint, ": was trained on other texts than those of ", s.data);
  std::vector<std::string> classes;
  const std::vector<Example> all = parse_texts(bytes, s.data, s.columns, classes);
  s.class_lines.clear();
  for (const std::string& name : classes) s.class_lines += name + "\n";
  s.checksum = checksum;
  if (classes.size() < 2) fail<LoadError>(s.data, ": there are no two classes in column '", s.columns.label, "'");
  std::vector<std::int64_t> labels;
  for (const auto& [text, label] : all) labels.push_back(label);
  const data::HeldOut parts = data::hold_out_stratified(from_vector(labels), {.fraction = s.held_out, .seed = s.seed});
  if (parts.train.empty() || parts.held_out.empty())
    fail<LoadError>(s.data, ": ", all.size(), " texts are too few to hold some out");
  return {chosen(all, parts.train), chosen(all, parts.held_out)};
}

/// Loss, accuracy and the mean of the classes' F1; f(scores, labels) is called with each batch.
template <class M, class F>
train::Scalars measure(M& model, const text::Pipeline& tokenizer, const std::vector<Example>& examples, F f) {
  metrics::PrecisionRecall found(model.config.num_labels);
  const auto loss = [&](const M& net, const Batch& batch) {
    const auto& [x, y] = batch;
    const Tensor<float> scores = net(x);
    found.add(scores, y), f(scores, y);
    return train::BatchLoss(cross_entropy(scores, y), y.size(0), scores, y);
  };
  const auto collate = [&](const std::vector<Example>& some) { return read_batch(tokenizer, some); };
  train::Scalars values =
      train::evaluate(model, data::Loader(data::VectorDataset(examples), {.batch_size = 32}, collate), loss,
                      train::metric("accuracy", metrics::Accuracy()));
  values.emplace_back("F1", found.result().macro.f1);
  return values;
}

template <class M>
int train_model(Settings& s, const std::vector<Example>& texts, const std::vector<Example>& held_out) {
  auto config = io::parse_config<typename M::Config>(s.config, place(s, "config.json"));
  config.num_labels = static_cast<Index>(s.classes().size());
  s.config = io::config_json(config, M::architecture);
  const text::Pipeline tokenizer = make_tokenizer(s, config);
  Rng rng(s.seed);
  const RngGuard use(rng);
  const train::StopFlag flag;  // heard as soon as something is shown
  M model = make_model<M>(s, config);
  freeze(model, s.freeze);
  optim::Groups groups(model, optim::AdamWOptions{.lr = s.lr, .weight_decay = s.weight_decay});
  groups.where("head", [](auto name, const auto&) { return is_of_head(name); }).lr = s.head_lr;
  groups.where("biases and norms", [](auto name, const auto& p) { return !is_of_head(name) && p.dim() < 2; })
      .weight_decay = 0;
  optim::AdamW<float> adam(groups);
  const auto collate = [&](const std::vector<Example>& some) { return read_batch(tokenizer, some); };
  const data::VectorDataset dataset(texts);
  data::Loader batches(dataset, {.batch_size = s.batch_size, .shuffle = true, .seed = s.seed}, collate);
  const Index steps = s.epochs * batches.size();
  const auto rising = static_cast<Index>(std::lround(s.warmup * static_cast<double>(steps)));
  optim::WarmupLR<optim::LinearLR<float>> schedule(
      {adam, {.start_factor = 1, .end_factor = 0, .total_iters = (std::max)(steps - rising, Index{1})}},
      {.steps = rising});
  const auto loss = [](const M& net, const Batch& batch) {
    const auto& [x, y] = batch;
    return train::BatchLoss(cross_entropy(net(x), y), y.size(0));
  };
  train::Checkpoint checkpoint(s.checkpoint);
  s.add_to(checkpoint);
  std::printf("%zu texts to learn from, %zu held out, %zu classes, %s parameters, %s of them trained\n", texts.size(),
              held_out.size(), s.classes().size(), train::with_thousands(model.num_parameters()).c_str(),
              train::with_thousands(model.num_parameters(true)).c_str());
  std::fflush(stdout);
  train::ProgressLog line({.unit = "texts", .file = stdout});
  const train::FitOptions<float> options{
      .epochs = s.epochs,
      .clip_norm = 1,
      .schedule = &schedule,
      .validate = [&] { return measure(model, tokenizer, held_out, [](auto&&...) {}); },
      .checkpoint = checkpoint,
      .resume = s.loaded,
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

int run_train(Settings s) {
  const auto [texts, held_out] = load_texts(s);
  if (!s.loaded) prepare(s, texts);
  const auto &some = texts, &others = held_out;
  return with_model_type(s.config, [&]<class M>() { return train_model<M>(s, some, others); });
}

/// What a trained model is tested with: the texts that were held out, or those of another file.
std::vector<Example> test_texts(Settings& s) {
  if (s.file.empty()) return load_texts(s).second;
  std::vector<std::string> classes = s.classes();
  return parse_texts(read_file(s.file), s.file, s.columns, classes);
}

template <class M>
int eval_model(const Settings& s, const std::vector<Example>& examples) {
  Trained<M> trained(s);
  metrics::PrecisionRecall found(trained.model.config.num_labels);
  const train::Scalars all = measure(trained.model, trained.tokenizer, examples,
                                     [&](const auto& scores, const auto& labels) { found.add(scores, labels); });
  std::printf("%zu texts: accuracy %.2f %%, F1 %.2f %%, loss %.4f\n", examples.size(), 100 * all[1].second,
              100 * all[2].second, all[0].second);
  const std::vector<metrics::PrecisionRecallScore> scores = found.result().classes;
  for (std::size_t c = 0; c < scores.size(); ++c)
    std::printf("%12s  precision %5.1f %%  recall %5.1f %%  F1 %5.1f %%  of %lld\n", trained.classes[c].c_str(),
                100 * scores[c].precision, 100 * scores[c].recall, 100 * scores[c].f1,
                static_cast<long long>(scores[c].support));
  return 0;
}

template <class M>
int predict(const Settings& s) {
  const Trained<M> trained(s);
  const NoGradGuard no_grad;
  int status = 0;
  const auto say = [&](const std::string& text, long long number) {
    if (text::find_ill_formed_utf8(text) != std::string::npos) {
      std::fprintf(stderr, "fine_tune_bert: text %lld is not UTF-8\n", number);
      status = 1;
      return;
    }
    const Tensor<float> shares = softmax(trained.model(read_batch(trained.tokenizer, {{text, 0}}).first), -1)[0];
    const Index best = argmax(shares, -1).item();
    std::printf("%s\t%.4f\t%s\n", trained.classes[static_cast<std::size_t>(best)].c_str(),
                static_cast<double>(shares.at({best})), text.c_str());
    std::fflush(stdout);
  };
  long long number = 0;
  for (const std::string& text : s.texts) say(text, ++number);
  if (s.texts.empty()) for_each_line("Type a text and Enter", say);
  return status;
}

template <class M>
int write_report(const Settings& s, const std::vector<Example>& examples) {
  Trained<M> trained(s);
  const std::vector<std::string>& classes = trained.classes;
  metrics::ConfusionMatrix matrix(trained.model.config.num_labels);
  metrics::PrecisionRecall found(trained.model.config.num_labels);
  std::vector<std::vector<std::string>> mistakes = {{"text", "class", "taken for"}};
  std::size_t at = 0;
  const auto see = [&](const Tensor<float>& scores, const Tensor<std::int64_t>& labels) {
    matrix.add(scores, labels), found.add(scores, labels);
    const Tensor<std::int64_t> said = argmax(scores, -1);
    for (Index i = 0; i < labels.numel(); ++i, ++at)
      if (said.data()[i] != labels.data()[i] && mistakes.size() <= 50)
        mistakes.push_back({examples[at].first, classes[static_cast<std::size_t>(labels.data()[i])],
                            classes[static_cast<std::size_t>(said.data()[i])]});
  };
  const train::Scalars all = measure(trained.model, trained.tokenizer, examples, see);
  train::History history;
  for (const train::Event& event : train::read_events(s.checkpoint)) history(event);
  train::Report page("fine_tune_bert", "Classes of texts, learnt from " + s.data);
  page.fact("accuracy on " + train::with_thousands(static_cast<Index>(examples.size())) + " texts",
            train::short_number(all[1].second));
  page.fact("F1, mean of the classes", train::short_number(all[2].second));
  page.fact("parameters", train::with_thousands(trained.model.num_parameters()));
  page.history("Training", history);
  std::vector<std::vector<std::string>> rows = {{"class", "precision", "recall", "F1", "texts"}};
  const std::vector<metrics::PrecisionRecallScore> scores = found.result().classes;
  for (std::size_t c = 0; c < classes.size(); ++c)
    rows.push_back({classes[c], train::short_number(scores[c].precision), train::short_number(scores[c].recall),
                    train::short_number(scores[c].f1), std::to_string(scores[c].support)});
  page.table("Classes", rows);
  page.picture("What is taken for what", train::render_confusion_svg({.counts = matrix.result(), .classes = classes}));
  if (mistakes.size() > 1) page.table("Mistakes", mistakes);
  page.save(s.output);
  std::printf("wrote %s\n", s.output.c_str());
  return 0;
}

int run_trained(Settings s, bool is_eval, bool is_predict) {
  if (is_predict) return with_model_type(s.config, [&]<class M>() { return predict<M>(s); });
  const std::vector<Example> examples = test_texts(s);
  return with_model_type(
      s.config, [&]<class M>() { return is_eval ? eval_model<M>(s, examples) : write_report<M>(s, examples); });
}

}  // namespace

int main(int argc, char** argv) {
  using command_line::add_number;
  Settings s;
  CLI::App app(
      "Teaches a BERT or an ALBERT to classify short texts.\n"
      "Start with:  fine_tune_bert train texts.tsv --model FOLDER   and then:  fine_tune_bert predict \"a text\"");
  app.require_subcommand(1);
  CLI::App* train = app.add_subcommand("train", "Train a model; Ctrl-C saves and stops, resume goes on");
  CLI::App* resume = app.add_subcommand("resume", "Go on with a training as if there had been no stop");
  CLI::App* eval = app.add_subcommand("eval", "Accuracy on the texts that were held out, and of each class F1");
  CLI::App* predict = app.add_subcommand("predict", "Say the class of texts, of each also how likely it is");
  CLI::App* report = app.add_subcommand("report", "Write curves, confusions and mistakes as a page");
  for (CLI::App* sub : {train, resume, eval, predict, report})
    sub->add_option("-c,--checkpoint", s.checkpoint, "The file of weights and settings")->capture_default_str();
  train->add_option("data", s.data, "Texts and labels: a TSV file whose first line names the columns")->required();
  for (CLI::App* sub : {resume, eval, report})
    sub->add_option("-d,--data", s.data, "Where the texts of the training are now");
  for (CLI::App* sub : {eval, report}) sub->add_option("file", s.file, "Other texts to test with, a file as train's");
  train->add_option("-m,--model", s.model,
                    "Folder with config.json, weights and tokenizer.json; without, a fresh BERT");
  train->add_option("--text", s.columns.text, "The column of texts")->capture_default_str();
  train->add_option("--label", s.columns.label, "The column of labels")->capture_default_str();
  s.for_each_number([&](const char* name, auto& value, const char* what, auto least, auto most) {
    add_number(*train, "--" + std::string(name), value, what, least, most);
  });
  train->add_option("--seed", s.seed, "Seed of everything random")->capture_default_str();
  train->add_flag("--force", s.force, "Begin anew although the checkpoint exists; it is replaced at once");
  predict->add_option("texts", s.texts, "What to classify; without, the lines of standard input");
  report->add_option("-o,--output", s.output, "The page to write")->capture_default_str();
  const auto run = [&] {
    std::error_code error;
    if (*train && !s.force && std::filesystem::is_regular_file(s.checkpoint, error))
      fail("train: ", s.checkpoint, " exists; resume goes on with it, --force replaces it");
    if (*report) command_line::keep_apart(s.output, s.checkpoint, "the page would replace the checkpoint");
    if (!*train) s.load();
    if (!*train && !*resume) return run_trained(s, eval->parsed(), predict->parsed());
    command_line::keep_apart(s.checkpoint, s.data, "the checkpoint would replace the texts");
    if (*train && !s.model.empty())
      for (const char* name : {"/config.json", "/tokenizer.json", "/model.safetensors", "/pytorch_model.bin"})
        command_line::keep_apart(s.checkpoint, s.model + name, "the checkpoint would replace a file of the model");
    return run_train(s);
  };
  return command_line::run(
      "fine_tune_bert", app, argc, argv, [] {}, run);
}
