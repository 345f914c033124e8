// Speculative decoding: a guess of several tokens, which the model checks in one step.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gloss/decode/sampling.hpp>
#include <gloss/ops/max.hpp>

namespace gloss::inline GLOSS_ABI::decode {

/// Guesses what a model is going to say. PromptLookup and AssistantModel are two; a class of your own may be another.
struct Proposer {
  virtual ~Proposer() = default;
  /// Most tokens that are wanted at a time.
  virtual Index num_tokens() const = 0;
  /// For each text, as long as all others, up to n tokens that may follow it.
  virtual std::vector<Tokens> propose(const std::vector<Tokens>& texts, Index n) = 0;
  /// Text i is from now on what text rows[i] was.
  virtual void select_rows(const Tensor<std::int64_t>& /*rows*/) {}
};

namespace detail {
inline std::vector<Tokens> select_texts(const std::vector<Tokens>& texts, const Tensor<std::int64_t>& rows) {
  std::vector<Tokens> selected;
  for (Index i = 0; i < rows.numel(); ++i) selected.push_back(texts[static_cast<std::size_t>(rows.at({i}))]);
  return selected;
}
}  // namespace detail

struct PromptLookupOptions {
  Index prompt_lookup_num_tokens = 10;  // most tokens proposed at a time
  Index max_matching_ngram_size = 2;    // so many tokens are looked for first, then one less, to 1
};

/// Proposes what followed the last tokens where they stood before: in the text's source, else in the text itself, the
/// latest place, from where a text that repeats itself goes on and on. It costs next to nothing, and finds much where a
/// text takes over parts of what was read: names, numbers, code, quotations.
/// A source that begins with the token that the decoder reads first is proposed from its beginning.
/// Source: Saxena 2023 (prompt lookup decoding).
/// transformers: generate(prompt_lookup_num_tokens=, max_matching_ngram_size=)
class PromptLookup final : public Proposer {
 public:
  /// sources: what each text is made from; none for models without. Their tokens are those of the text's vocabulary.
  /// Errors: Error for numbers that are not positive.
  explicit PromptLookup(const PromptLookupOptions& options = {}, std::vector<Tokens> sources = {})
      : options_(options), sources_(std::move(sources)) {
    if (options.prompt_lookup_num_tokens < 1 || options.max_matching_ngram_size < 1)
      fail("PromptLookup: prompt_lookup_num_tokens ", options.prompt_lookup_num_tokens, " and max_matching_ngram_size ",
           options.max_matching_ngram_size, " must be positive");
  }
  Index num_tokens() const override { return options_.prompt_lookup_num_tokens; }
  /// Errors: ShapeError for another number of texts than of sources.
  std::vector<Tokens> propose(const std::vector<Tokens>& texts, Index n) override {
    if (!sources_.empty() && sources_.size() != texts.size())
      fail<ShapeError>("PromptLookup: ", sources_.size(), " sources for ", texts.size(), " texts");
    std::vector<Tokens> proposed;
    for (std::size_t i = 0; i < texts.size(); ++i)
      proposed.push_back(lookup(texts[i], sources_.empty() ? Tokens() : sources_[i], n));
    return proposed;
  }
  void select_rows(const Tensor<std::int64_t>& rows) override {
    if (!sources_.empty()) sources_ = detail::select_texts(sources_, rows);
  }

 private:
  Tokens lookup(const Tokens& text, const Tokens& source, Index wanted) const {
    for (Index n = (std::min)(options_.max_matching_ngram_size, static_cast<Index>(text.size())); n > 0; --n) {
      const auto last = text.end() - n;
      if (const auto found = std::search(source.begin(), source.end(), last, text.end()); source.end() - found > n)
        return Tokens(found + n, found + (std::min)(n + wanted, static_cast<Index>(source.end() - found)));
      const auto found = std::find_end(text.begin(), text.end() - 1, last, text.end());
      if (found == text.end() - 1) continue;
      Tokens next(found + n, text.end());
      for (std::size_t i = 0; static_cast<Index>(next.size()) < wanted; ++i) next.push_back(next[i]);
      next.resize(static_cast<std::size_t>(wanted));
      return next;
    }
    return {};
  }

  PromptLookupOptions options_;
  std::vector<Tokens> sources_;
};

struct AssistantOptions {
  Index num_assistant_tokens = 10;              // most tokens proposed at a time
  double assistant_confidence_threshold = 0.4;  // no token is proposed that the assistant finds less likely
};

/// Proposes what a cheaper model finds likeliest, one token after the other. It has the vocabulary of the model that it
/// helps, and must be so much faster that its tokens cost less than they save: a step for each of them.
/// Source: Leviathan et al. 2023.
/// transformers: generate(assistant_model=, num_assistant_tokens=, assistant_confidence_threshold=)
template <Real T>
class AssistantModel final : public Proposer {
 public:
  /// The stepper, on the same sources if it has any, must have read nothing, and must outlive this.
  /// Errors: Error for one that has read something, and for options out of range.
  explicit AssistantModel(Stepper<T>& assistant_model, const AssistantOptions& options = {})
      : model_(&assistant_model), options_(options) {
    if (assistant_model.length() > 0)
      fail("AssistantModel: the assistant has read ", assistant_model.length(), " tokens before");
    const double threshold = options.assistant_confidence_threshold;
    if (options.num_assistant_tokens < 1 || !(threshold >= 0 && threshold <= 1))
      fail("AssistantModel: num_assistant_tokens ", options.num_assistant_tokens,
           " must be positive, assistant_confidence_threshold ", threshold, " in [0, 1]");
  }
  Index num_tokens() const override { return options_.num_assistant_tokens; }
  /// Errors: those of the stepper.
  std::vector<Tokens> propose(const std::vector<Tokens>& texts, Index n) override {
    Tensor<T> scores = model_->step(unread(texts));
    read_ = texts;
    std::vector<Tokens> proposed(texts.size());
    for (Index i = 0; i < n; ++i) {
      if (i > 0) {
        scores = model_->step(next_tokens(proposed));
        for (std::size_t row = 0; row < texts.size(); ++row) read_[row].push_back(proposed[row].back());
      }
      const Tensor<std::int64_t> likeliest = argmax(scores, -1);
      if (!is_confident(scores, likeliest)) break;
      for (std::size_t row = 0; row < texts.size(); ++row)
        proposed[row].push_back(likeliest.at({static_cast<Index>(row)}));
    }
    return proposed;
  }
  void select_rows(const Tensor<std::int64_t>& rows) override {
    if (model_->rows() > 0) model_->select_rows(rows);
    if (!read_.empty()) read_ = detail::select_texts(read_, rows);
  }

 private:
  /// Forgets what the texts do not begin with, and says what is to be read then, at least the last token.
  Tensor<std::int64_t> unread(const std::vector<Tokens>& texts) {
    if (read_.size() != texts.size()) read_.clear();
    auto same = static_cast<std::ptrdiff_t>(read_.empty() ? 0 : texts[0].size() - 1);
    for (std::size_t row = 0; row < read_.size(); ++row) {
      const Tokens &a = read_[row], &b = texts[row];
      same = (std::min)(same, std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
    }
    model_->truncate(same);
    for (Tokens& read : read_) read.resize(static_cast<std::size_t>(same));
    Tokens rest;
    for (const Tokens& text : texts) rest.insert(rest.end(), text.begin() + same, text.end());
    return from_vector(rest, {static_cast<Index>(texts.size()), static_cast<Index>(texts[0].size()) - same});
  }
  static Tensor<std::int64_t> next_tokens(const std::vector<Tokens>& proposed) {
    Tokens next;
    for (const Tokens& tokens : proposed) next.push_back(tokens.back());
    return from_vector(next, {static_cast<Index>(next.size()), 1});
  }
  bool is_confident(const Tensor<T>& scores, const Tensor<std::int64_t>& likeliest) const {
    if (options_.assistant_confidence_threshold == 0) return true;
    const Tensor<T> p = softmax(scores, -1);
    for (Index row = 0; row < p.size(0); ++row)
      if (static_cast<double>(p.at({row, likeliest.at({row})})) < options_.assistant_confidence_threshold) return false;
    return true;
  }

  Stepper<T>* model_;
  AssistantOptions options_;
  std::vector<Tokens> read_;  // by each row of the model
};

struct SpeculativeOptions {
  std::int64_t end = -1;                                   // token behind which nothing is proposed
  Index max_length = (std::numeric_limits<Index>::max)();  // most tokens that the model reads in all
};

/// How much was guessed, and how much of it came true; of several rows, tokens of one.
struct SpeculativeCounts {
  Index model_calls = 0, proposed = 0, accepted = 0;
};

namespace detail {
/// How many tokens are proposed the next time: 2 at first; after as many as were proposed twice that and one more; else
/// one more than came true. When none does for the second time in a row, proposals are left out for 4 steps, the next
/// times for 8, .. 64, until one does, so that guesses that are no good cost little. Before any did it begins with 8.
class ProposalLength {
 public:
  Index next() { return wait_ > 0 ? (--wait_, 0) : length_; }
  void learn(Index proposed, Index accepted, Index most) {
    length_ = (std::min)(accepted == proposed ? 2 * proposed + 1 : accepted + 1, most);
    misses_ = accepted > 0 ? 0 : (std::min)(misses_ + 1, 6);
    wait_ = misses_ < 2 ? 0 : Index{1} << misses_;
  }

 private:
  Index length_ = 2, wait_ = 0;
  int misses_ = 2;  // in a row
};
}  // namespace detail

/// A Stepper before another one that reads ahead: behind a token it reads those that are proposed as well, in the same
/// step, and when it is asked for the scores of a token that it has read it has them. A proposal costs less than a step
/// for each of its tokens, because a step of a few tokens reads the model's weights as often as a step of one: once.
///   decode::PromptLookup lookup({.prompt_lookup_num_tokens = 10});
///   decode::SpeculativeStepper ahead(stepper, lookup, {.end = end});
///   for (const std::int64_t token : decode::generate(ahead, prompt, options)) ...
/// Any search says over it what it says over the Stepper alone, for the tokens are chosen from the same scores; sample
/// draws from the same distribution, and with the same seed the same tokens. They are the same but for rounding: the
/// products of a step of several tokens may add in another order than those of one token, so that a choice between two
/// tokens whose scores differ by less than that, relative 1e-6 in float, may fall otherwise. Several rows go on
/// together: they have as many tokens ahead as came true in all of them. A beam search has no use of it.
template <Real T>
class SpeculativeStepper final : public Stepper<T> {
 public:
  /// Both must outlive this; what is behind the tokens that are read is truncated, so the model's cache must allow it.
  /// Errors: Error for a stepper that has read something.
  SpeculativeStepper(Stepper<T>& stepper, Proposer& proposer, const SpeculativeOptions& options = {})
      : model_(&stepper), proposer_(&proposer), options_(options) {
    if (stepper.length() > 0) fail("SpeculativeStepper: the stepper has read ", stepper.length(), " tokens before");
  }

  /// Errors: those of the stepper and of the proposer.
  Tensor<T> step(const Tensor<std::int64_t>& tokens) override {
    if (is_ahead(tokens)) {
      add(tokens, texts_);
      ++used_, ++counts_.accepted;
    } else {
      read(tokens);
    }
    return scores_.select(1, used_).contiguous();
  }
  void select_rows(const Tensor<std::int64_t>& rows) override {
    forget_ahead();
    model_->select_rows(rows);
    proposer_->select_rows(rows);
    if (!texts_.empty()) texts_ = detail::select_texts(texts_, rows);
  }
  /// Errors: as the stepper.
  void truncate(Index length) override {
    forget_ahead();
    model_->truncate(length);
    for (Tokens& text : texts_) text.resize(static_cast<std::size_t>(length));
    if (length == 0) texts_.clear();
  }
  Index rows() const override { return model_->rows(); }
  Index length() const override { return length_of(texts_); }

  /// Of all steps so far.
  const SpeculativeCounts& counts() const { return counts_; }

 private:
  static Index length_of(const std::vector<Tokens>& texts) {
    return texts.empty() ? 0 : static_cast<Index>(texts[0].size());
  }
  static void add(const Tensor<std::int64_t>& tokens, std::vector<Tokens>& texts) {
    texts.resize(static_cast<std::size_t>(tokens.size(0)));
    for (Index i = 0; i < tokens.size(0); ++i)
      for (Index j = 0; j < tokens.size(1); ++j) texts[static_cast<std::size_t>(i)].push_back(tokens.at({i, j}));
  }

  /// Whether these are the next tokens that were read ahead.
  bool is_ahead(const Tensor<std::int64_t>& tokens) const {
    if (used_ == ahead_ || tokens.shape() != Shape{static_cast<Index>(texts_.size()), 1}) return false;
    for (Index i = 0; i < tokens.size(0); ++i)
      if (tokens.at({i, 0}) != proposed_[static_cast<std::size_t>(i)][static_cast<std::size_t>(used_)]) return false;
    return true;
  }
  void forget_ahead() {
    if (ahead_ == 0) return;
    model_->truncate(length());
    ahead_ = used_ = 0;
  }
  void read(const Tensor<std::int64_t>& tokens) {
    if (ahead_ > 0) proposal_.learn(ahead_, used_, proposer_->num_tokens());
    forget_ahead();
    if (tokens.dim() != 2 || (length() > 0 && tokens.size(0) != static_cast<Index>(texts_.size())))
      fail<ShapeError>("SpeculativeStepper::step: tokens ", tokens.shape(), " are not [", texts_.size(), ", n]");
    std::vector<Tokens> texts = texts_;
    add(tokens, texts);
    const Index n = tokens.size(1) == 1 && scores_.defined() ? propose(texts) : 0;
    if (n == 0) {
      scores_ = model_->step(tokens).unsqueeze(1);
    } else {
      Tensor<std::int64_t> all = empty<std::int64_t>({tokens.size(0), 1 + n});
      for (Index i = 0; i < tokens.size(0); ++i) {
        all.data()[i * (1 + n)] = tokens.at({i, 0});
        std::copy_n(proposed_[static_cast<std::size_t>(i)].begin(), n, all.data() + i * (1 + n) + 1);
      }
      scores_ = model_->step_each(all);
    }
    texts_ = std::move(texts);
    ahead_ = n;
    ++counts_.model_calls, counts_.proposed += n;
  }
  /// Fills proposed_; how many tokens there are for each text.
  Index propose(const std::vector<Tokens>& texts) {
    Index n = (std::min)({proposal_.next(), proposer_->num_tokens(), options_.max_length - length_of(texts)});
    if (n <= 0 || texts.empty()) return 0;
    proposed_ = proposer_->propose(texts, n);
    const Index vocab = scores_.size(-1);
    for (const Tokens& tokens : proposed_) {
      const auto bad = [&](std::int64_t token) { return token < 0 || token >= vocab || token == options_.end; };
      n = (std::min)(n, static_cast<Index>(std::find_if(tokens.begin(), tokens.end(), bad) - tokens.begin()));
    }
    return n;
  }

  Stepper<T>* model_;
  Proposer* proposer_;
  SpeculativeOptions options_;
  SpeculativeCounts counts_;
  detail::ProposalLength proposal_;
  std::vector<Tokens> texts_;     // what each row has been given to read
  std::vector<Tokens> proposed_;  // what it has read behind that
  Tensor<T> scores_;              // of the last step: behind its token, and behind each of those ahead
  Index ahead_ = 0, used_ = 0;    // tokens that were read ahead, and those of them that came true
};

/// greedy_search with the help of a proposer: the same tokens, of which the model checks several in one step; what "the
/// same" means where two scores differ by rounding only, see SpeculativeStepper.
///   decode::EncoderDecoderStepper stepper(model, src, src_mask);
///   decode::PromptLookup lookup({.prompt_lookup_num_tokens = 10}, {source});
///   const auto said = decode::speculative_search(stepper, prompt, options, lookup)[0].tokens;
/// Shape: prompt [rows, n], what each row has read before -> rows hypotheses
/// Errors: as greedy_search, SpeculativeStepper and the proposer.
/// transformers: generate(assistant_model=...), generate(prompt_lookup_num_tokens=...)
template <Real T>
std::vector<Hypothesis> speculative_search(Stepper<T>& stepper, const Tensor<std::int64_t>& prompt,
                                           const GreedyOptions& options, Proposer& proposer) {
  detail::check_prompt("speculative_search", prompt, options.max_len);
  SpeculativeStepper<T> ahead(stepper, proposer,
                              {.end = options.end, .max_length = prompt.size(1) + options.max_len - 1});
  std::vector<Hypothesis> results = greedy_search(ahead, prompt, options);
  ahead.truncate(ahead.length());
  return results;
}

}  // namespace gloss::inline GLOSS_ABI::decode
