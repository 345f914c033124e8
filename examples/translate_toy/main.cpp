// translate_toy: trains a Transformer on sentence pairs and translates. This file is the command line.
#include <algorithm>

#include "../command_line.hpp"
#include "options.hpp"

namespace {

using command_line::finite_number, command_line::keep_apart;

void add_search(CLI::App& app, SearchSettings& s) {
  app.add_option("-c,--checkpoint", s.checkpoint, "File written by train")->capture_default_str();
  app.add_option("--beam", s.beam, "Prefixes kept by the search; 1 is greedy")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--length-penalty", s.length_penalty, "Exponent of the length normalisation")
      ->check(finite_number)
      ->capture_default_str();
  command_line::add_weights(app, s.weights);
}

/// What CLI11's own checks do not see. Errors: CLI::ValidationError
void check(const CLI::App& train, const TrainSettings& t) {
  if (t.resume) return command_line::check_resume(train, {"--data", "--checkpoint"});
  if (t.schedule != "noam" && t.schedule != "linear")
    throw CLI::ValidationError("--schedule", t.schedule + " is neither noam nor linear");
  if (t.d_model % t.heads != 0)
    throw CLI::ValidationError("--heads",
                               std::to_string(t.heads) + " does not divide --d-model " + std::to_string(t.d_model));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Trains a Transformer on sentence pairs and translates with it.\n"
      "Start with:  translate_toy train   and then:  translate_toy translate \"Insert table\"");
  app.require_subcommand(1);

  TrainSettings t;
  CLI::App* train = app.add_subcommand("train", "Train a model; Ctrl-C saves and stops, --resume goes on");
  train->add_option("-d,--data", t.data,
                    "Sentence pairs: .tsv (source TAB target), gettext .po or .mo; default: the embedded "
                    "English-German user-interface strings");
  train->add_option("-c,--checkpoint", t.checkpoint, "File to write: weights, vocabulary and configuration")
      ->capture_default_str();
  train->add_flag("--resume", t.resume,
                  "Go on from the checkpoint, with its settings, as if there had been no stop; "
                  "of the options below only --data, for a file that has moved, and --checkpoint may be given with it");
  train->add_flag("--force", t.force, "Begin anew although the checkpoint exists; it is replaced at once");
  for_each_number(t, [&](std::string name, auto& value, const char* text, auto low, auto high) {
    std::replace(name.begin(), name.end(), '_', '-');
    command_line::add_number(*train, (name == "epochs" ? "-e,--" : "--") + name, value, text, low, high);
  });
  train
      ->add_option("--schedule", t.schedule,
                   "After the warm-up: noam (as in the paper) or linear (to 0 at the last step)")
      ->capture_default_str();
  command_line::add_precision(*train, t.precision);
  train->add_option("--seed", t.seed, "Seed of everything random")->capture_default_str();

  TranslateSettings r;
  CLI::App* translate =
      app.add_subcommand("translate", "Translate sentences given as arguments, or line by line from standard input");
  translate->add_option("sentences", r.sentences, "Sentences to translate");
  add_search(*translate, r);
  translate->add_option("--n-best", r.n_best, "Translations shown for each sentence, with their scores")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  translate->add_option("--attention", r.attention, "Draw what each word of the first translation attends to, as SVG");

  EvalSettings e;
  CLI::App* eval = app.add_subcommand("eval", "BLEU of the translations of a file of sentence pairs");
  eval->add_option("data", e.data, "Sentence pairs: .tsv, .po or .mo")->required();
  add_search(*eval, e);

  const auto parsed = [&] {
    if (*train) check(*train, t);
  };
  return command_line::run("translate_toy", app, argc, argv, parsed, [&] {
    if (*train) {
      keep_apart(t.checkpoint, t.data, "the checkpoint would replace the sentence pairs");
      if (!t.resume && !t.force) command_line::spare_checkpoint(t.checkpoint);
    }
    keep_apart(r.attention, r.checkpoint, "the picture would replace the checkpoint");
    if (r.sentences.empty()) keep_apart(r.attention, "/dev/stdin", "the picture would replace standard input");
    return *train ? run_train(t) : *translate ? run_translate(r) : run_eval(e);
  });
}
