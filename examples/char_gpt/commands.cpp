// The model and the two commands. A character is a byte, so that the text may be anything.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numbers>
#include <string>
#include <tuple>
#include <vector>

#include <gloss/data/loader.hpp>
#include <gloss/data/samplers.hpp>
#include <gloss/data/token_blocks.hpp>
#include <gloss/gloss.hpp>
#include <gloss/train/fit.hpp>
#include <gloss/train/progress_log.hpp>

#include "../fewer_bits.hpp"
#include "../smaller_cache.hpp"
#include "options.hpp"

namespace {

using namespace gloss;
using Ids = Tensor<std::int64_t>;
constexpr Index bytes = 256;

/// GPT-2 in PyTorch's layers.
/// Shape: ids [batch, n] -> scores of what comes behind each, [batch, n, 256]
struct Gpt final : nn::Module<float> {
  using Cache = nn::TransformerEncoder<float>::Cache;
  nn::Embedding<float> characters, positions;
  nn::Dropout<float> dropout;
  nn::TransformerEncoder<float> layers;
  nn::Linear<float> generator;

  explicit Gpt(const TrainSettings& s)
      : characters(bytes, s.width),
        positions(s.context, s.width),
        dropout(s.dropout),
        layers(nn::TransformerEncoderLayer<float>(s.width, s.heads,
                                                  {.dim_feedforward = 4 * s.width,
                                                   .dropout = s.dropout,
                                                   .activation = "gelu",
                                                   .batch_first = true,
                                                   .norm_first = true}),
               s.layers, nn::LayerNorm<float>(s.width)),
        generator(s.width, bytes, {.bias = false}) {
    generator.weight.tie(characters.weight);
    for (const auto& [name, p] : named_parameters()) {
      const bool is_added = name.ends_with("out_proj.weight") || name.ends_with("linear2.weight");  // to a growing sum
      if (p.dim() == 2)
        nn::init::normal_(p, 0, is_added ? 0.02 / std::sqrt(2.0 * static_cast<double>(s.layers)) : 0.02);
    }
  }
  Tensor<float> decode(const Ids& ids, Cache* cache = nullptr) const {
    const Index start = cache ? cache->length : 0, n = ids.size(1);
    const Tensor<float> x = dropout(characters(ids) + positions(arange<std::int64_t>(start, start + n)));
    if (cache) return layers(x, {}, cache);
    return layers(x, {.mask = triu(ones<bool>({n, n}), 1), .is_causal = true});
  }
  Tensor<float> operator()(const Ids& ids) const { return output(generator(decode(ids))); }
  void visit(nn::Visitor<float>& v) override {
    v("characters", characters), v("positions", positions), v("dropout", dropout);
    v("layers", layers), v("generator", generator);
  }
};

Ids ids_of(const std::string& text) {
  std::vector<std::int64_t> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return from_vector(ids);
}

/// Of pieces of the text and what comes behind each of their characters, both [batch, context].
train::BatchLoss<float> loss_of(const Gpt& model, const std::tuple<Ids, Ids>& batch) {
  const auto& [x, y] = batch;
  return {cross_entropy(model(x).flatten(0, 1), y.flatten()), y.numel()};
}

/// What a checkpoint holds beside weights and where the training stands; `text` is a number that changes with the text.
void add_settings(train::Checkpoint& checkpoint, TrainSettings& s, std::uint64_t& text) {
  for_each_number(s, [&](const char* name, auto& value, auto...) { checkpoint.add(name, value); });
  checkpoint.add("data", s.data), checkpoint.add("text", text);
  if (s.precision != "float") checkpoint.add("precision", s.precision);
}
/// Errors: LoadError when the settings and the weights are not as many: found out before a model is made, which could
/// take all memory.
void load_settings(const std::string& path, TrainSettings& s, std::uint64_t& text) {
  train::Checkpoint checkpoint(path);
  add_settings(checkpoint, s, text);
  checkpoint.load(path);
  for_each_number(s, [&](const char* name, auto value, auto, auto low, auto high) {
    if (!(value >= low && value <= high)) fail<LoadError>("load: ", path, ": ", name, " is ", value);
  });
  const io::TensorFile file = io::load_safetensors(path);
  s.precision = precision_from(file);
  Index stored = 0;
  for (const io::StoredTensor& t : file.tensors())
    if (t.name.starts_with("model.")) stored += t.shape.numel();
  if (s.width % s.heads != 0 || stored != (2 * bytes + s.context + s.layers * (12 * s.width + 13) + 2) * s.width)
    fail<LoadError>("load: ", path, ": the sizes of the model do not fit its ", stored, " weights");
}

}  // namespace

int run_train(TrainSettings s) {
  const std::string moved = s.data;
  std::uint64_t fingerprint = 0;
  if (s.resume) load_settings(s.checkpoint, s, fingerprint);
  const std::string &path = moved.empty() ? s.data : moved, bytes_of_text = read_file(path);
  std::uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a
  for (const char c : bytes_of_text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  if (s.resume && hash != fingerprint)
    fail<LoadError>("load: ", s.checkpoint, ": was trained on another text than ", path);
  train::Checkpoint checkpoint(s.checkpoint);
  add_settings(checkpoint, s, hash);

  const Ids text = ids_of(bytes_of_text);
  const Index trained = text.numel() - static_cast<Index>(s.held_out * static_cast<double>(text.numel()));
  if (trained <= s.context)
    fail("train: ", path, ": ", trained, " characters to learn from are too few for a context of ", s.context);
  const Index most = 20 * s.batch * s.context + 1, left = (std::min)(text.numel() - trained, most);
  const Ids held_out = text.narrow(0, trained, left);
  const data::TokenBlocks pieces(text.narrow(0, 0, trained), {.context = s.context, .stride = 1});  // begin anywhere
  const auto seed = static_cast<std::uint64_t>(s.seed);
  const Index an_epoch = (std::max)(trained / s.context, s.batch * (std::min)(s.eval_every, Index{1000}));
  data::Loader loader(pieces,
                      data::RandomSampler(pieces.size(), {.seed = seed, .replacement = true, .count = an_epoch}),
                      {.batch_size = s.batch, .drop_last = true});

  const MatmulPrecisionGuard products(precision_of(s.precision));
  Rng rng(seed);
  const RngGuard use(rng);
  Gpt model(s);
  optim::Groups groups(model, optim::AdamWOptions{.lr = s.lr, .betas = {0.9, 0.99}, .weight_decay = s.weight_decay});
  groups.where("biases and norms", [](auto, const auto& p) { return p.dim() < 2; }).weight_decay = 0;
  optim::AdamW<float> adam(groups);
  optim::WarmupLR<optim::CosineAnnealingLR<float>> schedule(
      {adam, {.T_max = (std::max)(s.steps - s.warmup, std::int64_t{1}), .eta_min = s.lr / 10}}, {.steps = s.warmup});
  const train::StopFlag flag;  // heard as soon as something is shown
  std::printf("%s characters, %s parameters, %d threads\n", train::with_thousands(text.numel()).c_str(),
              train::with_thousands(model.num_parameters()).c_str(), num_threads());
  std::fflush(stdout);

  train::ProgressLog bar({.unit = "characters", .file = stdout});
  train::FitOptions<float> options{.max_steps = s.steps,
                                   .clip_norm = 1,
                                   .schedule = &schedule,
                                   .validate_every = s.eval_every,
                                   .checkpoint = checkpoint,
                                   .resume = s.resume,
                                   .save_every = s.eval_every,
                                   .loggers = {std::ref(bar)}};
  if (left > s.context)
    options.validate = [&] {
      data::Loader batches(data::TokenBlocks(held_out, {.context = s.context}), {.batch_size = s.batch});
      train::Scalars values = train::evaluate(model, batches, loss_of);
      values.emplace_back("bits", values[0].second / std::numbers::ln2);
      return values;
    };
  const train::FitReport report = train::fit(model, adam, loader, loss_of, options);
  bar.finish();
  if (report.stop == train::Stop::flag)
    std::printf("stopped after step %lld of %lld; train --resume -c %s goes on\n", static_cast<long long>(report.step),
                static_cast<long long>(s.steps), s.checkpoint.c_str());
  else
    std::printf("saved %s\n", s.checkpoint.c_str());
  return report.stop == train::Stop::flag ? 130 : 0;
}

int run_sample(const SampleSettings& s) {
  TrainSettings trained;
  std::uint64_t fingerprint = 0;
  load_settings(s.checkpoint, trained, fingerprint);
  Gpt model(trained);
  train::Checkpoint weights;
  weights.add("model", model);
  weights.load(s.checkpoint);
  model.eval();
  pack_weights(model, s.weights);
  keep_caches(s.cache);
  Rng rng(static_cast<std::uint64_t>(s.seed));
  const RngGuard use(rng);
  const decode::LogitsOptions rules{.repetition_penalty = s.repetition_penalty,
                                    .frequency_penalty = s.frequency_penalty,
                                    .no_repeat_ngram_size = s.no_repeat_ngram};
  std::string text = s.prompt.empty() ? "\n" : s.prompt;
  std::printf("%s", text.c_str());
  const auto say = [&](std::int64_t id) {
    text += static_cast<char>(static_cast<unsigned char>(id));
    std::putchar(static_cast<int>(id));
    std::fflush(stdout);
  };
  for (Index left = s.length, now = 0; left > 0; left -= now) {  // when the context is full, on from its last half
    const auto n = static_cast<Index>(text.size()), known = n < trained.context ? n : trained.context / 2;
    now = (std::min)(left, trained.context - known);
    const Ids prompt = ids_of(text.substr(text.size() - static_cast<std::size_t>(known))).unsqueeze(0);
    decode::CausalStepper stepper(model);
    if (s.beam > 1) {
      const decode::BeamOptions options{.end = -1, .max_len = now, .beam = s.beam, .logits = rules};
      const auto found = decode::beam_search(stepper, prompt, options);
      for (const std::int64_t id : found[0][0].tokens) say(id);
    } else {
      const decode::SampleOptions options{.end = -1,
                                          .max_len = now,
                                          .temperature = s.temperature,
                                          .top_k = s.top_k,
                                          .top_p = s.top_p,
                                          .min_p = s.min_p,
                                          .logits = rules};
      for (const std::int64_t id : decode::generate(stepper, prompt, options)) say(id);
    }
  }
  std::putchar('\n');
  return 0;
}
