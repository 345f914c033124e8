#!/usr/bin/env python3
"""Writes ops_interpolate.safetensors: interpolate and its gradient as PyTorch gives them in float64.

    python3 tests/golden/generate_ops_interpolate.py  # needs torch 2.13 and safetensors

mode is 0 nearest, 1 nearest-exact, 2 bilinear, 3 bicubic; either height and width or factor are given.
"""

import torch.nn.functional as F

from cases import case, randn, write

MODES = ["nearest", "nearest-exact", "bilinear", "bicubic"]


def interpolate():
    for mode, name in enumerate(MODES[:2]):  # of which some places lie on the edge of two, in float
        case("interpolate", lambda x: F.interpolate(x, (41, 1), mode=name), dict(x=randn(1, 1, 2, 4)), mode=mode, height=41, width=1, align=0, antialias=0)
        case("interpolate", lambda x: F.interpolate(x, (1, 49), mode=name), dict(x=randn(1, 1, 1, 4)), mode=mode, height=1, width=49, align=0, antialias=0)
    for mode, name in enumerate(MODES):
        smooth = mode >= 2
        for shape, size in (((1, 2, 4, 5), (9, 7)), ((2, 1, 9, 8), (4, 3)), ((1, 1, 5, 5), (5, 5)), ((1, 1, 3, 1), (1, 4)), ((1, 1, 1, 6), (3, 13))):
            for align in (0, 1)[: 1 + smooth]:
                for antialias in (0, 1)[: 1 + smooth]:
                    case("interpolate", lambda x: F.interpolate(x, size, mode=name, **(dict(align_corners=bool(align), antialias=bool(antialias)) if smooth else {})),
                         dict(x=randn(*shape)), mode=mode, height=size[0], width=size[1], align=align, antialias=antialias)
        for factor in (2.0, 0.6, 1.7):
            for antialias in (0, 1)[: 1 + smooth]:
                case("interpolate", lambda x: F.interpolate(x, scale_factor=factor, mode=name, **(dict(antialias=bool(antialias)) if smooth else {})),
                     dict(x=randn(1, 2, 7, 5)), mode=mode, factor=factor, align=0, antialias=antialias)


write("ops_interpolate.safetensors", [interpolate])
