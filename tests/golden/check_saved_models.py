#!/usr/bin/env python3
"""Reads with transformers what gloss saves: every model's folder must load without a tensor missing or left over, and
give the outputs that gloss has written beside it, to 1e-5 of the largest.

    cmake --build build --target gloss_save_models
    python3 tests/golden/check_saved_models.py build/tests/gloss_save_models    # needs torch 2.13 and transformers 5.24
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers
from safetensors.torch import load_file

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
wrong = 0
with tempfile.TemporaryDirectory() as name:
    subprocess.run([sys.argv[1], name], check=True)
    folders = sorted(pathlib.Path(name).iterdir())
    for folder in folders:
        golden = load_file(folder / "golden.safetensors")
        architecture = json.loads((folder / "config.json").read_text())["architectures"][0]
        model, report = getattr(transformers, architecture).from_pretrained(folder, output_loading_info=True)
        inputs = {key[3:]: x for key, x in golden.items() if key.startswith("in/")}
        with torch.no_grad():
            out = model.eval()(**inputs)
        apart = max((out[key[4:]] - y).abs().max().item() / y.abs().max().item()
                    for key, y in golden.items() if key.startswith("out/"))
        notes = [f"{kind}: {sorted(names)}" for kind, names in report.items() if names]
        good = apart < 1e-5 and not notes
        wrong += not good
        print(f"{architecture:34} {apart:.1e} apart {'' if good else 'WRONG '}{' '.join(notes)}")
print(f"{len(folders)} models, {wrong} wrong")
sys.exit(1 if wrong or not folders else 0)
