#!/usr/bin/env python3
"""Writes ops_layers.safetensors: the ops that layers are made of, beyond the basic ones, as PyTorch gives them in float64.

    python3 tests/golden/generate_ops_layers.py  # needs torch 2.13 and safetensors
"""

import torch
import torch.nn.functional as F

from cases import case, integers, randn, write

nan, inf = float("nan"), float("inf")
SPECIAL = torch.tensor([nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 3.0, -3.0, 2.5, -2.5, 1e-30, -1e-30, 19.0, 21.0, -21.0, 60.0,
                        -60.0, 700.0, -700.0], dtype=torch.float64)


def activations():
    finite = SPECIAL[3:]  # hardsigmoid by its formula: PyTorch's own derivative has 1 / 6 to 24 bits, in double too
    for name, f, edges in (("mish", F.mish, finite), ("hardswish", F.hardswish, finite), ("celu", F.celu, SPECIAL[[1, *range(3, 20)]]),
                           ("hardsigmoid", lambda x: F.relu6(x + 3) / 6, finite), ("selu", F.selu, SPECIAL[[1, *range(3, 20)]])):
        case(name, lambda x: f(x), dict(x=randn(2, 9)))
        case(name, lambda x: f(x), dict(x=edges))
    case("celu", lambda x: F.celu(x, 0.5), dict(x=randn(2, 9)), alpha=0.5)
    case("celu", lambda x: F.celu(x, -1.5), dict(x=randn(2, 9)), alpha=-1.5)
    for shape, axis in (((2, 8), -1), ((2, 8), 0), ((3, 4, 5), 1), ((2, 34), 1), ((6,), 0), ((0, 4), 1), ((2, 0), 1)):
        case("glu", lambda x: F.glu(x, axis), dict(x=randn(*shape)), axis=axis)
    case("swiglu", lambda a, b: F.silu(a) * b, dict(a=randn(3, 9), b=randn(3, 9)))


def embeddings():
    for padding, by_frequency in ((1, 0), (-2, 0), (0, 1), (None, 1)):
        case("embedding_options",
             lambda weight, ids: F.embedding(ids, weight, padding_idx=padding, scale_grad_by_freq=bool(by_frequency)),
             dict(weight=randn(5, 3), ids=integers(5, 3, 4)), by_frequency=by_frequency,
             **({} if padding is None else dict(padding_idx=padding)))


def norms():
    for shape in ((3, 5), (2, 3, 17), (1, 1), (0, 4), (6,)):
        case("rms_norm", lambda x, w: F.rms_norm(x, shape[-1:], w, 0.01), dict(x=randn(*shape), w=randn(shape[-1])), eps=0.01)
    case("rms_norm", lambda x: F.rms_norm(x, (5,), None, 1e-5), dict(x=randn(3, 5)), eps=1e-5)


write("ops_layers.safetensors", [activations, embeddings, norms])
