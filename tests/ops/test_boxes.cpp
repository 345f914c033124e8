// Boxes, assignments and suppression, against transformers, SciPy and a plain loop: tests/golden/generate_ops_boxes.py
#include <gloss/ops/boxes.hpp>
#include <gloss/ops/cast.hpp>
#include <gloss/ops/linear_sum_assignment.hpp>
#include <gloss/ops/nms.hpp>
#include <gloss/tensor/gradcheck.hpp>
#include <gloss/tensor/random.hpp>
#include <limits>
#include <set>

#include "support/golden_ops.hpp"

using namespace gloss;
using gloss_test::difference;
using gloss_test::values;

namespace {

/// The first case's number of each op is 0.
template <class F>
void each_case(const std::string& op, const F& f) {
  const Index n = gloss_test::golden_cases(op);
  CHECK(n > 0);
  for (Index i = 0; i < n; ++i) {
    INFO(op << " " << i);
    f(gloss_test::CaseData(op, i));
  }
}

}  // namespace

TEST_CASE("golden: box formats and overlaps are torchvision's, and so are their gradients", "[ops]") {
  CHECK_GOLDEN("box_convert", box_convert(c["x"], static_cast<BoxFormat>(c.integer("source")),
                                          static_cast<BoxFormat>(c.integer("target"))));
  CHECK_GOLDEN("box_area", box_area(c["boxes"]));
  CHECK_GOLDEN("box_iou", box_iou(c["a"], c["b"]));
  CHECK_GOLDEN("generalized_box_iou", generalized_box_iou(c["a"], c["b"]));
  CHECK_GOLDEN("generalized_box_iou_loss", generalized_box_iou_loss(c["boxes"], c["targets"]));
}

TEST_CASE("boxes: overlaps that are known, and what is refused", "[ops]") {
  const Tensor<double> a = {{0, 0, 2, 2}, {0, 0, 1, 1}}, b = {{1, 1, 3, 3}, {0, 0, 2, 2}, {5, 5, 5, 5}};
  CHECK(difference(box_iou(a, b), Tensor<double>{{1.0 / 7, 1, 0}, {0, 0.25, 0}}) < 1e-15);
  CHECK(difference(generalized_box_iou(a, b).narrow(1, 0, 2),
                   Tensor<double>{{1.0 / 7 - 2.0 / 9, 1}, {-4.0 / 9, 0.25}}) < 1e-15);
  CHECK(std::isnan(box_iou(b.narrow(0, 2, 1), b.narrow(0, 2, 1)).item()));
  CHECK(generalized_box_iou_loss(b, b, LossReduction::none).shape() == Shape{3});
  CHECK(box_convert(a, BoxFormat::xyxy, BoxFormat::xyxy).is_same(a));
  CHECK_ERROR(box_convert(zeros<float>({2, 3}), BoxFormat::xyxy, BoxFormat::xywh), ShapeError,
              "box_convert: a box has four numbers, on the last axis of shape [2, 3]");
  CHECK_ERROR(box_area(zeros<float>({})), ShapeError, "box_area: a box has four numbers, on the last axis of shape []");
  CHECK_ERROR(box_iou(a, a[0]), ShapeError, "box_iou: boxes are [n, 4] and [m, 4], not [2, 4] and [4]");
  CHECK_ERROR(generalized_box_iou(a, zeros<double>({4, 3})), ShapeError,
              "generalized_box_iou: boxes are [n, 4] and [m, 4], not [2, 4] and [4, 3]");
  CHECK_ERROR(generalized_box_iou_loss(a, b), ShapeError,
              "generalized_box_iou_loss: boxes [2, 4] and targets [3, 4] differ");
}

TEST_CASE("boxes: gradients by difference quotients", "[ops]") {
  Rng rng(5);
  const RngGuard draw(rng);
  const auto boxes = [](Index n) {
    const Tensor<double> low = randn<double>({n, 2});
    return cat<double>({low, low + rand<double>({n, 2}, 0.5, 2)}, -1).requires_grad_();
  };
  const auto f = [](const std::vector<Tensor<double>>& in) { return generalized_box_iou(in[0], in[1]); };
  CHECK(gradcheck(f, {boxes(3), boxes(4)}));
  const auto g = [](const std::vector<Tensor<double>>& in) { return generalized_box_iou_loss(in[0], in[1]); };
  CHECK(gradcheck(g, {boxes(3), boxes(3)}));
}

TEST_CASE("linear_sum_assignment: as cheap as SciPy's", "[ops]") {
  each_case("linear_sum_assignment", [](const gloss_test::CaseData& c) {
    const auto cost = c.tensor<double>("cost");
    const Assignment pairs = linear_sum_assignment(cost, c.integer("maximize") != 0);
    const auto rows = values(pairs.rows), columns = values(pairs.columns);
    CHECK(static_cast<Index>(rows.size()) == std::min(cost.size(0), cost.size(1)));
    CHECK(std::is_sorted(rows.begin(), rows.end()));
    CHECK(std::set<std::int64_t>(rows.begin(), rows.end()).size() == rows.size());
    CHECK(std::set<std::int64_t>(columns.begin(), columns.end()).size() == columns.size());
    double sum = 0;
    for (std::size_t k = 0; k < rows.size(); ++k) sum += cost.at({rows[k], columns[k]});
    CHECK(sum == Approx(c.real("y")).epsilon(1e-12).margin(1e-12));
  });
}

TEST_CASE("linear_sum_assignment: no assignment of small matrices is cheaper", "[ops]") {
  Rng rng(6);
  const RngGuard draw(rng);
  for (int round = 0; round < 300; ++round) {
    const Index n = round % 5 + 1;
    const Tensor<float> cost = cast<float>(randint(0, 6, {n, n}));
    const Assignment pairs = linear_sum_assignment(cost);
    float sum = 0, least = 1e9f;
    for (Index k = 0; k < n; ++k) sum += cost.at({pairs.rows.at({k}), pairs.columns.at({k})});
    std::vector<Index> order;
    for (Index k = 0; k < n; ++k) order.push_back(k);
    do {
      float tried = 0;
      for (Index k = 0; k < n; ++k) tried += cost.at({k, order[static_cast<std::size_t>(k)]});
      least = std::min(least, tried);
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(sum == least);
  }
}

TEST_CASE("linear_sum_assignment: what it refuses", "[ops]") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK_ERROR(linear_sum_assignment(zeros<double>({3})), ShapeError,
              "linear_sum_assignment: cost is a matrix, not of shape [3]");
  CHECK_ERROR(linear_sum_assignment(Tensor<double>{{1, NAN}}), Error,
              "linear_sum_assignment: the cost nan cannot be summed");
  CHECK_ERROR(linear_sum_assignment(Tensor<double>{{1, -inf}}), Error,
              "linear_sum_assignment: the cost -inf cannot be summed");
  CHECK_ERROR(linear_sum_assignment(Tensor<double>{{1, inf}}, true), Error,
              "linear_sum_assignment: the cost inf cannot be summed");
  CHECK_ERROR(linear_sum_assignment(Tensor<double>{{1, inf}, {2, inf}}), Error,
              "linear_sum_assignment: infinite costs leave row 1 without a column");
}

TEST_CASE("nms: keeps what a plain loop keeps", "[ops]") {
  each_case("batched_nms", [](const gloss_test::CaseData& c) {
    CHECK(values(batched_nms(c.tensor<double>("boxes"), c.tensor<double>("scores"), c.ids("classes"),
                             c.real("threshold"))) == values(c.ids("y")));
  });
  each_case("nms", [](const gloss_test::CaseData& c) {
    CHECK(values(nms(c.tensor<double>("boxes"), c.tensor<double>("scores"), c.real("threshold"))) ==
          values(c.ids("y")));
  });
  CHECK_ERROR(nms(zeros<float>({2, 4}), zeros<float>({3}), 0.5), ShapeError,
              "nms: boxes [n, 4] and a score and class for each are wanted: boxes [2, 4], scores [3], classes [3]");
  CHECK_ERROR(batched_nms(zeros<float>({2, 4}), zeros<float>({2}), zeros<std::int64_t>({1}), 0.5), ShapeError,
              "batched_nms: boxes [n, 4] and a score and class for each are wanted: boxes [2, 4], scores [2], classes "
              "[1]");
}
