// Boxes in images: their formats, and how much two of them share
#pragma once

#include <gloss/ops/cat.hpp>
#include <gloss/ops/clamp.hpp>
#include <gloss/ops/div.hpp>
#include <gloss/ops/reduce_loss.hpp>
#include <gloss/ops/sub.hpp>

namespace gloss::inline GLOSS_ABI {

/// What the four numbers of a box are: two corners; a corner, width and height; the centre, width and height.
enum class BoxFormat { xyxy, xywh, cxcywh };

namespace detail {

inline void check_boxes(const char* op, const Shape& boxes) {
  if (boxes.rank() == 0 || boxes.back() != 4)
    fail<ShapeError>(op, ": a box has four numbers, on the last axis of shape ", boxes);
}

/// The first two numbers of each box and the last two.
template <Real T>
Tensor<T> first_corner(const Tensor<T>& boxes) {
  return boxes.slice(-1, 0, 2);
}
template <Real T>
Tensor<T> last_corner(const Tensor<T>& boxes) {
  return boxes.slice(-1, 2, 4);
}
template <Real T>
Tensor<T> area_between(const Tensor<T>& low, const Tensor<T>& high) {
  const Tensor<T> sides = high - low;
  return sides.select(-1, 0) * sides.select(-1, 1);
}

/// Of boxes side by side, which broadcast: the area that both cover, that one of them covers, and that of the smallest
/// box around both, which is computed only if asked for.
template <Real T>
struct BoxOverlap {
  Tensor<T> both, either, around;

  BoxOverlap(const Tensor<T>& a, const Tensor<T>& b, bool with_around) {
    const Tensor<T> a_low = first_corner(a), a_high = last_corner(a), b_low = first_corner(b), b_high = last_corner(b);
    const Tensor<T> sides = clamp_min(minimum(a_high, b_high) - maximum(a_low, b_low), 0);
    both = sides.select(-1, 0) * sides.select(-1, 1);
    either = area_between(a_low, a_high) + area_between(b_low, b_high) - both;
    if (with_around) around = area_between(minimum(a_low, b_low), maximum(a_high, b_high));
  }
};

/// Every box of a beside every box of b.
template <Real T>
BoxOverlap<T> pairwise_overlap(const char* op, const Tensor<T>& a, const Tensor<T>& b, bool with_around) {
  if (a.dim() != 2 || b.dim() != 2 || a.size(1) != 4 || b.size(1) != 4)
    fail<ShapeError>(op, ": boxes are [n, 4] and [m, 4], not ", a.shape(), " and ", b.shape());
  return {a.unsqueeze(1), b.unsqueeze(0), with_around};
}

}  // namespace detail

/// Boxes in another format.
/// Shape: [..., 4]
/// Errors: ShapeError for another last axis.
/// Backward: made of ops.
/// PyTorch: torchvision.ops.box_convert
template <Real T>
Tensor<T> box_convert(const Tensor<T>& boxes, BoxFormat from, BoxFormat to) {
  detail::check_boxes("box_convert", boxes.shape());
  if (from == to) return boxes;
  const Tensor<T> first = detail::first_corner(boxes), last = detail::last_corner(boxes);
  const Tensor<T> low = from == BoxFormat::cxcywh ? first - last * 0.5 : first;
  const Tensor<T> high = from == BoxFormat::xyxy ? last : from == BoxFormat::xywh ? first + last : first + last * 0.5;
  if (to == BoxFormat::xyxy) return cat<T>({low, high}, -1);
  return cat<T>({to == BoxFormat::xywh ? low : (low + high) * 0.5, high - low}, -1);
}

/// Width times height of boxes of two corners.
/// Shape: [..., 4] -> [...]
/// Errors: ShapeError for another last axis.
/// Backward: made of ops.
/// PyTorch: torchvision.ops.box_area
template <Real T>
Tensor<T> box_area(const Tensor<T>& boxes) {
  detail::check_boxes("box_area", boxes.shape());
  return detail::area_between(detail::first_corner(boxes), detail::last_corner(boxes));
}

/// y[i, j] = the area that box i of a and box j of b share over the area that they cover together; two corners each.
/// Two boxes without area give NaN.
/// Shape: a [n, 4], b [m, 4] -> [n, m]
/// Errors: ShapeError otherwise.
/// Backward: made of ops.
/// PyTorch: torchvision.ops.box_iou
template <Real T>
Tensor<T> box_iou(const Tensor<T>& a, const Tensor<T>& b) {
  const auto overlap = detail::pairwise_overlap("box_iou", a, b, false);
  return overlap.both / overlap.either;
}

/// box_iou less the share of the smallest box around both that neither covers: it falls from 1 to -1, and on where the
/// two do not touch.
/// Shape: a [n, 4], b [m, 4] -> [n, m]
/// Errors: ShapeError otherwise.
/// Backward: made of ops.
/// Source: Rezatofighi et al. 2019, "Generalized intersection over union".
/// PyTorch: torchvision.ops.generalized_box_iou
template <Real T>
Tensor<T> generalized_box_iou(const Tensor<T>& a, const Tensor<T>& b) {
  const auto overlap = detail::pairwise_overlap("generalized_box_iou", a, b, true);
  return overlap.both / overlap.either - (overlap.around - overlap.either) / overlap.around;
}

/// 1 - generalized_box_iou of each box and the one beside it; eps is added where it divides.
/// Shape: boxes and targets [..., 4] -> [], or [...] for reduction none
/// Errors: ShapeError when the shapes differ or the last axis is another.
/// Backward: made of ops.
/// PyTorch: torchvision.ops.generalized_box_iou_loss, whose reduction is none by default
template <Real T>
Tensor<T> generalized_box_iou_loss(const Tensor<T>& boxes, const Tensor<T>& targets,
                                   LossReduction reduction = LossReduction::mean, double eps = 1e-7) {
  detail::check_boxes("generalized_box_iou_loss", boxes.shape());
  if (boxes.shape() != targets.shape())
    fail<ShapeError>("generalized_box_iou_loss: boxes ", boxes.shape(), " and targets ", targets.shape(), " differ");
  const detail::BoxOverlap<T> overlap(boxes, targets, true);
  const Tensor<T> losses =
      1 - overlap.both / (overlap.either + eps) + (overlap.around - overlap.either) / (overlap.around + eps);
  return reduce_loss(losses, reduction, static_cast<double>(losses.numel()));
}

}  // namespace gloss::inline GLOSS_ABI
