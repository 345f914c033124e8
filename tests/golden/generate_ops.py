#!/usr/bin/env python3
"""Writes ops_f64.safetensors: every op's values and gradients from PyTorch, in float64.

    python3 tests/golden/generate_ops.py           # needs torch 2.13 and safetensors

cases.py says how a case is filed.
"""

import math

import torch
import torch.nn.functional as F

from cases import case, counts, flags, integers, out, positive, randn, write


def elementwise():
    pairs = [((2, 3, 4), (2, 3, 4)), ((5, 3), (3,)), ((4, 1, 3), (2, 1)), ((), (2, 3)), ((1,), (7,)), ((2, 0), (1, 0)),
             ((3, 1, 1, 5), (2, 4, 1))]
    for name, f in dict(add=torch.add, sub=torch.sub, mul=torch.mul, div=torch.div).items():
        for a, b in pairs:
            case(name, lambda a, b: f(a, b), dict(a=randn(*a), b=positive(*b) + 0.5 if name == "div" else randn(*b)))
    shapes = [(7,), (3, 1, 5), ()]
    for shape in shapes:
        case("exp", lambda x: x.exp(), dict(x=randn(*shape)))
        case("log", lambda x: x.log(), dict(x=positive(*shape)))
        case("sqrt", lambda x: x.sqrt(), dict(x=positive(*shape)))
        case("relu", lambda x: x.relu(), dict(x=randn(*shape)))
        case("neg", lambda x: -x, dict(x=randn(*shape)))
        case("abs", lambda x: x.abs(), dict(x=randn(*shape)))
    wide = torch.tensor([-800.0, -40.0, -9.0, -3.5, -1.0, -1e-8, 0.0, 1e-8, 0.5, 2.0, 6.0, 30.0, 800.0])
    for x in (wide, randn(4, 9)):
        case("sigmoid", lambda x: x.sigmoid(), dict(x=x))
        case("tanh", lambda x: x.tanh(), dict(x=x))
        case("gelu", lambda x: F.gelu(x), dict(x=x), tanh=0)
        case("gelu", lambda x: F.gelu(x, approximate="tanh"), dict(x=x), tanh=1)
    case("relu", lambda x: x.relu(), dict(x=torch.tensor([-1.0, -0.0, 0.0, 1e-30, 2.0])))
    for exponent in (2.0, 3.0, 0.5, -1.5, 0.0, 1.0):
        case("pow", lambda x: x.pow(exponent), dict(x=positive(2, 5)), exponent=exponent)
    case("pow", lambda x: x.pow(3.0), dict(x=randn(6)), exponent=3.0)


def reductions():
    x = randn(3, 4, 5)
    for name in ("sum", "mean", "var", "std"):
        f = getattr(torch, name)
        extra = [dict(), dict(unbiased=0)] if name in ("var", "std") else [dict()]
        for e in extra:
            kw = dict(correction=0) if e else {}
            case(name, lambda x: f(x, **kw), dict(x=x), **e)
            for axis in (0, 1, -1):
                for keepdim in (0, 1):
                    case(name, lambda x: f(x, dim=axis, keepdim=bool(keepdim), **kw), dict(x=x), axis=axis,
                         keepdim=keepdim, **e)
            case(name, lambda x: f(x, dim=-1, **kw), dict(x=randn(2, 131) * 3 + 100), axis=-1, keepdim=0, **e)
    for axis, keepdim in ((0, 0), (1, 1), (-1, 0), (-1, 1)):
        case("max", lambda x: x.max(dim=axis, keepdim=bool(keepdim)).values, dict(x=x), axis=axis, keepdim=keepdim)
        case("argmax", lambda x: x.argmax(dim=axis, keepdim=bool(keepdim)), dict(x=x), axis=axis, keepdim=keepdim)
    case("max", lambda x: x.max(), dict(x=x))
    case("sum", lambda x: x.sum(0), dict(x=randn(0, 3)), axis=0, keepdim=0)
    case("sum", lambda x: x.sum(-1), dict(x=randn(2, 0)), axis=-1, keepdim=0)
    case("sum", lambda x: x.sum(), dict(x=randn()))
    case("mean", lambda x: x.mean(-1), dict(x=randn(4, 1)), axis=-1, keepdim=0)


def products():
    for a, b in [((3, 5), (5, 2)), ((1, 1), (1, 1)), ((17, 33), (33, 9)), ((2, 3, 4), (2, 4, 5)), ((2, 3, 4), (4, 5)),
                 ((3, 4), (2, 4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((2, 3, 1, 4), (2, 1, 4, 6)), ((4,), (4,)),
                 ((4,), (4, 3)), ((3, 4), (4,)), ((2, 3, 4), (4,)), ((4,), (2, 4, 3)), ((2, 0), (0, 3)), ((0, 4), (4, 2))]:
        case("matmul", lambda a, b: a @ b, dict(a=randn(*a), b=randn(*b)))
    # Read through a transposed view: matmul_nt is a @ b.transpose(-2, -1), matmul_tn is a.transpose(-2, -1) @ b.
    case("matmul_nt", lambda a, b: a @ b.mT, dict(a=randn(2, 3, 7, 4), b=randn(2, 3, 5, 4)))
    case("matmul_tn", lambda a, b: a.mT @ b, dict(a=randn(7, 4), b=randn(7, 3)))
    case("linear", lambda x, weight, bias: F.linear(x, weight, bias),
         dict(x=randn(2, 3, 5), weight=randn(7, 5), bias=randn(7)))
    case("linear", lambda x, weight: F.linear(x, weight), dict(x=randn(4, 5), weight=randn(3, 5)))


def softmaxes():
    big = torch.tensor([[1000.0, 999.0, -1000.0], [-1e9, -1e9, -1e9], [0.0, -1e9, 1.0]])
    for name in ("softmax", "log_softmax"):
        f = getattr(torch, name)
        for x, axis in [(randn(3, 5), -1), (randn(2, 3, 4), 1), (randn(4, 3), 0), (randn(2, 1), -1), (randn(6), 0),
                        (randn(2, 77) * 10, -1), (big, -1)]:
            case(name, lambda x: f(x, dim=axis), dict(x=x), axis=axis)


def selections():
    for shape, mask, value in [((3, 4), (3, 4), -1e9), ((2, 3, 4), (1, 4), 0.0), ((2, 2, 3, 5), (2, 1, 1, 5), -1e9)]:
        case("masked_fill", lambda x, mask: x.masked_fill(mask, value), dict(x=randn(*shape), mask=flags(*mask)),
             value=value)
    for c, a, b in [((3, 4), (3, 4), (3, 4)), ((2, 1, 4), (3, 1), (4,)), ((1,), (2, 3), ())]:
        case("where", lambda mask, a, b: torch.where(mask, a, b), dict(mask=flags(*c), a=randn(*a), b=randn(*b)))
    repeated = torch.tensor([[1, 1, 1], [0, 6, 1]])
    for ids, weight in [(integers(7, 2, 5), randn(7, 3)), (repeated, randn(7, 4)), (integers(3, 4), randn(3, 1)),
                        (torch.zeros(0, dtype=torch.int64), randn(3, 2))]:
        case("embedding", lambda weight, ids: F.embedding(ids, weight), dict(weight=weight, ids=ids))
    for a, b, c, axis in [((2, 3), (4, 3), (1, 3), 0), ((2, 3, 1), (2, 3, 4), (2, 3, 0), -1), ((2, 1, 3), (2, 5, 3), (2, 2, 3), 1)]:
        case("cat", lambda a, b, c: torch.cat([a, b, c], axis), dict(a=randn(*a), b=randn(*b), c=randn(*c)), axis=axis)
    case("stack", lambda a, b: torch.stack([a, b], 1), dict(a=randn(2, 3), b=randn(2, 3)), axis=1)
    for shape, axis, start, end, step in [((5, 4), 0, 1, 4, 1), ((3, 7), -1, 1, 7, 2), ((2, 6, 3), 1, 5, 6, 1), ((4, 2), 0, 2, 2, 1)]:
        at = [slice(None)] * len(shape)
        at[axis] = slice(start, end, step)
        case("slice", lambda x: x[tuple(at)], dict(x=randn(*shape)), axis=axis, start=start, end=end, step=step)
    for shape, axis, index in [((3, 4), 0, 2), ((2, 3, 4), 1, -1), ((5,), 0, 0)]:
        case("select", lambda x: x.select(axis, index), dict(x=randn(*shape)), axis=axis, index=index)
    for shape, axis, index in [((3, 5), 1, integers(5, 3, 2)), ((4, 3), 0, integers(4, 2, 3)), ((2, 3, 4), -1, integers(4, 2, 3, 6)),
                               ((3, 5), -1, integers(5, 2, 1))]:
        case("gather", lambda x, index: x.gather(axis, index), dict(x=randn(*shape), index=index), axis=axis)
    for shape, dims in [((2, 3, 4), (2, 0, 1)), ((3, 2), (1, 0))]:
        case("permute", lambda x: x.permute(dims), dict(x=randn(*shape)), dims=list(dims))


def annotated_layer_norm(x, a_2, b_2, eps):
    return a_2 * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + eps) + b_2


def norms():
    constant = torch.full((2, 4), 3.0)
    constant[1, 2] = 3.5
    for x, eps in [(randn(3, 8), 1e-5), (randn(2, 3, 5) * 4 + 10, 1e-5), (randn(2, 97), 1e-12), (constant, 1e-5),
                   (randn(0, 4), 1e-5)]:
        n = x.size(-1)
        case("layer_norm", lambda x, weight, bias: F.layer_norm(x, (n,), weight, bias, eps),
             dict(x=x, weight=randn(n), bias=randn(n)), eps=eps)
    constant[0, 0] = 2.5  # a constant row's std has no gradient
    for x, eps in [(randn(3, 8), 1e-6), (randn(2, 3, 5) * 4 + 10, 1e-6), (randn(2, 97), 1e-6), (constant, 1e-6),
                   (randn(4, 2), 1e-2)]:
        n = x.size(-1)
        case("annotated_layer_norm", lambda x, a_2, b_2: annotated_layer_norm(x, a_2, b_2, eps),
             dict(x=x, a_2=randn(n), b_2=randn(n)), eps=eps)


REDUCTIONS = ["none", "mean", "sum"]  # option `reduction` is the position here


def losses():
    for rows, classes, smoothing, ignore, reduction in [
            (4, 5, 0.0, -100, 1), (4, 5, 0.1, -100, 1), (6, 7, 0.1, 2, 2), (6, 7, 0.1, 2, 1), (6, 7, 0.3, 2, 0),
            (1, 1, 0.0, -100, 1), (5, 130, 0.1, 0, 1), (3, 4, 1.0, -100, 2)]:
        target = integers(classes, rows)
        if ignore >= 0:
            target[0] = ignore
            target[-1] = ignore
        case("cross_entropy", lambda x, target: F.cross_entropy(
            x, target, label_smoothing=smoothing, ignore_index=ignore, reduction=REDUCTIONS[reduction]),
            dict(x=randn(rows, classes) * 2, target=target), smoothing=smoothing, ignore_index=ignore, reduction=reduction)
    for rows, classes, ignore, reduction in [(4, 5, -100, 1), (6, 3, 1, 1), (6, 3, 1, 2), (6, 3, 1, 0)]:
        target = integers(classes, rows)
        target[1] = max(ignore, 0)
        target[2] = 0
        case("nll_loss", lambda x, target: F.nll_loss(x, target, ignore_index=ignore, reduction=REDUCTIONS[reduction]),
             dict(x=randn(rows, classes).log_softmax(-1), target=target), ignore_index=ignore, reduction=reduction)
    sparse = positive(4, 5) * flags(4, 5)
    for x, target, reduction in [(randn(3, 4).log_softmax(-1), randn(3, 4).softmax(-1), 2),
                                 (randn(4, 5).log_softmax(-1), sparse, 2), (randn(4, 5), sparse, 1), (randn(4, 5), sparse, 0)]:
        # the target is data: no gradient by it
        case("kl_div", lambda x, target: F.kl_div(x, target.detach(), reduction=REDUCTIONS[reduction]),
             dict(x=x, target=target), reduction=reduction)
        del out[f"kl_div/{counts['kl_div'] - 1}/dtarget"]


def attentions():
    """softmax(masked(q k^T * scale)) v, mask False -> -1e9; a fully masked row is the mean of v."""

    def attend(q, k, v, mask, causal, scale):
        scores = q @ k.mT * scale
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e9)
        if causal:
            scores = scores.masked_fill(~torch.ones(scores.shape[-2:], dtype=torch.bool).tril(), -1e9)
        return scores.softmax(-1) @ v

    padding = torch.ones(2, 1, 1, 7, dtype=torch.bool)
    padding[0, ..., 4:] = False
    dead = flags(2, 1, 5, 7)
    dead[0, :, 2] = False
    dead[1, :, 0] = False
    for q, k, d_v, mask, causal in [
            ((2, 3, 5, 4), 5, 4, None, 0), ((2, 3, 5, 4), 5, 4, None, 1), ((2, 3, 5, 4), 7, 4, padding, 0),
            ((2, 2, 7, 8), 7, 8, padding, 1), ((2, 2, 5, 3), 7, 3, dead, 0), ((1, 1, 1, 1), 1, 1, None, 1),
            ((1, 2, 67, 5), 67, 5, None, 1), ((1, 1, 3, 16), 70, 16, None, 0), ((4, 5), 6, 3, None, 0),
            ((2, 3, 5, 4), 7, 6, dead, 0)]:
        inputs = dict(q=randn(*q), k=randn(*q[:-2], k, q[-1]), v=randn(*q[:-2], k, d_v))
        scale = 1 / math.sqrt(q[-1])
        if mask is None:
            case("attention", lambda q, k, v: attend(q, k, v, None, causal, scale), inputs, causal=causal, scale=scale)
        else:
            case("attention", lambda q, k, v, mask: attend(q, k, v, mask, causal, scale), dict(**inputs, mask=mask),
                 causal=causal, scale=scale)


if __name__ == "__main__":
    write("ops_f64.safetensors",
          (elementwise, reductions, products, softmaxes, selections, norms, losses, attentions))
