// A causal Transformer from PyTorch's layers that learns a text by heart, and the ways to let it speak.
#include <gloss/gloss.hpp>
#include <iostream>
#include <string>

using namespace gloss;

const std::string text =
    "a gloss is a note in the margin of a page, which says in plain words what a hard word means. "
    "whoever reads the page reads the note, and whoever learns the note can read the page. ";
const std::string alphabet = "abcdefghijklmnopqrstuvwxyz ,.";

decode::Tokens tokens_of(const std::string& s) {
  decode::Tokens tokens;
  for (const char c : s) tokens.push_back(static_cast<std::int64_t>(alphabet.find(c)));
  return tokens;
}
Tensor<std::int64_t> ids_of(const std::string& s) {  // [1, n]
  return from_vector(tokens_of(s), {1, static_cast<Index>(s.size())});
}
std::string text_of(const decode::Tokens& ids) {
  std::string s;
  for (const std::int64_t id : ids) s += alphabet[static_cast<std::size_t>(id)];
  return s;
}

/// What a search wants of it is Cache, decode and generator; with a cache, ids are those that are new.
template <Real T>
struct CausalTransformer final : nn::Module<T> {
  using Cache = typename nn::TransformerEncoder<T>::Cache;
  nn::Embedding<T> letters, positions;
  nn::TransformerEncoder<T> layers;
  nn::Linear<T> generator;

  CausalTransformer(Index vocab, Index width, Index longest)
      : letters(vocab, width),
        positions(longest, width),
        layers(
            nn::TransformerEncoderLayer<T>(width, 4, {.dim_feedforward = 2 * width, .dropout = 0, .batch_first = true}),
            2),
        generator(width, vocab) {}
  Tensor<T> decode(const Tensor<std::int64_t>& ids, Cache* cache = nullptr) const {
    const Index start = cache ? cache->length : 0, n = ids.size(1);
    const Tensor<T> x = letters(ids) + positions(arange<std::int64_t>(start, start + n));
    if (cache) return layers(x, {}, cache);
    return layers(x, {.mask = triu(ones<bool>({n, n}), 1)});
  }
  Tensor<T> operator()(const Tensor<std::int64_t>& ids) const { return generator(decode(ids)); }
  void visit(nn::Visitor<T>& v) override {
    v("letters", letters), v("positions", positions), v("layers", layers), v("generator", generator);
  }
};

int main() {
  manual_seed(1);
  CausalTransformer<float> model(static_cast<Index>(alphabet.size()), 64, 256);
  optim::Adam<float> adam(model.parameters(), {.lr = 2e-3});
  const Tensor<std::int64_t> ids = ids_of(text);
  const Index n = ids.size(1);
  for (int step = 0; step < 150; ++step) {
    const Tensor<float> scores = model(ids.narrow(1, 0, n - 1));
    cross_entropy(scores.flatten(0, 1), ids.narrow(1, 1, n - 1).flatten()).backward();
    adam.step();
    adam.zero_grad();
  }
  model.eval();

  decode::CausalStepper stepper(model);
  std::cout << "greedy: ";
  for (const std::int64_t letter :
       decode::generate(stepper, ids_of("a gloss"), {.end = -1, .max_len = 40, .temperature = 0}))
    std::cout << text_of({letter}) << std::flush;  // each letter when it is found

  stepper.truncate(0);  // the same stepper, from the beginning
  const auto drawn =
      decode::sample(stepper, ids_of("a gloss is a"), {.end = -1, .max_len = 30, .temperature = 0.3, .top_k = 5});
  std::cout << "\nsample: " << text_of(drawn[0].tokens);

  stepper.truncate(0);
  const std::int64_t stop = tokens_of(".")[0];
  const auto beams = decode::beam_search(stepper, ids_of("a gloss is "), {.end = stop, .max_len = 90, .beam = 3});
  std::cout << "\nbeam:   " << text_of(beams[0][0].tokens);

  stepper.truncate(0);
  const auto forced = decode::greedy_search(
      stepper, ids_of("a gloss "), {.end = stop, .max_len = 40, .logits = {.forced_prefix = {tokens_of("is a note")}}});
  std::cout << "\nforced: " << text_of(forced[0].tokens) << "\n";
}
