#!/usr/bin/env python3
"""Times greedy decoding as the Annotated Transformer does it, in PyTorch: the whole prefix again for every token.

    python3 benchmarks/peers/decode.py --threads 2 [greedy/batch:1 greedy/batch:16]

Same sizes and data as benchmarks/bench_decode.cpp: base model, source length 20, 20 tokens, evaluation mode without
gradients. PyTorch's fused kernels are used: scaled_dot_product_attention and layer_norm.
"""

import argparse
import pathlib
import sys

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
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="case", help=f"any of {' '.join(CASES)}; all by default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10, help="time for each case")
    args = parser.parse_args()
    unknown = [c for c in args.cases if c not in CASES]
    if unknown:
        parser.error(f"unknown case {unknown[0]}")
    try:
        import torch
    except ImportError:
        sys.exit("decode.py: torch is not installed")
    from train_step import median_ms

    torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {args.threads} threads", flush=True)
    for case in args.cases or CASES:
        print(f"decode/{case} {median_ms(decoder_of(CASES[case]), args.seconds):.2f} ms", flush=True)


if __name__ == "__main__":
    main()
