#!/usr/bin/env python3
"""Writes ops_fused.safetensors: linear layers with what stands behind them, and norms of sums, as PyTorch computes them
one by one in float64.

    python3 tests/golden/generate_ops_fused.py  # needs torch 2.13 and safetensors
"""

import torch
import torch.nn.functional as F

from cases import case, randn, write


def linears():
    for shape, out in (((2, 3, 5), 4), ((20, 7), 19), ((1, 1), 1), ((0, 3), 2), ((3,), 2)):
        for tanh in (0, 1):
            case("linear_gelu", lambda x, weight, bias: F.gelu(F.linear(x, weight, bias), approximate=("none", "tanh")[tanh]),
                 dict(x=randn(*shape), weight=randn(out, shape[-1]), bias=randn(out)), tanh=tanh)
        case("add_linear", lambda x, weight, bias, residual: residual + F.linear(x, weight, bias),
             dict(x=randn(*shape), weight=randn(out, shape[-1]), bias=randn(out), residual=randn(*shape[:-1], out)))
        case("joint_linear", lambda x, v, w, a, b: F.linear(x, torch.cat((v, w)), torch.cat((a, b))),
             dict(x=randn(*shape), v=randn(out, shape[-1]), w=randn(out, shape[-1]), a=randn(out), b=randn(out)))
    case("linear_gelu", lambda x, weight: F.gelu(F.linear(x, weight)), dict(x=randn(4, 5), weight=randn(3, 5)), tanh=0)
    case("add_linear", lambda x, weight, residual: residual + F.linear(x, weight),
         dict(x=randn(4, 5), weight=randn(3, 5), residual=randn(4, 3)))
    case("joint_linear", lambda x, v, w: F.linear(x, torch.cat((v, w))), dict(x=randn(4, 5), v=randn(3, 5), w=randn(3, 5)))


def norms():
    for shape in ((3, 5), (2, 3, 64), (2, 17), (0, 4), (6,)):
        case("add_layer_norm", lambda x, residual, gamma, beta: F.layer_norm(residual + x, shape[-1:], gamma, beta, 0.01),
             dict(x=randn(*shape), residual=randn(*shape), gamma=randn(shape[-1]), beta=randn(shape[-1])), eps=0.01)


write("ops_fused.safetensors", [linears, norms])
