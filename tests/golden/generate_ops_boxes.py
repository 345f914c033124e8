#!/usr/bin/env python3
"""Writes ops_boxes.safetensors: overlaps of boxes by DETR's functions in transformers, assignments by SciPy, and what a
plain loop keeps in non-maximum suppression.

    python3 tests/golden/generate_ops_boxes.py  # needs torch 2.13, transformers, scipy and safetensors
"""

import scipy.optimize
import torch
from transformers.loss.loss_for_object_detection import box_area, box_iou, generalized_box_iou

from cases import case, flags, integers, positive, randn, write

FORMATS = {0: "xyxy", 1: "xywh", 2: "cxcywh"}


def boxes(n):
    low = randn(n, 2)
    return torch.cat([low, low + positive(n, 2)], -1)


def to_corners(x, fmt):
    a, b = x[..., :2], x[..., 2:]
    return {0: (a, b), 1: (a, a + b), 2: (a - b / 2, a + b / 2)}[fmt]


def convert(x, source, target):
    low, high = to_corners(x, source)
    return {0: torch.cat([low, high], -1), 1: torch.cat([low, high - low], -1), 2: torch.cat([(low + high) / 2, high - low], -1)}[target]


def giou_loss(boxes, targets, eps):  # torchvision's, by its formula
    low, high = torch.maximum(boxes[..., :2], targets[..., :2]), torch.minimum(boxes[..., 2:], targets[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    either = (boxes[..., 2:] - boxes[..., :2]).prod(-1) + (targets[..., 2:] - targets[..., :2]).prod(-1) - both
    around = (torch.maximum(boxes[..., 2:], targets[..., 2:]) - torch.minimum(boxes[..., :2], targets[..., :2])).prod(-1)
    return 1 - (both / (either + eps) - (around - either) / (around + eps))


def overlaps():
    for source in FORMATS:
        for target in FORMATS:
            case("box_convert", lambda x: convert(x, source, target), dict(x=positive(2, 3, 4)), source=source, target=target)
    case("box_area", box_area, dict(boxes=boxes(7)))
    for n, m in ((5, 4), (1, 1), (0, 3), (12, 9)):
        case("box_iou", lambda a, b: box_iou(a, b)[0], dict(a=boxes(n), b=boxes(m)))
        case("generalized_box_iou", lambda a, b: generalized_box_iou(a, b), dict(a=boxes(n), b=boxes(m)))
    for n in (1, 6):
        case("generalized_box_iou_loss", lambda boxes, targets: giou_loss(boxes, targets, 1e-7).mean(), dict(boxes=boxes(n), targets=boxes(n)))


def assignments():
    inf = float("inf")
    forbidden = randn(6, 8).masked_fill(flags(6, 8) & flags(6, 8), inf)
    forbidden[:, :6].fill_diagonal_(3.0)
    for cost in (randn(4, 4), randn(3, 7), randn(9, 5), randn(1, 1), randn(0, 3), integers(3, 8, 8).double(), randn(40, 60), forbidden):
        rows, columns = scipy.optimize.linear_sum_assignment(cost.numpy())
        case("linear_sum_assignment", lambda cost: cost.detach()[rows, columns].sum(), dict(cost=cost))
        if cost.isfinite().all():
            rows, columns = scipy.optimize.linear_sum_assignment(cost.numpy(), maximize=True)
            case("linear_sum_assignment", lambda cost: cost.detach()[rows, columns].sum(), dict(cost=cost), maximize=1)


def suppression():
    def kept(boxes, scores, classes, threshold):
        overlap, found = box_iou(boxes, boxes)[0], []
        for i in scores.sort(descending=True, stable=True)[1].tolist():
            if all(classes[i] != classes[j] or overlap[i, j] <= threshold for j in found):
                found.append(i)
        return torch.tensor(found, dtype=torch.int64)

    for n, threshold in ((30, 0.3), (30, 0.6), (1, 0.5), (0, 0.5)):
        x, scores, classes = boxes(n), (positive(n) * 10).round() / 10, integers(3, n)
        case("batched_nms", lambda boxes, scores, classes: kept(boxes.detach(), scores.detach(), classes, threshold),
             dict(boxes=x, scores=scores, classes=classes), threshold=threshold)
        case("nms", lambda boxes, scores: kept(boxes.detach(), scores.detach(), [0] * n, threshold), dict(boxes=x, scores=scores), threshold=threshold)


write("ops_boxes.safetensors", [overlaps, assignments, suppression])
