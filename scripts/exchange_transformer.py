#!/usr/bin/env python3
"""nn.Transformer of default size from PyTorch to gloss and back, strictly, with equal outputs.

    cmake --build build --target example_10_torch_transformer
    python3 scripts/exchange_transformer.py build/examples/example_10_torch_transformer

Needs torch and safetensors. The files (177 MB each) go into a temporary folder.
    python3 scripts/exchange_transformer.py --golden    writes the small model that ctest loads, into tests/golden
"""

import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "tests" / "golden"


def save(model, model_file, batch_file):
    """The state dict as it is, and a batch with its output."""
    model.eval()
    save_file(model.state_dict(), model_file)
    src, tgt = torch.randn(10, 3, model.d_model), torch.randn(7, 3, model.d_model)
    mask = model.generate_square_subsequent_mask(7)
    with torch.no_grad():
        save_file({"src": src, "tgt": tgt, "tgt_mask": mask, "output": model(src, tgt, tgt_mask=mask)}, batch_file)


def from_gloss(model_file, batch_file):
    model = torch.nn.Transformer()
    model.load_state_dict(load_file(model_file), strict=True)
    model.eval()
    batch = load_file(batch_file)
    with torch.no_grad():
        y = model(batch["src"], batch["tgt"], tgt_mask=batch["tgt_mask"])
    apart = (y - batch["output"]).abs().max().item()
    print(f"PyTorch reads gloss's model: outputs {apart:.3g} apart")
    return apart < 1e-4


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.manual_seed(1)
    if sys.argv[1] == "--golden":
        model = torch.nn.Transformer(16, 4, 1, 2, 24)
        for p in model.parameters():  # biases and norms too
            torch.nn.init.normal_(p, std=0.4)
        return save(model, GOLDEN / "torch_transformer.safetensors", GOLDEN / "torch_transformer_batch.safetensors")
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/model.safetensors", f"{folder}/batch.safetensors"]
        save(torch.nn.Transformer(), *files)
        there = subprocess.run([sys.argv[1], "load", *files]).returncode == 0
        subprocess.run([sys.argv[1], "save", *files], check=True)
        sys.exit(0 if from_gloss(*files) and there else 1)


if __name__ == "__main__":
    main()
