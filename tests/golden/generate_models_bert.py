"""Makes tests/golden/models/bert_*: python3 generate_models_bert.py. Needs torch 2.13 and transformers 5.24."""

import torch
from models_support import dump
from transformers import (BertConfig, BertForMaskedLM, BertForMultipleChoice, BertForNextSentencePrediction,
                          BertForPreTraining, BertForQuestionAnswering, BertForSequenceClassification,
                          BertForTokenClassification, BertModel)


def config(**options):
    return BertConfig(**{**dict(vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
                                intermediate_size=12, max_position_embeddings=10, type_vocab_size=2,
                                attn_implementation="eager"), **options})


ids = torch.tensor([[2, 7, 5, 19, 3, 8, 3], [2, 11, 4, 3, 0, 0, 0], [2, 1, 17, 6, 9, 3, 0]])
text = {"input_ids": ids, "attention_mask": (ids != 0).long(),
        "token_type_ids": torch.tensor([[0, 0, 0, 0, 0, 1, 1], [0] * 7, [0, 0, 1, 1, 1, 1, 0]])}
words = torch.tensor([[-100, 7, -100, 18, -100, -100, 3], [-100, -100, 4, -100, -100, -100, -100],
                      [-100, 2, -100, -100, 9, -100, -100]])

torch.manual_seed(1)
trunk = ("last_hidden_state", "pooler_output")
dump("bert", BertModel(config()), text, outputs=trunk)
dump("bert_ids_alone", BertModel(config(hidden_act="gelu_new", layer_norm_eps=1e-5)), {"input_ids": ids}, outputs=trunk)
dump("bert_places", BertModel(config(hidden_act="relu", type_vocab_size=3, pad_token_id=1)),
     {**text, "position_ids": torch.tensor([[3, 1, 0, 9, 2, 2, 5]]).expand(3, 7).contiguous()}, outputs=trunk)
dump("bert_masked", BertForMaskedLM(config(hidden_act="silu")), text, {"labels": words})
dump("bert_pre_training", BertForPreTraining(config()), text,
     {"labels": words, "next_sentence_label": torch.tensor([0, 1, 1])},
     ("prediction_logits", "seq_relationship_logits"))
dump("bert_next", BertForNextSentencePrediction(config()), text, {"labels": torch.tensor([1, 0, 1])})
dump("bert_classes", BertForSequenceClassification(config(num_labels=3)), text, {"labels": torch.tensor([2, 0, 1])})
dump("bert_number", BertForSequenceClassification(config(num_labels=1)), text, {"labels": torch.tensor([0.5, -1, 2]).double()})
dump("bert_many_labels", BertForSequenceClassification(config(num_labels=3, problem_type="multi_label_classification")),
     text, {"labels": torch.tensor([[1, 0, 1], [0, 0, 0], [0, 1, 0]]).double()})
dump("bert_tokens", BertForTokenClassification(config(num_labels=4)), text, {"labels": words.clamp(max=3)})
dump("bert_answers", BertForQuestionAnswering(config()), text,
     {"start_positions": torch.tensor([1, 7, 2]), "end_positions": torch.tensor([3, 2, 9])}, ("start_logits", "end_logits"))
dump("bert_choices", BertForMultipleChoice(config()),
     {k: torch.stack([v, v.roll(1, 0)], 1) for k, v in text.items()}, {"labels": torch.tensor([1, 0, 1])})
