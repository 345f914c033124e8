#!/usr/bin/env python3
"""Writes rxnmapper.safetensors: what the ALBERT of scripts/fetch_real_weights.sh says of two reactions, one of them
padded, as transformers computes it: hidden states, and the scores of the first tokens.

    python3 tests/golden/generate_rxnmapper.py [FOLDER]  # needs torch 2.13, transformers 5.24 and safetensors
"""

import pathlib
import re
import sys

import torch
from safetensors.torch import save_file
from transformers import AlbertForMaskedLM, AlbertModel

root = pathlib.Path(__file__).parents[2]
folder = (pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "build-weights") / "rxnmapper"
reactions = ["CC(=O)Cl.Nc1ccccc1>>CC(=O)Nc1ccccc1", "CCO.CC(=O)O>>CCOC(C)=O"]

config = AlbertModel.config_class.from_pretrained(folder)
vocabulary = (folder / "vocab.txt").read_text().split("\n")
rows = [["[CLS]", *re.findall(r"Cl|Br|>>|.", r), "[SEP]"] for r in reactions]
longest = max(map(len, rows))
ids = torch.tensor([[vocabulary.index(t) for t in row] + [config.pad_token_id] * (longest - len(row)) for row in rows])
mask = (ids != config.pad_token_id).long()
with torch.no_grad():
    trunk = AlbertModel.from_pretrained(folder).eval()(ids, attention_mask=mask)
    logits = AlbertForMaskedLM.from_pretrained(folder).eval()(ids, attention_mask=mask).logits
save_file({"ids": ids, "mask": mask, "hidden": trunk.last_hidden_state.contiguous(), "pooled": trunk.pooler_output,
           "logits": logits[..., :48].contiguous(), "best": logits.argmax(-1)},
          pathlib.Path(__file__).with_name("rxnmapper.safetensors"))
