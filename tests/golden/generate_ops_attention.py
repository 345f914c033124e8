#!/usr/bin/env python3
"""Writes ops_attention.safetensors: torch.nn.functional.scaled_dot_product_attention with an additive bias and with
fewer heads of keys than of queries (enable_gqa). cases.py says what a file holds.

    python3 tests/golden/generate_ops_attention.py  # needs torch 2.13 and safetensors
"""

import math

import torch
import torch.nn.functional as F

from cases import case, flags, randn, write


def attention_variants():
    """bias + bool mask: PyTorch takes one attn_mask, so the mask goes into the bias as -inf."""

    def attend(q, k, v, bias=None, mask=None, causal=0, scale=0.0, gqa=False):
        m = bias
        if mask is not None:
            m = (0 if bias is None else bias) + torch.zeros(mask.shape).masked_fill(~mask, -math.inf)
        if causal and m is not None:  # is_causal and attn_mask exclude each other
            hidden = ~torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril(k.shape[-2] - q.shape[-2])
            m, causal = m + torch.zeros(hidden.shape).masked_fill(hidden, -math.inf), 0
        return F.scaled_dot_product_attention(q, k, v, m, is_causal=bool(causal), scale=scale or None, enable_gqa=gqa)

    padding = torch.ones(2, 1, 1, 7, dtype=torch.bool)
    padding[0, ..., 4:] = False
    some = flags(5, 7)
    some[:, 2] = True
    for q, kv_heads, m, d_v, bias, mask, causal, scale in [
            ((2, 3, 5, 4), 3, 7, 4, (5, 7), None, 0, 0.0), ((2, 3, 5, 4), 3, 7, 6, (3, 5, 7), None, 0, 0.3),
            ((2, 3, 5, 4), 3, 7, 4, (2, 1, 1, 7), None, 0, 0.0), ((2, 3, 5, 4), 3, 7, 4, (2, 3, 5, 7), padding, 0, 0.0),
            ((2, 3, 5, 4), 3, 7, 4, (3, 1, 7), some, 1, 0.0), ((2, 3, 5, 4), 3, 5, 4, (1, 3, 5, 1), None, 0, 0.0),
            ((2, 4, 5, 4), 2, 7, 4, None, None, 0, 0.0), ((2, 4, 5, 4), 1, 5, 3, None, None, 1, 0.0),
            ((2, 6, 5, 4), 2, 7, 4, (6, 5, 7), padding, 1, 0.0), ((1, 2, 70, 4), 1, 66, 4, (70, 66), None, 0, 0.0),
            ((3, 5, 4), 3, 7, 4, (5, 7), None, 0, 0.0), ((5, 4), None, 7, 4, (1, 7), None, 0, 0.0)]:
        k = (q[:-3] + (kv_heads,) if kv_heads else ()) + (m,)
        inputs = dict(q=randn(*q), k=randn(*k, q[-1]), v=randn(*k, d_v))
        if bias:
            inputs["bias"] = randn(*bias)
        if mask is not None:
            inputs["mask"] = mask
        gqa = kv_heads is not None and kv_heads != q[-3]
        case("attention_bias_groups", lambda causal=causal, scale=scale, gqa=gqa, **x: attend(
            **x, causal=causal, scale=scale, gqa=gqa), inputs, causal=causal, scale=scale)


if __name__ == "__main__":
    write("ops_attention.safetensors", (attention_variants,))
