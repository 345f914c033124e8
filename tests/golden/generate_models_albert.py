"""Makes tests/golden/models/albert*: python3 generate_models_albert.py. Needs torch 2.13 and transformers 5.24."""

import torch
from models_support import dump
from transformers import AlbertConfig, AlbertForMaskedLM, AlbertModel

small = dict(vocab_size=20, embedding_size=6, hidden_size=8, num_hidden_layers=3, num_attention_heads=2,
             intermediate_size=12, max_position_embeddings=10, attn_implementation="eager")
ids = torch.tensor([[2, 7, 5, 19, 3, 8, 3], [2, 11, 4, 3, 0, 0, 0]])
text = {"input_ids": ids, "attention_mask": (ids != 0).long(),
        "token_type_ids": torch.tensor([[0, 0, 0, 0, 0, 1, 1], [0] * 7])}
words = torch.tensor([[-100, 7, -100, 18, -100, -100, 3], [-100, -100, 4, -100, -100, -100, -100]])

torch.manual_seed(1)
trunk = ("last_hidden_state", "pooler_output")
dump("albert", AlbertModel(AlbertConfig(**small)), text, outputs=trunk)
dump("albert_groups", AlbertModel(AlbertConfig(**{**small, "num_hidden_layers": 5, "num_hidden_groups": 2,
                                                  "inner_group_num": 2, "hidden_act": "gelu"})), text, outputs=trunk)
dump("albert_masked", AlbertForMaskedLM(AlbertConfig(**small)), text, {"labels": words})
