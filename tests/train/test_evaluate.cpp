// A pass over data that a model does not learn from
#include <gloss/metrics/accuracy.hpp>
#include <gloss/metrics/perplexity.hpp>
#include <gloss/nn/sequential.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/train/annotated/run_epoch.hpp>
#include <gloss/train/batch_loss.hpp>
#include <gloss/train/evaluate.hpp>

#include "support/catch.hpp"
#include "support/tensors.hpp"
#include "support/training_case.hpp"

using namespace gloss;
using gloss_test::SmallNet;

namespace {

struct Labelled {
  Tensor<double> x;
  Tensor<std::int64_t> y;
};
/// Three points with scores of their own, in batches of two and one.
std::vector<Labelled> labelled() {
  return {{{{2, 0}, {0, 1}}, from_vector(std::vector<std::int64_t>{0, 0})},
          {{{0, 3}}, from_vector(std::vector<std::int64_t>{1})}};
}
struct Same final : nn::Module<double> {
  void visit(nn::Visitor<double>&) override {}
};
const auto cross = [](const Same&, const Labelled& b) {
  return train::BatchLoss(cross_entropy(b.x, b.y), b.y.size(0), b.x, b.y);
};

}  // namespace

TEST_CASE("evaluate: the mean over all that is counted, and metrics over all batches") {
  Same model;
  const train::Scalars got = train::evaluate(model, labelled(), cross, train::metric("accuracy", metrics::Accuracy()),
                                             train::metric("perplexity", metrics::Perplexity()));
  const Tensor<double> x = {{2, 0}, {0, 1}, {0, 3}};
  const double loss = cross_entropy(x, from_vector(std::vector<std::int64_t>{0, 0, 1})).item();
  REQUIRE(got.size() == 3);
  CHECK(got[0].first == "loss");
  CHECK(got[0].second == Approx(loss).epsilon(1e-14));
  CHECK(got[1] == std::pair<std::string, double>("accuracy", 2.0 / 3));
  CHECK(got[2].first == "perplexity");
  CHECK(got[2].second == Approx(std::exp(loss)).epsilon(1e-14));
}

TEST_CASE("evaluate: without a graph, in evaluation, and then every module is in the mode that it was in") {
  SmallNet<float> model(0.5);
  model.out.eval();  // a part that its user keeps in evaluation
  const auto data = gloss_test::in_batches(gloss_test::draw_points<float>(8, 1), {4, 4});
  int seen = 0;
  const auto loss = [&](const SmallNet<float>& m, const auto& b) {
    CHECK_FALSE(m.is_training());
    CHECK_FALSE(m.dropout.is_training());
    const Tensor<float> l = mse_loss(m(b.x), b.y);
    CHECK_FALSE(l.requires_grad());
    ++seen;
    return l;
  };
  train::evaluate(model, data, loss);
  CHECK(seen == 2);
  CHECK(model.is_training());
  CHECK(model.dropout.is_training());
  CHECK_FALSE(model.out.is_training());
  CHECK_THROWS_AS(train::evaluate(model, data, [](auto&, auto&) -> Tensor<float> { throw Error("no"); }), Error);
  CHECK(model.is_training());
  CHECK_FALSE(model.out.is_training());
}

TEST_CASE("evaluate: a batch that counts nothing counts nothing, whatever its mean") {
  Same model;
  const auto nothing = [](const Same&, double x) { return train::BatchLoss(scalar<double>(x), x > 1 ? 0 : 1); };
  CHECK(train::evaluate(model, std::vector<double>{0.5, std::nan("") > 1 ? 0 : 2, 1}, nothing)[0].second == 0.75);
}

TEST_CASE("evaluate: errors") {
  Same model;
  CHECK_ERROR(train::evaluate(model, std::vector<Labelled>{}, cross), Error, "evaluate: there is nothing to evaluate");
  const auto vector_loss = [](const Same&, const Labelled& b) { return b.x; };
  CHECK_ERROR(train::evaluate(model, labelled(), vector_loss), ShapeError,
              "evaluate: the loss of a batch has shape [2, 2], it must be one number");
  const auto negative = [](const Same&, const Labelled&) { return train::BatchLoss(scalar<double>(1), -1); };
  CHECK_ERROR(train::evaluate(model, labelled(), negative), Error,
              "evaluate: a batch counts -1, it must be a number of at least 0");
}
