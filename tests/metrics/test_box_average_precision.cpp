// Average precision of boxes against pycocotools: tests/golden/generate_box_precision.py
#include <gloss/metrics/box_average_precision.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/tensors.hpp"

using namespace gloss;

namespace {

const gloss_test::Golden& golden() {
  static const gloss_test::Golden file("box_precision.safetensors");
  return file;
}

void add_images(metrics::BoxAveragePrecision& metric, const std::string& number, Index from, Index to) {
  for (Index i = from; i < to; ++i) {
    const std::string image = number + "/" + std::to_string(i) + "/";
    metric.add(golden().tensor<double>(image + "found"), golden().tensor<double>(image + "scores"),
               golden().tensor<std::int64_t>(image + "labels"), golden().tensor<double>(image + "true"),
               golden().tensor<std::int64_t>(image + "true_labels"), golden().tensor<bool>(image + "crowds"));
  }
}

/// pycocotools says -1 where gloss says NaN.
bool equal(double found, double expected) {
  return expected == -1 ? std::isnan(found) : std::abs(found - expected) < 1e-12;
}

}  // namespace

TEST_CASE("BoxAveragePrecision: pycocotools' twelve numbers, and each class's, whole and merged") {
  for (const std::string number : {"0", "1", "2", "3"}) {
    INFO(number);
    const Index classes = golden().integer(number + "/classes", 0), images = golden().integer(number + "/images", 0);
    metrics::BoxAveragePrecision whole(classes), merged(classes), rest(classes);
    add_images(whole, number, 0, images);
    add_images(merged, number, 0, images / 2);
    add_images(rest, number, images / 2, images);
    merged.merge(rest);
    const auto stats = golden().tensor<double>(number + "/stats"),
               by_class = golden().tensor<double>(number + "/by_class");
    for (const auto& metric : {whole, merged}) {
      const metrics::BoxPrecisionReport r = metric.result();
      const double found[] = {r.ap,       r.ap50,      r.ap75,       r.ap_small,     r.ap_medium,     r.ap_large,
                              r.recall_1, r.recall_10, r.recall_100, r.recall_small, r.recall_medium, r.recall_large};
      for (Index i = 0; i < 12; ++i) {
        INFO(i << ": " << found[i] << " " << stats.at({i}));
        CHECK(equal(found[i], stats.at({i})));
      }
      REQUIRE(static_cast<Index>(r.ap_by_class.size()) == classes);
      for (Index c = 0; c < classes; ++c) CHECK(equal(r.ap_by_class[static_cast<std::size_t>(c)], by_class.at({c})));
    }
  }
}

TEST_CASE("BoxAveragePrecision: edges and errors") {
  metrics::BoxAveragePrecision metric(2);
  CHECK(std::isnan(metric.result().ap));
  const Tensor<float> one = {{0, 0, 10, 10}}, none = zeros<float>({0, 4});
  metric.add(none, zeros<float>({0}), zeros<std::int64_t>({0}), one, Tensor<std::int64_t>{1});
  CHECK(metric.result().ap == 0);
  CHECK(metric.result().recall_100 == 0);
  metric.add(one, Tensor<float>{0.5f}, Tensor<std::int64_t>{1}, one, Tensor<std::int64_t>{1});
  CHECK(metric.result().ap50 == Approx(51.0 / 101));  // half is found, all of it right
  CHECK(std::isnan(metric.result().ap_by_class[0]));
  CHECK_ERROR(metric.add(one, Tensor<float>{0.5f}, Tensor<std::int64_t>{2}, one, Tensor<std::int64_t>{1}), IndexError,
              "BoxAveragePrecision: label 2 is out of range for 2 classes");
  CHECK_ERROR(metric.add(one, zeros<float>({2}), Tensor<std::int64_t>{1}, one, Tensor<std::int64_t>{1}), ShapeError,
              "BoxAveragePrecision: boxes [1, 4], scores [2], labels [1], true boxes [1, 4] and true labels [1] do not "
              "match");
  CHECK_ERROR(metric.merge(metrics::BoxAveragePrecision(3)), Error,
              "BoxAveragePrecision: 2 classes cannot take those of 3");
  CHECK_ERROR(metrics::BoxAveragePrecision(0), Error, "BoxAveragePrecision: 0 classes");
}
