// GPT-2 against transformers'.
#include <gloss/models/gpt2.hpp>
#include <gloss/models/loss.hpp>
#include <gloss/models/padding.hpp>
#include <gloss/nn/check.hpp>

#include "support/model_golden.hpp"

using namespace gloss;
using gloss_test::ModelGolden;

namespace {

template <class T>
void check(const std::string& name) {
  INFO(name);
  ModelGolden<models::Gpt2LMHeadModel<T>> g(name);
  const auto ids = g.ids("input_ids"), mask = g.ids("attention_mask");
  g.check("logits", g.model(ids, mask));
  g.check_loss(g.model.loss(ids, g.ids("labels"), mask));
  g.check_saved();
  gloss_test::check_continued(g, 2, 6);
  gloss_test::check_scored(g);
}

models::Gpt2Config tiny() { return {.vocab_size = 20, .n_positions = 12, .n_embd = 8, .n_layer = 2, .n_head = 2}; }

}  // namespace

TEST_CASE("gpt2: it is transformers', and says what its generate() says") {
  for (const char* name : {"gpt2", "gpt2_other", "gpt2_unscaled"}) {
    check<float>(name);
    check<double>(name);
  }
}

TEST_CASE("gpt2: a file without transformer. and with the masks, as the original's is") {
  const std::string folder = GLOSS_TEST_DATA "/models/gpt2";
  const auto model = io::from_pretrained<models::Gpt2LMHeadModel<float>>(folder);
  std::vector<io::NamedTensor> bare = {{"h.0.attn.bias", ones<float>({1, 1, 12, 12})}};
  const io::TensorFile file = io::open_tensor_file(folder);
  for (const io::StoredTensor& t : file.tensors())
    bare.emplace_back(t.name.substr(std::string("transformer.").size()), file.tensor<float>(t.name));
  models::Gpt2LMHeadModel<float> other(tiny());
  io::load_state_dict<float>(other, io::from_safetensors(io::to_safetensors(bare), "bare"),
                             {.keys = models::Gpt2LMHeadModel<float>::keys()});
  other.eval();
  const auto ids = Tensor<std::int64_t>{{2, 7, 5}};
  CHECK(equal(model(ids), other(ids)));
}

TEST_CASE("gpt2: with a cache, in one piece or several, the scores are those of the whole") {
  const auto g = ModelGolden<models::Gpt2LMHeadModel<double>>("gpt2_other");
  gloss_test::check_cached(g.model, randint(1, 20, {3, 9}));
  const NoGradGuard no_grad;
  models::Gpt2LMHeadModel<double>::Cache cache;
  g.model.decode(randint(1, 20, {3, 9}), &cache);
  CHECK_ERROR(g.model.decode(randint(1, 20, {3, 4}), &cache), ShapeError,
              "Gpt2Model: 13 positions go beyond n_positions 12");
}

TEST_CASE("gpt2: every member is visited, dropout is where it should be, what does not fit is said") {
  models::Gpt2LMHeadModel<float> model(tiny());
  nn::check(model);
  const Tensor<std::int64_t> ids{{2, 7, 5, 19, 3}};
  CHECK_FALSE(equal(model(ids), model(ids)));
  for (int which = 0; which < 3; ++which) {
    models::Gpt2Config c = tiny();
    c.resid_pdrop = which == 0 ? 0.5 : 0, c.embd_pdrop = which == 1 ? 0.5 : 0, c.attn_pdrop = which == 2 ? 0.5 : 0;
    models::Gpt2LMHeadModel<float> one(c);
    for (const auto& [name, p] : one.named_parameters())
      if (p.dim() > 1) nn::init::normal_(p);
    CHECK_FALSE(equal(one(ids), one(ids)));
    one.eval();
    CHECK(equal(one(ids), one(ids)));
  }
  CHECK_ERROR(model(zeros<std::int64_t>({3})), ShapeError, "Gpt2Model: ids [3] must be [batch, n]");
  CHECK_ERROR(model(ids, ones<std::int64_t>({1, 4})), ShapeError, "Gpt2Model: attention_mask [1, 4] must be [1, 5]");
  models::Gpt2Config c = tiny();
  c.n_head = 3;
  CHECK_ERROR(models::Gpt2LMHeadModel<float>(c), Error, "Gpt2Config: n_embd 8 is not a multiple of n_head 3");
}

TEST_CASE("loss: labels of -100 do not count, a causal model's labels are those behind") {
  const auto logits = randn<double>({2, 3, 5});
  const Tensor<std::int64_t> labels{{1, -100, 4}, {-100, -100, 2}};
  const auto logs = log_softmax(logits, -1);
  const double all = logs.at({0, 0, 1}) + logs.at({0, 2, 4}) + logs.at({1, 2, 2});
  CHECK(models::token_loss(logits, labels).item() == Approx(-all / 3));
  const double behind = logs.at({0, 1, 4}) + logs.at({1, 1, 2});
  CHECK(models::next_token_loss(logits, labels).item() == Approx(-behind / 2));
}
