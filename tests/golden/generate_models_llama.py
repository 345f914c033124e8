"""Makes tests/golden/models/{llama,qwen}*: python3 generate_models_llama.py. Needs torch 2.13 and transformers 5.24."""

import torch
from models_support import dump
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM
from transformers.models.llama.modeling_llama import LlamaRMSNorm, LlamaRotaryEmbedding
from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm, Qwen2RotaryEmbedding
from transformers.models.qwen3.modeling_qwen3 import Qwen3RMSNorm, Qwen3RotaryEmbedding

# The reference computes angles, norms and the loss in float; for goldens in double they are to be exact. Its own functions say
# the frequencies.
import transformers.modeling_rope_utils as rope


def exact(self, x, position_ids, *_, **__):
    torch.set_default_dtype(torch.float64)
    real_float, torch.float, torch.Tensor.float = torch.float, torch.float64, torch.Tensor.double
    try:
        kind = self.config.rope_parameters["rope_type"]
        if kind == "default":
            inv_freq, scale = self.compute_default_rope_parameters(self.config)
        else:
            inv_freq, scale = rope.ROPE_INIT_FUNCTIONS[kind](self.config, "cpu", seq_len=int(position_ids.max()) + 1)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.float = real_float
        del torch.Tensor.float
    angles = position_ids[:, :, None].double() * inv_freq.double()
    angles = torch.cat((angles, angles), -1)
    return (angles.cos() * scale).to(x.dtype), (angles.sin() * scale).to(x.dtype)


def norm(self, x):
    return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))


for r in (LlamaRotaryEmbedding, Qwen2RotaryEmbedding, Qwen3RotaryEmbedding):
    r.forward = exact
for n in (LlamaRMSNorm, Qwen2RMSNorm, Qwen3RMSNorm):
    n.forward = norm

small = dict(vocab_size=20, hidden_size=12, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
             num_key_value_heads=1, max_position_embeddings=16, attn_implementation="sdpa", rms_norm_eps=1e-5)
ids = torch.tensor([[2, 7, 5, 19, 3, 8, 3, 1, 4], [2, 11, 4, 3, 9, 6, 0, 0, 0]])
text = {"input_ids": ids, "attention_mask": (ids != 0).long()}
labels = {"labels": torch.where(ids == 0, -100, ids)}
prompts = torch.tensor([[0, 0, 0, 11, 4, 3], [2, 7, 5, 19, 3, 8], [0, 0, 0, 0, 0, 6]])  # of unequal lengths
said = {name: dict(input_ids=prompts, attention_mask=(prompts != 0).long(), max_new_tokens=9, length_penalty=0.0, num_beams=beams,
                   eos_token_id=2, pad_token_id=0)
        for name, beams in (("greedy", 1), ("beam", 3))}


def llama(name, model=LlamaForCausalLM, config=LlamaConfig, **options):
    model = model(config(**{**small, **options}))
    model.loss_function = lambda logits, labels, **_: torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    says = name not in ("llama_dynamic", "llama_long", "llama_short")  # their angles depend on the longest text of a batch
    dump(name, model, text, labels, said=said if says else None)


torch.manual_seed(1)
llama("llama")
llama("llama_biased", attention_bias=True, mlp_bias=True, num_attention_heads=6, num_key_value_heads=2, head_dim=4,
      tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 500.0})
llama("llama_linear", num_key_value_heads=2, rope_parameters={"rope_type": "linear", "rope_theta": 100.0, "factor": 4.0})
llama("llama_dynamic", max_position_embeddings=6, rope_parameters={"rope_type": "dynamic", "rope_theta": 100.0, "factor": 2.0})
llama("llama3", rope_parameters={"rope_type": "llama3", "rope_theta": 30.0, "factor": 8.0, "low_freq_factor": 1.0,
                                 "high_freq_factor": 4.0, "original_max_position_embeddings": 12})
llama("llama_yarn", rope_parameters={"rope_type": "yarn", "rope_theta": 30.0, "factor": 4.0, "beta_fast": 2.0,
                                     "beta_slow": 1.0, "original_max_position_embeddings": 14})
for name, before in (("llama_long", 6), ("llama_short", 12)):
    llama(name, max_position_embeddings=24,
          rope_parameters={"rope_type": "longrope", "rope_theta": 30.0, "factor": 2.0, "short_factor": [1.0, 1.125, 1.5],
                           "long_factor": [1.0, 2.0, 3.0], "original_max_position_embeddings": before})
llama("qwen2", Qwen2ForCausalLM, Qwen2Config)
llama("qwen3", Qwen3ForCausalLM, Qwen3Config, head_dim=8, tie_word_embeddings=True)
