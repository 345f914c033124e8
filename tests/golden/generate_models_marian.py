"""Makes tests/golden/models/marian*: python3 generate_models_marian.py. Needs torch 2.13 and transformers 5.24."""

import numpy as np
import torch
from models_support import dump
from transformers import MarianConfig, MarianMTModel
from transformers.models.marian.modeling_marian import MarianSinusoidalPositionalEmbedding


def positions(self, shape, cache_length=0, position_ids=None):
    """The reference's table is in float; for goldens in double it is to be exact."""
    dim = self.weight.shape[1]
    at = np.arange(cache_length, cache_length + shape[1])[:, None] if position_ids is None else position_ids.numpy()[:, None]
    angles = at / np.power(10000, 2 * (np.arange(dim) // 2) / dim)
    return torch.from_numpy(np.concatenate([np.sin(angles[:, 0::2]), np.cos(angles[:, 1::2])], 1)).to(self.weight.dtype)


MarianSinusoidalPositionalEmbedding.forward = positions

small = dict(vocab_size=20, d_model=8, encoder_layers=2, decoder_layers=2, encoder_ffn_dim=12, decoder_ffn_dim=12,
             encoder_attention_heads=2, decoder_attention_heads=2, max_position_embeddings=16, pad_token_id=19,
             eos_token_id=0, decoder_start_token_id=19, forced_eos_token_id=None, attn_implementation="eager")
ids = torch.tensor([[2, 7, 5, 18, 3, 8, 3, 9, 0], [2, 11, 4, 3, 0, 19, 19, 19, 19]])
text = {"input_ids": ids, "attention_mask": (ids != 19).long()}
labels = {"labels": torch.tensor([[4, 9, 13, 7, 2, 0], [6, 6, 0, -100, -100, -100]])}
common = dict(max_new_tokens=10, bad_words_ids=[[19]], no_repeat_ngram_size=2)
said = {"greedy": dict(common, num_beams=1),
        "beam": dict(common, num_beams=3, length_penalty=0.0),
        "beam_long": dict(common, num_beams=4, length_penalty=1.5, early_stopping="never")}


def marian(name, **options):
    model = MarianMTModel(MarianConfig(**{**small, **options}))
    model.final_logits_bias.copy_(torch.randn(model.final_logits_bias.shape))
    model.final_logits_bias[0, 0] = 1.5  # so that some texts end
    dump(name, model, text, labels, said=said)


torch.manual_seed(1)
marian("marian", activation_function="swish", scale_embedding=True)
marian("marian_split", share_encoder_decoder_embeddings=False, activation_function="relu",
       encoder_layers=1, decoder_layers=3, decoder_attention_heads=4, decoder_ffn_dim=16)
marian("marian_untied", share_encoder_decoder_embeddings=False, tie_word_embeddings=False, decoder_vocab_size=22, d_model=6,
       encoder_attention_heads=1)
