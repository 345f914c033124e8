#!/usr/bin/env python3
"""Convolution and pooling layers as PyTorch computes them: every option alone, then random combinations.

    python3 tests/golden/generate_nn_conv.py     # writes nn_conv.safetensors

The format is that of scripts/parity.py. A case's numbers stand together in option/numbers, in the order of CONV and POOL.
"""

import pathlib
import random
import sys

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import parity  # noqa: E402

CONV = "dims in out kh kw sh sw padding ph pw dh dw groups bias mode".split()  # padding: 0 numbers, 1 same, 2 valid
POOL = "kind dims kh kw sh sw ph pw dh dw ceil count_pad divisor oh ow indices".split()  # -1: not given, 0: no divisor
MODES = ("zeros", "reflect", "replicate", "circular")
generator = torch.Generator().manual_seed(5)
names = set()


def both(n):
    return n if isinstance(n, tuple) else (n, n)


def numbers(order, values):
    return {"numbers": [int(values[name]) for name in order]}


def conv(name, dims, size, channels=(2, 2), kernel=3, stride=1, padding=0, dilation=1, groups=1, bias=True, mode=0,
         batch=1):
    torch.manual_seed(len(names))
    module = (nn.Conv1d if dims == 1 else nn.Conv2d)(*channels, kernel, stride, padding, dilation, groups, bias,
                                                     MODES[mode])
    kh, kw, sh, sw, dh, dw = *both(kernel), *both(stride), *both(dilation)
    ph, pw = both(0 if isinstance(padding, str) else padding)
    kind = {"same": 1, "valid": 2}.get(padding, 0) if isinstance(padding, str) else 0
    values = dict(zip(CONV, (dims, *channels, kh, kw, sh, sw, kind, ph, pw, dh, dw, groups, bias, mode)))
    shape = ([] if batch is None else [batch]) + [channels[0], *size]
    case = f"conv/{name}"
    assert case not in names
    names.add(case)
    parity.record(case, module, torch.randn(shape, generator=generator), numbers(CONV, values))


def pool(name, kind, dims, size, kernel=2, stride=None, padding=0, dilation=1, ceil=False, count_pad=True, divisor=None,
         output=None, indices=False, batch=1, channels=2, x=None):
    values = dict.fromkeys(POOL, -1)
    values.update(kind=("max", "avg", "adaptive_avg", "adaptive_max").index(kind), dims=dims, ceil=ceil,
                  count_pad=count_pad, divisor=divisor or 0, indices=indices)
    for key, value in zip(("k", "s", "p", "d"), (kernel, stride, padding, dilation)):
        values[key + "h"], values[key + "w"] = both(-1 if value is None else value)
    if kind == "max":
        module = getattr(nn, f"MaxPool{dims}d")(kernel, stride, padding, dilation, indices, ceil)
    elif kind == "avg" and dims == 1:
        module = nn.AvgPool1d(kernel, stride, padding, ceil, count_pad)
    elif kind == "avg":
        module = nn.AvgPool2d(kernel, stride, padding, ceil, count_pad, divisor)
    else:
        arguments = (indices,) if kind == "adaptive_max" else ()
        module = getattr(nn, f"Adaptive{kind[9:].title()}Pool{dims}d")(output, *arguments)
        values["oh"], values["ow"] = (-1 if o is None else o for o in both(output))
    shape = ([] if batch is None else [batch]) + [channels, *(size or ())]
    case = f"pool/{name}"
    assert case not in names
    names.add(case)
    parity.record(case, module, torch.randn(shape, generator=generator) if x is None else x, numbers(POOL, values))


def convolutions():
    one, two = (7,), (5, 5)
    for dims, size in ((1, one), (2, two)):
        d = f"{dims}d_"
        conv(d + "default", dims, size, channels=(3, 4), batch=2)
        conv(d + "kernel_1", dims, size, kernel=1)
        conv(d + "stride", dims, size, stride=2)
        conv(d + "padding", dims, size, padding=2)
        conv(d + "same", dims, size, padding="same", kernel=3)
        conv(d + "same_even", dims, size, padding="same", kernel=4)
        conv(d + "valid", dims, size, padding="valid")
        conv(d + "dilation", dims, size, dilation=2)
        conv(d + "same_dilation", dims, size, padding="same", kernel=2, dilation=3)
        conv(d + "groups", dims, size, channels=(4, 6), groups=2)
        conv(d + "depthwise", dims, size, channels=(3, 3), groups=3, padding=1)
        conv(d + "depthwise_stride", dims, size, channels=(2, 4), groups=2, stride=2, padding=1)
        conv(d + "no_bias", dims, size, bias=False)
        conv(d + "unbatched", dims, size, batch=None, padding=1)
        conv(d + "one_element", dims, (1,) * dims, channels=(1, 1), kernel=1, batch=1)
        conv(d + "stride_above_kernel", dims, size, kernel=2, stride=3)
        for mode in (1, 2, 3):
            conv(d + MODES[mode], dims, size, padding=2, mode=mode)
            conv(d + MODES[mode] + "_same", dims, size, padding="same", kernel=4, mode=mode)
    conv("2d_kernel_pair", 2, two, kernel=(2, 3))
    conv("2d_stride_pair", 2, two, stride=(1, 2))
    conv("2d_padding_pair", 2, two, padding=(0, 2))
    conv("2d_dilation_pair", 2, two, dilation=(2, 1))
    conv("2d_reflect_pair", 2, two, padding=(1, 3), mode=1)
    conv("2d_patches", 2, (4, 6), channels=(3, 5), kernel=2, stride=2)
    pick = random.Random(7)
    for i in range(24):
        dims = pick.choice((1, 2, 2))
        groups = pick.choice((1, 1, 2))
        channels = (groups * pick.randint(1, 2), groups * pick.randint(1, 2))
        kernel = tuple(pick.randint(1, 3) for _ in range(dims))
        dilation = tuple(pick.randint(1, 2) for _ in range(dims))
        stride = tuple(pick.randint(1, 3) for _ in range(dims))
        padding = pick.choice(("same", "valid", 0, 1, 1))
        if padding == "same":
            stride = (1,) * dims
        elif not isinstance(padding, str):
            padding = tuple(pick.randint(0, 2) for _ in range(dims))
        least = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
        size = tuple(max(n, 3) + pick.randint(0, 2) for n in least)
        if dims == 1:
            kernel, dilation, stride = kernel[0], dilation[0], stride[0]
            padding = padding if isinstance(padding, str) else padding[0]
        conv(f"random_{i}", dims, size, channels, kernel, stride, padding, dilation, groups, pick.random() < 0.7,
             pick.choice((0, 0, 1, 2, 3)), pick.choice((None, 1, 2)))


def pools():
    one, two = (7,), (5, 5)
    for dims, size in ((1, one), (2, two)):
        d = f"{dims}d_"
        for kind in ("max", "avg"):
            k = f"{d}{kind}_"
            pool(k + "default", kind, dims, size, batch=2)
            pool(k + "stride", kind, dims, size, kernel=3, stride=2)
            pool(k + "padding", kind, dims, size, kernel=3, padding=1)
            pool(k + "ceil", kind, dims, size, kernel=2, stride=2, ceil=True)
            pool(k + "ceil_padding", kind, dims, size, kernel=3, stride=3, padding=1, ceil=True)
            pool(k + "unbatched", kind, dims, size, batch=None)
        pool(d + "max_dilation", "max", dims, size, dilation=2, stride=1)
        pool(d + "max_indices", "max", dims, size, kernel=3, stride=1, padding=1, indices=True)
        pool(d + "avg_not_padding", "avg", dims, size, kernel=3, padding=1, count_pad=False)
        pool(d + "avg_not_padding_ceil", "avg", dims, size, kernel=4, stride=3, padding=2, count_pad=False, ceil=True)
        for output in (1, 3, 4, 7):
            pool(f"{d}adaptive_avg_{output}", "adaptive_avg", dims, size, output=output)
            pool(f"{d}adaptive_max_{output}", "adaptive_max", dims, size, output=output, indices=output == 3)
    # the kernel is larger than the input, which the last window of ceil_mode allows
    pool("2d_max_ceil_larger", "max", 2, (2, 3), kernel=3, stride=2, ceil=True)
    pool("2d_avg_ceil_larger", "avg", 2, (2, 3), kernel=3, stride=2, ceil=True)
    ties = torch.randint(0, 2, (1, 2, 4, 4), generator=generator).double()
    pool("2d_max_ties", "max", 2, None, kernel=3, stride=1, padding=1, indices=True, x=ties)
    infinite = torch.full((1, 1, 4, 4), -torch.inf, dtype=torch.float64)
    pool("2d_max_infinite", "max", 2, None, kernel=3, stride=2, padding=1, indices=True, x=infinite)
    nan = torch.randn(1, 1, 4, 5, generator=generator).double()
    nan[0, 0, 1, 1] = nan[0, 0, 2, 2] = torch.nan
    pool("2d_max_nan", "max", 2, None, kernel=3, stride=1, indices=True, x=nan)
    pool("2d_adaptive_max_nan", "adaptive_max", 2, None, output=2, indices=True, x=nan)
    pool("2d_avg_divisor", "avg", 2, two, divisor=3)
    pool("2d_avg_divisor_negative", "avg", 2, two, kernel=3, padding=1, divisor=-2)
    pool("2d_avg_pair", "avg", 2, two, kernel=(2, 3), stride=(1, 2), padding=(1, 0))
    pool("2d_max_pair", "max", 2, two, kernel=(2, 3), stride=(3, 1), padding=(1, 0), dilation=(1, 2))
    pool("2d_adaptive_avg_none", "adaptive_avg", 2, two, output=(None, 2))
    pool("2d_adaptive_max_none", "adaptive_max", 2, two, output=(3, None))
    pick = random.Random(11)
    for i in range(16):
        dims, kind = pick.choice((1, 2)), pick.choice(("max", "avg"))
        kernel = tuple(pick.randint(1, 4) for _ in range(dims))
        stride = pick.choice((None, tuple(pick.randint(1, 3) for _ in range(dims))))
        padding = tuple(pick.randint(0, k // 2) for k in kernel)
        dilation = tuple(pick.randint(1, 2) if kind == "max" else 1 for _ in range(dims))
        size = tuple((k - 1) * d + 1 + pick.randint(0, 4) for k, d in zip(kernel, dilation))
        if dims == 1:
            kernel, padding, dilation = kernel[0], padding[0], dilation[0]
            stride = stride and stride[0]
        pool(f"random_{i}", kind, dims, size, kernel, stride, padding, dilation, pick.random() < 0.5,
             pick.random() < 0.5, pick.choice((None, 3)) if dims == 2 and kind == "avg" else None,
             batch=pick.choice((None, 1, 2)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    convolutions()
    pools()
    parity.write(pathlib.Path(__file__).with_name("nn_conv.safetensors"))
