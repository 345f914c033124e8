#!/usr/bin/env python3
"""Times greedy decoding as the Annotated Transformer does it, in PyTorch: the whole prefix again for every token.

    python3 benchmarks/peers/decode.py --threads 2 [greedy/batch:1 greedy/batch:16]

Same sizes and data as benchmarks/bench_decode.cpp: base model, source length 20, 20 tokens, evaluation mode without
gradients. PyTorch's fused kernels are used: scaled_dot_product_attention and layer_norm.
"""

import pathlib
import sys

from timing import arguments, median_ms

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/golden"))

VOCAB, SOURCE_LENGTH, TOKENS, START = 8000, 20, 20, 0
CASES = {"greedy/batch:1": 1, "greedy/batch:16": 16}


def decoder_of(batch):
    """A function that decodes a batch and returns its tokens."""
    import torch
    from annotated import PAD, fused_attention, make_model, subsequent_mask

    torch.manual_seed(1)
    model = make_model(VOCAB, VOCAB, attend=fused_attention, norm=torch.nn.LayerNorm).eval()
    src = torch.randint(3, VOCAB, (batch, SOURCE_LENGTH))
    src_mask = (src != PAD).unsqueeze(-2)

    @torch.inference_mode()
    def decode():
        memory = model.encode(src, src_mask)
        ys = torch.full((batch, 1), START)
        for _ in range(TOKENS):
            out = model.decode(memory, src_mask, ys, subsequent_mask(ys.size(1)))
            ys = torch.cat([ys, model.generator(out[:, -1]).argmax(-1, keepdim=True)], 1)
        return ys

    return decode


def main():
    options = arguments(__doc__)
    for case, batch in CASES.items():
        if options.wants(case):
            print(f"decode/{case} {median_ms(decoder_of(batch), options.seconds):.2f} ms", flush=True)


if __name__ == "__main__":
    main()
