// The three commands.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <gloss/io/atomic_file.hpp>
#include <gloss/train/attention_map.hpp>

#include "../fewer_bits.hpp"
#include "../standard_input.hpp"
#include "first_version.hpp"
#include "text.hpp"
#include "trainer.hpp"
#include "translator.hpp"

namespace {

std::vector<gloss::data::SentencePair> load_pairs(const std::string& path) {
  return path.empty() ? toy::embedded_pairs() : toy::read_pairs(path);
}

toy::Translator load_translator(const SearchSettings& s) {
  toy::Translator t = toy::Translator::load(s.checkpoint);
  pack_weights(t.model(), s.weights);
  return t;
}

/// Says which sentence cannot be translated, and why.
void report(const std::string& which, const gloss::Error& error) {
  std::fflush(stdout);
  std::fprintf(stderr, "translate_toy: %s: %s\n", which.c_str(), error.what());
}

void draw_attention(const toy::Translator& t, const TranslateSettings& s, const std::string& sentence,
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

/// Prints n_best lines whatever the sentence is, empty ones where there is nothing to say. False when it cannot be
/// translated, which is reported. The first translation is drawn, if that is asked for.
bool print_translations(const toy::Translator& t, TranslateSettings& s, const std::string& which,
                        const std::string& sentence) {
  std::vector<gloss::decode::Hypothesis> found;
  bool good = true;
  try {
    found = t.search({sentence}, s)[0];
  } catch (const gloss::Error& error) {
    report(which, error);
    good = false;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(s.n_best); ++i) {
    if (i < found.size() && s.n_best > 1) std::printf("%8.3f  ", found[i].score);
    std::printf("%s\n", i < found.size() ? t.text(found[i]).c_str() : "");
  }
  std::fflush(stdout);
  if (!found.empty() && !s.attention.empty()) {
    draw_attention(t, s, sentence, found[0]);
    s.attention.clear();
  }
  return good;
}

}  // namespace

int run_train(TrainSettings settings) {
  if (!settings.resume) return toy::Trainer(settings, load_pairs(settings.data)).run();
  gloss::io::TensorFile file = gloss::io::load_safetensors(settings.checkpoint);
  toy::check_format(file);
  if (toy::is_of_first_version(file)) {
    toy::rewrite_first_version(file, settings.checkpoint);
    file = gloss::io::load_safetensors(settings.checkpoint);
  }
  TrainSettings begun = toy::settings_from(file);
  begun.precision = precision_from(file);
  begun.checkpoint = settings.checkpoint;
  begun.resume = true;
  if (!settings.data.empty()) begun.data = settings.data;
  return toy::Trainer(begun, load_pairs(begun.data), &file).run();
}

int run_translate(TranslateSettings settings) {
  const toy::Translator t = load_translator(settings);
  int status = 0, number = 0;
  for (const std::string& sentence : settings.sentences)
    if (!print_translations(t, settings, "sentence " + std::to_string(++number), sentence)) status = 1;
  if (!settings.sentences.empty()) return status;
  for_each_line("Type a sentence and Enter", [&](const std::string& line, long long at) {
    if (!print_translations(t, settings, "standard input:" + std::to_string(at), line)) status = 1;
  });
  return status;
}

int run_eval(EvalSettings settings) {
  const toy::Translator t = load_translator(settings);
  const std::vector<gloss::data::SentencePair> pairs = toy::read_pairs(settings.data);
  std::vector<std::string> sources, references;
  int status = 0;
  for (const auto& p : pairs) {
    sources.push_back(p.src);
    references.push_back(p.tgt);
    try {
      t.source_ids(p.src);
    } catch (const gloss::Error& error) {
      report(settings.data + ": pair " + std::to_string(sources.size()), error);
      sources.back().clear();  // counts as translated by nothing
      status = 1;
    }
  }
  const auto said = t.translate(sources, settings);
  std::printf("%zu pairs: %s\n", pairs.size(), gloss::train::corpus_bleu(said, references).to_string().c_str());
  return status;
}
