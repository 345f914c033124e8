// char_gpt: trains a decoder-only Transformer on any text, byte by byte, and lets it write. The command line.
#include "../command_line.hpp"
#include "options.hpp"

int main(int argc, char** argv) {
  using command_line::add_number;
  CLI::App app(
      "Trains a small GPT on a text and lets it write.\n"
      "Start with:  char_gpt train book.txt   and then:  char_gpt sample \"Once\"");
  app.require_subcommand(1);

  TrainSettings t;
  CLI::App& train = *app.add_subcommand("train", "Train a model; Ctrl-C saves and stops, --resume goes on");
  train.add_option("data", t.data, "The text: any file; with --resume where it is now");
  train.add_option("-c,--checkpoint", t.checkpoint, "File to write: weights and settings")->capture_default_str();
  train.add_flag(
      "--resume", t.resume,
      "Go on from the checkpoint, with its settings, as if there had been no stop; of the other options only "
      "--checkpoint may be given with it");
  train.add_flag("--force", t.force, "Begin anew although the checkpoint exists; it is replaced at once");
  for_each_number(t, [&](const char* name, auto& value, const char* text, auto low, auto high) {
    add_number(train, "--" + std::string(name), value, text, low, high);
  });
  command_line::add_precision(train, t.precision);

  SampleSettings s;
  CLI::App& sample = *app.add_subcommand("sample", "Let the model write, each character when it is found");
  sample.add_option("prompt", s.prompt, "What the text begins with; default: a new line");
  sample.add_option("-c,--checkpoint", s.checkpoint, "File written by train")->capture_default_str();
  add_number(sample, "-n,--length", s.length, "Characters to write", 0, 100000000);
  add_number(sample, "--temperature", s.temperature, "0: always the likeliest", 0.0, 1e6);
  add_number(sample, "--top-k", s.top_k, "Only the k likeliest; 0: all", 0, 256);
  add_number(sample, "--top-p", s.top_p, "Only the likeliest that have this probability together", 0.0, 1.0);
  add_number(sample, "--min-p", s.min_p, "Only those at least so likely, in parts of the likeliest", 0.0, 1.0);
  add_number(sample, "--repetition-penalty", s.repetition_penalty, "Divides scores of what is there", 1e-3, 1e3);
  add_number(sample, "--frequency-penalty", s.frequency_penalty, "Taken off for each time it was said", -1e3, 1e3);
  add_number(sample, "--no-repeat-ngram", s.no_repeat_ngram, "No so many in a row twice; 0: no rule", 0, 1000000);
  add_number(sample, "--beam", s.beam, "Search with so many prefixes instead of drawing", 1, 64);
  add_number(sample, "--seed", s.seed, "Seed of the draws", 0, 2147483647);
  command_line::add_weights(sample, s.weights);
  command_line::add_cache(sample, s.cache);

  const auto parsed = [&] {
    if (!train) return;
    if (t.resume) return command_line::check_resume(train, {"data", "--checkpoint"});
    if (t.data.empty()) throw CLI::RequiredError("data");
    if (t.width % t.heads != 0)
      throw CLI::ValidationError("--heads",
                                 std::to_string(t.heads) + " does not divide --width " + std::to_string(t.width));
  };
  return command_line::run("char_gpt", app, argc, argv, parsed, [&] {
    if (!train) return run_sample(s);
    command_line::keep_apart(t.checkpoint, t.data, "the checkpoint would replace the text");
    if (!t.resume && !t.force) command_line::spare_checkpoint(t.checkpoint);
    return run_train(t);
  });
}
