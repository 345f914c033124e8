// generate: lets a language model write, from a folder or a GGUF file, and says how likely a text is.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

#include <gloss/decode/speculative.hpp>
#include <gloss/text/stop_strings.hpp>
#include <gloss/text/stream_decoder.hpp>
#include <gloss/train/stop_flag.hpp>

#include "../command_line.hpp"
#include "../smaller_cache.hpp"
#include "../standard_input.hpp"
#include "language_model.hpp"

namespace {

using namespace language;
namespace decode = gloss::decode;
namespace text = gloss::text;
using gloss::train::StopFlag;

struct Settings {
  std::string model, prompt, file, system, score, weights = "float", cache = "float";
  bool chat = false;
  Index max_tokens = 256, beams = 1, prompt_lookup = 0;
  std::uint64_t seed = 1;
  std::vector<std::string> stops;
  decode::SampleOptions sampling{.temperature = 0};
};

/// Writes what follows a prompt, on standard output as it comes, and how long it took, on standard error.
class Writer {
 public:
  explicit Writer(const Settings& s) : settings_(s), language_(s.model, s.weights), ends_(language_.model().ends) {
    if (!s.chat) return;
    if (language_.model().translates) gloss::fail(s.model, ": --chat is not for a model that translates");
    chat_.emplace(language_.chat());
    if (const std::int64_t end = language_.token(chat_->end_of_turn()); end >= 0) ends_.push_back(end);
    if (!s.system.empty()) talk_.push_back({"system", s.system});
  }

  /// False when a signal stopped it.
  bool write(const std::string& prompt) {
    const Model& model = language_.model();
    if (chat_) talk_.push_back({"user", prompt});
    const Tokens read = chat_ ? language_.encode((*chat_)(talk_), false) : language_.encode(prompt);
    const auto length = static_cast<Index>(read.size());
    if (length > model.positions) gloss::fail("the text has ", length, " tokens, the model reads ", model.positions);
    const StopFlag stop_on_signals;
    start_ = Clock::now();
    reply_.clear(), said_ = 0, first_ = 0;
    text::StreamDecoder words(language_.tokenizer());
    if (!model.translates)
      for (const std::int64_t token : read) words.push(static_cast<Index>(token));
    text::StopStrings stops(settings_.stops);
    for_each_token(read, [&](std::int64_t token) {
      say(stops.push(words.push(static_cast<Index>(token))));
      return !stops.stopped() && !StopFlag::is_raised();
    });
    say(stops.push(words.rest()));
    say(stops.rest());
    const std::string reply = reply_;
    say("\n");
    const double all = seconds(), writing = all - first_;
    std::fprintf(stderr, "%lld tokens read in %.2f s, %lld written: %.1f tokens/s\n", static_cast<long long>(length),
                 first_, static_cast<long long>(said_),
                 said_ > 1 && writing > 0 ? static_cast<double>(said_ - (first_ > 0)) / writing : 0.0);
    if (chat_) talk_.push_back({"assistant", reply});
    return !StopFlag::is_raised();
  }

 private:
  using Clock = std::chrono::steady_clock;
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  void say(const std::string& more) {
    reply_ += more;
    errno = 0;
    std::fwrite(more.data(), 1, more.size(), stdout);
    if (std::fflush(stdout) != 0) throw std::system_error(errno, std::generic_category(), "standard output");
  }
  /// Calls go_on(token) for each that is said, until it returns false.
  template <class GoOn>
  void for_each_token(const Tokens& read, GoOn go_on) {
    const Model& model = language_.model();
    const Tokens prompt = model.translates ? Tokens{*model.start} : read;
    decode::SampleOptions options = settings_.sampling;
    options.max_len = (std::min)(settings_.max_tokens, model.positions - static_cast<Index>(prompt.size()) + 1);
    options.end = ends_.empty() ? -1 : ends_[0];
    options.logits.forbidden = model.forbidden;
    const auto stepper = model.stepper(read);
    const auto is_end = [&](std::int64_t token) { return std::find(ends_.begin(), ends_.end(), token) != ends_.end(); };
    if (settings_.beams > 1) {
      const auto found = decode::beam_search(*stepper, row(prompt),
                                             {.end = options.end,
                                              .max_len = options.max_len,
                                              .beam = settings_.beams,
                                              .length_penalty = 1,
                                              .length_base = 0,
                                              .logits = options.logits});
      for (const std::int64_t token : found[0][0].tokens)
        if (is_end(token) || (++said_, !go_on(token))) return;
      return;
    }
    decode::PromptLookup lookup({.prompt_lookup_num_tokens = (std::max)(settings_.prompt_lookup, Index{1})},
                                std::vector<Tokens>(model.translates ? 1 : 0, read));
    decode::SpeculativeStepper ahead(*stepper, lookup, {.end = options.end, .max_length = model.positions});
    decode::Stepper<float>& steps = settings_.prompt_lookup > 0 ? ahead : *stepper;
    for (const std::int64_t token : decode::generate(steps, row(prompt), options)) {
      if (first_ == 0) first_ = seconds();
      if (is_end(token) || (++said_, !go_on(token))) return;
    }
  }

  const Settings& settings_;
  Language language_;
  std::vector<std::int64_t> ends_;
  std::optional<text::ChatTemplate> chat_;
  std::vector<text::ChatMessage> talk_;
  std::string reply_;
  Clock::time_point start_;
  double first_ = 0;  // seconds until the first token
  Index said_ = 0;
};

/// A file's text, or standard input's, without its last line end.
std::string read_text(const std::string& path) {
  std::string all;
  if (!path.empty()) {
    all = gloss::read_file(path, std::uint64_t{1} << 28);
  } else {
    for (std::string line; read_line(line);) all += line + "\n";
  }
  if (all.ends_with('\n')) all.pop_back();
  if (all.ends_with('\r')) all.pop_back();
  return all;
}

std::string prompt_of(const Settings& s) { return s.prompt.empty() ? read_text(s.file) : s.prompt; }

/// The log-probability of a file's text; of a longer one than the model reads in parts, each of which begins with the
/// half before it, which does not count again.
int run_score(const Settings& s) {
  const Language language(s.model, s.weights);
  const Model& model = language.model();
  Tokens tokens = language.encode(read_text(s.score)), source;
  if (model.translates) tokens.insert(tokens.begin(), *model.start), source = language.encode(prompt_of(s));
  const std::size_t window = (std::min)(static_cast<std::size_t>(model.positions), tokens.size());
  double sum = 0;
  std::size_t scored = 1;  // of the first token nothing is known
  for (std::size_t begin = 0; scored < tokens.size(); begin += (std::max)(window / 2, std::size_t{1})) {
    const std::size_t end = (std::min)(begin + window, tokens.size());
    const auto at = [&](std::size_t i) { return tokens.begin() + static_cast<std::ptrdiff_t>(i); };
    const decode::TextScore score = model.score(source, Tokens(at(begin), at(end)));
    for (; scored < end; ++scored) sum += score.log_probs[scored - begin - 1];
  }
  const auto count = static_cast<double>(tokens.size() - 1);
  std::printf("%.0f tokens, log P %.4f, perplexity %.4f\n", count, sum, std::exp(-sum / count));
  return 0;
}

int run_generate(const Settings& s) {
  gloss::manual_seed(s.seed);
  Writer writer(s);
  if (!s.chat || !s.prompt.empty() || !s.file.empty()) return writer.write(prompt_of(s)) ? 0 : 130;
  const bool typed = standard_input_is_terminal();
  if (typed) std::fprintf(stderr, "Type what you say and Enter; end with Ctrl-D.\n");
  for (std::string line;;) {
    if (typed) std::fprintf(stderr, "> ");
    if (!read_line(line)) return 0;
    if (!line.empty() && !writer.write(line)) return 130;
  }
}

}  // namespace

int main(int argc, char** argv) {
  using command_line::add_number;
  CLI::App app(
      "Lets a language model write: GPT-2, Llama, Qwen 2 and 3, T5 or Marian.\n"
      "Start with:  generate MODEL \"Once upon a time\"   or, with a model that was trained for it:  generate MODEL "
      "--chat");
  Settings s;
  decode::SampleOptions& o = s.sampling;
  app.add_option("model", s.model, "Folder with config.json, weights and tokenizer, or a GGUF file")->required();
  CLI::Option* const prompt =
      app.add_option("prompt", s.prompt, "What the text begins with, or what is to be translated; else standard input");
  app.add_option("-f,--file", s.file, "A file with the prompt")->excludes(prompt);
  add_number(app, "-n,--max-tokens", s.max_tokens, "Most tokens that are written", 1, 1000000);
  CLI::Option* const chat =
      app.add_flag("--chat", s.chat, "The prompt is said to an assistant; each line of standard input");
  app.add_option("--system", s.system, "What the assistant is told first")->needs(chat);
  app.add_option("--stop", s.stops, "End the text before this string; may be given several times")
      ->allow_extra_args(false)
      ->check([](const std::string& stop) { return stop.empty() ? "is empty" : ""; });
  add_number(app, "--temperature", o.temperature, "How much is left to chance; 0: the likeliest token", 0.0, 100.0);
  add_number(app, "--top-k", o.top_k, "Only the k likeliest tokens; 0: all", 0, 1000000000);
  add_number(app, "--top-p", o.top_p, "Only the likeliest that have this probability together", 1e-9, 1.0);
  add_number(app, "--min-p", o.min_p, "Only those that are so likely, in parts of the likeliest", 0.0, 1.0);
  add_number(app, "--repetition-penalty", o.logits.repetition_penalty, "Makes what was there less likely", 1e-3, 1e3);
  add_number(app, "--seed", s.seed, "Of what is left to chance", 0, 1000000000);
  add_number(app, "--beams", s.beams, "Texts that are followed side by side, of which the likeliest is written", 1,
             1000);
  add_number(app, "--prompt-lookup", s.prompt_lookup,
             "Guess so many tokens at a time from what was read, and check them in one step: the same text, often "
             "faster",
             0, 1000);
  command_line::add_weights(app, s.weights);
  command_line::add_cache(app, s.cache);
  app.add_option("--score", s.score, "Write nothing, but say how likely the text of this file is")->excludes(chat);
  return command_line::run(
      "generate", app, argc, argv,
      [&] {
        if (s.beams > 1 && o.temperature > 0)
          throw CLI::ValidationError("--beams", "nothing is left to chance, so that --temperature must be 0");
        if (s.beams > 1 && s.prompt_lookup > 0)
          throw CLI::ValidationError("--prompt-lookup", "of several --beams it makes none faster");
      },
      [&] {
        keep_caches(s.cache);
        return s.score.empty() ? run_generate(s) : run_score(s);
      });
}
