#!/usr/bin/env python3
"""Writes layers_support.safetensors: what the support of layer tests itself is tested with, every kind of case.

    python3 tests/golden/generate_layers_support.py  # needs torch 2.13 and safetensors
"""

import pathlib
import sys

import torch
from torch import nn

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parents[1] / "scripts"))
import parity  # noqa: E402

generator = torch.Generator().manual_seed(17)


def randn(*shape):
    return torch.randn(shape, generator=generator, dtype=torch.float64)


class Everything(nn.Module):
    """Several inputs and outputs of each type, a mask by keyword, and a count that the forward changes."""

    def __init__(self):
        super().__init__()
        self.lut = nn.Embedding(5, 3)
        self.proj = nn.Linear(3, 2)
        self.unused = nn.Parameter(torch.ones(2))
        self.register_buffer("scale", torch.full((3,), 2.0))
        self.register_buffer("count", torch.tensor(0))
        self.register_buffer("scratch", torch.ones(2), persistent=False)

    def forward(self, x, ids, mask=None):
        self.count += 1
        y = self.proj(x * self.scale + self.lut(ids))
        if mask is not None:
            y = y.masked_fill(mask, 0.0)
        return y, y.argmax(-1), (y.sum(), None)


class Net(nn.Module):
    """A small network that calls one layer twice, for taps and the parity tool."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(3, 4)
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        y = torch.relu(self.layers[0](self.embed(x)))
        y = y + self.layers[1](y)
        y = y + self.layers[1](y)
        return self.head(self.norm(y))


def main():
    torch.manual_seed(5)
    torch.set_num_threads(1)
    parity.record("Linear/0", nn.Linear(3, 2), [randn(4, 3)], {"in": 3, "out": 2})
    parity.record("Linear/1", nn.Linear(2, 3, bias=False), [randn(2, 2, 2)], {"in": 2, "out": 3, "bias": False})
    parity.record("Dropout", nn.Dropout(0.25).eval(), [randn(3)], {"p": 0.25, "name": "drop", "sizes": [3, 1]})
    ids = torch.randint(0, 5, (2, 4), generator=generator)
    parity.record("Embedding", nn.Embedding(5, 3), [ids])
    mask = torch.rand((2, 4, 1), generator=generator) < 0.5
    parity.record("Everything/masked", Everything(), [randn(2, 4, 3), ids], kwargs={"mask": mask})
    parity.record("Everything/plain", Everything(), [randn(2, 4, 3), ids], constant=(0,))
    parity.record("Net", Net(), [randn(5, 3)], activations=True)
    parity.write(here / "layers_support.safetensors")


if __name__ == "__main__":
    main()
