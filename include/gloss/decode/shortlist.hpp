// A lexical shortlist: the few words of the target that a source can become, so that a translator scores only those.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gloss/decode/logits.hpp>
#include <gloss/ops/embedding.hpp>
#include <gloss/ops/linear.hpp>

namespace gloss::inline GLOSS_ABI::decode {

struct ShortlistOptions {
  Index most_frequent = 100;    // targets that are candidates of every source
  Index per_source_token = 50;  // likeliest translations of each source token
  Tokens always = {};           // candidates of every source besides: the end, and what else no pair has
  Index iterations = 5;         // of IBM's model 1
};

/// Which target tokens a source can become, learnt from pairs of a source and its translation.
/// P(target | source token) is that of IBM's model 1: each target token comes from one token of the source, or from
/// none, whichever explains it; found by expectation and maximisation, from equal probabilities on.
/// Source: Brown et al. 1993 for model 1; Junczys-Dowmunt et al. 2018 (Marian) for the list.
class Shortlist {
 public:
  /// Errors: ShapeError when there are not as many targets as sources; Error for negative numbers and tokens.
  Shortlist(const std::vector<Tokens>& sources, const std::vector<Tokens>& targets,
            const ShortlistOptions& options = {}) {
    const ShortlistOptions& o = options;
    if (sources.size() != targets.size())
      fail<ShapeError>("Shortlist: ", sources.size(), " sources, ", targets.size(), " targets");
    if (o.most_frequent < 0 || o.per_source_token < 0 || o.iterations < 1)
      fail("Shortlist: most_frequent ", o.most_frequent, " and per_source_token ", o.per_source_token,
           " must not be negative, iterations ", o.iterations, " positive");
    for (const auto* texts : {&sources, &targets})
      for (const Tokens& text : *texts)
        for (const std::int64_t token : text)
          if (token < 0) fail("Shortlist: token ", token, " is negative");
    std::unordered_map<std::int64_t, double> counts;
    for (const Tokens& target : targets)
      for (const std::int64_t token : target) counts[token] += 1;
    everywhere_ = likeliest(counts, o.most_frequent);
    everywhere_.insert(everywhere_.end(), o.always.begin(), o.always.end());
    learn(sources, targets, o);
  }

  /// The candidates for all of these sources together, in order of their numbers.
  Tokens operator()(const std::vector<Tokens>& sources) const {
    Tokens all = everywhere_;
    for (const Tokens& source : sources)
      for (const std::int64_t token : source)
        if (token >= 0 && token < static_cast<std::int64_t>(translations_.size())) {
          const Tokens& likely = translations_[static_cast<std::size_t>(token)];
          all.insert(all.end(), likely.begin(), likely.end());
        }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

 private:
  using Weights = std::unordered_map<std::int64_t, double>;

  /// The tokens of the n largest weights; of equal ones, the smaller.
  static Tokens likeliest(const Weights& weights, Index n) {
    std::vector<std::pair<double, std::int64_t>> ranked;
    for (const auto& [token, weight] : weights) ranked.emplace_back(-weight, token);
    std::sort(ranked.begin(), ranked.end());
    Tokens best;
    for (std::size_t i = 0; i < ranked.size() && static_cast<Index>(i) < n; ++i) best.push_back(ranked[i].second);
    return best;
  }

  void learn(const std::vector<Tokens>& sources, const std::vector<Tokens>& targets, const ShortlistOptions& o) {
    struct Cell {
      double p = 1, count = 0;
    };
    struct Translations {
      std::unordered_map<std::int64_t, Cell> cells;
      double total = 0;
    };
    std::int64_t words = 0;
    for (const Tokens& source : sources)
      for (const std::int64_t token : source) words = (std::max)(words, token + 1);
    std::vector<Translations> table(static_cast<std::size_t>(words) + 1);  // the last: what comes from no word
    for (Index round = 0; round < o.iterations; ++round) {
      for (std::size_t i = 0; i < sources.size(); ++i) {
        Tokens source = sources[i];
        source.push_back(words);
        std::vector<Cell*> cells(source.size());
        for (const std::int64_t y : targets[i]) {
          double sum = 0;
          for (std::size_t j = 0; j < source.size(); ++j) {
            cells[j] = &table[static_cast<std::size_t>(source[j])].cells[y];
            sum += cells[j]->p;
          }
          for (std::size_t j = 0; j < source.size(); ++j) {
            const double share = cells[j]->p / sum;
            cells[j]->count += share;
            table[static_cast<std::size_t>(source[j])].total += share;
          }
        }
      }
      for (Translations& t : table) {
        for (auto& [token, cell] : t.cells) cell = {cell.count / t.total, 0};
        t.total = 0;
      }
    }
    for (std::size_t x = 0; x < static_cast<std::size_t>(words); ++x) {
      Weights weights;
      for (const auto& [token, cell] : table[x].cells) weights[token] = cell.p;
      translations_.push_back(likeliest(weights, o.per_source_token));
    }
  }

  Tokens everywhere_;
  std::vector<Tokens> translations_;  // of each source token
};

/// A model that says only some tokens: its generator, x W^T + b, is computed in their rows, gathered once, and all
/// others have the score -infinity. For decode::EncoderDecoderStepper and the searches, in place of the model:
///   const decode::Shortlisted few(model, model.generator.proj.weight, model.generator.proj.bias, shortlist(sources));
///   decode::greedy_search(few, src, src_mask, options)
/// With all tokens for candidates it says what the model says. With fewer, log P is among them.
template <class Model>
class Shortlisted {
 public:
  using value_type = typename Model::value_type;
  using T = value_type;
  using Cache = typename Model::Cache;

  /// The model must outlive this. Its generator's weight, of numbers or quantized, and bias, which may be undefined.
  /// Shape: weight [vocab, d_model], bias with vocab numbers
  /// Errors: Error for no candidates; IndexError for one outside the vocabulary; ShapeError for a bias of another size.
  Shortlisted(const Model& model, const Tensor<T>& weight, const Tensor<T>& bias, Tokens candidates)
      : model_(&model), vocab_(weight.size(0)), candidates_(std::move(candidates)) {
    NoGradGuard no_grad;
    if (candidates_.empty()) fail("Shortlisted: no candidates");
    weight_ = embedding(from_vector(candidates_), weight);
    if (!bias.defined()) return;
    if (bias.numel() != vocab_)
      fail<ShapeError>("Shortlisted: bias ", bias.shape(), " does not fit weight ", weight.shape());
    const Tensor<T> all = bias.detach().contiguous();
    bias_ = empty<T>({weight_.size(0)});
    for (std::size_t i = 0; i < candidates_.size(); ++i) bias_.data()[i] = all.data()[candidates_[i]];
  }

  /// The model's.
  Tensor<T> encode(const Tensor<std::int64_t>& src, const Tensor<bool>& src_mask) const {
    return model_->encode(src, src_mask);
  }
  /// The model's.
  Tensor<T> decode(const Tensor<T>& memory, const Tensor<bool>& src_mask, const Tensor<std::int64_t>& tgt,
                   const Tensor<bool>& tgt_mask = {}, Cache* cache = nullptr) const {
    return model_->decode(memory, src_mask, tgt, tgt_mask, cache);
  }
  /// Shape: x [rows, d_model] -> [rows, vocab]
  Tensor<T> generator(const Tensor<T>& x) const {
    const Tensor<T> few = linear(x, weight_, bias_);
    Tensor<T> all = full<T>({x.size(0), vocab_}, -std::numeric_limits<T>::infinity());
    for (Index row = 0; row < x.size(0); ++row)
      for (std::size_t i = 0; i < candidates_.size(); ++i)
        all.data()[row * vocab_ + candidates_[i]] = few.data()[row * weight_.size(0) + static_cast<Index>(i)];
    return all;
  }

 private:
  const Model* model_;
  Index vocab_;
  Tokens candidates_;
  Tensor<T> weight_, bias_;  // of the candidates
};

}  // namespace gloss::inline GLOSS_ABI::decode
