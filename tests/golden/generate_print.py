#!/usr/bin/env python3
"""Writes print.safetensors: tensors, and the text that PyTorch prints for them.

    python3 tests/golden/generate_print.py           # needs torch 2.13 and safetensors

NUMBER/x is the tensor; NUMBER/text, as character codes, repr(x) without the "torch." of a dtype; NUMBER/options its precision, threshold, edgeitems
and linewidth; NUMBER/grad is there when it requires a gradient.
"""

import pathlib

import torch
from safetensors.torch import save_file

out = {}
count = 0
# gloss writes dtype=float64, without "torch.", and where a line ends depends on that.
add_suffixes = torch._tensor_str._add_suffixes
torch._tensor_str._add_suffixes = lambda text, suffixes, *more, **named: add_suffixes(
    text, [s.replace("dtype=torch.", "dtype=") for s in suffixes], *more, **named)
inf, nan = float("inf"), float("nan")
generator = torch.Generator().manual_seed(5)


def case(x, precision=4, threshold=1000, edgeitems=3, linewidth=80, grad=False):
    global count
    torch.set_printoptions(precision=precision, threshold=threshold, edgeitems=edgeitems, linewidth=linewidth)
    x = x.clone().requires_grad_(grad)
    out[f"{count}/text"] = torch.tensor(list(repr(x).encode()), dtype=torch.uint8)
    out[f"{count}/x"] = x.detach().contiguous()
    out[f"{count}/options"] = torch.tensor([precision, threshold, edgeitems, linewidth])
    if grad:
        out[f"{count}/grad"] = torch.tensor(1)
    count += 1


def randn(*shape):
    return torch.randn(shape, generator=generator)


for dtype in (torch.float32, torch.float64, torch.bfloat16):
    for values in ([1, 2, 3], [1.5, -2, 3], [[1, -200], [30, 4]], [[0.5, -0.25], [100.125, 0]], 3.25, 2.0, -0.5, [0.0, 0.0], [],
                   [-0.0, 1], [1e-3, 2.5], [1e-5], [12345.0, 1], [1e8, 1], [1e9], [-1e10, 1], [1000.0, 1], [1001.0, 1],
                   [1001.5, 1], [99999999.0], [0, 1e-4], [0.00009, 0], [1.0, inf], [0.5, inf, nan], [-inf, nan], [nan],
                   [inf, 1e10], [1e-7, inf], [[nan, 1], [2, -inf]], [1e30, 1e-30], [0.1, 0.2, 0.3], [123456.789, 0.001]):
        case(torch.tensor(values, dtype=dtype))
for dtype in (torch.int64, torch.int32, torch.uint8):
    for values in ([1, 2, 3], [[1, 20], [100, 4]], 7, [], [0], [[[1], [2]], [[3], [4]]]):
        case(torch.tensor(values, dtype=dtype))
for values in ([-1, 10], [2**62, -(2**62)], [[-5, 5]], -3):
    case(torch.tensor(values, dtype=torch.int64))
for values in ([True, False], [[True], [True]], True, [], [False, False]):
    case(torch.tensor(values, dtype=torch.bool))
for shape in ((2, 0), (0, 3), (2, 0, 3), (0,)):
    case(torch.zeros(shape))
    case(torch.zeros(shape, dtype=torch.int64))
case(torch.zeros(2, 0), grad=True)
for shape in ((3,), (2, 3), (2, 2, 2), (1, 2, 1, 3), (2, 1, 2, 1, 2), (15,), (20,), (3, 20), (2, 2, 15), (1, 1), (1,) * 8, (40,)):
    case(randn(*shape))
    case(randn(*shape), grad=True)
    case((randn(*shape) * 50).long())
    case(randn(*shape).double(), precision=2)
    case(randn(*shape) > 0)
for shape in ((1001,), (1000,), (50, 40), (1001, 1), (1, 1001), (8, 7, 30), (4, 300), (2, 2, 2, 200), (7, 7, 7, 7)):
    case(randn(*shape))
    case((randn(*shape) * 1000).int())
    case(randn(*shape) * 1000)
case(torch.arange(2000.0), grad=True)
case(torch.arange(2000.0).view(40, 50), grad=True)
for options in (dict(precision=0), dict(precision=1), dict(precision=8), dict(linewidth=20), dict(linewidth=40), dict(linewidth=200),
                dict(threshold=5), dict(threshold=5, edgeitems=1), dict(threshold=0, edgeitems=2), dict(threshold=5, edgeitems=5),
                dict(threshold=3, edgeitems=1, linewidth=10, precision=2), dict(linewidth=1)):
    for x in (randn(9), randn(4, 7), randn(2, 3, 8) * 100, torch.arange(30).view(2, 15), torch.tensor(3.14159265), randn(5).double()):
        case(x, **options)
case(randn(3).double(), linewidth=40, grad=True)
case(randn(30), linewidth=40, grad=True)
out["count"] = torch.tensor(count)
path = pathlib.Path(__file__).with_name("print.safetensors")
save_file(out, path)
print(path.name, path.stat().st_size, "bytes,", count, "cases")
