// The three commands.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#ifdef _WIN32
#include <io.h>
#define isatty _isatty
#define fileno _fileno
#else
#include <unistd.h>
#endif

#include <gloss/io/atomic_file.hpp>
#include <gloss/train/attention_map.hpp>

#include "text.hpp"
#include "trainer.hpp"
#include "translator.hpp"

namespace {

std::vector<gloss::data::SentencePair> load_pairs(const std::string& path) {
  return path.empty() ? toy::embedded_pairs() : toy::read_pairs(path);
}

bool read_line(std::string& line) {
  line.clear();
  for (int c; (c = std::getc(stdin)) != EOF;) {
    if (c == '\n') return true;
    line += static_cast<char>(c);
  }
  return !line.empty();
}

GLOSS_COLD void draw_attention(const toy::Translator& t, const TranslateSettings& s, const std::string& sentence,
                               const gloss::decode::Hypothesis& h) {
  const gloss::Tensor<float> weights = t.attention(sentence, h.tokens);
  auto labels = [&](const std::vector<gloss::Index>& ids) {
    std::vector<std::string> out;
    for (const gloss::Index id : ids) out.push_back(t.vocabulary().token(id));
    return out;
  };
  std::vector<gloss::Index> said = h.tokens;
  said.push_back(toy::Vocabulary::end_id);
  std::vector<std::vector<float>> heads;
  for (gloss::Index head = 0; head < weights.size(0); ++head) {
    const gloss::Tensor<float> one = weights[head].contiguous();
    heads.emplace_back(one.data(), one.data() + one.numel());
  }
  const std::string picture =
      gloss::train::render_attention_svg({.src_tokens = labels(t.vocabulary().source_ids(sentence)),
                                          .tgt_tokens = labels(said),
                                          .heads = std::move(heads),
                                          .title = sentence,
                                          .subtitle = t.text(h)});
  gloss::io::write_file_atomically(s.attention, picture);
}

GLOSS_COLD void print_translations(const toy::Translator& t, const TranslateSettings& s, const std::string& sentence,
                                   bool draw) {
  if (sentence.empty()) {
    std::puts("");
    return;
  }
  const auto found = t.search({sentence}, s)[0];
  for (const auto& h : found) {
    if (s.n_best > 1) std::printf("%8.3f  ", h.score);
    std::printf("%s\n", t.text(h).c_str());
  }
  if (draw && !found.empty()) draw_attention(t, s, sentence, found[0]);
  std::fflush(stdout);
}

}  // namespace

GLOSS_COLD int run_train(TrainSettings settings) {
  if (!settings.resume) {
    std::vector<gloss::data::SentencePair> pairs = load_pairs(settings.data);
    return toy::Trainer(std::move(settings), std::move(pairs)).run();
  }
  const gloss::io::Safetensors file = toy::read_checkpoint(settings.checkpoint);
  toy::check_format(file);
  const std::string moved = settings.data;
  toy::settings_from(file, settings);
  if (!moved.empty()) settings.data = moved;
  std::vector<gloss::data::SentencePair> pairs = load_pairs(settings.data);
  return toy::Trainer(std::move(settings), std::move(pairs), file).run();
}

GLOSS_COLD int run_translate(TranslateSettings settings) {
  const toy::Translator t = toy::Translator::load(settings.checkpoint);
  bool draw = !settings.attention.empty();
  for (const std::string& sentence : settings.sentences) {
    print_translations(t, settings, sentence, draw);
    draw = false;
    ++settings.first;
  }
  if (!settings.sentences.empty()) return 0;
  settings.source = "standard input:";
  const bool interactive = isatty(fileno(stdin)) != 0;
  if (interactive) std::printf("Type a sentence and Enter; end with Ctrl-D.\n");
  for (std::string line;; ++settings.first) {
    if (interactive) {
      std::printf("> ");
      std::fflush(stdout);
    }
    if (!read_line(line)) break;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    try {
      print_translations(t, settings, line, draw);
      if (!line.empty()) draw = false;
    } catch (const gloss::Error& error) {
      if (!interactive) throw;
      std::fprintf(stderr, "%s\n", error.what());
    }
  }
  return 0;
}

GLOSS_COLD int run_eval(EvalSettings settings) {
  const toy::Translator t = toy::Translator::load(settings.checkpoint);
  const std::vector<gloss::data::SentencePair> pairs = toy::read_pairs(settings.data);
  std::vector<std::string> sources, references;
  for (const auto& p : pairs) {
    sources.push_back(p.src);
    references.push_back(p.tgt);
  }
  settings.source = settings.data + ": pair ";
  const auto said = t.translate(sources, settings);
  std::printf("%zu pairs: %s\n", pairs.size(), gloss::train::corpus_bleu(said, references).to_string().c_str());
  return 0;
}
