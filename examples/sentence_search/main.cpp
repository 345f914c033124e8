// sentence_search: finds the lines of a text that mean what is asked, by a sentence model's embeddings.
#include <cstdio>
#include <string>
#include <vector>

#include "../command_line.hpp"
#include "../standard_input.hpp"
#include "sentence_index.hpp"

namespace {

using namespace sentences;

struct Settings {
  std::string model, text, index = "sentence_search.safetensors", measure = "cosine";
  Index max_length = 256, batch_tokens = 4096, k = 5;
  bool force = false;
  std::vector<std::string> queries;
};

int run_index(const Settings& s) {
  command_line::keep_apart(s.index, s.text, "the index would replace the text");
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors", "pytorch_model.bin"})
    command_line::keep_apart(s.index, s.model + "/" + name, "the index would replace a file of the model");
  const TextFile text(s.text);
  const Embedder embedder(s.model, s.max_length);
  const gloss::io::Metadata description = sentences::description(s.model, embedder, text);
  if (!s.force && std::filesystem::is_regular_file(s.index)) {
    const std::string reason = misfit(open_index(s.index), description, s.text);
    std::printf("%s %s\n", s.index.c_str(), reason.empty() ? "fits already" : (reason + ": it is made anew").c_str());
    if (reason.empty()) return 0;
  }
  const gloss::train::StopFlag stop_on_signals;
  gloss::io::AtomicFile file(s.index);  // now, so that it fails before the work
  const auto embeddings = embed_lines(embedder, text, s.batch_tokens);
  if (!embeddings) {
    std::printf("stopped; nothing is written\n");
    return 130;
  }
  const std::string bytes = gloss::io::to_safetensors({{"embeddings", *embeddings}}, description);
  file.write(bytes.data(), bytes.size());
  file.commit();
  std::printf("saved %s: %zu lines\n", s.index.c_str(), text.lines.size());
  return 0;
}

class Search {
 public:
  explicit Search(const Settings& s) : settings_(s), text_(s.text), embedder_(s.model, s.max_length) {
    const gloss::io::TensorFile file = open_index(s.index);
    const std::string reason = misfit(file, description(s.model, embedder_, text_), s.text);
    if (!reason.empty()) gloss::fail<gloss::LoadError>(s.index, ": ", reason, "; the command index makes it anew");
    embeddings_ = file.tensor<float>("embeddings");
    const gloss::Shape wanted = {static_cast<Index>(text_.lines.size()), embedder_.dimension()};
    if (embeddings_.shape() != wanted)
      gloss::fail<gloss::LoadError>(s.index, ": its embeddings ", embeddings_.shape(), " are not ", wanted);
    embeddings_ = measured(embeddings_);
  }
  /// Prints the best lines, best first, and an empty line behind them. False for a query that cannot be read.
  bool answer(const std::string& query, const std::string& place) const {
    Ids ids;
    bool good = true;
    try {
      ids = embedder_.tokens(query);
    } catch (const gloss::Error& error) {
      std::fprintf(stderr, "sentence_search: %s: %s\n", place.c_str(), error.what());
      good = false;
    }
    if (good && !is_blank(query)) {
      const Tensor<float> scores = gloss::matmul(embeddings_, measured(embedder_.embed({ids}))[0]);
      const auto best = gloss::topk(scores, (std::min)(settings_.k, scores.numel()));
      for (Index i = 0; i < best.values.numel(); ++i) {
        const Line& line = text_.lines[static_cast<std::size_t>(best.indices.at({i}))];
        std::printf("%7.4f  %lld: %s\n", static_cast<double>(best.values.at({i})), static_cast<long long>(line.number),
                    line.text.c_str());
      }
    }
    std::printf("\n");
    std::fflush(stdout);
    return good;
  }

 private:
  Tensor<float> measured(const Tensor<float>& x) const {
    return settings_.measure == "cosine" ? gloss::normalize(x, 1) : x;
  }

  const Settings& settings_;
  TextFile text_;
  Embedder embedder_;
  Tensor<float> embeddings_;
};

int run_search(const Settings& s) {
  const Search search(s);
  int status = 0, number = 0;
  for (const std::string& query : s.queries)
    if (!search.answer(query, "query " + std::to_string(++number))) status = 1;
  if (s.queries.empty())
    for_each_line("Type what to look for and Enter", [&](const std::string& line, long long at) {
      if (!search.answer(line, "standard input:" + std::to_string(at))) status = 1;
    });
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  using command_line::add_number;
  CLI::App app(
      "Finds the lines of a text that mean what is asked.\n"
      "Start with:  sentence_search index MODEL book.txt   and then:  sentence_search search MODEL book.txt");
  app.require_subcommand(1);
  Settings s;
  const auto common = [&](CLI::App& command) {
    command.add_option("model", s.model, "Folder with config.json, weights and tokenizer.json of a sentence model")
        ->required();
    command.add_option("text", s.text, "The text, UTF-8; each line is an answer")->required();
    add_number(command, "--max-length", s.max_length, "Tokens of a line that are read", 3, 100000);
  };
  CLI::App& index = *app.add_subcommand("index", "Embed the lines; an index that fits already is left as it is");
  common(index);
  index.add_option("-i,--index", s.index, "File to write")->capture_default_str();
  add_number(index, "--batch-tokens", s.batch_tokens, "Tokens in a batch, padding counted", 1, 1000000);
  index.add_flag("--force", s.force, "Make it anew, whatever file it replaces");

  CLI::App& search =
      *app.add_subcommand("search", "Answer queries given as arguments, or line by line from standard input");
  common(search);
  search.add_option("queries", s.queries, "What to look for");
  search.add_option("-i,--index", s.index, "File written by index")->capture_default_str();
  add_number(search, "-k", s.k, "Lines shown for each query", 1, 1000000);
  search.add_option("--measure", s.measure, "cosine, or dot: longer vectors count more")
      ->check(CLI::IsMember({"cosine", "dot"}))
      ->capture_default_str();
  return command_line::run(
      "sentence_search", app, argc, argv, [] {}, [&] { return index ? run_index(s) : run_search(s); });
}
