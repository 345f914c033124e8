"""Makes tests/golden/models/gpt2*: python3 generate_models_gpt2.py. Needs torch 2.13 and transformers 5.24."""

import torch
from models_support import dump
from transformers import GPT2Config, GPT2LMHeadModel

small = dict(vocab_size=20, n_positions=12, n_embd=8, n_layer=2, n_head=2, attn_implementation="sdpa")
ids = torch.tensor([[2, 7, 5, 19, 3, 8, 3, 1, 4], [2, 11, 4, 3, 9, 6, 0, 0, 0]])
text = {"input_ids": ids, "attention_mask": (ids != 0).long()}
labels = {"labels": torch.where(ids == 0, -100, ids)}
prompts = torch.tensor([[0, 0, 0, 11, 4, 3], [2, 7, 5, 19, 3, 8], [0, 0, 0, 0, 0, 6]])  # of unequal lengths
said = {name: dict(input_ids=prompts, attention_mask=(prompts != 0).long(), max_new_tokens=6, length_penalty=0.0, num_beams=beams,
                   eos_token_id=2, pad_token_id=0)
        for name, beams in (("greedy", 1), ("beam", 3))}


def gpt2(name, **options):
    model = GPT2LMHeadModel(GPT2Config(**{**small, **options}))
    model.loss_function = lambda logits, labels, **_: torch.nn.functional.cross_entropy(  # the reference's is in float
        logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    dump(name, model, text, labels, said=said)


torch.manual_seed(1)
gpt2("gpt2")
gpt2("gpt2_other", n_inner=12, activation_function="relu", layer_norm_epsilon=1e-3, attn_implementation="eager",
     scale_attn_by_inverse_layer_idx=True, tie_word_embeddings=False)
gpt2("gpt2_unscaled", scale_attn_weights=False, activation_function="silu", attn_implementation="eager")
