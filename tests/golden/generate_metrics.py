#!/usr/bin/env python3
"""Writes metrics.safetensors: what scikit-learn, scipy and sacreBLEU say of recorded predictions.

    python3 tests/golden/generate_metrics.py  # needs torch, scikit-learn, scipy, sacrebleu and safetensors

classes/N, topk/N, auc/N and correlation/N are cases with their inputs; chrf/NAME are scores of the cases of bleu.tsv.
"""

import pathlib
import re

import sacrebleu
import scipy.stats
import sklearn.metrics as sk
import torch
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent
generator = torch.Generator().manual_seed(20)
out = {}


def put(prefix, **tensors):
    for name, value in tensors.items():
        out[f"{prefix}/{name}"] = torch.as_tensor(value).contiguous().clone()


def classes():
    for number, (n, c, seen) in enumerate([(50, 3, 3), (200, 7, 7), (30, 6, 4), (1, 2, 2), (400, 2, 2), (8, 9, 9)]):
        target = torch.randint(0, seen, (n,), generator=generator)
        other = torch.randint(0, seen, (n,), generator=generator)
        predicted = torch.where(torch.rand(n, generator=generator) < 0.6, target, other)
        t, p, all_of_them = target.numpy(), predicted.numpy(), list(range(c))
        by_class = sk.precision_recall_fscore_support(t, p, labels=all_of_them, zero_division=0)
        average = {a: torch.tensor(sk.precision_recall_fscore_support(t, p, average=a, zero_division=0)[:3], dtype=torch.float64)
                   for a in ("macro", "micro", "weighted")}
        put(f"classes/{number}", predicted=predicted, target=target, classes=c,
            matrix=torch.from_numpy(sk.confusion_matrix(t, p, labels=all_of_them)), precision=torch.from_numpy(by_class[0]),
            recall=torch.from_numpy(by_class[1]), f1=torch.from_numpy(by_class[2]), support=torch.from_numpy(by_class[3]),
            accuracy=torch.tensor(sk.accuracy_score(t, p), dtype=torch.float64),
            mean_iou=torch.tensor(sk.jaccard_score(t, p, average="macro", zero_division=0), dtype=torch.float64), **average)


def top_k():
    number = 0
    for n, c in ((40, 5), (100, 10)):
        for k in (1, 2, 4):
            scores = torch.randn(n, c, generator=generator, dtype=torch.float64)
            target = torch.randint(0, c, (n,), generator=generator)
            put(f"topk/{number}", scores=scores, target=target, k=k, y=torch.tensor(
                sk.top_k_accuracy_score(target.numpy(), scores.numpy(), k=k, labels=list(range(c))), dtype=torch.float64))
            number += 1


def areas():
    for number, (n, steps) in enumerate([(20, None), (500, None), (300, 5), (64, 2), (2, None)]):
        target = torch.randint(0, 2, (n,), generator=generator)
        target[0], target[1] = 0, 1
        scores = torch.randn(n, generator=generator, dtype=torch.float64) + target
        if steps:
            scores = (scores * steps).round() / steps
        put(f"auc/{number}", scores=scores, target=target,
            y=torch.tensor(sk.roc_auc_score(target.numpy(), scores.numpy()), dtype=torch.float64))


def correlations():
    for number, (n, share, offset, steps) in enumerate([(10, 0.5, 0, None), (300, -0.9, 0, None), (100, 0.3, 1e6, None), (200, 0.7, 0, 3), (2, 1, 0, None)]):
        x = torch.randn(n, generator=generator, dtype=torch.float64)
        y = share * x + 0.5 * torch.randn(n, generator=generator, dtype=torch.float64) + offset
        if steps:
            x, y = (x * steps).round(), (y * steps).round()
        put(f"correlation/{number}", x=x, y=y, pearson=torch.tensor(scipy.stats.pearsonr(x, y)[0], dtype=torch.float64),
            spearman=torch.tensor(scipy.stats.spearmanr(x, y)[0], dtype=torch.float64))


def chrf():
    escapes = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\"}
    cases = {}
    for line in (here / "bleu.tsv").read_bytes().decode("utf-8").rstrip("\n").split("\n"):
        name, hypothesis, reference, _ = (re.sub(r"\\[ntr\\]", lambda m: escapes[m[0]], f) for f in line.split("\t"))
        cases.setdefault(name, ([], []))
        cases[name][0].append(hypothesis)
        cases[name][1].append(reference)
    for name, (hypotheses, references) in cases.items():
        put("chrf", **{name: torch.tensor(sacrebleu.corpus_chrf(hypotheses, [references]).score, dtype=torch.float64)})


for group in (classes, top_k, areas, correlations, chrf):
    group()
save_file(out, here / "metrics.safetensors")
print(len(out), "tensors,", (here / "metrics.safetensors").stat().st_size, "bytes")
