// A model against its original: a folder of tests/golden/models, as generate_models_*.py and models_support.py make it.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include <gloss/gloss.hpp>
#include <gloss/io/pretrained.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"

namespace gloss_test {

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
