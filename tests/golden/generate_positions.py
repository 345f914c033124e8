#!/usr/bin/env python3
"""Writes positions.safetensors: position encodings as other libraries compute them, in float64.

    python3 tests/golden/generate_positions.py  # needs torch 2.13, transformers 5.23 and safetensors

Rotary comes from transformers' Llama, GPT-NeoX and GPT-J, buckets and their bias from T5, ALiBi from Bloom, pixels from
DETR, the window's bias from Swin. transformers has dropped Transformer-XL, so that one is written from its paper, each
distance looked up by itself; so are the plain tables. Keys are those of layers: CASE/state/KEY, CASE/input/NAME,
CASE/option/NAME, CASE/output, CASE/d_output, CASE/d_state/KEY, CASE/d_input/NAME.
"""

import math
import pathlib

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.detr.modeling_detr import DetrSinePositionEmbedding
from transformers.models.gpt_neox import modeling_gpt_neox as gpt_neox
from transformers.models.gptj import modeling_gptj as gptj
from transformers.models.llama import modeling_llama as llama
from transformers.models.swin.modeling_swin import SwinRelativePositionBias
from transformers.models.t5.modeling_t5 import T5Attention, T5Config

torch.manual_seed(2017)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
out = {}


def put(case, **tensors):
    for name, x in tensors.items():
        x = x if torch.is_tensor(x) else torch.tensor(x)
        key = f"{case}/{name.replace('__', '/')}"
        assert key not in out, key
        out[key] = x.detach().clone().contiguous()


def run(case, call, state=None, inputs=None, **options):
    """Files call() and its gradients by everything in state and inputs."""
    state, inputs = state or {}, inputs or {}
    y = call()
    put(case, output=y, **{f"option__{k}": v for k, v in options.items()})
    leaves = {**{f"state/{k}": v for k, v in state.items()}, **{f"input/{k}": v for k, v in inputs.items()}}
    put(case, **{k: v for k, v in leaves.items()})
    if not y.requires_grad:
        return
    dy = torch.randn_like(y)
    put(case, d_output=dy)
    wanted = {k: v for k, v in leaves.items() if v.requires_grad}
    for (k, _), g in zip(wanted.items(), torch.autograd.grad(y, list(wanted.values()), dy)):
        put(case, **{f"d_{k}": g})


def leaf(*shape):
    return torch.randn(shape).requires_grad_()


def tables():
    for i, (n, d, base, first, step) in enumerate(
        [(50, 16, 1e4, 0, 1), (7, 5, 1e4, 0, 1), (9, 8, 100.0, 3, 1), (6, 10, 1e4, 5, -1), (3, 2, 1e4, 100000, 7), (1, 1, 1e4, 2, 1)]
    ):
        positions = torch.tensor([first + r * step for r in range(n)], dtype=torch.float64)
        for interleaved in (True, False):
            y = torch.zeros(n, d)
            for c in range((d + 1) // 2):
                angle = positions / base ** (2 * c / d)
                y[:, 2 * c if interleaved else c] = angle.sin()
                if 2 * c + 1 < d:
                    y[:, 2 * c + 1 if interleaved else (d + 1) // 2 + c] = angle.cos()
            run(f"sinusoidal/{2 * i + (not interleaved)}", lambda: y, n=n, d=d, base=base, first=first, step=step, interleaved=int(interleaved))
    for i, (n, d, ratio) in enumerate([(20, 4, 2.0), (9, 6, 1e4 ** (1 / 6)), (4, 3, 0.5)]):
        columns = [(torch.arange(n).double() / ratio**c).sin() for c in range(d)]
        run(f"periodic/{i}", lambda: torch.stack(columns, 1), n=n, d=d, ratio=ratio)


def detr():
    ragged = torch.zeros(3, 6, 8, dtype=torch.bool)
    ragged[1, 4:] = ragged[1, :, 5:] = True
    ragged[2, :2] = ragged[2, 3, 1] = ragged[2, 5, 6] = True
    nothing = torch.ones(1, 2, 3, dtype=torch.bool)
    for i, (mask, features, options) in enumerate([
        (ragged, 8, {}), (ragged, 8, dict(normalize=True)), (ragged, 4, dict(normalize=True, scale=3.0)),
        (ragged, 6, dict(temperature=20)), (nothing, 2, dict(normalize=True)), (nothing, 2, {}),
    ]):
        layer = DetrSinePositionEmbedding(features, **options)
        y = layer(torch.Size((mask.shape[0], 1, *mask.shape[1:])), mask.device, torch.float64, ~mask)
        # transformers flattens the pixels and puts them first
        y = y.view(mask.shape[0], *mask.shape[1:], 2 * features).permute(0, 3, 1, 2) if y.dim() == 3 else y
        run(f"detr/{i}", lambda: y, None, dict(mask=mask), features=features, normalize=int(options.get("normalize", False)),
            scale=float(options.get("scale", 0)), temperature=float(options.get("temperature", 10000)))


def swin():
    for i, (h, w, heads) in enumerate([(3, 3, 2), (2, 3, 3), (4, 2, 1), (1, 1, 2), (5, 4, 1)]):
        layer = SwinRelativePositionBias(heads, (h, w))
        table = layer.relative_position_bias_table
        table.data = torch.randn_like(table, dtype=torch.float64)
        put(f"swin/{i}", **{"state/relative_position_index": layer.relative_position_index.view(h * w, h * w)})
        run(f"swin/{i}", lambda: layer()[0], dict(relative_position_bias_table=table), h=h, w=w, heads=heads)
    # a layer of window attention
    layer = SwinRelativePositionBias(2, (2, 3))
    table = layer.relative_position_bias_table
    table.data = torch.randn_like(table, dtype=torch.float64)
    q, k, v = leaf(4, 2, 6, 5), leaf(4, 2, 6, 5), leaf(4, 2, 6, 5)
    run("swin_attention/0", lambda: torch.softmax(q @ k.mT / math.sqrt(5) + layer(), -1) @ v, dict(relative_position_bias_table=table), dict(q=q, k=k, v=v))


def t5():
    distances = torch.cat([torch.arange(-300, 301), torch.tensor([-(2**40), -5000, 1000, 2**40])])
    put("t5_buckets", distance=distances)
    for i, (bidirectional, buckets, distance) in enumerate(
        [(True, 32, 128), (False, 32, 128), (True, 8, 20), (False, 6, 100), (True, 4, 3), (False, 2, 2), (True, 64, 800), (False, 20, 97)]
    ):
        y = T5Attention._relative_position_bucket(distances, bidirectional, buckets, distance)
        run(f"t5_buckets/{i}", lambda: y.to(torch.uint8), bidirectional=int(bidirectional), num_buckets=buckets, max_distance=distance)
    for i, (n, m, first, decoder) in enumerate([(5, 5, 0, False), (3, 7, 4, True), (1, 9, 8, True), (4, 6, 0, False)]):
        config = T5Config(d_model=8, d_kv=4, num_heads=2, is_decoder=decoder, relative_attention_num_buckets=8, relative_attention_max_distance=6)
        layer = T5Attention(config, has_relative_attention_bias=True, layer_idx=0).double()
        weight = layer.relative_attention_bias.weight
        weight.data = torch.randn_like(weight)
        run(f"t5_bias/{i}", lambda: layer.compute_bias(n, m, past_seen_tokens=first)[0], dict(weight=weight), n=n, m=m, first=first, bidirectional=int(not decoder))


def alibi():
    powers = [1, 2, 4, 8, 16]
    for i, heads in enumerate([1, 2, 3, 4, 6, 8, 12, 16, 20, 71]):
        mask = torch.ones(1, 3, dtype=torch.long) if heads > 6 else torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 0, 1, 1, 0]])
        y = build_alibi_tensor(mask, heads, torch.float32).double()
        run(f"alibi_keys/{i}", lambda: y.view(mask.shape[0], heads, 1, -1), None, dict(mask=mask.bool()), heads=heads)
        # slope h is 2^(-8/H (h + 1)) for a power of two H
        if heads in powers:
            slopes = [2 ** (-8 / heads * (h + 1)) for h in range(heads)]
            distance = (torch.arange(3)[:, None] + 2 - torch.arange(5)).abs()
            run(f"alibi/{powers.index(heads)}", lambda: torch.stack([-s * distance for s in slopes]), heads=heads, n=3, m=5)


def rotary():
    def angles(positions, dim, base=10000.0, scaling=1.0):
        rates = base ** -(torch.arange(0, dim, 2).double() / dim)
        return positions.double()[..., None] / scaling * rates

    ids = torch.tensor([[0, 1, 2, 3], [0, 0, 1, 2]])
    cases = [
        (leaf(2, 3, 4, 8), torch.arange(4), 8, {}), (leaf(2, 3, 4, 12), torch.arange(4) + 3, 6, {}),
        (leaf(1, 1, 3, 34), torch.arange(3), 34, dict(base=500000.0)), (leaf(1, 1, 3, 66), torch.arange(3) + 90, 64, dict(scaling=4.0)),
        (leaf(2, 3, 4, 8), ids, 8, {}), (leaf(2, 2, 4, 7), ids, 2, {}), (leaf(1, 1, 1, 4), torch.arange(1), 4, {}),
    ]
    for i, (x, positions, dim, options) in enumerate(cases):
        a = angles(positions, dim, **options)
        a = a if positions.dim() == 2 else a[None]
        cosine, sine = torch.cat((a, a), -1).cos(), torch.cat((a, a), -1).sin()
        filed = dict(dim=dim, base=options.get("base", 10000.0), scaling=options.get("scaling", 1.0))
        apply = llama.apply_rotary_pos_emb if dim == x.shape[-1] else gpt_neox.apply_rotary_pos_emb

        def halves():
            if dim == x.shape[-1]:
                return llama.apply_rotary_pos_emb(x, x, cosine, sine)[0]
            turned = gpt_neox.apply_rotary_pos_emb(x[..., :dim], x[..., :dim], cosine, sine)[0]
            return torch.cat((turned, x[..., dim:]), -1)

        def pairs():  # GPT-J has [batch, n, heads, d], and angles for each batch
            s, c = a.sin().expand(x.shape[0], -1, -1), a.cos().expand(x.shape[0], -1, -1)
            turned = gptj.apply_rotary_pos_emb(x.transpose(1, 2)[..., :dim], s, c).transpose(1, 2)
            return torch.cat((turned, x[..., dim:]), -1)

        for interleaved, call in ((0, halves), (1, pairs)):
            run(f"rotary/{2 * i + interleaved}", call, None, dict(x=x, position_ids=positions), interleaved=interleaved, **filed)
    # Llama's own table, which it computes in float
    config = LlamaConfig(hidden_size=32, num_attention_heads=2, max_position_embeddings=64, rope_parameters=dict(rope_type="default", rope_theta=10000.0))
    cosine, sine = llama.LlamaRotaryEmbedding(config)(torch.zeros(1), torch.arange(64)[None])
    put("llama_table", cosine=cosine[0, :, :8], sine=sine[0, :, :8])


def transformer_xl():
    for i, shape in enumerate([(3, 3), (2, 5), (1, 4), (2, 2, 3, 6), (4, 1), (1, 1)]):
        x = leaf(*shape)
        n, m = shape[-2:]

        def shift():  # the distance of the key from the last position says where its score stands
            padded = torch.cat((torch.zeros(*shape[:-1], 1), x), -1).reshape(*shape[:-2], -1)
            return torch.stack([padded[..., n + r * m : n + r * m + m] for r in range(n)], -2)

        run(f"relative_shift/{i}", shift, None, dict(x=x))
    cases = [(2, 4, 0, 2, 6, 3, False, False), (2, 3, 4, 2, 6, 4, False, False), (1, 5, 2, 3, 5, 2, True, False), (2, 1, 6, 1, 4, 4, False, False), (2, 4, 3, 2, 4, 2, False, True)]
    for i, (batch, n, m, heads, d_model, d_head, pre_lnorm, masked) in enumerate(cases):
        keys, width = m + n, heads * d_head
        state = dict(r_r_bias=leaf(heads, d_head), r_w_bias=leaf(heads, d_head)) | {
            "qkv_net.weight": leaf(3 * width, d_model), "o_net.weight": leaf(d_model, width), "layer_norm.weight": leaf(d_model),
            "layer_norm.bias": leaf(d_model), "r_net.weight": leaf(width, d_model)}
        inputs = dict(w=leaf(batch, n, d_model)) | (dict(mems=leaf(batch, m, d_model)) if m else {})
        mask = torch.ones(n, keys, dtype=torch.bool)
        if masked:  # same_length: nobody looks further back than m
            mask = torch.ones(n, keys, dtype=torch.bool).triu(1)
            put(f"transformer_xl/{i}", input__mask=mask)

        def attend():
            w = inputs["w"]
            c = torch.cat((inputs["mems"], w), 1) if m else w
            norm = lambda x: torch.nn.functional.layer_norm(x, (d_model,), state["layer_norm.weight"], state["layer_norm.bias"])
            c = norm(c) if pre_lnorm else c
            q, k, v = ((c @ part.T).view(batch, keys, heads, d_head) for part in state["qkv_net.weight"].chunk(3))
            q = q[:, m:]
            rate = 10000 ** -(torch.arange(0, d_model, 2) / d_model)
            y = torch.zeros(batch, n, heads, d_head)
            rows = []
            for query in range(n):
                scores = []
                for key in range(m + query + 1):
                    angle = (m + query - key) * rate
                    r = torch.cat((angle.sin(), angle.cos()))[:d_model] @ state["r_net.weight"].T
                    score = ((q[:, query] + state["r_w_bias"]) * k[:, key]).sum(-1)
                    score = score + ((q[:, query] + state["r_r_bias"]) * r.view(heads, d_head)).sum(-1)
                    scores.append(score / d_head**0.5 if mask[query, key] else score * 0 - math.inf)
                p = torch.stack(scores, -1).softmax(-1)
                rows.append(torch.einsum("bhk,bkhd->bhd", p, v[:, : m + query + 1]).reshape(batch, width))
            y = w + torch.stack(rows, 1) @ state["o_net.weight"].T
            return y if pre_lnorm else norm(y)

        run(f"transformer_xl/{i}", attend, state, inputs, heads=heads, d_model=d_model, d_head=d_head, pre_lnorm=int(pre_lnorm))


for group in (tables, detr, swin, t5, alibi, rotary, transformer_xl):
    group()
path = pathlib.Path(__file__).with_name("positions.safetensors")
save_file(out, path)
print(path.name, path.stat().st_size, "bytes")
