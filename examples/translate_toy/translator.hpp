// A trained model with its vocabulary: what a checkpoint holds and what translates.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gloss/data/collate.hpp>
#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/io/safetensors.hpp>
#include <gloss/io/state_dict.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/transformer/make_model.hpp>
#include <gloss/transformer/subsequent_mask.hpp>

#include "options.hpp"
#include "text.hpp"

namespace toy {

using namespace gloss;
using Model = transformer::EncoderDecoder<float>;

inline constexpr Index max_positions = 512;  // longest sentence the model can read, in subwords

inline transformer::ModelOptions model_options(const TrainSettings& s, Index vocab) {
  return {.src_vocab = vocab,
          .tgt_vocab = vocab,
          .N = s.layers,
          .d_model = s.d_model,
          .d_ff = s.d_ff,
          .h = s.heads,
          .dropout = s.dropout,
          .attention_dropout = s.dropout,
          .max_len = max_positions,
          .share_embeddings = true};
}

/// A damaged checkpoint is refused before a model of its sizes is made, which could take all memory.
/// Errors: LoadError when the sizes do not go together or the file has too few weights for them.
inline void check_sizes(const io::TensorFile& file, const TrainSettings& s, Index vocab) {
  const Index d = s.d_model;
  if (d % s.heads != 0)
    fail<LoadError>("load: ", file.file(), ": heads is ", s.heads, ", which does not divide d_model ", d);
  const Index least = vocab * d + s.layers * d * (12 * d + 4 * s.d_ff);  // without biases and norms
  Index stored = 0;
  for (const io::StoredTensor& t : file.tensors())
    if (t.name.starts_with("model.")) stored += t.shape.numel();
  if (stored < least)
    fail<LoadError>("load: ", file.file(), ": has ", stored, " weights, a model of its sizes at least ", least);
}

/// Errors: LoadError when a tensor whose name begins so holds infinity or NaN.
inline void check_finite(const io::TensorFile& file, const std::string& prefix) {
  for (const io::StoredTensor& t : file.tensors()) {
    if (!t.name.starts_with(prefix) || !io::reads_as<double>(t)) continue;
    const Tensor<double> x = file.tensor<double>(t.name);
    for (Index i = 0; i < x.numel(); ++i)
      if (!std::isfinite(x.data()[i])) fail<LoadError>("load: ", file.file(), ": ", t.name, " holds infinity or NaN");
  }
}

class Translator {
 public:
  Translator(const TrainSettings& settings, Vocabulary vocabulary)
      : vocabulary_(std::move(vocabulary)),
        model_(transformer::make_model<float>(model_options(settings, vocabulary_.size()))) {}

  /// With the averaged weights, where there are some.
  /// Errors: LoadError when the file is no checkpoint of this program, or damaged.
  static Translator load(const io::TensorFile& file) {
    check_format(file);
    const TrainSettings settings = settings_from(file);
    Vocabulary vocabulary(file);
    check_sizes(file, settings, vocabulary.size());
    Translator t(settings, std::move(vocabulary));
    check_finite(file, "model."), check_finite(file, "average.");
    io::load_state_dict(t.model_, file, {.prefix = "model."});
    io::load_state_dict(t.model_, file, {.prefix = "average.", .strict = false});
    t.model_.eval();
    return t;
  }
  static Translator load(const std::string& path) { return load(io::load_safetensors(path)); }

  Model& model() { return model_; }
  const Model& model() const { return model_; }
  const Vocabulary& vocabulary() const { return vocabulary_; }

  /// Errors: Error when the sentence is longer than the model can read.
  std::vector<Index> source_ids(const std::string& sentence) const {
    std::vector<Index> ids = vocabulary_.source_ids(sentence);
    if (static_cast<Index>(ids.size()) > max_positions)
      fail("a sentence of ", ids.size(), " subwords is longer than the ", max_positions, " this model reads");
    return ids;
  }

  /// The n_best translations of each sentence, best first; none where there is no word. Sentences of like length are
  /// searched together.
  /// Errors: Error when a sentence is longer than the model can read, or the model says NaN.
  std::vector<std::vector<decode::Hypothesis>> search(const std::vector<std::string>& sentences,
                                                      const SearchSettings& s) const {
    std::vector<std::vector<Index>> ids;
    for (const std::string& sentence : sentences) ids.push_back(source_ids(sentence));
    std::vector<Index> order;
    for (const std::size_t i :
         sorted_order(ids.size(), [&ids](std::size_t a, std::size_t b) { return ids[a].size() < ids[b].size(); }))
      if (!is_blank(sentences[i])) order.push_back(static_cast<Index>(i));
    std::vector<std::vector<decode::Hypothesis>> out(sentences.size());
    constexpr std::size_t at_once = 64;
    for (std::size_t first = 0; first < order.size(); first += at_once) {
      const std::span<const Index> part(order.data() + first, (std::min)(at_once, order.size() - first));
      const Tensor<std::int64_t> src = data::pad_sequences(ids, part, Vocabulary::pad_id);
      const Tensor<bool> src_mask = (src != Vocabulary::pad_id).unsqueeze(-2);
      const Index max_len = (std::min)(2 * src.size(1) + 10, max_positions - 1);
      if (s.beam == 1 && s.n_best == 1) {
        auto found = decode::greedy_search(
            model_, src, src_mask, {.start = Vocabulary::start_id, .end = Vocabulary::end_id, .max_len = max_len});
        for (std::size_t i = 0; i < part.size(); ++i)
          out[static_cast<std::size_t>(part[i])].push_back(std::move(found[i]));
      } else {
        auto found = decode::beam_search(model_, src, src_mask,
                                         {.start = Vocabulary::start_id,
                                          .end = Vocabulary::end_id,
                                          .max_len = max_len,
                                          .beam = (std::max)(s.beam, s.n_best),
                                          .length_penalty = s.length_penalty,
                                          .n_best = s.n_best});
        for (std::size_t i = 0; i < part.size(); ++i) out[static_cast<std::size_t>(part[i])] = std::move(found[i]);
      }
    }
    return out;
  }

  std::string text(const decode::Hypothesis& h) const { return vocabulary_.text(h.tokens); }

  /// The best translation of each sentence; an empty one where there is no word.
  std::vector<std::string> translate(const std::vector<std::string>& sentences, const SearchSettings& s) const {
    std::vector<std::string> out;
    const auto found = search(sentences, s);
    for (const auto& best : found) out.push_back(best.empty() ? "" : text(best[0]));
    return out;
  }

  /// Attention of the last decoder layer over the source while it says `tokens` and the end.
  /// Shape: [h, tokens + 1, source ids]
  Tensor<float> attention(const std::string& sentence, const std::vector<Index>& tokens) const {
    const std::vector<std::vector<Index>> ids(1, vocabulary_.source_ids(sentence));
    const Index only[] = {0};
    const Tensor<std::int64_t> src = data::pad_sequences(ids, only, Vocabulary::pad_id);
    const Tensor<bool> src_mask = ones<bool>({1, 1, src.size(1)});
    std::vector<std::int64_t> said = {Vocabulary::start_id};
    said.insert(said.end(), tokens.begin(), tokens.end());
    const auto n = static_cast<Index>(said.size());
    NoGradGuard no_grad;
    Tensor<float> weights;
    model_.decode(model_.encode(src, src_mask), src_mask, from_vector(said, {1, n}), transformer::subsequent_mask(n),
                  nullptr, &weights);
    return weights[0];
  }

 private:
  Vocabulary vocabulary_;
  Model model_;
};

}  // namespace toy
