// Speculative decoding says what decoding without it says, in fewer steps of the model.
#include <algorithm>
#include <cmath>

#include <gloss/decode/beam.hpp>
#include <gloss/decode/causal_stepper.hpp>
#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/decode/speculative.hpp>
#include <gloss/models/gpt2.hpp>
#include <gloss/models/llama.hpp>
#include <gloss/ops/isclose.hpp>
#include <gloss/transformer/make_model.hpp>

#include "support/catch.hpp"
#include "support/markov.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using decode::AssistantModel;
using decode::PromptLookup;
using decode::SpeculativeStepper;
using decode::Tokens;
using gloss_test::difference;
using gloss_test::Markov;
using gloss_test::values;
using Ids = Tensor<std::int64_t>;

namespace {

constexpr Index vocab = 24;
constexpr std::int64_t start = 0, end = 1;

using Translator = transformer::EncoderDecoder<float>;
Translator translator(std::uint64_t seed, Index d_model = 32) {
  Rng rng(seed);
  const RngGuard use(rng);
  auto model = transformer::make_model<float>(
      {.src_vocab = vocab, .tgt_vocab = vocab, .N = 2, .d_model = d_model, .d_ff = 48, .h = 4, .max_len = 64});
  const auto& proj = model.generator.proj.weight;
  proj.detach().copy_(proj.detach() * 4.0f);  // so that sentences differ, and some end
  model.eval();
  return model;
}
using Gpt2 = models::Gpt2LMHeadModel<float>;
Gpt2 gpt2(std::uint64_t seed) {
  Rng rng(seed);
  const RngGuard use(rng);
  Gpt2 model({.vocab_size = vocab,
              .n_positions = 40,
              .n_embd = 32,
              .n_layer = 2,
              .n_head = 4,
              .initializer_range = 0.3,
              .tie_word_embeddings = false});
  model.eval();
  return model;
}
using Llama = models::LlamaForCausalLM<float>;
Llama llama(std::uint64_t seed) {
  Rng rng(seed);
  const RngGuard use(rng);
  Llama model({.vocab_size = vocab,
               .hidden_size = 32,
               .intermediate_size = 48,
               .num_hidden_layers = 2,
               .num_attention_heads = 4,
               .num_key_value_heads = 2,
               .max_position_embeddings = 64,
               .initializer_range = 0.3});
  model.eval();
  return model;
}

Ids row(const Tokens& tokens) { return from_vector(tokens, {1, static_cast<Index>(tokens.size())}); }
Tensor<bool> all_of(const Ids& src) { return ones<bool>({src.size(0), 1, src.size(1)}); }

/// A Stepper on another one that counts.
template <class T>
struct Counting final : decode::Stepper<T> {
  decode::Stepper<T>& inner;
  Index calls = 0, tokens_read = 0, longest = 0;

  explicit Counting(decode::Stepper<T>& stepper) : inner(stepper) {}
  Tensor<T> step(const Ids& tokens) override { return counted(tokens, inner.step(tokens)); }
  Tensor<T> step_each(const Ids& tokens) override { return counted(tokens, inner.step_each(tokens)); }
  void select_rows(const Ids& rows) override { inner.select_rows(rows); }
  void truncate(Index n) override { inner.truncate(n); }
  Index rows() const override { return inner.rows(); }
  Index length() const override { return inner.length(); }

 private:
  Tensor<T> counted(const Ids& tokens, Tensor<T> scores) {
    ++calls, tokens_read += tokens.size(1), longest = (std::max)(longest, inner.length());
    return scores;
  }
};

/// How far apart the two best scores are behind the prompt and what was said.
template <class T>
double lead(decode::Stepper<T>& stepper, Tokens text) {
  const Tensor<T> scores = stepper.step(row(text));
  std::vector<T> sorted(scores.data(), scores.data() + scores.numel());
  std::sort(sorted.begin(), sorted.end());
  return static_cast<double>(sorted[sorted.size() - 1] - sorted[sorted.size() - 2]);
}

/// Over sentences: whether each is said as without a proposer, the calls of the model that took, and those without.
struct Totals {
  Index calls = 0, plain_calls = 0, proposed = 0, accepted = 0, finished = 0, ties = 0;

  /// fresh() makes a Stepper that has read nothing.
  template <class Fresh>
  void add(const Fresh& fresh, const Tokens& prompt, decode::Proposer& proposer,
           const decode::GreedyOptions& options = {.end = end, .max_len = 20}) {
    auto plain_stepper = fresh(), stepper = fresh();
    Counting counting(stepper), plain_counting(plain_stepper);
    const auto plain = decode::greedy_search(plain_counting, row(prompt), options)[0];
    const Index longest = static_cast<Index>(prompt.size()) + options.max_len - 1;
    SpeculativeStepper ahead(counting, proposer, {.end = options.end, .max_length = longest});
    const auto said = decode::greedy_search(ahead, row(prompt), options)[0];
    CHECK(counting.longest <= longest);
    CHECK(counting.calls == ahead.counts().model_calls);
    calls += counting.calls, plain_calls += plain_counting.calls, finished += said.finished;
    proposed += ahead.counts().proposed, accepted += ahead.counts().accepted;
    if (said.tokens == plain.tokens) {
      CHECK(said.finished == plain.finished);
      CHECK(said.score == Approx(plain.score).epsilon(1e-4));
      return;
    }
    // what the header allows: the first other token was as good but for rounding
    Tokens text = prompt;
    const auto other = std::mismatch(said.tokens.begin(), said.tokens.end(), plain.tokens.begin(), plain.tokens.end());
    text.insert(text.end(), said.tokens.begin(), other.first);
    auto again = fresh();
    CHECK(lead(again, text) < 1e-4);
    ++ties;
  }
};

constexpr int sentences = 500;

}  // namespace

TEST_CASE("speculative: an encoder-decoder says of 500 sentences what it says without, by lookup and by a draft") {
  const auto model = translator(1), other = translator(2, 16);
  Rng rng(3);
  const RngGuard use(rng);
  Totals lookup, draft;
  for (int i = 0; i < sentences; ++i) {
    const Ids src = randint(3, vocab, {1, 4 + i % 9});
    const auto fresh = [&] { return decode::EncoderDecoderStepper(model, src, all_of(src)); };
    PromptLookup source({.prompt_lookup_num_tokens = 6}, {values(src)});
    lookup.add(fresh, {start}, source);
    decode::EncoderDecoderStepper small_stepper(other, src, all_of(src));
    AssistantModel assistant(small_stepper, {.num_assistant_tokens = 6, .assistant_confidence_threshold = 0});
    draft.add(fresh, {start}, assistant);
  }
  CHECK(lookup.accepted > 500);
  CHECK(lookup.calls + lookup.accepted == lookup.plain_calls);
  CHECK(draft.calls + draft.accepted == draft.plain_calls);
  CHECK(draft.proposed > 500);
  CHECK(draft.accepted < draft.proposed / 2);
  CHECK((lookup.finished > 20 && lookup.finished < 480));
  CHECK(lookup.ties + draft.ties <= 2);
}

TEST_CASE("speculative: GPT-2 and Llama continue 500 texts as they do without") {
  const Gpt2 gpt = gpt2(4), draft_gpt = gpt2(5);
  const Llama big = llama(6);
  Rng rng(7);
  const RngGuard use(rng);
  Totals of_gpt, of_draft, of_llama;
  for (int i = 0; i < sentences; ++i) {
    const Tokens prompt = values(randint(2, vocab, {3 + i % 7}));
    const auto fresh = [&] { return decode::CausalStepper(gpt); };
    PromptLookup lookup;
    of_gpt.add(fresh, prompt, lookup);
    of_llama.add([&] { return decode::CausalStepper(big); }, prompt, lookup);
    decode::CausalStepper drafts(draft_gpt);
    AssistantModel assistant(drafts, {.assistant_confidence_threshold = 0});
    of_draft.add(fresh, prompt, assistant);
  }
  for (const Totals& t : {of_gpt, of_draft, of_llama}) {
    CHECK(t.calls + t.accepted == t.plain_calls);
    CHECK(t.accepted > 0);
    CHECK(t.proposed > 500);
    CHECK(t.ties <= 2);
  }
}

TEST_CASE("speculative: a draft that is the model itself is always right, and saves all calls that it can") {
  const Gpt2 model = gpt2(4);
  const Tokens prompt = {5, 9, 2};
  decode::CausalStepper stepper(model), plain(model), drafts(model);
  AssistantModel assistant(drafts, {.num_assistant_tokens = 5, .assistant_confidence_threshold = 0});
  const decode::GreedyOptions options{.end = -1, .max_len = 35};
  SpeculativeStepper ahead(stepper, assistant, {.max_length = 3 + 34});
  const auto said = decode::greedy_search(ahead, row(prompt), options)[0];
  CHECK(said.tokens == decode::greedy_search(plain, row(prompt), options)[0].tokens);
  CHECK(ahead.counts().accepted == ahead.counts().proposed);
  CHECK(ahead.counts().model_calls == 1 + 1 + 5 + 1);  // the prompt, a token with 2, five times with 5, the last alone
  CHECK(ahead.counts().accepted == 2 + 5 * 5);
  // A draft that is not sure proposes nothing, and one that is as it must be does.
  for (const double threshold : {0.0, 1.0}) {
    stepper.truncate(0), drafts.truncate(0);
    AssistantModel cautious(drafts, {.assistant_confidence_threshold = threshold});
    SpeculativeStepper careful(stepper, cautious);
    CHECK(decode::greedy_search(careful, row(prompt), {.end = -1, .max_len = 10})[0].tokens ==
          Tokens(said.tokens.begin(), said.tokens.begin() + 10));
    CHECK((careful.counts().proposed > 0) == (threshold == 0));
  }
}

namespace {

/// A chain: behind token i comes i + 1, behind 0 comes 2, and behind the last one the end.
Markov chain(Index last) {
  Tensor<double> table = zeros<double>({last + 1, last + 1});
  for (Index i = 0; i <= last; ++i) table.select(0, i).select(0, i == 0 ? 2 : i == last ? end : i + 1).fill_(5.0);
  return Markov(table);
}
Tokens from_to(std::int64_t first, std::int64_t last) {
  Tokens all;
  for (; first <= last; ++first) all.push_back(first);
  return all;
}

}  // namespace

TEST_CASE("speculative: the end inside what is proposed, and calls one by one") {
  Markov markov = chain(12);
  Tokens source = from_to(1, 12);  // the decoder's first token, then what it says, and the end
  source[0] = start;
  source.push_back(end);
  PromptLookup lookup({.prompt_lookup_num_tokens = 4}, {source});
  SpeculativeStepper ahead(markov, lookup, {.end = end});
  const auto said = decode::greedy_search(ahead, Ids{{start}}, {.end = end})[0];
  CHECK(said.tokens == from_to(2, 12));
  CHECK(said.finished);
  // 0; 2 with 3 4; 5 with 6 7 8 9; 10 with 11 12, behind which is the end
  CHECK(ahead.counts().model_calls == 4);
  CHECK(ahead.counts().proposed == 8);
  CHECK(ahead.counts().accepted == 8);
}

TEST_CASE("speculative: max_len cuts what is proposed, and the stepper is left as greedy_search leaves it") {
  for (Index max_len = 0; max_len < 9; ++max_len) {
    Markov plain = chain(12), markov = chain(12);
    PromptLookup lookup({}, {from_to(2, 12)});
    const auto wanted = decode::greedy_search(plain, Ids{{start}}, {.max_len = max_len})[0];
    Counting counting(markov);
    const auto said = decode::speculative_search(counting, Ids{{start}}, {.max_len = max_len}, lookup)[0];
    CHECK(said.tokens == wanted.tokens);
    CHECK(said.finished == wanted.finished);
    CHECK(said.score == Approx(wanted.score));
    CHECK(counting.longest == max_len);
    CHECK(markov.read == plain.read);
    if (max_len > 2) CHECK(counting.calls < max_len);
  }
}

TEST_CASE("speculative: where nothing that is proposed comes true, less and less is") {
  Markov markov = chain(299);
  Tokens misleading;
  for (std::int64_t token = 2; token < 299; ++token) misleading.insert(misleading.end(), {token, 0});
  PromptLookup lookup({}, {misleading});
  Counting counting(markov);
  SpeculativeStepper ahead(counting, lookup);
  const auto said = decode::greedy_search(ahead, Ids{{start}}, {.max_len = 250})[0];
  CHECK(said.tokens == from_to(2, 251));
  CHECK(counting.calls == 250);
  CHECK(ahead.counts().accepted == 0);
  CHECK(ahead.counts().proposed == 2 + 5);  // after 8, 16, 32, 64 and 64 steps
  CHECK(counting.tokens_read == 250 + 2 + 5);
}

TEST_CASE("PromptLookup: what it proposes") {
  CHECK(PromptLookup({.prompt_lookup_num_tokens = 4}).num_tokens() == 4);
  const auto proposed = [](const Tokens& text, const Tokens& source, Index n, Index ngram = 2) {
    PromptLookup lookup({.max_matching_ngram_size = ngram},
                        source.empty() ? std::vector<Tokens>() : std::vector<Tokens>{source});
    return lookup.propose({text}, n)[0];
  };
  CHECK(proposed({7, 8}, {5, 7, 8, 9, 4, 3}, 2) == Tokens{9, 4});
  CHECK(proposed({7, 8}, {5, 7, 8, 9, 4, 3}, 9) == Tokens{9, 4, 3});  // all that there is
  CHECK(proposed({7, 8}, {8, 6, 7, 8, 9}, 1) == Tokens{9});           // the longer match
  CHECK(proposed({7, 8}, {8, 6, 7, 8, 9}, 1, 1) == Tokens{6});        // the first place of a source
  CHECK(proposed({6, 8}, {8, 6, 7, 8, 9}, 2) == Tokens{6, 7});        // a shorter one
  CHECK(proposed({7, 8}, {5, 7, 8}, 2).empty());                      // nothing behind it
  CHECK(proposed({7, 8}, {}, 2).empty());
  CHECK(proposed({}, {3, 4}, 2).empty());
  CHECK(proposed({3, 4, 9, 3, 5, 3}, {}, 2) == Tokens{5, 3});  // the latest place of the text
  CHECK(proposed({3, 4, 9, 3, 4}, {}, 2) == Tokens{9, 3});
  CHECK(proposed({3, 4, 5, 3, 4, 5}, {}, 8) == Tokens{3, 4, 5, 3, 4, 5, 3, 4});  // goes on as it does
  CHECK(proposed({6, 6}, {}, 3) == Tokens{6, 6, 6});
  CHECK(proposed({decode::no_token, decode::no_token, 4}, {}, 3).empty());
}

TEST_CASE("speculative: a batch goes on by what came true in all rows, and rows may end") {
  const auto model = translator(8);
  Rng rng(9);
  const RngGuard use(rng);
  Index accepted = 0, ended = 0;
  for (int i = 0; i < 40; ++i) {
    const Ids src = randint(3, vocab, {5, 8});
    decode::EncoderDecoderStepper plain(model, src, all_of(src)), stepper(model, src, all_of(src));
    const Ids prompt = full<std::int64_t>({5, 1}, start);
    const decode::GreedyOptions options{.end = end, .max_len = 25};
    const auto wanted = decode::greedy_search(plain, prompt, options);
    std::vector<Tokens> sources;  // what the rows say, some with an error at another place
    for (std::size_t r = 0; r < 5; ++r) {
      sources.push_back(wanted[r].tokens);
      sources[r].insert(sources[r].begin(), start);
      const std::size_t wrong = 2 + 3 * r;
      if (wrong < sources[r].size()) sources[r][wrong] = 2;
      ended += wanted[r].finished;
    }
    PromptLookup lookup({}, sources);
    SpeculativeStepper ahead(stepper, lookup, {.end = end});
    const auto said = decode::greedy_search(ahead, prompt, options);
    for (std::size_t r = 0; r < 5; ++r) {
      CHECK(said[r].tokens == wanted[r].tokens);
      CHECK(said[r].finished == wanted[r].finished);
    }
    accepted += ahead.counts().accepted;
  }
  CHECK(accepted > 40);
  CHECK(ended > 10);
}

TEST_CASE("speculative: prompts of unequal lengths, and a draft whose rows end with the model's") {
  const Gpt2 model = gpt2(10);
  const Ids prompt = decode::padded_prompt({{3, 4}, {5}, {6, 7, 8, 9}});
  decode::CausalStepper plain(model), stepper(model), drafts(model);
  const decode::GreedyOptions options{.end = 11, .max_len = 30};
  const auto wanted = decode::greedy_search(plain, prompt, options);
  AssistantModel assistant(drafts, {.assistant_confidence_threshold = 0});
  const auto said = decode::speculative_search(stepper, prompt, options, assistant);
  bool unequal = false;
  for (std::size_t r = 0; r < 3; ++r) {
    CHECK(said[r].tokens == wanted[r].tokens);
    unequal = unequal || said[r].tokens.size() != said[0].tokens.size();
  }
  CHECK(unequal);  // so that rows have left before the others
}

TEST_CASE("speculative: samples are those of the same seed without it, and so is a stream") {
  const Llama model = llama(6);
  const decode::SampleOptions options{.end = -1, .max_len = 40, .temperature = 0.3, .top_k = 5};
  const Ids prompt = {{3, 4, 5}};
  Index accepted = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    decode::CausalStepper plain(model), stepper(model);
    PromptLookup lookup;
    SpeculativeStepper ahead(stepper, lookup);
    Rng rng(seed);
    Tokens wanted, said;
    {
      const RngGuard use(rng);
      wanted = decode::sample(plain, prompt, options)[0].tokens;
    }
    Rng again(seed);
    const RngGuard use(again);
    for (const std::int64_t token : decode::generate(ahead, prompt, options)) said.push_back(token);
    CHECK(said == wanted);
    accepted += ahead.counts().accepted;
  }
  CHECK(accepted > 20);
}

TEST_CASE("speculative: a beam search over it is the same, with options for logits as well") {
  const auto model = translator(8);
  const Ids src = {{5, 6, 7, 8, 9}};
  decode::EncoderDecoderStepper plain(model, src, all_of(src)), stepper(model, src, all_of(src));
  PromptLookup lookup;
  SpeculativeStepper ahead(stepper, lookup);
  const decode::BeamOptions beam{.max_len = 12, .beam = 3, .n_best = 3};
  const auto wanted = decode::beam_search(plain, Ids{{start}}, beam)[0];
  const auto found = decode::beam_search(ahead, Ids{{start}}, beam)[0];
  REQUIRE(found.size() == wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].tokens == wanted[i].tokens);
  decode::GreedyOptions options{.end = -1, .max_len = 30};
  options.logits.repetition_penalty = 1.3, options.logits.no_repeat_ngram_size = 3, options.logits.min_len = 9;
  decode::EncoderDecoderStepper fresh(model, src, all_of(src)), with(model, src, all_of(src));
  CHECK(decode::speculative_search(with, Ids{{start}}, options, lookup)[0].tokens ==
        decode::greedy_search(fresh, Ids{{start}}, options)[0].tokens);
}

TEST_CASE("SpeculativeStepper: scores are the stepper's, whatever is read, taken back and selected between") {
  const Gpt2 model = gpt2(11);
  decode::CausalStepper plain(model), stepper(model), drafts(model);
  AssistantModel assistant(drafts, {.num_assistant_tokens = 3, .assistant_confidence_threshold = 0});
  SpeculativeStepper ahead(stepper, assistant);
  Rng rng(12);
  const RngGuard use(rng);
  Ids next = randint(2, vocab, {2, 3});
  for (int i = 0; i < 80; ++i) {
    const auto scores = ahead.step(next);
    CHECK(difference(scores, plain.step(next)) < 1e-4);
    CHECK(ahead.length() == plain.length());
    CHECK(ahead.rows() == plain.rows());
    if (i % 7 == 6) ahead.select_rows({1, 0, 1}), plain.select_rows({1, 0, 1});
    if (i % 7 == 3) ahead.select_rows({0, 1}), plain.select_rows({0, 1});
    if (plain.length() > 30) ahead.truncate(i % 20), plain.truncate(i % 20);
    next = i % 9 == 8 ? randint(2, vocab, {plain.rows(), 1 + i % 2}) : argmax(scores, -1, {.keepdim = true});
    if (next.size(0) != plain.rows()) next = randint(2, vocab, {plain.rows(), 1});
  }
  CHECK(ahead.counts().accepted > 10);
}

TEST_CASE("Stepper::step_each: the scores behind each token are those of single steps") {
  const Gpt2 model = gpt2(13);
  const auto two = translator(14);
  const Ids text = randint(2, vocab, {2, 9}), src = randint(2, vocab, {2, 4});
  decode::CausalStepper causal(model), causal_each(model);
  decode::EncoderDecoderStepper translates(two, src, all_of(src)), translates_each(two, src, all_of(src));
  const auto check = [&](auto& single, auto& each) {
    Index at = 0;
    for (const Index n : {1, 5, 2, 1}) {
      const auto scores = each.step_each(text.narrow(1, at, n));
      CHECK(scores.shape() == Shape{2, n, vocab});
      for (Index i = 0; i < n; ++i, ++at)
        CHECK(difference(scores.select(1, i), single.step(text.narrow(1, at, 1))) < 1e-4);
    }
    CHECK(each.length() == 9);
    CHECK_ERROR(each.step_each(Ids{{1}}), ShapeError, "Stepper::step: tokens [1, 1] are not [2, n] with n at least 1");
    CHECK_ERROR(each.step_each(zeros<std::int64_t>({2, 0})), ShapeError,
                "Stepper::step: tokens [2, 0] are not [2, n] with n at least 1");
  };
  check(causal, causal_each);
  check(translates, translates_each);
  Markov markov = chain(9);
  const auto scores = markov.step_each({{0, 2, 5}, {4, 4, 9}});  // a Stepper without one of its own
  CHECK(equal(argmax(scores, -1), Ids{{2, 3, 6}, {5, 5, 1}}));
  CHECK(markov.steps == 3);
}

namespace {

struct Fixed final : decode::Proposer {
  std::vector<Tokens> tokens;
  bool throws = false;
  Index num_tokens() const override { return 4; }
  std::vector<Tokens> propose(const std::vector<Tokens>&, Index) override {
    if (throws) fail("no idea");
    return tokens;
  }
};

}  // namespace

TEST_CASE("speculative: what is no token of the model is not proposed to it, and errors leave all as it was") {
  const auto model = translator(15);
  const Ids src = {{4, 5, 6}};
  decode::EncoderDecoderStepper plain(model, src, all_of(src)), stepper(model, src, all_of(src));
  Fixed fixed;
  Counting counting(stepper);
  SpeculativeStepper ahead(counting, fixed, {.end = 7});
  const auto step = [&](std::int64_t token) { CHECK(difference(ahead.step({{token}}), plain.step({{token}})) < 1e-4); };
  step(start);
  for (const Tokens& tokens : {Tokens{vocab, 3}, Tokens{-1}, Tokens{7, 3}, Tokens{}}) {
    fixed.tokens = {tokens};
    step(4);
    CHECK(counting.tokens_read == ahead.length());
  }
  fixed.tokens = {{3, vocab, 5}};  // read as far as it is one
  step(4);
  CHECK(counting.tokens_read == ahead.length() + 1);
  fixed.tokens = {{3, 3}};
  for (int i = 0; i < 9; ++i) step(2);  // nothing of it came true, so it waits, and tries again
  CHECK(counting.tokens_read == ahead.length() + 2);
  fixed.throws = true;
  for (int i = 0; i < 16; ++i) step(2);
  CHECK_ERROR(ahead.step({{2}}), Error, "no idea");
  CHECK(ahead.length() == plain.length());
  fixed.throws = false;
  step(2);
  CHECK_THROWS_AS(ahead.step({{vocab}}), IndexError);
  CHECK_ERROR(ahead.step({{1}, {2}}), ShapeError, "SpeculativeStepper::step: tokens [2, 1] are not [1, n]");
  CHECK_ERROR(ahead.step(Ids{1}), ShapeError, "SpeculativeStepper::step: tokens [1] are not [1, n]");
  CHECK(ahead.length() == plain.length());
  step(3);
}

TEST_CASE("speculative: wrong options, steppers that have read, sources that are too few") {
  CHECK_ERROR(PromptLookup({.prompt_lookup_num_tokens = 0}), Error,
              "PromptLookup: prompt_lookup_num_tokens 0 and max_matching_ngram_size 2 must be positive");
  CHECK_ERROR(PromptLookup({.max_matching_ngram_size = 0}), Error,
              "PromptLookup: prompt_lookup_num_tokens 10 and max_matching_ngram_size 0 must be positive");
  Markov markov = chain(5), drafts = chain(5);
  for (const double threshold : {-0.5, 1.5, std::nan("")})
    CHECK_THROWS_AS(AssistantModel(drafts, {.assistant_confidence_threshold = threshold}), Error);
  CHECK_ERROR(AssistantModel(drafts, {.num_assistant_tokens = 0}), Error,
              "AssistantModel: num_assistant_tokens 0 must be positive, assistant_confidence_threshold 0.4 in [0, 1]");
  PromptLookup lookup({}, {{1, 2}});
  CHECK_ERROR(decode::speculative_search(markov, Ids{{0}, {2}}, {.max_len = 3}, lookup), ShapeError,
              "PromptLookup: 1 sources for 2 texts");
  markov.truncate(0);
  markov.read.clear();
  CHECK_ERROR(decode::speculative_search(markov, Ids{0}, {}, lookup), ShapeError,
              "speculative_search: prompt [1] must be [rows, n] with n at least 1");
  CHECK_ERROR(decode::speculative_search(markov, Ids{{0}}, {.max_len = -1}, lookup), Error,
              "speculative_search: max_len -1 is negative");
  CHECK(decode::speculative_search(markov, zeros<std::int64_t>({0, 1}), {}, lookup).empty());
  markov.step(Ids{{0}}), drafts.step(Ids{{0, 2}});
  CHECK_ERROR(SpeculativeStepper(markov, lookup), Error, "SpeculativeStepper: the stepper has read 1 tokens before");
  CHECK_ERROR(AssistantModel(drafts), Error, "AssistantModel: the assistant has read 2 tokens before");
}
