// How well objects are found: average precision and recall of boxes, as the COCO challenge counts them
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gloss/core/sort.hpp>
#include <gloss/metrics/labels.hpp>

namespace gloss::inline GLOSS_ABI::metrics {

/// The twelve numbers of COCO, and the average precision of each class. NaN where there is nothing to be found.
struct BoxPrecisionReport {
  double ap = 0, ap50 = 0, ap75 = 0;                   ///< over thresholds 0.5, 0.55, ... 0.95; at 0.5; at 0.75
  double ap_small = 0, ap_medium = 0, ap_large = 0;    ///< of objects below 32 x 32, up to 96 x 96, above
  double recall_1 = 0, recall_10 = 0, recall_100 = 0;  ///< with so many boxes an image and class
  double recall_small = 0, recall_medium = 0, recall_large = 0;
  std::vector<double> ap_by_class;
};

/// Average precision of boxes found in images. A box is right that shares at least a threshold's part of the area with
/// an object of its class that no box of a higher score has taken. Precision is read at 101 recalls and averaged over
/// them, classes and thresholds. At most 100 boxes count for each image and class. Crowds are boxes around many
/// objects: what lies in them is neither right nor wrong.
/// Errors: Error when the number of classes is not above 0.
/// PyTorch: pycocotools' COCOeval, iouType "bbox"
class BoxAveragePrecision {
 public:
  explicit BoxAveragePrecision(Index classes) {
    if (classes <= 0) fail("BoxAveragePrecision: ", classes, " classes");
    by_class_.resize(static_cast<std::size_t>(classes));
  }

  /// Adds an image: the boxes that were found with their scores and classes, and those that are there.
  /// Shape: boxes [n, 4] of two corners, scores and labels [n]; true_boxes [m, 4], true_labels [m], crowds [m] if any
  /// Errors: ShapeError when they do not match, IndexError for a label outside the classes.
  template <Real T>
  void add(const Tensor<T>& boxes, const Tensor<T>& scores, const Tensor<std::int64_t>& labels,
           const Tensor<T>& true_boxes, const Tensor<std::int64_t>& true_labels, const Tensor<bool>& crowds = {}) {
    const Index n = labels.dim() == 1 ? labels.size(0) : -1, m = true_labels.dim() == 1 ? true_labels.size(0) : -1;
    if (boxes.shape() != Shape{n, 4} || scores.shape() != Shape{n} || true_boxes.shape() != Shape{m, 4} ||
        (crowds.defined() && crowds.shape() != Shape{m}))
      fail<ShapeError>("BoxAveragePrecision: boxes ", boxes.shape(), ", scores ", scores.shape(), ", labels ",
                       labels.shape(), ", true boxes ", true_boxes.shape(), " and true labels ", true_labels.shape(),
                       " do not match");
    for (const auto* ids : {&labels, &true_labels})
      for (Index i = 0; i < ids->size(0); ++i)
        if (const Index label = ids->at({i}); label < 0 || label >= static_cast<Index>(by_class_.size()))
          fail<IndexError>("BoxAveragePrecision: label ", label, " is out of range for ", by_class_.size(), " classes");
    std::vector<Image> parts(by_class_.size());
    const auto part = [&parts](Index label) -> Image& { return parts[static_cast<std::size_t>(label)]; };
    const auto by_score = sorted_order(static_cast<std::size_t>(n), [&](std::size_t a, std::size_t b) {
      return scores.at({static_cast<Index>(a)}) > scores.at({static_cast<Index>(b)});
    });
    for (const std::size_t at : by_score) {
      const auto i = static_cast<Index>(at);
      part(labels.at({i})).found.push_back({corners_of(boxes, i), static_cast<double>(scores.at({i}))});
    }
    for (Index i = 0; i < m; ++i)
      part(true_labels.at({i})).objects.push_back({corners_of(true_boxes, i), 0, crowds.defined() && crowds.at({i})});
    for (std::size_t c = 0; c < parts.size(); ++c)
      if (!parts[c].found.empty() || !parts[c].objects.empty()) by_class_[c].push_back(std::move(parts[c]));
  }
  /// Adds the images of another one.
  /// Errors: Error when it has other classes.
  void merge(const BoxAveragePrecision& other) {
    if (other.by_class_.size() != by_class_.size())
      fail("BoxAveragePrecision: ", by_class_.size(), " classes cannot take those of ", other.by_class_.size());
    for (std::size_t c = 0; c < by_class_.size(); ++c)
      by_class_[c].insert(by_class_[c].end(), other.by_class_[c].begin(), other.by_class_[c].end());
  }

  /// Of all images so far.
  BoxPrecisionReport result() const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    constexpr double sizes[][2] = {{0, infinity}, {0, 32 * 32}, {32 * 32, 96 * 96}, {96 * 96, infinity}};
    Mean ap[4], recall[4], ap50, ap75, recall_1, recall_10;
    BoxPrecisionReport report;
    for (const std::vector<Image>& images : by_class_) {
      Mean own;
      for (std::size_t s = 0; s < 4; ++s)
        for (int t = 0; t < thresholds; ++t) {
          const Curve curve = evaluate(images, t, sizes[s][0], sizes[s][1], 100);
          if (!curve.counts) continue;
          ap[s].add(curve.precision), recall[s].add(curve.recall);
          if (s > 0) continue;
          own.add(curve.precision);
          if (t == 0) ap50.add(curve.precision);
          if (t == 5) ap75.add(curve.precision);
          recall_1.add(evaluate(images, t, 0, infinity, 1).recall);
          recall_10.add(evaluate(images, t, 0, infinity, 10).recall);
        }
      report.ap_by_class.push_back(own.value());
    }
    report.ap = ap[0].value(), report.ap50 = ap50.value(), report.ap75 = ap75.value();
    report.ap_small = ap[1].value(), report.ap_medium = ap[2].value(), report.ap_large = ap[3].value();
    report.recall_1 = recall_1.value(), report.recall_10 = recall_10.value(), report.recall_100 = recall[0].value();
    report.recall_small = recall[1].value(), report.recall_medium = recall[2].value();
    report.recall_large = recall[3].value();
    return report;
  }

 private:
  static constexpr int thresholds = 10;

  struct Box {
    std::array<double, 4> corners;
    double score;
    bool is_crowd = false;
    double area() const { return (corners[2] - corners[0]) * (corners[3] - corners[1]); }
  };
  struct Image {                      // of one class
    std::vector<Box> found, objects;  // by falling score; in any order
  };
  /// What the boxes of a class come to at one threshold; counts is false when there is nothing to be found.
  struct Curve {
    double precision = 0, recall = 0;
    bool counts = false;
  };
  struct Mean {
    double sum = 0;
    Index n = 0;
    void add(double v) { sum += v, ++n; }
    double value() const { return sum / static_cast<double>(n); }
  };
  enum class Verdict { wrong, right, ignored };

  template <Real T>
  static std::array<double, 4> corners_of(const Tensor<T>& boxes, Index i) {
    std::array<double, 4> corners;
    for (Index k = 0; k < 4; ++k) corners[static_cast<std::size_t>(k)] = static_cast<double>(boxes.at({i, k}));
    return corners;
  }

  /// The share of the area that both cover; of a crowd, the share of the found box that lies in it.
  static double overlap(const Box& found, const Box& object) {
    const auto& a = found.corners;
    const auto& b = object.corners;
    const double width = (std::min)(a[2], b[2]) - (std::max)(a[0], b[0]);
    const double height = (std::min)(a[3], b[3]) - (std::max)(a[1], b[1]);
    if (width <= 0 || height <= 0) return 0;
    const double both = width * height;
    return both / (object.is_crowd ? found.area() : found.area() + object.area() - both);
  }

  /// The verdict on each of the first `limit` boxes of an image; adds the objects to be found to `wanted`.
  static void judge(const Image& image, double threshold, double least, double most, std::size_t limit,
                    std::vector<std::pair<double, Verdict>>& verdicts, Index& wanted) {
    const auto outside = [&](const Box& box) { return box.area() < least || box.area() > most; };
    std::vector<const Box*> objects;
    std::size_t counted = 0;  // objects that count come first
    for (const bool ignored : {false, true})
      for (const Box& object : image.objects)
        if ((object.is_crowd || outside(object)) == ignored) {
          objects.push_back(&object);
          counted += !ignored;
        }
    wanted += static_cast<Index>(counted);
    std::vector<bool> taken(objects.size(), false);
    for (std::size_t rank = 0; rank < image.found.size() && rank < limit; ++rank) {
      const Box& box = image.found[rank];
      double best = (std::min)(threshold, 1 - 1e-10);
      std::size_t match = objects.size();
      for (std::size_t k = 0; k < objects.size(); ++k) {
        if (taken[k] && !objects[k]->is_crowd) continue;
        if (match < counted && k >= counted) break;
        const double shared = overlap(box, *objects[k]);
        if (shared < best) continue;
        best = shared;
        match = k;
      }
      const bool matched = match < objects.size();
      if (matched) taken[match] = true;
      const bool ignored = matched ? match >= counted : outside(box);
      verdicts.emplace_back(box.score, ignored ? Verdict::ignored : matched ? Verdict::right : Verdict::wrong);
    }
  }

  static Curve evaluate(const std::vector<Image>& images, int threshold, double least, double most, std::size_t limit) {
    std::vector<std::pair<double, Verdict>> verdicts;
    Index wanted = 0;
    const double part = 0.5 + (0.95 - 0.5) / 9 * threshold;
    for (const Image& image : images) judge(image, part, least, most, limit, verdicts, wanted);
    if (wanted == 0) return {};
    std::vector<double> recalls, precisions;
    Index right = 0, wrong = 0;
    for (const std::size_t i : sorted_order(
             verdicts.size(), [&](std::size_t a, std::size_t b) { return verdicts[a].first > verdicts[b].first; })) {
      right += verdicts[i].second == Verdict::right;
      wrong += verdicts[i].second == Verdict::wrong;
      recalls.push_back(detail::ratio(right, wanted));
      precisions.push_back(static_cast<double>(right) / (static_cast<double>(right + wrong) + 0x1p-52));
    }
    for (std::size_t i = precisions.size(); i-- > 1;) precisions[i - 1] = (std::max)(precisions[i - 1], precisions[i]);
    double sum = 0;
    for (int step = 0; step <= 100; ++step) {
      const auto at = std::lower_bound(recalls.begin(), recalls.end(), 0.01 * step) - recalls.begin();
      if (at < static_cast<std::ptrdiff_t>(precisions.size())) sum += precisions[static_cast<std::size_t>(at)];
    }
    return {sum / 101, recalls.empty() ? 0 : recalls.back(), true};
  }

  std::vector<std::vector<Image>> by_class_;
};

}  // namespace gloss::inline GLOSS_ABI::metrics
