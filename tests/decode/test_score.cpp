// Log-probabilities of given texts, against the whole forward. Beside transformers: tests/models.
#include <cmath>

#include <gloss/decode/score.hpp>
#include <gloss/models/gpt2.hpp>
#include <gloss/transformer/make_model.hpp>
#include <gloss/transformer/subsequent_mask.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using decode::Tokens;
using Gpt2 = models::Gpt2LMHeadModel<double>;

namespace {

Gpt2 tiny() {
  Rng rng(1);
  RngGuard use(rng);
  Gpt2 model({.vocab_size = 11, .n_positions = 600, .n_embd = 8, .n_layer = 2, .n_head = 2, .initializer_range = 0.5});
  model.eval();
  return model;
}
Tokens random_text(Index n) { return gloss_test::values(randint(0, 11, {n})); }

}  // namespace

TEST_CASE("score: log P of each token but the first, for texts of unequal lengths side by side, long ones in parts") {
  const Gpt2 model = tiny();
  const NoGradGuard no_grad;
  const std::vector<Tokens> texts = {random_text(600), random_text(5), random_text(257), random_text(1), {}};
  const auto scores = decode::score(model, texts);
  REQUIRE(scores.size() == texts.size());
  for (std::size_t row = 0; row < texts.size(); ++row) {
    const auto n = static_cast<Index>(texts[row].size());
    CHECK(scores[row].log_probs.size() == (n > 0 ? texts[row].size() - 1 : 0));
    if (n < 2) continue;
    const auto logp = log_softmax(model(from_vector(texts[row], {1, n})), -1);
    double sum = 0;
    for (Index i = 1; i < n; ++i) {
      const double p = logp.at({0, i - 1, texts[row][static_cast<std::size_t>(i)]});
      CHECK(scores[row].log_probs[static_cast<std::size_t>(i - 1)] == Approx(p).epsilon(1e-10));
      sum += p;
    }
    CHECK(scores[row].sum() == Approx(sum).epsilon(1e-10));
    CHECK(scores[row].perplexity() == Approx(std::exp(-sum / static_cast<double>(n - 1))).epsilon(1e-10));
    CHECK(decode::score(model, {texts[row]})[0].sum() == Approx(sum).epsilon(1e-10));
  }
  CHECK(scores[3].sum() == 0);
  CHECK(std::isnan(scores[3].perplexity()));
  CHECK(decode::score(model, {}).empty());
}

TEST_CASE("score: of what an encoder-decoder says to its sources") {
  Rng rng(2);
  RngGuard use(rng);
  auto model = transformer::make_model<double>(
      {.src_vocab = 12, .tgt_vocab = 11, .N = 2, .d_model = 16, .d_ff = 24, .h = 4, .max_len = 64});
  model.eval();
  const NoGradGuard no_grad;
  const Tensor<std::int64_t> src = {{3, 4, 5}, {6, 7, 2}};
  const Tensor<bool> mask = (src != 2).unsqueeze(-2);
  const std::vector<Tokens> texts = {{0, 5, 6, 1}, {0, 7}};
  const auto scores = decode::score(model, src, mask, texts);
  for (std::size_t row = 0; row < 2; ++row) {
    const auto at = static_cast<Index>(row), n = static_cast<Index>(texts[row].size());
    const auto one = mask.narrow(0, at, 1);
    const auto x = model.decode(model.encode(src.narrow(0, at, 1), one), one, from_vector(texts[row], {1, n}),
                                transformer::subsequent_mask(n));
    const auto logp = model.generator(x);
    REQUIRE(scores[row].log_probs.size() == texts[row].size() - 1);
    for (Index i = 1; i < n; ++i)
      CHECK(scores[row].log_probs[static_cast<std::size_t>(i - 1)] ==
            Approx(logp.at({0, i - 1, texts[row][static_cast<std::size_t>(i)]})).epsilon(1e-10));
  }
  CHECK_ERROR(decode::score(model, src, mask, {{0, 5}}), ShapeError, "score: src [2, 3] is not of 1 texts");
}

TEST_CASE("score: what does not fit is said") {
  const Gpt2 model = tiny();
  CHECK_ERROR(decode::score(model, {{1, 11}}), IndexError, "score: token 11 is not in a vocabulary of 11");
  CHECK_ERROR(decode::score(model, {{1, -1}}), IndexError, "score: token -1 is not in a vocabulary of 11");
  CHECK_ERROR(decode::score(model, {random_text(602)}), ShapeError,
              "Gpt2Model: 601 positions go beyond n_positions 600");
}
