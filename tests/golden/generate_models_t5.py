"""Makes tests/golden/models/t5*: python3 generate_models_t5.py. Needs torch 2.13 and transformers 5.24."""

import torch
from models_support import dump
from transformers import T5Config, T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5LayerNorm


def norm(self, x):  # the reference computes the mean square in float; for goldens in double it is to be exact
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


T5LayerNorm.forward = norm

small = dict(vocab_size=20, d_model=8, d_kv=3, d_ff=12, num_layers=2, num_heads=2, relative_attention_num_buckets=8,
             relative_attention_max_distance=6, attn_implementation="eager", decoder_start_token_id=0)
ids = torch.tensor([[2, 7, 5, 19, 3, 8, 3, 9, 1], [2, 11, 4, 3, 1, 0, 0, 0, 0]])
text = {"input_ids": ids, "attention_mask": (ids != 0).long()}
labels = {"labels": torch.tensor([[4, 9, 13, 7, 2, 1], [6, 6, 1, -100, -100, -100]])}
common = dict(max_new_tokens=10, no_repeat_ngram_size=2, use_cache=False)  # the reference counts the encoder's layers
said = {"greedy": dict(common, num_beams=1),
        "beam": dict(common, num_beams=3, length_penalty=0.0),
        "beam_long": dict(common, num_beams=4, length_penalty=1.5, early_stopping="never")}


def t5(name, untied=False, **options):
    model = T5ForConditionalGeneration(T5Config(**{**small, **options}))
    if untied:  # as the files of version 1.1 are
        model.lm_head.weight = torch.nn.Parameter(torch.randn(20, 8))
    dump(name, model, text, labels, said=said)


torch.manual_seed(1)
t5("t5")
t5("t5_gated", untied=True, feed_forward_proj="gated-gelu", num_decoder_layers=3, tie_word_embeddings=False)
t5("t5_silu", feed_forward_proj="silu", num_layers=1, layer_norm_epsilon=1e-3)
