// Saying one token after the other: the likeliest, or one drawn at random; batched, or as a stream of tokens.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <gloss/decode/logits.hpp>
#include <gloss/decode/stepper.hpp>
#include <gloss/ops/softmax.hpp>

namespace gloss::inline GLOSS_ABI::decode {

struct GreedyOptions {
  std::int64_t start = 0;  // first token that a decoder reads; over a Stepper, the prompt says so
  std::int64_t end = 1;    // token that finishes a row
  Index max_len = 64;      // most tokens of a result
  LogitsOptions logits = {};
};

struct SampleOptions {
  std::int64_t start = 0;
  std::int64_t end = 1;
  Index max_len = 64;
  double temperature = 1;  // divides the scores; 0: the likeliest token
  Index top_k = 0;         // only the k likeliest tokens; 0: all
  double top_p = 1;        // only the likeliest tokens that have this probability together
  double min_p = 0;        // only tokens that are at least so likely, in parts of the likeliest
  LogitsOptions logits = {};
};

namespace detail {

/// A token drawn from softmax(scores / temperature), cut by top_k, top_p and min_p in this order; u in [0, 1) is what
/// is drawn: the first token, by number, at which the probabilities add up to more than u.
class TokenDraw {
 public:
  explicit TokenDraw(const SampleOptions& options) : options_(&options) {}

  template <class T>
  std::int64_t operator()(const T* scores, Index vocab, double u) {
    collect(scores, vocab);
    const SampleOptions& o = *options_;
    if (o.top_p < 1) keep_top_p(o.top_p);
    if (o.min_p > 0) std::erase_if(candidates_, [&](const Candidate& c) { return c.weight < o.min_p; });
    std::sort(candidates_.begin(), candidates_.end(), [](auto& a, auto& b) { return a.token < b.token; });
    double rest = u * total();
    for (const Candidate& c : candidates_) {
      if (rest < c.weight) return c.token;
      rest -= c.weight;
    }
    return candidates_.back().token;  // rounding
  }

 private:
  struct Candidate {
    double weight;  // probability, in parts of the likeliest token's
    std::int64_t token;
  };
  double total() const {
    double sum = 0;
    for (const Candidate& c : candidates_) sum += c.weight;
    return sum;
  }
  /// Those that are possible at all, and of them the top_k likeliest; as transformers, with all that are as likely as
  /// the last of them.
  template <class T>
  void collect(const T* scores, Index vocab) {
    candidates_.clear();
    const T largest = *std::max_element(scores, scores + vocab);
    for (Index token = 0; token < vocab; ++token)
      if (scores[token] > -std::numeric_limits<T>::infinity())
        candidates_.push_back({static_cast<double>(scores[token] - largest), token});
    const auto k = static_cast<std::size_t>(options_->top_k);
    if (k > 0 && k < candidates_.size()) {
      const auto last = candidates_.begin() + static_cast<std::ptrdiff_t>(k - 1);
      std::nth_element(candidates_.begin(), last, candidates_.end(),
                       [](auto& a, auto& b) { return a.weight > b.weight; });
      std::erase_if(candidates_, [least = last->weight](const Candidate& c) { return c.weight < least; });
    }
    for (Candidate& c : candidates_) c.weight = std::exp(c.weight / options_->temperature);
  }
  /// The fewest likeliest tokens that have at least the share p of all.
  void keep_top_p(double p) {
    const auto less = [](const Candidate& a, const Candidate& b) {
      return a.weight != b.weight ? a.weight < b.weight : a.token > b.token;
    };
    const double wanted = p * total();
    std::make_heap(candidates_.begin(), candidates_.end(), less);
    auto heap_end = candidates_.end();
    double sum = 0;
    do {
      std::pop_heap(candidates_.begin(), heap_end--, less);
      sum += heap_end->weight;
    } while (sum < wanted && heap_end != candidates_.begin());
    candidates_.erase(candidates_.begin(), heap_end);
  }

  const SampleOptions* options_;
  std::vector<Candidate> candidates_;
};

/// The state of greedy_search, sample and generate.
template <Real T>
class Generation {
 public:
  Generation(std::string_view search, Stepper<T>& stepper, const Tensor<std::int64_t>& prompt,
             const SampleOptions& options)
      : search_(search),
        stepper_(&stepper),
        options_(options),
        draw_(options_),
        rules_(search, options_.logits, options_.end, prompt.dim() > 0 ? prompt.size(0) : 0) {
    check_prompt(search, prompt, options.max_len);
    const auto& o = options;
    if (!(o.temperature >= 0 && std::isfinite(o.temperature)))
      fail(search, ": temperature ", o.temperature, " must be a number that is not negative");
    if (o.top_k < 0 || !(o.top_p > 0 && o.top_p <= 1) || !(o.min_p >= 0 && o.min_p <= 1))
      fail(search, ": top_k ", o.top_k, " must not be negative, top_p ", o.top_p, " in (0, 1], min_p ", o.min_p,
           " in [0, 1]");
    prompts_ = rows_of_tokens(prompt);
    results_.resize(prompts_.size());
    for (std::size_t i = 0; i < prompts_.size(); ++i) open_.push_back(i);
    next_ = prompt;
    if (o.temperature > 0) random_ = current_rng().reserve(2 * prompt.size(0) * o.max_len);
  }
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  /// One more token in each row that is open. False: all are done.
  bool step() {
    if (open_.empty() || length_ == options_.max_len) return false;
    const Tensor<T> scores = stepper_->step(next_), logp = log_softmax(scores, -1);
    const Index vocab = scores.size(1);
    Tokens said, kept;
    std::vector<std::size_t> still;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const auto at = static_cast<Index>(i) * vocab;
      const std::int64_t token = choose(open_[i], scores.data() + at, logp.data() + at, vocab);
      Hypothesis& h = results_[open_[i]];
      h.score += static_cast<double>(logp.data()[at + token]);
      h.finished = token == options_.end;
      if (h.finished) continue;
      h.tokens.push_back(token);
      said.push_back(token);
      kept.push_back(static_cast<std::int64_t>(i));
      still.push_back(open_[i]);
    }
    ++length_;
    if (still.size() < open_.size() && !still.empty()) stepper_->select_rows(from_vector(kept));
    open_ = std::move(still);
    next_ = from_vector(said, {static_cast<Index>(said.size()), 1});
    return true;
  }
  std::vector<Hypothesis>& results() { return results_; }

 private:
  std::int64_t choose(std::size_t row, const T* scores, const T* logp, Index vocab) {
    if (rules_.any()) {
      changed_.assign(scores, scores + vocab);
      rules_.apply(changed_.data(), vocab, static_cast<Index>(row), prompts_[row], results_[row].tokens);
      scores = changed_.data();
    }
    const T* const best = std::max_element(scores, scores + vocab);
    if (std::isnan(logp[0]) || *best == -std::numeric_limits<T>::infinity())  // one NaN makes all log P so
      fail(search_, ": row ", row, ": no token is possible: the scores are -infinity or NaN");
    if (options_.temperature == 0) return best - scores;
    // Draws of a row do not depend on the others: whoever is in the batch, and has left it.
    const auto word = 2 * (static_cast<std::uint64_t>(row) * static_cast<std::uint64_t>(options_.max_len) +
                           static_cast<std::uint64_t>(length_));
    return draw_(scores, vocab, uniform_double(random_.word(word), random_.word(word + 1)));
  }

  std::string_view search_;
  Stepper<T>* stepper_;
  SampleOptions options_;
  TokenDraw draw_;
  LogitsRules rules_;
  RandomBlock random_;
  std::vector<Tokens> prompts_;
  std::vector<Hypothesis> results_;
  std::vector<std::size_t> open_;  // which row of the batch each row of the stepper is
  Tensor<std::int64_t> next_;      // what the stepper reads next
  Index length_ = 0;
  std::vector<T> changed_;
};

}  // namespace detail

/// The likeliest next token, again and again, until each row says `end`; of equally likely ones the first.
/// Shape: prompt [rows, n], what each row has read before -> rows hypotheses; score is log P of tokens and end.
/// Errors: ShapeError for an empty prompt; Error for a negative max_len, wrong LogitsOptions or scores that are NaN.
template <Real T>
std::vector<Hypothesis> greedy_search(Stepper<T>& stepper, const Tensor<std::int64_t>& prompt,
                                      const GreedyOptions& options) {
  detail::Generation<T> search(
      "greedy_search", stepper, prompt,
      {.end = options.end, .max_len = options.max_len, .temperature = 0, .logits = options.logits});
  while (search.step()) {
  }
  return std::move(search.results());
}

/// Tokens drawn one after the other from softmax(scores / temperature) until each row says `end`. A row's draws come
/// from the current random stream and depend on its number alone, not on the other rows.
/// Shape: prompt [rows, n] -> rows hypotheses; score is the model's log P, whatever temperature and rules say.
/// Errors: ShapeError for an empty prompt; Error for options out of range or scores that are NaN.
/// Source: Fan et al. 2018 for top_k, Holtzman et al. 2020 for top_p, Nguyen et al. 2024 for min_p.
/// transformers: generate(do_sample=True)
template <Real T>
std::vector<Hypothesis> sample(Stepper<T>& stepper, const Tensor<std::int64_t>& prompt, const SampleOptions& options) {
  detail::Generation<T> search("sample", stepper, prompt, options);
  while (search.step()) {
  }
  return std::move(search.results());
}

/// The tokens of one row, each when it is asked for: a range to loop over once.
template <Real T>
class TokenStream {
 public:
  TokenStream(Stepper<T>& stepper, const Tensor<std::int64_t>& prompt, const SampleOptions& options)
      : search_("generate", stepper, prompt, options) {
    if (prompt.size(0) != 1) fail<ShapeError>("generate: prompt ", prompt.shape(), " must have one row");
  }

  struct End {};
  class Iterator {
   public:
    using value_type = std::int64_t;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(TokenStream& stream) : stream_(&stream) { ++*this; }
    std::int64_t operator*() const { return stream_->result().tokens.back(); }
    Iterator& operator++() {
      more_ = stream_->search_.step() && !stream_->result().finished;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(End) const { return !more_; }

   private:
    TokenStream* stream_;
    bool more_ = false;
  };
  Iterator begin() { return Iterator(*this); }
  End end() const { return {}; }

  /// What has been said so far, and its log P.
  const Hypothesis& result() { return search_.results()[0]; }

 private:
  detail::Generation<T> search_;
};

/// sample, token by token: for (const std::int64_t token : decode::generate(stepper, prompt, options)) ...
/// With temperature 0 it is greedy_search's. The stepper must outlive the range.
/// Shape: prompt [1, n]
/// Errors: as sample; ShapeError for more rows than one.
template <Real T>
TokenStream<T> generate(Stepper<T>& stepper, const Tensor<std::int64_t>& prompt, const SampleOptions& options = {}) {
  return TokenStream<T>(stepper, prompt, options);
}

GLOSS_INSTANTIATE(std::vector<Hypothesis> greedy_search(Stepper<float>&, const Tensor<std::int64_t>&,
                                                        const GreedyOptions&))
GLOSS_INSTANTIATE(std::vector<Hypothesis> sample(Stepper<float>&, const Tensor<std::int64_t>&, const SampleOptions&))
GLOSS_INSTANTIATE(std::vector<Hypothesis> greedy_search(Stepper<double>&, const Tensor<std::int64_t>&,
                                                        const GreedyOptions&))
GLOSS_INSTANTIATE(std::vector<Hypothesis> sample(Stepper<double>&, const Tensor<std::int64_t>&, const SampleOptions&))

}  // namespace gloss::inline GLOSS_ABI::decode
