// Greedy decoding with the key-value cache at the sizes of benchmarks/peers/decode.py: the base model, 20 tokens; and a
// small causal model with a cache and without. Before the base model is timed, its result is checked against the uncached
// decoding that the peer does. Last, how many times faster one sentence is with guesses from its source, and with a
// shortlist.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include <gloss/decode/causal_stepper.hpp>
#include <gloss/decode/encoder_decoder_stepper.hpp>
#include <gloss/decode/greedy.hpp>
#include <gloss/decode/shortlist.hpp>
#include <gloss/decode/speculative.hpp>
#include <gloss/nn/embedding.hpp>
#include <gloss/nn/transformer_encoder.hpp>
#include <gloss/ops/compare.hpp>
#include <gloss/ops/tri.hpp>
#include <gloss/transformer/make_model.hpp>

#include "median.hpp"

using namespace gloss;

namespace {

using Model = transformer::EncoderDecoder<float>;
constexpr Index vocab = 8000, source_length = 20, tokens = 20;
constexpr std::int64_t pad = 2, start = 0;

/// The base model, untrained, in evaluation.
const Model& base_model() {
  static const std::unique_ptr<Model> model = [] {
    Rng rng(1);
    const RngGuard guard(rng);
    auto made = std::make_unique<Model>(
        transformer::make_model<float>({.src_vocab = vocab, .tgt_vocab = vocab, .N = 6, .d_model = 512, .d_ff = 2048}));
    made->eval();
    return made;
  }();
  return *model;
}

/// A batch of random sentences, none with padding, and what is to be said for them.
struct Sentences {
  Tensor<std::int64_t> src;
  Tensor<bool> mask;

  explicit Sentences(Index batch) {
    Rng rng(2);
    const RngGuard guard(rng);
    src = randint(3, vocab, {batch, source_length});
    mask = (src != pad).unsqueeze(-2);
  }
  std::vector<decode::Hypothesis> decode() const {  // no token is -1, so every sentence has all its tokens
    return decode::greedy_search(base_model(), src, mask, {.start = start, .end = -1, .max_len = tokens});
  }
};

/// An untrained model may find two words equally likely but for rounding, so what is compared are the sentences' first
/// words up to such a place: at least half of all must be the same, which by chance none would be.
void check(const Sentences& sentences) {
  const auto plain = decode::greedy_decode(base_model(), sentences.src, sentences.mask, tokens + 1, start);
  const auto cached = sentences.decode();
  Index same = 0;
  for (Index i = 0; i < plain.size(0); ++i)
    for (Index j = 0;
         j < tokens && cached[static_cast<std::size_t>(i)].tokens[static_cast<std::size_t>(j)] == plain.at({i, j + 1});
         ++j)
      ++same;
  if (2 * same >= plain.size(0) * tokens) return;
  std::fprintf(stderr, "decode/greedy: wrong before timing: only %lld of %lld tokens are those of the uncached model\n",
               static_cast<long long>(same), static_cast<long long>(plain.size(0) * tokens));
  std::exit(1);
}

void greedy(benchmark::State& state) {
  const Sentences sentences(state.range(0));
  check(sentences);
  bench::time_calls(state, [&] { benchmark::DoNotOptimize(sentences.decode()); });
  // Each token of a sentence reads all of the decoder's weights but the projections of the source, and the generator.
  constexpr double layer = 6 * 512. * 512 + 2 * 512. * 2048, read = 4 * (6 * layer + 512. * vocab);
  state.counters["weights B/s"] =
      benchmark::Counter(read * static_cast<double>(tokens), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(greedy)
    ->Name("decode/greedy")
    ->ArgName("batch")
    ->Arg(1)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

/// A decoder-only model of PyTorch's layers: 4 of width 256, as of a small character model.
struct Causal final : nn::Module<float> {
  using Cache = nn::TransformerEncoder<float>::Cache;
  nn::Embedding<float> letters, positions;
  nn::TransformerEncoder<float> layers;
  nn::Linear<float> generator;

  Causal()
      : letters(96, 256),
        positions(256, 256),
        layers(nn::TransformerEncoderLayer<float>(256, 8, {.dim_feedforward = 1024, .batch_first = true}), 4),
        generator(256, 96) {
    eval();
  }
  Tensor<float> decode(const Tensor<std::int64_t>& ids, Cache* cache = nullptr) const {
    const Index start = cache ? cache->length : 0, n = ids.size(1);
    const Tensor<float> x = letters(ids) + positions(arange<std::int64_t>(start, start + n));
    return cache ? layers(x, {}, cache) : layers(x, {.mask = triu(ones<bool>({n, n}), 1)});
  }
  void visit(nn::Visitor<float>& v) override {
    v("letters", letters);
    v("positions", positions);
    v("layers", layers);
    v("generator", generator);
  }
};

/// 255 letters behind one, the likeliest each time, with a cache or by reading the whole text again.
std::vector<std::int64_t> continue_text(const Causal& model, bool cached) {
  Tensor<std::int64_t> text = {{1}};
  if (cached) {
    decode::CausalStepper stepper(model);
    return decode::greedy_search(stepper, text, {.end = -1, .max_len = 255})[0].tokens;
  }
  NoGradGuard no_grad;
  for (int i = 0; i < 255; ++i)
    text =
        cat<std::int64_t>({text, argmax(model.generator(model.decode(text).select(1, -1)), -1, {.keepdim = true})}, 1);
  return {text.data() + 1, text.data() + 256};
}

void causal(benchmark::State& state) {
  Rng rng(3);
  const RngGuard guard(rng);
  const Causal model;
  bench::time_calls(state, [&] { benchmark::DoNotOptimize(continue_text(model, state.range(0) == 1)); });
}
BENCHMARK(causal)
    ->Name("decode/causal")
    ->ArgName("cached")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

/// Times call(), and before each plain(): the counter `ratio` says how many times longer that takes, by the medians.
template <class Plain, class Call>
void compare(benchmark::State& state, const Plain& plain, const Call& call) {
  std::vector<double> plain_times, times;
  for (auto _ : state) {
    const double begin = monotonic_seconds();
    benchmark::DoNotOptimize(plain());
    const double middle = monotonic_seconds();
    benchmark::DoNotOptimize(call());
    plain_times.push_back(middle - begin);
    times.push_back(monotonic_seconds() - middle);
  }
  state.counters["median_s"] = bench::median(times);
  state.counters["ratio"] = bench::median(plain_times) / bench::median(times);
}

/// One sentence of which so many words in a hundred are those of the source, at the same places; with 0, words of it
/// are there, and each is followed by a wrong one.
void lookup(benchmark::State& state) {
  const Sentences sentence(1);
  decode::GreedyOptions options{.start = start, .end = -1, .max_len = tokens};
  options.logits.no_repeat_ngram_size = 1;  // an untrained model repeats itself, which is too easy to guess
  const auto plain = [&] {
    return decode::greedy_search(base_model(), sentence.src, sentence.mask, options)[0].tokens;
  };
  const decode::Tokens said = plain();
  decode::Tokens source = {start};
  for (const std::int64_t token : said) {
    source.push_back(token);
    if (state.range(0) == 0) source.push_back(pad);
    if (state.range(0) == 80 && source.size() % 5 == 0) source.back() = pad;
  }
  const auto guessed = [&] {
    decode::EncoderDecoderStepper stepper(base_model(), sentence.src, sentence.mask);
    decode::PromptLookup proposer({}, {source});
    return decode::speculative_search(stepper, {{start}}, options, proposer)[0].tokens;
  };
  if (guessed() != said) {
    std::fprintf(stderr, "decode/lookup: wrong before timing: other tokens than by greedy search\n");
    std::exit(1);
  }
  compare(state, plain, guessed);
}
BENCHMARK(lookup)
    ->Name("decode/lookup")
    ->ArgName("shared")
    ->Arg(100)
    ->Arg(80)
    ->Arg(0)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

/// One sentence with 500 candidates of the 8,000 words, which are gathered each time.
void shortlist(benchmark::State& state) {
  const Sentences sentence(1);
  const decode::GreedyOptions options{.start = start, .end = -1, .max_len = tokens};
  decode::Tokens candidates;
  for (std::int64_t token = 0; token < vocab; token += 16) candidates.push_back(token);
  const auto& proj = base_model().generator.proj;
  compare(
      state, [&] { return sentence.decode(); },
      [&] {
        const decode::Shortlisted few(base_model(), proj.weight, proj.bias, candidates);
        return decode::greedy_search(few, sentence.src, sentence.mask, options);
      });
}
BENCHMARK(shortlist)->Name("decode/shortlist")->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
