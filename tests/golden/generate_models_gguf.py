"""Makes tests/golden/models/*.gguf of the folders beside them, as llama.cpp's converter would: rows of queries and keys of
Llama in pairs, Qwen's as they are. python3 generate_models_gguf.py. Needs gguf, safetensors and numpy."""

import json
import pathlib

import gguf
import numpy as np
from safetensors.numpy import load_file

FOLDER = pathlib.Path(__file__).resolve().parent / "models"
NAMES = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
         "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
         "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
OUTER = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
         "lm_head.weight": "output.weight"}


def write(name, divisors=None):
    config = json.loads((FOLDER / name / "config.json").read_text())
    kind = config["model_type"]
    writer = gguf.GGUFWriter(FOLDER / f"{name}.gguf", kind)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    if "head_dim" in config:
        writer.add_key_length(config["head_dim"])
    if config["rope_parameters"]["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(config["rope_parameters"]["factor"])
    for key, x in load_file(FOLDER / name / "model.safetensors").items():
        if key in OUTER:
            writer.add_tensor(OUTER[key], x)
            continue
        _, _, layer, rest = key.split(".", 3)
        part, leaf = rest.rsplit(".", 1)
        if kind == "llama" and part in ("self_attn.q_proj", "self_attn.k_proj"):
            width = config["head_dim"]
            x = x.reshape(-1, 2, width // 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)
        writer.add_tensor(f"blk.{layer}.{NAMES[part]}.{leaf}", x)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_blocks():
    """llama_blocks.gguf: a layer of random numbers, in blocks of every type that the package can make."""
    rng = np.random.default_rng(3)
    writer = gguf.GGUFWriter(FOLDER / "llama_blocks.gguf", "llama")
    writer.add_block_count(1)
    writer.add_context_length(16)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", rng.normal(1, 0.1, 64).astype(np.float32))
    for name, kind, shape in [("token_embd", "Q8_0", (70, 64)), ("output", "Q5_1", (70, 64)),
                              ("blk.0.attn_q", "Q4_0", (64, 64)), ("blk.0.attn_k", "Q4_1", (32, 64)),
                              ("blk.0.attn_v", "Q5_0", (32, 64)), ("blk.0.attn_output", "F16", (64, 64)),
                              ("blk.0.ffn_gate", "Q4_0", (96, 64)), ("blk.0.ffn_up", "Q4_1", (96, 64)),
                              ("blk.0.ffn_down", "Q8_0", (64, 96))]:
        x = rng.normal(0, 0.3, shape).astype(np.float32)
        kind = gguf.GGMLQuantizationType[kind]
        writer.add_tensor(f"{name}.weight", gguf.quantize(x, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


write_blocks()
for each in ("llama", "llama_linear", "qwen2", "qwen3"):
    write(each)
