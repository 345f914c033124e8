// Greedy and beam search over a batch, with a key-value cache; finished sentences leave the batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gloss/core/sort.hpp>
#include <gloss/decode/cached_decoder.hpp>

namespace gloss::inline GLOSS_ABI::decode {

struct GreedyOptions {
  std::int64_t start = 0;  // first token the decoder reads
  std::int64_t end = 1;    // token that finishes a sentence
  Index max_len = 64;      // most tokens of a result
};

struct BeamOptions {
  std::int64_t start = 0;
  std::int64_t end = 1;
  Index max_len = 64;
  Index beam = 4;
  double length_penalty = 0.6;  // a score is log P / ((5 + length) / 6)^length_penalty
  Index n_best = 1;             // hypotheses returned per sentence, best first
};

/// A translation: tokens without start and end, and its length-normalised log-probability.
struct Hypothesis {
  std::vector<std::int64_t> tokens;
  double score = 0;
  bool finished = false;  // false when max_len cut it
};

namespace detail {
struct NextToken {
  double logp;
  std::int64_t token;
};
/// The n likeliest of all tokens, likeliest first, equal ones in order; all, if there are fewer. Not topk, which sorts
/// whole rows and whose gradient every program that decodes would compile.
/// Errors: Error for NaN, which a softmax gives to all tokens or none.
template <class T>
std::vector<NextToken> likeliest(const T* logp, Index vocab, std::size_t n) {
  std::vector<NextToken> best;
  for (Index token = 0; token < vocab; ++token) {
    const auto value = static_cast<double>(logp[token]);
    if (best.size() == n && !(value > best.back().logp)) continue;
    if (best.size() == n) best.pop_back();
    auto at = best.end();
    while (at != best.begin() && value > (at - 1)->logp) --at;
    best.insert(at, {value, token});
  }
  if (vocab > 0 && std::isnan(best.front().logp)) fail("search: the probability of a token is NaN");
  return best;
}
}  // namespace detail

/// The likeliest next token, again and again, until each sentence says `end`.
/// Shape: src [batch, m], src_mask [batch, 1, m] -> batch hypotheses; score is log P.
/// Errors: Error for a negative max_len, or when the model's numbers are NaN.
template <Real T>
std::vector<Hypothesis> greedy_search(const transformer::EncoderDecoder<T>& model, const Tensor<std::int64_t>& src,
                                      const Tensor<bool>& src_mask, const GreedyOptions& options) {
  if (options.max_len < 0) fail("greedy_search: max_len ", options.max_len, " is negative");
  std::vector<Hypothesis> out(static_cast<std::size_t>(src.size(0)));
  if (out.empty()) return out;
  CachedDecoder<T> state(model, src, src_mask);
  std::vector<std::size_t> sentence;  // which sentence each row decodes
  std::vector<std::int64_t> tokens(out.size(), options.start);
  for (std::size_t i = 0; i < out.size(); ++i) sentence.push_back(i);
  for (Index length = 0; length < options.max_len && !sentence.empty(); ++length) {
    const Tensor<T> logp = state.step(from_vector(tokens));
    const Index vocab = logp.size(1);
    std::vector<std::int64_t> kept;
    std::vector<std::size_t> still;
    tokens.clear();
    for (std::size_t row = 0; row < sentence.size(); ++row) {
      Hypothesis& h = out[sentence[row]];
      const auto [step, token] = detail::likeliest(logp.data() + static_cast<Index>(row) * vocab, vocab, 1)[0];
      h.score += step;
      if (token == options.end) {
        h.finished = true;
        continue;
      }
      h.tokens.push_back(token);
      tokens.push_back(token);
      kept.push_back(static_cast<std::int64_t>(row));
      still.push_back(sentence[row]);
    }
    if (still.size() < sentence.size() && !still.empty()) state.select_rows(from_vector(kept));
    sentence = std::move(still);
  }
  return out;
}

/// Beam search: keeps the `beam` best prefixes of each sentence. A sentence is done when no open prefix can still beat
/// its n_best finished ones.
/// Shape: src [batch, m], src_mask [batch, 1, m] -> for each sentence up to n_best hypotheses, best first.
/// Errors: Error when beam or n_best is below 1, max_len negative or length_penalty no finite number, or when the
/// model's numbers are NaN.
/// Source: Wu et al. 2016 for the length penalty; paper 6.1 uses beam 4 and 0.6.
template <Real T>
std::vector<std::vector<Hypothesis>> beam_search(const transformer::EncoderDecoder<T>& model,
                                                 const Tensor<std::int64_t>& src, const Tensor<bool>& src_mask,
                                                 const BeamOptions& options) {
  if (options.beam < 1 || options.n_best < 1 || options.max_len < 0)
    fail("beam_search: beam ", options.beam, " and n_best ", options.n_best, " must be positive, max_len ",
         options.max_len, " not negative");
  if (!std::isfinite(options.length_penalty))
    fail("beam_search: length_penalty ", options.length_penalty, " is not a finite number");
  auto penalty = [&](std::size_t length) {
    return std::pow((5.0 + static_cast<double>(length)) / 6.0, options.length_penalty);
  };
  struct Prefix {
    std::size_t sentence;
    double logp;
    std::vector<std::int64_t> tokens;
  };
  const auto count = static_cast<std::size_t>(src.size(0));
  const auto n_best = static_cast<std::size_t>(options.n_best), beam = static_cast<std::size_t>(options.beam);
  std::vector<std::vector<Hypothesis>> done(count);
  if (count == 0) return done;
  CachedDecoder<T> state(model, src, src_mask);
  std::vector<Prefix> open;
  std::vector<std::int64_t> tokens(count, options.start);
  for (std::size_t i = 0; i < count; ++i) open.push_back({i, 0.0, {}});
  auto finish = [&](std::size_t sentence, std::vector<std::int64_t> said, double logp, bool finished) {
    auto& list = done[sentence];
    const double score = logp / penalty(said.size() + (finished ? 1 : 0));
    auto at = list.begin();  // behind those that are as good
    while (at != list.end() && !(at->score < score)) ++at;
    list.insert(at, Hypothesis{std::move(said), score, finished});
    if (list.size() > n_best) list.pop_back();
  };
  for (Index length = 0; length < options.max_len && !open.empty(); ++length) {
    const Tensor<T> logp = state.step(from_vector(tokens));
    const Index vocab = logp.size(1);
    std::vector<Prefix> next;
    std::vector<std::int64_t> rows, next_tokens;
    for (std::size_t row = 0; row < open.size();) {
      const std::size_t s = open[row].sentence;
      struct Candidate {
        double logp;
        std::size_t row;
        std::int64_t token;
      };
      std::vector<Candidate> candidates;
      for (; row < open.size() && open[row].sentence == s; ++row)
        for (const auto& [step, token] :
             detail::likeliest(logp.data() + static_cast<Index>(row) * vocab, vocab, beam + 1))
          candidates.push_back({open[row].logp + step, row, token});
      std::vector<Prefix> kept;
      std::vector<std::int64_t> kept_rows;
      std::size_t rank = 0;
      const auto ranked = sorted_order(
          candidates.size(), [&](std::size_t a, std::size_t b) { return candidates[a].logp > candidates[b].logp; });
      for (const std::size_t number : ranked) {
        const Candidate& c = candidates[number];
        if (kept.size() == beam) break;
        if (c.token == options.end) {
          if (rank < beam) finish(s, open[c.row].tokens, c.logp, true);
        } else {
          kept.push_back({s, c.logp, open[c.row].tokens});
          kept.back().tokens.push_back(c.token);
          kept_rows.push_back(static_cast<std::int64_t>(c.row));
        }
        ++rank;
      }
      // The best that an open prefix can reach: its log P only falls, so divide by the largest penalty it may meet.
      const auto& list = done[s];
      const double reach =
          kept.empty() ? -std::numeric_limits<double>::infinity()
                       : kept[0].logp / penalty(options.length_penalty > 0 ? static_cast<std::size_t>(options.max_len)
                                                                           : kept[0].tokens.size() + 1);
      if (list.size() >= n_best && list.back().score >= reach) continue;
      for (std::size_t i = 0; i < kept.size(); ++i) {
        next_tokens.push_back(kept[i].tokens.back());
        rows.push_back(kept_rows[i]);
        next.push_back(std::move(kept[i]));
      }
    }
    open = std::move(next);
    tokens = std::move(next_tokens);
    if (!open.empty()) state.select_rows(from_vector(rows));
  }
  for (Prefix& p : open) finish(p.sentence, std::move(p.tokens), p.logp, false);
  return done;
}

}  // namespace gloss::inline GLOSS_ABI::decode
