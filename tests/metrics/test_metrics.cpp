// Metrics against scikit-learn, scipy and sacreBLEU: tests/golden/generate_metrics.py. Each is also merged from parts.
#include <map>
#include <sstream>

#include <gloss/core/file.hpp>
#include <gloss/metrics.hpp>
#include <gloss/ops/softmax.hpp>

#include "support/catch.hpp"
#include "support/escaped_fields.hpp"
#include "support/golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;
using gloss_test::fields;
using gloss_test::same_bits;
using Ids = Tensor<std::int64_t>;

namespace {

const gloss_test::Golden& golden() {
  static const gloss_test::Golden file("metrics.safetensors");
  return file;
}

/// The cases of a kind: "auc/0/", "auc/1/", ...
std::vector<std::string> cases(const std::string& kind, const std::string& key) {
  std::vector<std::string> found;
  for (int i = 0; golden().has(kind + "/" + std::to_string(i) + "/" + key); ++i)
    found.push_back(kind + "/" + std::to_string(i) + "/");
  CHECK(!found.empty());
  return found;
}

/// A metric that has seen a and b whole, and one merged from two parts.
template <class Metric, class A, class B>
std::vector<Metric> whole_and_merged(const Metric& empty, const Tensor<A>& a, const Tensor<B>& b) {
  Metric whole = empty, first = empty, second = empty;
  whole.add(a, b);
  const Index half = a.size(0) / 2, rest = a.size(0) - half;
  first.add(a.narrow(0, 0, half), b.narrow(0, 0, half));
  second.add(a.narrow(0, half, rest), b.narrow(0, half, rest));
  first.merge(second);
  return {whole, first};
}

}  // namespace

TEST_CASE("metrics: of classes they are scikit-learn's") {
  for (const std::string& c : cases("classes", "predicted")) {
    INFO(c);
    const Ids predicted = golden().tensor<std::int64_t>(c + "predicted"),
              target = golden().tensor<std::int64_t>(c + "target");
    const Index classes = golden().integer(c + "classes", 0);
    for (const auto& m : whole_and_merged(metrics::Accuracy(), predicted, target))
      CHECK(m.result() == Approx(golden().real(c + "accuracy", -1)).epsilon(1e-15));
    for (const auto& m : whole_and_merged(metrics::ConfusionMatrix(classes), predicted, target))
      CHECK(same_bits(m.result(), golden().tensor<std::int64_t>(c + "matrix")));
    for (const auto& m : whole_and_merged(metrics::MeanIou(classes), predicted, target))
      CHECK(m.result() == Approx(golden().real(c + "mean_iou", -1)).epsilon(1e-14));
    for (const auto& m : whole_and_merged(metrics::PrecisionRecall(classes), predicted, target)) {
      const metrics::PrecisionRecallReport report = m.result();
      const auto precision = golden().tensor<double>(c + "precision"), recall = golden().tensor<double>(c + "recall"),
                 f1 = golden().tensor<double>(c + "f1");
      REQUIRE(report.classes.size() == static_cast<std::size_t>(classes));
      for (Index i = 0; i < classes; ++i) {
        const auto& score = report.classes[static_cast<std::size_t>(i)];
        CHECK(score.precision == Approx(precision.at({i})).epsilon(1e-15));
        CHECK(score.recall == Approx(recall.at({i})).epsilon(1e-15));
        CHECK(score.f1 == Approx(f1.at({i})).epsilon(1e-15));
        CHECK(score.support == golden().tensor<std::int64_t>(c + "support").at({i}));
      }
      for (const auto& [name, score] : {std::pair{"macro", report.macro}, std::pair{"micro", report.micro},
                                        std::pair{"weighted", report.weighted}}) {
        const auto expected = golden().tensor<double>(c + name);
        CHECK(score.precision == Approx(expected.at({0})).epsilon(1e-14));
        CHECK(score.recall == Approx(expected.at({1})).epsilon(1e-14));
        CHECK(score.f1 == Approx(expected.at({2})).epsilon(1e-14));
        CHECK(score.support == target.numel());
      }
    }
  }
}

TEST_CASE("metrics: top-k accuracy, ROC AUC and correlations are scikit-learn's and scipy's") {
  for (const std::string& c : cases("topk", "scores")) {
    INFO(c);
    const auto scores = golden().tensor<double>(c + "scores");
    const auto target = golden().tensor<std::int64_t>(c + "target");
    const Index k = golden().integer(c + "k", 0);
    for (const auto& m : whole_and_merged(metrics::TopKAccuracy(k), scores, target))
      CHECK(m.result() == golden().real(c + "y", -1));
    if (k > 1) continue;
    for (const auto& m : whole_and_merged(metrics::Accuracy(), scores, target))
      CHECK(m.result() == golden().real(c + "y", -1));
  }
  for (const std::string& c : cases("auc", "scores")) {
    INFO(c);
    for (const auto& m : whole_and_merged(metrics::RocAuc(), golden().tensor<double>(c + "scores"),
                                          golden().tensor<std::int64_t>(c + "target")))
      CHECK(m.result() == Approx(golden().real(c + "y", -1)).epsilon(1e-14));
  }
  for (const std::string& c : cases("correlation", "x")) {
    INFO(c);
    const auto x = golden().tensor<double>(c + "x"), y = golden().tensor<double>(c + "y");
    for (const auto& m : whole_and_merged(metrics::Pearson(), x, y))
      CHECK(m.result() == Approx(golden().real(c + "pearson", -9)).epsilon(1e-9));
    for (const auto& m : whole_and_merged(metrics::Spearman(), x, y))
      CHECK(m.result() == Approx(golden().real(c + "spearman", -9)).epsilon(1e-14));
  }
}

TEST_CASE("metrics: chrF is sacreBLEU's, and BLEU merges") {
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> corpora;
  std::istringstream table(read_file(GLOSS_TEST_DATA "/bleu.tsv"));
  for (std::string line; std::getline(table, line);) {
    const std::vector<std::string> row = fields(line);
    corpora[row.at(0)].emplace_back(row.at(1), row.at(2));
  }
  CHECK(corpora.size() == 15);
  for (const auto& [name, corpus] : corpora) {
    INFO(name);
    metrics::ChrF chrf, chrf_parts[2];
    metrics::Bleu bleu, bleu_parts[2];
    for (std::size_t i = 0; i < corpus.size(); ++i) {
      const auto& [hypothesis, reference] = corpus[i];
      chrf.add(hypothesis, reference);
      chrf_parts[i % 2].add(hypothesis, reference);
      bleu.add(hypothesis, reference);
      bleu_parts[i % 2].add(hypothesis, reference);
    }
    chrf_parts[0].merge(chrf_parts[1]);
    bleu_parts[0].merge(bleu_parts[1]);
    CHECK(chrf.result() == Approx(golden().real("chrf/" + name, -1)).epsilon(0).margin(1e-9));
    CHECK(chrf_parts[0].result() == chrf.result());
    CHECK(bleu_parts[0].result() == bleu.result());
    CHECK(bleu.result() == bleu.score().score);
  }
  // sacrebleu.corpus_chrf(["the cat sat on the mat", "no"], [["a cat sat on the mat today", "yes"], ["the cat is on the
  // mat", "no no"]])
  metrics::ChrF chrf;
  chrf.add("the cat sat on the mat", std::vector<std::string>{"a cat sat on the mat today", "the cat is on the mat"});
  chrf.add("no", std::vector<std::string>{"yes", "no no"});
  CHECK(chrf.result() == Approx(65.86024054512468).epsilon(0).margin(1e-9));
}

TEST_CASE("perplexity: e to the mean loss of a token, however it was added") {
  const Tensor<float> losses = {1, 2, 3, 6};
  metrics::Perplexity each, means, other;
  each.add(losses);
  means.add(1.5, 2);
  means.add(NAN, 0);  // a batch of nothing but ignored tokens
  other.add(4.5, 2);
  means.merge(other);
  CHECK(each.result() == Approx(std::exp(3.0)).epsilon(1e-15));
  CHECK(means.result() == Approx(std::exp(3.0)).epsilon(1e-15));
  CHECK_ERROR(means.add(1, -1), Error, "Perplexity: -1 tokens");
}

TEST_CASE("metrics: classes may lie along axis 1 before others, and targets may be ignored") {
  const Tensor<float> scores = {{{1, 5, 0}, {2, 1, 0}, {0, 0, 9}}};  // [1, 3 classes, 3 places]
  const Ids target = {{1, 0, -100}}, zero = {{1, 0, 0}};
  metrics::Accuracy accuracy;
  accuracy.add(scores, target);
  CHECK(accuracy.result() == 1);
  metrics::Accuracy without_zero(0);
  without_zero.add(scores, zero);
  CHECK(without_zero.result() == 1);
  metrics::ConfusionMatrix matrix(3);
  matrix.add(scores, zero);
  CHECK(same_bits(matrix.result(), Ids{{1, 0, 1}, {0, 1, 0}, {0, 0, 0}}));
  CHECK(matrix.count(0, 2) == 1);
  CHECK(matrix.classes() == 3);
  metrics::MeanIou iou(4);
  iou.add(scores, zero);
  CHECK(iou.result() == 0.5);
  CHECK(iou.per_class()[0] == 0.5);
  CHECK(std::isnan(iou.per_class()[3]));
  metrics::TopKAccuracy two(2);
  two.add(scores, zero);
  CHECK(two.result() == 1);  // of equal scores the first class is taken
  two.add(Tensor<float>{NAN, 1, 2, 3}, scalar<std::int64_t>(2));
  CHECK(two.result() == 0.75);  // NaN counts as largest
  metrics::TopKAccuracy all(9);
  all.add(scores, target);
  CHECK(all.result() == 1);
}

TEST_CASE("metrics: of nothing they are NaN or 0") {
  CHECK(std::isnan(metrics::Accuracy().result()));
  CHECK(std::isnan(metrics::TopKAccuracy(1).result()));
  CHECK(std::isnan(metrics::MeanIou(3).result()));
  CHECK(std::isnan(metrics::Perplexity().result()));
  CHECK(std::isnan(metrics::RocAuc().result()));
  CHECK(std::isnan(metrics::Pearson().result()));
  CHECK(std::isnan(metrics::Spearman().result()));
  CHECK(metrics::ChrF().result() == 0);
  CHECK(metrics::Bleu().result() == 0);
  const metrics::PrecisionRecallReport report = metrics::PrecisionRecall(2).result();
  CHECK(report.macro.f1 == 0);
  CHECK(report.weighted.f1 == 0);
  metrics::RocAuc one_class;
  one_class.add(Tensor<float>{1, 2}, Ids{1, 1});
  CHECK(std::isnan(one_class.result()));
  metrics::Pearson constant;
  constant.add(Tensor<float>{1, 2}, Tensor<float>{3, 3});
  CHECK(std::isnan(constant.result()));
  constant.add(zeros<float>({0}), zeros<float>({0}));
  constant.merge(metrics::Pearson());
  CHECK(std::isnan(constant.result()));
}

TEST_CASE("metrics: what does not fit is refused, and nothing of it is counted") {
  metrics::Accuracy accuracy;
  CHECK_ERROR(accuracy.add(Ids{1}, Ids{1, 2}), ShapeError, "Accuracy: predicted [1] and target [2] differ in shape");
  CHECK_ERROR(accuracy.add(scalar<float>(1), Ids{1}), ShapeError, "Accuracy: a scalar has no axis of classes");
  CHECK_ERROR(metrics::TopKAccuracy(0), Error, "TopKAccuracy: k 0 is not above 0");
  metrics::TopKAccuracy top(1);
  CHECK_ERROR(top.add(zeros<float>({1, 3}), Ids{3}), IndexError, "TopKAccuracy: target 3 is out of range for x [1, 3]");
  CHECK_ERROR(metrics::ConfusionMatrix(0), Error, "ConfusionMatrix: 0 classes");
  metrics::ConfusionMatrix matrix(2);
  CHECK_ERROR(matrix.add(Ids{0, 2}, Ids{0, 0}), IndexError,
              "ConfusionMatrix: predicted 2 is out of range for 2 classes");
  CHECK_ERROR(matrix.add(Ids{0, 1}, Ids{0, -1}), IndexError,
              "ConfusionMatrix: target -1 is out of range for 2 classes");
  CHECK_ERROR(matrix.merge(metrics::ConfusionMatrix(3)), Error, "ConfusionMatrix: 2 classes cannot take those of 3");
  CHECK(matrix.count(0, 0) == 0);
  metrics::RocAuc auc;
  CHECK_ERROR(auc.add(Tensor<float>{1}, Ids{1, 0}), ShapeError, "RocAuc: scores [1] and target [2] differ in shape");
  CHECK_ERROR(auc.add(Tensor<float>{1}, Ids{2}), Error, "RocAuc: target 2 is neither 0 nor 1");
  CHECK_ERROR(auc.add(Tensor<float>{NAN}, Ids{1}), Error, "RocAuc: NaN has no rank");
  metrics::Pearson pearson;
  CHECK_ERROR(pearson.add(Ids{1}, Ids{1, 0}), ShapeError, "Pearson: x [1] and y [2] differ in shape");
  metrics::Spearman spearman;
  CHECK_ERROR(spearman.add(Ids{1}, Ids{1, 0}), ShapeError, "Spearman: x [1] and y [2] differ in shape");
  CHECK_ERROR(spearman.add(Tensor<float>{1}, Tensor<float>{NAN}), Error, "Spearman: NaN has no rank");
  metrics::ChrF chrf;
  CHECK_ERROR(chrf.add("a", std::span<const std::string>{}), Error, "ChrF::add: no reference");
}
