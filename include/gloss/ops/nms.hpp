// Of boxes that overlap, those with the highest scores
#pragma once

#include <vector>

#include <gloss/core/sort.hpp>
#include <gloss/tensor/factories.hpp>

namespace gloss::inline GLOSS_ABI {

namespace detail {
template <Real T>
Tensor<std::int64_t> boxes_that_stay(const char* op, const Tensor<T>& boxes, const Tensor<T>& scores,
                                     const Tensor<std::int64_t>& classes, double iou_threshold) {
  const Index n = scores.dim() == 1 ? scores.size(0) : -1;
  if (boxes.shape() != Shape{n, 4} || classes.shape() != Shape{n})
    fail<ShapeError>(op, ": boxes [n, 4] and a score and class for each are wanted: boxes ", boxes.shape(), ", scores ",
                     scores.shape(), ", classes ", classes.shape());
  const Tensor<T> corners = boxes.detach().contiguous(), ranks = scores.detach().contiguous();
  const Tensor<std::int64_t> kinds = classes.contiguous();
  const auto box = [&](std::size_t i) { return corners.data() + 4 * i; };
  const auto area = [](const T* b) { return (b[2] - b[0]) * (b[3] - b[1]); };
  const std::vector<std::size_t> order = gloss::sorted_order(
      static_cast<std::size_t>(n), [&](std::size_t a, std::size_t b) { return ranks.data()[a] > ranks.data()[b]; });
  std::vector<std::int64_t> kept;
  for (const std::size_t i : order) {
    const T* const a = box(i);
    bool stays = true;
    for (const std::int64_t other : kept) {
      const auto j = static_cast<std::size_t>(other);
      if (kinds.data()[i] != kinds.data()[j]) continue;
      const T* const b = box(j);
      const T width = (std::max)((std::min)(a[2], b[2]) - (std::max)(a[0], b[0]), T{0});
      const T height = (std::max)((std::min)(a[3], b[3]) - (std::max)(a[1], b[1]), T{0});
      const T both = width * height;
      stays = !(static_cast<double>(both / (area(a) + area(b) - both)) > iou_threshold);
      if (!stays) break;
    }
    if (stays) kept.push_back(static_cast<std::int64_t>(i));
  }
  return from_vector(kept);
}
}  // namespace detail

/// The numbers of the boxes that stay, by falling score: a box goes when one of the same class with a higher score
/// stays and the two share more than `iou_threshold` of the area that they cover together. Boxes are two corners; of
/// equal scores the first box comes first. No gradient flows.
/// Shape: boxes [n, 4], scores [n], classes [n] -> [kept]
/// Errors: ShapeError otherwise.
/// PyTorch: torchvision.ops.batched_nms
template <Real T>
Tensor<std::int64_t> batched_nms(const Tensor<T>& boxes, const Tensor<T>& scores, const Tensor<std::int64_t>& classes,
                                 double iou_threshold) {
  return detail::boxes_that_stay("batched_nms", boxes, scores, classes, iou_threshold);
}

/// The same of boxes of one class.
/// Shape: boxes [n, 4], scores [n] -> [kept]
/// Errors: ShapeError otherwise.
/// PyTorch: torchvision.ops.nms
template <Real T>
Tensor<std::int64_t> nms(const Tensor<T>& boxes, const Tensor<T>& scores, double iou_threshold) {
  return detail::boxes_that_stay("nms", boxes, scores, zeros<std::int64_t>(scores.shape()), iou_threshold);
}

}  // namespace gloss::inline GLOSS_ABI
