#!/usr/bin/env python3
"""Makes what test.sh runs with: texts.tsv, sentences of three classes; bert/ and albert/, folders of tiny models with
random weights as transformers saves them: python3 make_data.py. Needs torch, transformers and tokenizers."""

import itertools
import pathlib
import random
import shutil

import torch
from tokenizers import BertWordPieceTokenizer
from transformers import AlbertConfig, AlbertModel, BertConfig, BertModel

folder = pathlib.Path(__file__).parent
kinds = {
    "food": (["the soup", "a fresh bread", "my salad", "their cake"],
             ["tastes of", "was served with", "needs more", "is made from"], ["salt", "garlic", "butter", "flour"]),
    "sport": (["the goalkeeper", "our team", "a young runner", "the coach"],
              ["won", "lost", "trained for", "talks about"], ["the match", "the final", "a race", "the league"]),
    "weather": (["tomorrow", "in the north", "this evening", "on the coast"],
                ["it rains with", "we expect", "there will be", "the forecast says"],
                ["fog", "snow", "storms", "thunder"]),
}
lines = [f"{' '.join(words)}\t{kind}" for kind, parts in kinds.items() for words in itertools.product(*parts)]
random.Random(1).shuffle(lines)
(folder / "texts.tsv").write_text("\n".join(["text\tlabel", *lines[:150]]) + "\n")

tokenizer = BertWordPieceTokenizer()
tokenizer.train_from_iterator([line.split("\t")[0] for line in lines], vocab_size=200, show_progress=False)
torch.manual_seed(1)
sizes = dict(vocab_size=tokenizer.get_vocab_size(), num_attention_heads=2, hidden_size=16, intermediate_size=32,
             max_position_embeddings=24, initializer_range=0.2)
models = {"bert": BertModel(BertConfig(**sizes, num_hidden_layers=2), add_pooling_layer=False),
          "albert": AlbertModel(AlbertConfig(**sizes, num_hidden_layers=3, embedding_size=8))}
for name, model in models.items():
    shutil.rmtree(folder / name, ignore_errors=True)
    model.save_pretrained(folder / name)
    tokenizer.save(str(folder / name / "tokenizer.json"), pretty=False)
