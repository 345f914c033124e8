// A model against its original: a folder of tests/golden/models, as generate_models_*.py and models_support.py make it.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include <gloss/decode/score.hpp>
#include <gloss/gloss.hpp>
#include <gloss/io/open_tensor_file.hpp>
#include <gloss/io/pretrained.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

namespace gloss_test {

/// Of each row the tokens of its hypothesis, or of the best.
inline std::vector<std::vector<std::int64_t>> tokens_of(const std::vector<gloss::decode::Hypothesis>& found) {
  std::vector<std::vector<std::int64_t>> all;
  for (const auto& h : found) all.push_back(h.tokens);
  return all;
}
inline std::vector<std::vector<std::int64_t>> tokens_of(
    const std::vector<std::vector<gloss::decode::Hypothesis>>& found) {
  std::vector<std::vector<std::int64_t>> all;
  for (const auto& row : found) all.push_back(row[0].tokens);
  return all;
}

template <class M>
class ModelGolden {
 public:
  using T = typename M::value_type;

  explicit ModelGolden(const std::string& name)
      : folder(GLOSS_TEST_DATA "/models/" + name),
        golden("models/" + name + "/golden.safetensors"),
        model(gloss::io::from_pretrained<M>(folder, {.report = &report})) {
    INFO(name);
    CHECK(report.unexpected.empty());
  }

  /// An input: whole numbers, or numbers of the model's type.
  gloss::Tensor<std::int64_t> ids(const std::string& key) const {
    return golden.has("in/" + key) ? golden.template tensor<std::int64_t>("in/" + key) : gloss::Tensor<std::int64_t>{};
  }
  gloss::Tensor<T> numbers(const std::string& key) const {
    return gloss::cast<T>(golden.template tensor<double>("in/" + key));
  }

  /// An output: to 1e-5 in float, 1e-9 in double, of the largest number there.
  void check(const std::string& key, const gloss::Tensor<T>& y) const { compare("out/" + key, y.detach(), 1e-5); }
  /// Sum over the outputs of the numbers times in/w_KEY: the loss of a model that has none.
  gloss::Tensor<T> weighed(const std::string& key, const gloss::Tensor<T>& y) const {
    return sum(y * numbers("w_" + key));
  }
  /// The loss, and after its backward the gradient of every weight, under the names of the file.
  void check_loss(const gloss::Tensor<T>& loss) {
    compare("loss", loss.detach(), 1e-5);
    model.zero_grad();
    loss.backward();
    M gradients(model.config);
    const auto to = gradients.named_parameters(), from = model.named_parameters();
    REQUIRE(to.size() == from.size());
    for (std::size_t i = 0; i < to.size(); ++i) {
      to[i].second.detach().zero_();
      if (from[i].second.grad().defined()) to[i].second.detach().copy_(from[i].second.grad());
    }
    gloss::Index found = 0;
    const std::string bare = M::keys().optional_prefix;
    for (const auto& t : gloss::io::named_tensors<T>(gradients, "", M::keys())) {
      std::string key = "grad/" + t.stored().name;
      if (!golden.has(key) && t.stored().name.starts_with(bare)) key = "grad/" + t.stored().name.substr(bare.size());
      if (!golden.has(key)) continue;  // a name that is tied to another
      gloss::Tensor<T> gradient = gloss::empty<T>(t.stored().shape);
      gloss::io::read_elements(t.stored(), gradient);
      compare(key, gradient, 1e-4);
      ++found;
    }
    gloss::Index wanted = 0;
    for (const auto& t : golden.file().tensors()) wanted += t.name.starts_with("grad/") ? 1 : 0;
    CHECK(found == wanted);
  }
  /// The tokens that generate() of the original said in each row behind its first `skip`, up to the end.
  std::vector<std::vector<std::int64_t>> said(const std::string& key, std::int64_t end, gloss::Index skip = 1) const {
    const auto all = golden.template tensor<std::int64_t>("said/" + key);
    std::vector<std::vector<std::int64_t>> rows(static_cast<std::size_t>(all.size(0)));
    for (gloss::Index i = 0; i < all.size(0); ++i)
      for (gloss::Index j = skip; j < all.size(1) && all.at({i, j}) != end; ++j)
        rows[static_cast<std::size_t>(i)].push_back(all.at({i, j}));
    return rows;
  }
  /// What save_pretrained writes: the same tensors, names, shapes and bits as the original's file, and a folder that
  /// loads again. Names may have the optional prefix.
  void check_saved() const {
    const TempFolder temp;
    const std::string saved = temp.file("saved");
    gloss::io::save_pretrained(model, saved);
    const gloss::io::TensorFile ours = gloss::io::open_tensor_file(saved), theirs = gloss::io::open_tensor_file(folder);
    CHECK(ours.tensors().size() == theirs.tensors().size());
    for (const auto& t : theirs.tensors()) {
      INFO(t.name);
      const auto* found = ours.find(t.name);
      if (!found) found = ours.find(M::keys().optional_prefix + t.name);
      REQUIRE(found);
      CHECK(found->shape == t.shape);
      if (std::is_same_v<T, float>) CHECK(found->bytes == t.bytes);
    }
    const M again = gloss::io::from_pretrained<M>(saved);
    CHECK(again.num_parameters() == model.num_parameters());
  }

  std::string folder;
  gloss::nn::LoadReport report;
  Golden golden;
  M model;

 private:
  void compare(const std::string& key, const gloss::Tensor<T>& y, double limit) const {
    INFO(key);
    const auto wanted = golden.template tensor<double>(key);
    REQUIRE(y.shape() == wanted.shape());
    double size = 1e-2, error = 0;  // a gradient that is 0 but for rounding has no size of its own
    const auto dense = gloss::cast<double>(y).contiguous();
    for (gloss::Index i = 0; i < wanted.numel(); ++i) {
      size = (std::max)(size, std::abs(wanted.data()[i]));
      const double here = std::abs(dense.data()[i] - wanted.data()[i]);
      error = here <= error ? error : here;  // NaN stays
    }
    INFO("error " << error << " of " << size);
    CHECK(error <= (std::is_same_v<T, float> ? limit : 1e-9) * size);
  }
};

/// log P of each token of a row of labels, as the original's scores at the places before them have it.
template <class M>
std::vector<double> golden_log_probs(const ModelGolden<M>& g, gloss::Index row, const std::vector<std::int64_t>& text) {
  const auto logp = log_softmax(g.golden.template tensor<double>("out/logits").select(0, row), -1);
  std::vector<double> all;
  for (std::size_t i = 1; i < text.size(); ++i) all.push_back(logp.at({static_cast<gloss::Index>(i - 1), text[i]}));
  return all;
}

/// What decode::score says of texts is what the original's scores say, and its mean the original's loss.
template <class M>
void check_scores(const ModelGolden<M>& g, const std::vector<std::vector<std::int64_t>>& texts,
                  const std::vector<gloss::decode::TextScore>& scores) {
  const double limit = std::is_same_v<typename M::value_type, float> ? 1e-5 : 1e-9;
  double sum = 0, count = 0;
  REQUIRE(scores.size() == texts.size());
  for (std::size_t row = 0; row < texts.size(); ++row) {
    const auto wanted = golden_log_probs(g, static_cast<gloss::Index>(row), texts[row]);
    REQUIRE(scores[row].log_probs.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
      CHECK(scores[row].log_probs[i] == Approx(wanted[i]).epsilon(limit).margin(limit));
    sum += scores[row].sum(), count += static_cast<double>(wanted.size());
    CHECK(scores[row].perplexity() == Approx(std::exp(-scores[row].sum() / static_cast<double>(wanted.size()))));
  }
  CHECK(-sum / count == Approx(g.golden.template tensor<double>("loss").item()).epsilon(limit));
}

/// The texts that stand in ids and are not `padding`.
inline std::vector<std::vector<std::int64_t>> texts_of(const gloss::Tensor<std::int64_t>& ids, std::int64_t padding) {
  auto rows = gloss::decode::detail::rows_of_tokens(ids);
  for (auto& row : rows) std::erase(row, padding);
  return rows;
}

/// Greedy and beam search over a model from a text to a text, with a cache, say what generate() of the original said.
template <class M>
void check_generated(const ModelGolden<M>& g, const std::vector<std::int64_t>& forbidden = {}) {
  using namespace gloss;
  const NoGradGuard no_grad;
  const std::int64_t start = g.model.config.decoder_start_token_id, end = g.model.config.eos_token_id;
  const auto ids = g.ids("input_ids");
  const auto mask = (g.ids("attention_mask") != 0).unsqueeze(1);
  const decode::LogitsOptions rules{.no_repeat_ngram_size = 2, .forbidden = forbidden};
  CHECK(tokens_of(
            decode::greedy_search(g.model, ids, mask, {.start = start, .end = end, .max_len = 10, .logits = rules})) ==
        g.said("greedy", end));
  decode::BeamOptions beams{.start = start, .end = end, .max_len = 10, .length_base = 0, .logits = rules};
  beams.beam = 3, beams.length_penalty = 0;
  CHECK(tokens_of(decode::beam_search(g.model, ids, mask, beams)) == g.said("beam", end));
  beams.beam = 4, beams.length_penalty = 1.5;
  CHECK(tokens_of(decode::beam_search(g.model, ids, mask, beams)) == g.said("beam_long", end));

  auto texts = texts_of(g.ids("labels"), -100);
  for (auto& text : texts) text.insert(text.begin(), start);
  check_scores(g, texts, decode::score(g.model, ids, mask, texts));
}

/// The same of a causal model, for prompts of unequal lengths side by side; and each alone says the same.
template <class M>
void check_continued(const ModelGolden<M>& g, std::int64_t end, gloss::Index max_len) {
  using namespace gloss;
  const std::vector<decode::Tokens> prompts = {{11, 4, 3}, {2, 7, 5, 19, 3, 8}, {6}};
  const auto wanted = g.said("greedy", end, 6);
  decode::CausalStepper stepper(g.model);
  const decode::GreedyOptions options{.end = end, .max_len = max_len};
  CHECK(tokens_of(decode::greedy_search(stepper, decode::padded_prompt(prompts), options)) == wanted);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    stepper.truncate(0);
    CHECK(decode::greedy_search(stepper, decode::padded_prompt({prompts[i]}), options)[0].tokens == wanted[i]);
  }
  stepper.truncate(0);
  const decode::BeamOptions beams{.end = end, .max_len = max_len, .beam = 3, .length_penalty = 0};
  CHECK(tokens_of(decode::beam_search(stepper, decode::padded_prompt(prompts), beams)) == g.said("beam", end, 6));
}

/// decode::score of the texts that the loss is of.
template <class M>
void check_scored(const ModelGolden<M>& g) {
  const auto texts = texts_of(g.ids("input_ids"), 0);
  check_scores(g, texts, gloss::decode::score(g.model, texts));
}

/// With a cache, in one piece or several, a causal model's scores are those of the whole.
template <class M>
void check_cached(const M& model, const gloss::Tensor<std::int64_t>& ids) {
  const gloss::NoGradGuard no_grad;
  const auto whole = model(ids);
  typename M::Cache cache;
  gloss::Index at = 0;
  for (const gloss::Index n : {ids.size(1) - 5, gloss::Index{1}, gloss::Index{1}, gloss::Index{3}}) {
    const auto part = model.generator(model.decode(ids.narrow(1, at, n), &cache));
    CHECK(allclose(part, whole.narrow(1, at, n), {.rtol = 1e-9, .atol = 1e-10}));
    at += n;
  }
}

/// Each of a hypothesis' tokens is the best by scores_of(text so far [1, n]), without a cache.
template <class ScoresOf>
void check_greedy(std::vector<std::int64_t> text, const std::vector<std::int64_t>& said, const ScoresOf& scores_of) {
  for (const std::int64_t token : said) {
    const auto scores = scores_of(gloss::from_vector(text, {1, static_cast<gloss::Index>(text.size())}));
    CHECK(argmax(scores.select(1, -1), -1).at({0}) == token);
    text.push_back(token);
  }
}

}  // namespace gloss_test
