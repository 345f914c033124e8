// What a set of predicted boxes is compared by, and what is made of it: matches, losses, detections.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include <gloss/ops/boxes.hpp>
#include <gloss/ops/cdist.hpp>
#include <gloss/ops/cross_entropy.hpp>
#include <gloss/ops/index_select.hpp>
#include <gloss/ops/l1_loss.hpp>
#include <gloss/ops/linear_sum_assignment.hpp>
#include <gloss/ops/max.hpp>
#include <gloss/ops/softmax.hpp>

namespace gloss::inline GLOSS_ABI::models {

/// What each query says: scores of the classes, the last of which is "no object", and a box: centre, width and height
/// as parts of the image's.
/// Shape: logits [batch, queries, classes + 1], boxes [batch, queries, 4]
template <Real T>
struct DetrPrediction {
  Tensor<T> logits, boxes;
};

/// What an image shows.
/// Shape: class_labels [objects], boxes [objects, 4] as in DetrPrediction
template <Real T>
struct DetrTarget {
  Tensor<std::int64_t> class_labels;
  Tensor<T> boxes;
};

/// How much the parts of a match and of the loss weigh; the names are those of DetrConfig.
struct DetrWeights {
  double class_cost = 1, bbox_cost = 5, giou_cost = 2;
  double bbox_loss_coefficient = 5, giou_loss_coefficient = 2, eos_coefficient = 0.1;
};

/// The parts of a loss. cardinality_error, which is to be looked at and has no gradient, is by how many the queries
/// that say an object differ from the objects, as a mean over the images.
template <Real T>
struct DetrLossParts {
  Tensor<T> ce, bbox, giou;
  double cardinality_error = 0;
};

namespace detail {
/// Errors: ShapeError when prediction and targets do not match, IndexError for a label that is none, Error for a box
/// that is not finite or has a side below 0.
template <Real T>
GLOSS_COLD void check_detr_targets(const DetrPrediction<T>& p, const std::vector<DetrTarget<T>>& targets) {
  const Index batch = p.logits.size(0), classes = p.logits.size(2) - 1;
  if (static_cast<Index>(targets.size()) != batch)
    fail<ShapeError>("detr: ", static_cast<Index>(targets.size()), " targets for ", batch, " images");
  for (const DetrTarget<T>& t : targets) {
    const Index n = t.class_labels.dim() == 1 ? t.class_labels.size(0) : -1;
    if (t.boxes.shape() != Shape{n, 4})
      fail<ShapeError>("detr: class_labels ", t.class_labels.shape(), " and boxes ", t.boxes.shape(),
                       " of an image must be [n] and [n, 4]");
    for (Index i = 0; i < n; ++i) {
      if (const Index label = t.class_labels.at({i}); label < 0 || label >= classes)
        fail<IndexError>("detr: class label ", label, " is out of range for ", classes, " classes");
      for (Index k = 0; k < 4; ++k)
        if (const T v = t.boxes.at({i, k}); !std::isfinite(v) || (k >= 2 && v < T(0)))
          fail("detr: a box [", t.boxes.at({i, 0}), ", ", t.boxes.at({i, 1}), ", ", t.boxes.at({i, 2}), ", ",
               t.boxes.at({i, 3}), "] is no centre, width and height");
    }
  }
}
template <Real T>
Tensor<T> corners(const Tensor<T>& boxes) {
  return box_convert(boxes, BoxFormat::cxcywh, BoxFormat::xyxy);
}
}  // namespace detail

/// Which query of each image answers for which object: those pairs that together cost least, where a pair costs
/// bbox_cost |box - box'|_1 - class_cost P(label) - giou_cost GIoU(box, box'). A cost that is infinite or NaN is larger
/// than any other. In an Assignment rows are queries, columns objects.
/// Errors: ShapeError when prediction and targets do not match, IndexError for a label that is none, Error for a box
/// that is not finite or has a side below 0.
/// Source: Carion et al. 2020, 3.1.
/// transformers: HungarianMatcher
template <Real T>
std::vector<Assignment> detr_match(const DetrPrediction<T>& p, const std::vector<DetrTarget<T>>& targets,
                                   const DetrWeights& weights = {}) {
  detail::check_detr_targets(p, targets);
  const NoGradGuard no_grad;
  const Tensor<T> shares = softmax(p.logits.detach(), -1), boxes = p.boxes.detach();
  std::vector<Assignment> pairs;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const DetrTarget<T>& t = targets[i];
    const auto image = static_cast<Index>(i);
    if (t.class_labels.numel() == 0) {
      pairs.push_back({empty<std::int64_t>({0}), empty<std::int64_t>({0})});
      continue;
    }
    const Tensor<T> apart = cdist(boxes.select(0, image), t.boxes, 1) * weights.bbox_cost;
    const Tensor<T> likely = index_select(shares.select(0, image), 1, t.class_labels) * weights.class_cost;
    const Tensor<T> shared =
        generalized_box_iou(detail::corners(boxes.select(0, image)), detail::corners(t.boxes)) * weights.giou_cost;
    Tensor<T> cost = (apart - likely - shared).contiguous();
    for (Index k = 0; k < cost.numel(); ++k)
      if (!(std::abs(cost.data()[k]) < T(1e8))) cost.data()[k] = T(1e8);
    pairs.push_back(linear_sum_assignment(cost));
  }
  return pairs;
}

/// The loss of one prediction: its parts, which add up to ce + bbox_loss_coefficient bbox + giou_loss_coefficient giou.
/// ce is the cross-entropy of all queries, those without an object weighing eos_coefficient; bbox and giou are the sums
/// over the matches of |box - box'|_1 and 1 - GIoU by the number of objects in the batch.
/// Errors: as detr_match.
/// Source: Carion et al. 2020, A.2.
/// transformers: ImageLoss with labels, boxes and cardinality
template <Real T>
DetrLossParts<T> detr_loss_parts(const DetrPrediction<T>& p, const std::vector<DetrTarget<T>>& targets,
                                 const DetrWeights& weights = {}) {
  const std::vector<Assignment> pairs = detr_match(p, targets, weights);
  const Index batch = p.logits.size(0), queries = p.logits.size(1), nothing = p.logits.size(2) - 1;
  const Tensor<std::int64_t> classes = full<std::int64_t>({batch * queries}, nothing);
  std::vector<std::int64_t> places;
  std::vector<Tensor<T>> wanted = {empty<T>({0, 4})};
  Index objects = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto& [rows, columns] = pairs[i];
    objects += targets[i].class_labels.numel();
    for (Index k = 0; k < rows.numel(); ++k) {
      places.push_back(static_cast<Index>(i) * queries + rows.data()[k]);
      classes.data()[places.back()] = targets[i].class_labels.at({columns.data()[k]});
    }
    wanted.push_back(index_select(targets[i].boxes, 0, columns));
  }
  const Tensor<T> weight = ones<T>({nothing + 1});
  weight.data()[nothing] = static_cast<T>(weights.eos_coefficient);
  const Tensor<T> found = index_select(p.boxes.flatten(0, 1), 0, from_vector(places)), boxes = cat(wanted, 0);
  const double count = objects > 0 ? static_cast<double>(objects) : 1;
  DetrLossParts<T> parts;
  parts.ce = cross_entropy(p.logits.flatten(0, 1), classes, weight);
  parts.bbox = l1_loss(found, boxes, LossReduction::sum) / count;
  parts.giou = generalized_box_iou_loss(detail::corners(found), detail::corners(boxes), LossReduction::sum, 0) / count;
  const Tensor<std::int64_t> said = argmax(p.logits.detach(), -1);
  for (Index i = 0; i < batch; ++i) {
    Index more = -targets[static_cast<std::size_t>(i)].class_labels.numel();
    for (Index q = 0; q < queries; ++q) more += said.at({i, q}) != nothing ? 1 : 0;
    parts.cardinality_error += static_cast<double>(more < 0 ? -more : more) / static_cast<double>(batch);
  }
  return parts;
}

/// The loss of the last layer's prediction, first, and of those of the layers before it, summed.
/// Errors: as detr_match.
template <Real T>
Tensor<T> detr_loss(const std::vector<DetrPrediction<T>>& predictions, const std::vector<DetrTarget<T>>& targets,
                    const DetrWeights& weights = {}) {
  Tensor<T> loss = zeros<T>({});
  for (const DetrPrediction<T>& p : predictions) {
    const DetrLossParts<T> parts = detr_loss_parts(p, targets, weights);
    loss = loss + parts.ce + parts.bbox * weights.bbox_loss_coefficient + parts.giou * weights.giou_loss_coefficient;
  }
  return loss;
}

/// The objects found in an image, by two corners.
/// Shape: boxes [n, 4], scores [n], labels [n]
template <Real T>
struct Detections {
  Tensor<T> boxes, scores;
  Tensor<std::int64_t> labels;
};

/// What a prediction says of each image: of the queries whose likeliest class, "no object" left out, is likelier than
/// threshold, the box, the probability and the class, in the order of the queries. Boxes are parts of the image's size,
/// or with sizes, [batch, 2] heights and widths, pixels. Outside the graph.
/// Errors: ShapeError for sizes of another shape.
/// transformers: post_process_object_detection
template <Real T>
std::vector<Detections<T>> detr_detections(const DetrPrediction<T>& p, const Tensor<std::int64_t>& sizes = {},
                                           double threshold = 0.5) {
  const NoGradGuard no_grad;
  const Index batch = p.logits.size(0), queries = p.logits.size(1), classes = p.logits.size(2) - 1;
  if (sizes.defined() && sizes.shape() != Shape{batch, 2})
    fail<ShapeError>("detr_detections: sizes ", sizes.shape(), " must be ", Shape{batch, 2});
  const ValuesIndices<T> best = (gloss::max)(softmax(p.logits.detach(), -1).narrow(-1, 0, classes), -1);
  const Tensor<T> boxes = detail::corners(p.boxes.detach());
  std::vector<Detections<T>> found;
  for (Index i = 0; i < batch; ++i) {
    std::vector<std::int64_t> kept;
    for (Index q = 0; q < queries; ++q)
      if (static_cast<double>(best.values.at({i, q})) > threshold) kept.push_back(q);
    const Tensor<std::int64_t> rows = from_vector(kept);
    Tensor<T> own = index_select(boxes.select(0, i), 0, rows);
    if (sizes.defined()) {
      const T height = static_cast<T>(sizes.at({i, 0})), width = static_cast<T>(sizes.at({i, 1}));
      own = own * Tensor<T>{width, height, width, height};
    }
    found.push_back(
        {own, index_select(best.values.select(0, i), 0, rows), index_select(best.indices.select(0, i), 0, rows)});
  }
  return found;
}

}  // namespace gloss::inline GLOSS_ABI::models
