"""Makes tests/golden/models/albert*: python3 generate_models_albert.py. Needs torch 2.13 and transformers 5.24."""

import torch
from models_support import dump
from transformers import (AlbertConfig, AlbertForMaskedLM, AlbertForMultipleChoice, AlbertForPreTraining,
                          AlbertForQuestionAnswering, AlbertForSequenceClassification, AlbertForTokenClassification,
                          AlbertModel)

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
dump("albert_pre_training", AlbertForPreTraining(AlbertConfig(**small)), text,
     {"labels": words, "sentence_order_label": torch.tensor([1, 0])}, ("prediction_logits", "sop_logits"))
dump("albert_classes", AlbertForSequenceClassification(AlbertConfig(**small, num_labels=3)), text,
     {"labels": torch.tensor([2, 0])})
dump("albert_number", AlbertForSequenceClassification(AlbertConfig(**small, num_labels=1)), text,
     {"labels": torch.tensor([0.5, -1]).double()})
dump("albert_tokens", AlbertForTokenClassification(AlbertConfig(**small, num_labels=4)), text,
     {"labels": words.clamp(max=3)})
dump("albert_answers", AlbertForQuestionAnswering(AlbertConfig(**small)), text,
     {"start_positions": torch.tensor([1, 7]), "end_positions": torch.tensor([3, 9])}, ("start_logits", "end_logits"))
dump("albert_choices", AlbertForMultipleChoice(AlbertConfig(**small)),
     {k: torch.stack([v, v.roll(1, 0)], 1) for k, v in text.items()}, {"labels": torch.tensor([1, 0])})
