#!/usr/bin/env python3
"""Writes ops_losses.safetensors: losses and their gradients as PyTorch computes them, in float64.

    python3 tests/golden/generate_losses.py  # needs torch 2.13 and safetensors

reduction counts none, mean, sum, batchmean.
"""

import torch
import torch.nn.functional as F

from cases import case, generator, integers, positive, randn, write

reductions = ("none", "mean", "sum", "batchmean")
shapes = ((), (1,), (5,), (3, 4), (2, 3, 1, 5), (37,))


def chance(*shape):
    return torch.rand(shape, generator=generator)


def each(f):
    for shape in shapes:
        for r in range(3):
            f(shape, r)


def differences():
    def run(shape, r):
        inputs = lambda: dict(x=randn(*shape) * 2, target=randn(*shape))
        case("mse_loss", lambda x, target: F.mse_loss(x, target, reduction=reductions[r]), inputs(), reduction=r)
        case("l1_loss", lambda x, target: F.l1_loss(x, target, reduction=reductions[r]), inputs(), reduction=r)
        for bend in (0.3, 1.0, 2.5):
            case("smooth_l1_loss", lambda x, target: F.smooth_l1_loss(x, target, reduction=reductions[r], beta=bend),
                 inputs(), reduction=r, bend=bend)
            case("huber_loss", lambda x, target: F.huber_loss(x, target, reduction=reductions[r], delta=bend),
                 inputs(), reduction=r, bend=bend)
        case("smooth_l1_loss", lambda x, target: F.smooth_l1_loss(x, target, reduction=reductions[r], beta=0.0),
             inputs(), reduction=r, bend=0.0)
    each(run)


def binary():
    def run(shape, r):
        for weights in ("", "w", "p", "wp"):
            w = positive(*shape) if "w" in weights else None
            p = positive(*shape[-1:]) if "p" in weights else None
            extra = {k: v for k, v in (("weight", w), ("pos_weight", p)) if v is not None}
            case("binary_cross_entropy_with_logits", lambda x, target, **kw: F.binary_cross_entropy_with_logits(
                x, target, w, pos_weight=p, reduction=reductions[r]), dict(x=randn(*shape) * 4, target=chance(*shape), **extra), reduction=r)
            if p is None:
                case("binary_cross_entropy", lambda x, target, **kw: F.binary_cross_entropy(x, target, w, reduction=reductions[r]),
                     dict(x=chance(*shape) * 0.98 + 0.01, target=chance(*shape), **extra), reduction=r)
    each(run)


def embeddings():
    for shape in ((6,), (5, 3), (1, 4)):
        for r in range(3):
            for p in (1.0, 2.0, 3.0):
                for swap in (0, 1):
                    case("triplet_margin_loss", lambda anchor, positive, negative: F.triplet_margin_loss(
                        anchor, positive, negative, margin=0.8, p=p, swap=bool(swap), reduction=reductions[r]),
                        dict(anchor=randn(*shape), positive=randn(*shape), negative=randn(*shape)), p=p, swap=swap, reduction=r)
            for margin in (0.0, 0.4, -0.5):
                target = integers(3, *shape[:-1]) - 1
                case("cosine_embedding_loss", lambda a, b, target: F.cosine_embedding_loss(a, b, target, margin, reduction=reductions[r]),
                     dict(a=randn(*shape), b=randn(*shape), target=target), margin=margin, reduction=r)
            if len(shape) == 2:
                for symmetric in (0, 1):
                    def info_nce(query, key):
                        logits = F.normalize(query) @ F.normalize(key).T / 0.2
                        own = torch.arange(len(query))
                        loss = F.cross_entropy(logits, own, reduction=reductions[r])
                        return (loss + F.cross_entropy(logits.T, own, reduction=reductions[r])) / 2 if symmetric else loss
                    case("info_nce_loss", info_nce, dict(query=randn(*shape), key=randn(*shape)), symmetric=symmetric, reduction=r)


def divergences():
    for shape, target in (((4, 5),) * 2, ((3,), (3,)), ((2, 3, 4), (3, 4)), ((), ())):
        for r in range(4):
            case("kl_div_target", lambda x, target: F.kl_div(x, target, reduction=reductions[r]),
                 dict(x=randn(*shape), target=positive(*target)), reduction=r, log_target=0)
            case("kl_div_target", lambda x, target: F.kl_div(x, target, reduction=reductions[r], log_target=True),
                 dict(x=randn(*shape), target=randn(*target)), reduction=r, log_target=1)


def classes():
    for shape, rest in (((7,), ()), ((6, 5), (6,)), ((2, 4, 3), (2, 3)), ((2, 17, 2, 2), (2, 2, 2)), ((3, 1), (3,))):
        n = shape[0] if len(shape) == 1 else shape[1]
        for r in range(3):
            weight = positive(n)
            ids = integers(n, *rest)
            case("nll_loss_weighted", lambda x, target, weight: F.nll_loss(x, target, weight.detach(), ignore_index=1, reduction=reductions[r]),
                 dict(x=randn(*shape), target=ids, weight=weight), ignore_index=1, reduction=r) if rest and n > 1 else None
            for smoothing in (0.0, 0.3):
                if n > 1 and (ids != 1).any():
                    case("cross_entropy_weighted", lambda x, target, weight: F.cross_entropy(
                        x, target, weight.detach(), ignore_index=1, reduction=reductions[r], label_smoothing=smoothing),
                        dict(x=randn(*shape) * 3, target=ids, weight=weight), ignore_index=1, reduction=r, smoothing=smoothing)
                case("cross_entropy_soft", lambda x, target: F.cross_entropy(
                    x, target, reduction=reductions[r], label_smoothing=smoothing),
                    dict(x=randn(*shape) * 3, target=chance(*shape)), reduction=r, smoothing=smoothing)
                case("cross_entropy_soft", lambda x, target, weight: F.cross_entropy(
                    x, target, weight.detach(), reduction=reductions[r], label_smoothing=smoothing),
                    dict(x=randn(*shape) * 3, target=chance(*shape), weight=positive(n)), reduction=r, smoothing=smoothing)


write("ops_losses.safetensors", [differences, binary, embeddings, divergences, classes])
