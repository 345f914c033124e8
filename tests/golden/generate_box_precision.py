#!/usr/bin/env python3
"""Writes box_precision.safetensors: boxes found in images, and what pycocotools says of them.

    python3 tests/golden/generate_box_precision.py  # needs NumPy, pycocotools and safetensors

N/images, N/classes; N/I/found [n, 4] corners, scores, labels, true, true_labels, crowds of image I; N/stats [12];
N/by_class.
"""

import contextlib
import io
import pathlib

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from safetensors.numpy import save_file

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(22)
out = {}


def draw(n, size):
    low = rng.integers(0, 300, (n, 2)) / 2
    return np.concatenate([low, low + rng.integers(2, size, (n, 2)) / 2], 1)


def case(number, images, classes, size, crowd_share, most):
    truth, found = [], []
    for i in range(images):
        true = draw(rng.integers(0, most), size)
        labels = rng.integers(0, classes, len(true))
        crowds = rng.random(len(true)) < crowd_share
        near = np.repeat(true, 3, 0) + rng.integers(-6, 7, (3 * len(true), 4)) / 2
        near = near[(near[:, 2] > near[:, 0]) & (near[:, 3] > near[:, 1])]
        boxes = np.concatenate([near, draw(rng.integers(0, most), size)])
        guesses = rng.integers(0, classes, len(boxes))
        kept = rng.random(len(boxes)) < 0.8
        for k, box in enumerate(near):  # most guesses are right
            if rng.random() < 0.7 and len(true):
                guesses[k] = labels[np.abs(true - box).sum(1).argmin()]
        boxes, guesses = boxes[kept], guesses[kept]
        scores = rng.integers(1, 40, len(boxes)) / 40  # many are equal
        for name, x in dict(found=boxes, scores=scores, labels=guesses.astype(np.int64), true=true, true_labels=labels.astype(np.int64),
                            crowds=crowds).items():
            out[f"{number}/{i}/{name}"] = np.ascontiguousarray(x)
        sides = lambda b: [b[0], b[1], b[2] - b[0], b[3] - b[1]]
        for b, c, crowd in zip(true.tolist(), labels.tolist(), crowds.tolist()):
            truth.append(dict(id=len(truth) + 1, image_id=i, category_id=c, bbox=sides(b), area=sides(b)[2] * sides(b)[3], iscrowd=int(crowd)))
        found += [dict(image_id=i, category_id=c, bbox=sides(b), score=s) for b, c, s in zip(boxes.tolist(), guesses.tolist(), scores.tolist())]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(info={}, images=[dict(id=i) for i in range(images)], annotations=truth, categories=[dict(id=c) for c in range(classes)])
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]  # thresholds, recalls, classes
    out[f"{number}/stats"] = evaluation.stats
    out[f"{number}/by_class"] = np.array([precision[:, :, c].mean() for c in range(classes)])
    out[f"{number}/images"], out[f"{number}/classes"] = np.array(images), np.array(classes)


case(0, images=12, classes=3, size=120, crowd_share=0, most=9)
case(1, images=8, classes=2, size=300, crowd_share=0.3, most=8)
case(2, images=3, classes=5, size=40, crowd_share=0.1, most=4)
case(3, images=2, classes=1, size=60, crowd_share=0, most=70)
save_file(out, here / "box_precision.safetensors")
print(len(out), "tensors,", (here / "box_precision.safetensors").stat().st_size, "bytes")
