#!/usr/bin/env python3
"""Writes ops_windows.safetensors: window_partition, window_reverse and their gradients as PyTorch and transformers give
them in float64, and the masks of shifted windows.

    python3 tests/golden/generate_ops_windows.py  # needs torch 2.13, transformers 5.24 and safetensors
"""

import torch
import torch.nn.functional as F
from transformers import SwinConfig
from transformers.models.swin import modeling_swin as swin

from cases import case, randn, write

SIZES = [(6, 9, 3), (5, 7, 3), (4, 4, 4), (2, 3, 5), (3, 2, 1), (8, 1, 2)]


def apart(x, window, shift):
    rows, columns = -x.shape[1] % window, -x.shape[2] % window
    x = torch.roll(F.pad(x, (0, 0, 0, columns, 0, rows)), (-shift, -shift), (1, 2))
    return swin.window_partition(x, window).view(-1, window * window, x.shape[3])


def joined(windows, height, width, window, shift):
    rows, columns = height + -height % window, width + -width % window
    windows = windows.view(-1, window, window, windows.shape[2])
    x = torch.roll(swin.window_reverse(windows, window, rows, columns), (shift, shift), (1, 2))
    return x[:, :height, :width]


def mask(height, width, window, shift):
    config = SwinConfig(window_size=window, embed_dim=4, num_heads=[1])
    layer = swin.SwinLayer(config, 4, (height, width), 1, shift_size=shift)
    rows, columns = height + -height % window, width + -width % window
    return layer.get_attn_mask(rows, columns, torch.float64, "cpu") == 0


def windows():
    for height, width, window in SIZES:
        for shift in sorted({0, window // 2, window - 1}):
            options = dict(height=height, width=width, window=window, shift=shift)
            x = randn(2, height, width, 2)
            case("window_partition", lambda x: apart(x, window, shift), dict(x=x), **options)
            pieces = randn(*apart(x, window, shift).shape)
            case("window_reverse", lambda x: joined(x, height, width, window, shift), dict(x=pieces), **options)
            if shift > 0:
                case("shifted_window_mask", lambda: mask(height, width, window, shift), {}, **options)


write("ops_windows.safetensors", [windows])
