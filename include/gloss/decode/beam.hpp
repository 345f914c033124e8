// Beam search over a batch; finished rows leave the batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gloss/core/sort.hpp>
#include <gloss/decode/logits.hpp>
#include <gloss/decode/stepper.hpp>
#include <gloss/kernels/softmax.hpp>

namespace gloss::inline GLOSS_ABI::decode {

struct BeamOptions {
  std::int64_t start = 0;  // first token that a decoder reads; over a Stepper, the prompt says so
  std::int64_t end = 1;    // token that finishes a row
  Index max_len = 64;      // most tokens of a result
  Index beam = 4;
  double length_penalty = 0.6;  // a score is log P / ((5 + length) / 6)^length_penalty
  double length_base = 5;       // the 5 there, and 1 less than the 6; 0: log P / length^length_penalty, as transformers
  Index n_best = 1;             // hypotheses returned per row, best first
  LogitsOptions logits = {};    // applied to log P, as transformers does in a beam search
};

namespace detail {

template <class T>
struct NextToken {
  T score;
  std::int64_t token;
};
/// The n likeliest of all tokens, likeliest first, equal ones in order; all, if there are fewer. Not topk, which sorts
/// whole rows and whose gradient every program that decodes would compile.
template <class T>
std::vector<NextToken<T>> likeliest(const T* scores, Index vocab, std::size_t n) {
  constexpr Index part = 128;  // tokens that are looked at only if the best of them is good enough
  std::vector<NextToken<T>> best;
  for (Index first = 0; first < vocab; first += part) {
    const Index end = (std::min)(first + part, vocab);
    if (best.size() == n && !(kernels::detail::row_max<T>(scores + first, end - first) > best.back().score)) continue;
    for (Index token = first; token < end; ++token) {
      const T score = scores[token];
      if (best.size() == n && !(score > best.back().score)) continue;
      if (best.size() == n) best.pop_back();
      auto at = best.end();
      while (at != best.begin() && score > (at - 1)->score) --at;
      best.insert(at, {score, token});
    }
  }
  return best;
}

template <Real T>
class BeamSearch {
 public:
  BeamSearch(Stepper<T>& stepper, const Tensor<std::int64_t>& prompt, const BeamOptions& options)
      : stepper_(&stepper),
        options_(options),
        beam_(static_cast<std::size_t>(options.beam)),
        n_best_(static_cast<std::size_t>(options.n_best)),
        rules_("beam_search", options_.logits, options_.end, prompt.size(0)),
        prompts_(rows_of_tokens(prompt)),
        done_(prompts_.size()),
        next_(prompt) {
    for (std::size_t i = 0; i < prompts_.size(); ++i) open_.push_back({i, 0.0, {}});
  }

  std::vector<std::vector<Hypothesis>> run() {
    for (Index length = 0; length < options_.max_len && !open_.empty(); ++length) {
      const Tensor<T> scores = stepper_->step(next_).contiguous();
      std::vector<Prefix> next;
      Tokens rows, tokens;
      for (std::size_t first = 0, last = 0; first < open_.size(); first = last) {
        while (last < open_.size() && open_[last].sentence == open_[first].sentence) ++last;
        std::vector<Candidate> kept = extend(first, candidates(first, last, scores));
        if (is_settled(open_[first].sentence, kept)) continue;
        for (const Candidate& c : kept) {
          next.push_back({open_[first].sentence, c.logp, open_[c.row].said});
          next.back().said.push_back(c.token);
          rows.push_back(static_cast<std::int64_t>(c.row));
          tokens.push_back(c.token);
        }
      }
      open_ = std::move(next);
      next_ = from_vector(tokens, {static_cast<Index>(tokens.size()), 1});
      if (!open_.empty()) stepper_->select_rows(from_vector(rows));
    }
    for (Prefix& p : open_) finish(p.sentence, std::move(p.said), p.logp, false);
    return std::move(done_);
  }

 private:
  /// A row of the stepper, of the same number.
  struct Prefix {
    std::size_t sentence;  // the row of the prompt that it continues
    double logp;
    Tokens said;
  };
  /// One of a sentence's prefixes with one more token.
  struct Candidate {
    double logp;
    std::size_t row;
    std::int64_t token;
  };

  double penalty(std::size_t length) const {
    const double base = options_.length_base, counted = static_cast<double>(length > 0 ? length : 1);
    return std::pow((base + counted) / (base + 1), options_.length_penalty);
  }

  /// All that may be kept of one sentence, whose prefixes are first .. last - 1, best first.
  std::vector<Candidate> candidates(std::size_t first, std::size_t last, const Tensor<T>& all_scores) {
    const Index vocab = all_scores.size(1);
    std::vector<Candidate> all;
    for (std::size_t row = first; row < last; ++row) {
      const T* scores = all_scores.data() + static_cast<Index>(row) * vocab;
      const T max = kernels::detail::row_max<T>(scores, vocab);
      const T log_sum = kernels::detail::row_log_sum<T>(scores, vocab, max);
      const auto log_probability = [&](T score) { return (score - max) - log_sum; };
      const bool any_rule = rules_.any();
      if (any_rule) {
        changed_.resize(static_cast<std::size_t>(vocab));
        std::transform(scores, scores + vocab, changed_.begin(), log_probability);
        rules_.apply(changed_.data(), vocab, static_cast<Index>(open_[row].sentence), prompts_[open_[row].sentence],
                     open_[row].said);
        scores = changed_.data();
      }
      for (const auto& [score, token] : likeliest(scores, vocab, beam_ + 1)) {
        const auto logp = static_cast<double>(any_rule ? score : log_probability(score));
        if (logp > -std::numeric_limits<double>::infinity()) all.push_back({open_[row].logp + logp, row, token});
      }
    }
    const std::size_t sentence = open_[first].sentence;
    if (all.empty() && done_[sentence].empty())
      fail("beam_search: row ", sentence, ": no token is possible: the scores are -infinity or NaN");
    std::vector<Candidate> ranked;
    for (const std::size_t i :
         sorted_order(all.size(), [&](std::size_t a, std::size_t b) { return all[a].logp > all[b].logp; }))
      ranked.push_back(all[i]);
    return ranked;
  }

  /// The beam's best candidates that go on; those among them that say the end are finished.
  std::vector<Candidate> extend(std::size_t first, const std::vector<Candidate>& ranked) {
    std::vector<Candidate> kept;
    for (std::size_t rank = 0; rank < ranked.size() && kept.size() < beam_; ++rank) {
      const Candidate& c = ranked[rank];
      if (c.token != options_.end)
        kept.push_back(c);
      else if (rank < beam_)
        finish(open_[first].sentence, open_[c.row].said, c.logp, true);
    }
    return kept;
  }

  void finish(std::size_t sentence, Tokens said, double logp, bool finished) {
    std::vector<Hypothesis>& list = done_[sentence];
    const double score = logp / penalty(said.size() + (finished ? 1 : 0));
    auto at = list.begin();  // behind those that are as good
    while (at != list.end() && !(at->score < score)) ++at;
    list.insert(at, Hypothesis{std::move(said), score, finished});
    if (list.size() > n_best_) list.pop_back();
  }

  /// Whether no prefix that is open can still beat the sentence's n_best finished ones: its log P only falls, so the
  /// best that it can reach is today's over the largest penalty that it may meet.
  bool is_settled(std::size_t sentence, const std::vector<Candidate>& kept) const {
    const std::vector<Hypothesis>& list = done_[sentence];
    if (list.size() < n_best_) return false;
    if (kept.empty()) return true;
    const auto length = static_cast<std::size_t>(options_.max_len);
    const double reach =
        kept[0].logp / penalty(options_.length_penalty > 0 ? length : open_[kept[0].row].said.size() + 2);
    return list.back().score >= reach;
  }

  Stepper<T>* stepper_;
  BeamOptions options_;
  std::size_t beam_, n_best_;
  LogitsRules rules_;
  std::vector<Tokens> prompts_;
  std::vector<std::vector<Hypothesis>> done_;
  std::vector<Prefix> open_;
  Tensor<std::int64_t> next_;  // what the stepper reads next
  std::vector<T> changed_;
};

}  // namespace detail

/// Beam search: keeps the `beam` best prefixes of each row. A row is done when no open prefix can still beat its n_best
/// finished ones.
/// Shape: prompt [rows, n], what each row has read before -> for each row up to n_best hypotheses, best first.
/// Errors: ShapeError for an empty prompt; Error when beam or n_best is below 1, max_len negative, length_penalty no
/// finite number, length_base negative, wrong LogitsOptions, or scores that are NaN.
/// Source: Wu et al. 2016 for the length penalty; paper 6.1 uses beam 4 and 0.6.
template <Real T>
std::vector<std::vector<Hypothesis>> beam_search(Stepper<T>& stepper, const Tensor<std::int64_t>& prompt,
                                                 const BeamOptions& options) {
  if (options.beam < 1 || options.n_best < 1 || options.max_len < 0)
    fail("beam_search: beam ", options.beam, " and n_best ", options.n_best, " must be positive, max_len ",
         options.max_len, " not negative");
  if (!std::isfinite(options.length_penalty))
    fail("beam_search: length_penalty ", options.length_penalty, " is not a finite number");
  if (!(options.length_base >= 0 && std::isfinite(options.length_base)))
    fail("beam_search: length_base ", options.length_base, " is not a number that is not negative");
  detail::check_prompt("beam_search", prompt, options.max_len);
  return detail::BeamSearch<T>(stepper, prompt, options).run();
}

GLOSS_INSTANTIATE(std::vector<std::vector<Hypothesis>> beam_search(Stepper<float>&, const Tensor<std::int64_t>&,
                                                                   const BeamOptions&))
GLOSS_INSTANTIATE(std::vector<std::vector<Hypothesis>> beam_search(Stepper<double>&, const Tensor<std::int64_t>&,
                                                                   const BeamOptions&))

}  // namespace gloss::inline GLOSS_ABI::decode
