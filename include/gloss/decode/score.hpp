// How likely texts are to a model: the log-probability of each token, and perplexity.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <gloss/decode/logits.hpp>
#include <gloss/ops/softmax.hpp>

namespace gloss::inline GLOSS_ABI::decode {

/// What a model thinks of a text: log P of each token but the first, given those before it.
struct TextScore {
  std::vector<double> log_probs;

  /// log P of all that follows the first token.
  double sum() const {
    double all = 0;
    for (const double p : log_probs) all += p;
    return all;
  }
  /// exp of the mean of -log P; NaN where there is no token behind the first.
  double perplexity() const { return std::exp(-sum() / static_cast<double>(log_probs.size())); }
};

namespace detail {

/// read(ids [rows, n]) is what a model makes of the next n tokens of each row, behind those that it has read:
/// [rows, n, d_model]. A few hundred tokens at a time, so that not all scores are there at once.
template <class Model, class Read>
std::vector<TextScore> score(const Model& model, const std::vector<Tokens>& texts, Read read) {
  using T = typename Model::value_type;
  std::vector<TextScore> scores(texts.size());
  std::size_t longest = 0;
  for (const Tokens& text : texts) longest = (std::max)(longest, text.size());
  const std::size_t most = (std::max)(std::size_t{256} / (std::max)(texts.size(), std::size_t{1}), std::size_t{1});
  for (std::size_t start = 0; start + 1 < longest;) {
    const std::size_t n = (std::min)(most, longest - 1 - start);
    Tokens ids;  // what is behind the end of a text is not seen by the text
    for (const Tokens& text : texts)
      for (std::size_t i = start; i < start + n; ++i) ids.push_back(i < text.size() ? text[i] : 0);
    const Tensor<T> x = read(from_vector(ids, {static_cast<Index>(texts.size()), static_cast<Index>(n)}));
    const Tensor<T> logp = log_softmax(model.generator(x.flatten(0, 1)), -1);
    const Index vocab = logp.size(1);
    for (std::size_t row = 0; row < texts.size(); ++row)
      for (std::size_t i = start; i < start + n && i + 1 < texts[row].size(); ++i) {
        const std::int64_t token = texts[row][i + 1];
        if (token < 0 || token >= vocab) fail<IndexError>("score: token ", token, " is not in a vocabulary of ", vocab);
        const Index at = static_cast<Index>(row * n + i - start) * vocab;
        scores[row].log_probs.push_back(static_cast<double>(logp.data()[at + token]));
      }
    start += n;
  }
  return scores;
}

}  // namespace detail

/// Scores of texts, side by side, by a causal model, as CausalStepper takes one.
///   const double p = decode::score(model, {ids})[0].perplexity();
/// Errors: IndexError for a token outside the vocabulary; those of the model, as for a text that is too long.
template <class Model>
std::vector<TextScore> score(const Model& model, const std::vector<Tokens>& texts) {
  const NoGradGuard no_grad;
  typename Model::Cache cache;
  return detail::score(model, texts, [&](const Tensor<std::int64_t>& ids) { return model.decode(ids, &cache); });
}

/// Scores of texts, each as what a model makes of one of the sources, as EncoderDecoderStepper takes it. A text begins
/// with the token that the decoder reads first.
/// Shape: src [texts, m], src_mask [texts or 1, 1, m]
/// Errors: ShapeError when there are not as many sources as texts; IndexError for a token outside the vocabulary; those
/// of the model.
template <class Model>
std::vector<TextScore> score(const Model& model, const Tensor<std::int64_t>& src, const Tensor<bool>& src_mask,
                             const std::vector<Tokens>& texts) {
  if (src.dim() != 2 || src.size(0) != static_cast<Index>(texts.size()))
    fail<ShapeError>("score: src ", src.shape(), " is not of ", static_cast<Index>(texts.size()), " texts");
  const NoGradGuard no_grad;
  const auto memory = model.encode(src, src_mask);
  typename Model::Cache cache;
  return detail::score(
      model, texts, [&](const Tensor<std::int64_t>& ids) { return model.decode(memory, src_mask, ids, {}, &cache); });
}

}  // namespace gloss::inline GLOSS_ABI::decode
