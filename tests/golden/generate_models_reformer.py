"""Makes tests/golden/models/reformer*: python3 generate_models_reformer.py. Needs torch 2.13 and transformers 5.24.
Beside what models_support.py says, in/rotations are the random directions of the hashes, which the reference draws from
hash_seed."""

import torch
from models_support import FOLDER, dump
from safetensors.torch import load_file, save_file
from transformers import ReformerConfig, ReformerForMaskedLM, ReformerModelWithLMHead

small = dict(vocab_size=20, hidden_size=8, attention_head_size=3, num_attention_heads=2, feed_forward_size=12,
             attn_layers=["local", "lsh"], local_attn_chunk_length=4, lsh_attn_chunk_length=4, num_buckets=4,
             hash_seed=3, axial_pos_shape=[4, 4], axial_pos_embds_dim=[3, 5], is_decoder=True, hidden_dropout_prob=0.0,
             local_attention_probs_dropout_prob=0.0, lsh_attention_probs_dropout_prob=0.0, use_cache=False)
ids = torch.tensor([[2, 7, 5, 19, 3, 8, 3, 1, 4, 4, 11, 6, 2, 9, 13, 1],
                    [2, 11, 4, 3, 9, 6, 8, 8, 1, 12, 17, 5, 0, 0, 0, 0]])
mask = (ids != 0).long()


def rotations(config, buckets):
    torch.manual_seed(config.hash_seed)
    return torch.randn(config.num_attention_heads, config.attention_head_size, config.num_hashes, sum(buckets) // 2,
                       dtype=torch.float64)


def reformer(name, buckets=(4,), kind=ReformerModelWithLMHead, n=16, masked=False, evaluate=None, **options):
    model = kind(ReformerConfig(**{**small, **options}))
    model.loss_function = lambda logits, labels, **_: torch.nn.functional.cross_entropy(  # the reference's is in float
        logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    model.eval = model.train  # backward wants training mode, in which nothing differs without dropout
    text = {"input_ids": ids[:, :n]} | ({"attention_mask": mask[:, :n]} if masked else {})
    dump(name, model, text, {"labels": torch.where(ids == 0, -100, ids)[:, :n]})
    path = FOLDER / name / "golden.safetensors"
    golden = load_file(path) | {"in/rotations": rotations(model.config, buckets)}
    if evaluate:
        model = kind.from_pretrained(FOLDER / name).double().eval()
        golden |= {f"out/{k}": v for k, v in evaluate(model).items()}
    save_file(golden, path)


def other_lengths(model):
    """A text that fits into one chunk, one that is padded, the same with a mask, and what greedy search says."""
    with torch.no_grad():
        said = model.generate(ids[:, :5], max_new_tokens=9, do_sample=False, use_cache=False, eos_token_id=None,
                              pad_token_id=0)[:, 5:].contiguous()
        return {"short": model(ids[:, :3]).logits, "padded": model(ids[:, :7]).logits,
                "masked": model(ids[:, :14], attention_mask=mask[:, :14]).logits, "said": said}


torch.manual_seed(1)
reformer("reformer", evaluate=other_lengths, num_hashes=2)
reformer("reformer_factors", buckets=(2, 4), masked=True, attn_layers=["lsh"], num_buckets=[2, 4],
         axial_pos_embds=False, max_position_embeddings=16, hidden_act="gelu", chunk_size_feed_forward=4,
         chunk_size_lm_head=8, layer_norm_eps=1e-3, lsh_num_chunks_before=2)
reformer("reformer_masked", kind=ReformerForMaskedLM, masked=True, is_decoder=False,
         attn_layers=["lsh", "local", "lsh"], local_num_chunks_after=1, lsh_num_chunks_after=1,
         lsh_num_chunks_before=0, local_attn_chunk_length=2, num_hashes=3)
reformer("reformer_unsaid", buckets=(4, 4), attn_layers=["lsh"], num_buckets=None, lsh_attn_chunk_length=2,
         max_position_embeddings=16)
reformer("reformer_one_chunk", n=4, axial_pos_shape=[2, 2], num_hashes=2)
