#!/usr/bin/env python3
"""Times one training step of the Annotated Transformer's architecture in PyTorch, on its best plain way.

    python3 benchmarks/peers/train_step.py --threads 2 [base toy]

Same sizes and data as benchmarks/bench_train_step.cpp: random ids without padding, dropout 0.1, label smoothing 0.1,
masks given, a step being forward, loss, backward, Adam and zero_grad. PyTorch's fused kernels are used throughout:
scaled_dot_product_attention, layer_norm, cross_entropy with label smoothing, Adam(fused=True). --annotated takes
the Annotated Transformer's own formulas instead (its LayerNorm, plain attention, KL divergence). --precision bfloat16
runs forward and loss under autocast.
"""

import argparse
import pathlib
import sys

from timing import median_ms

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/golden"))

CASES = {
    "base": dict(vocab=8000, d_model=512, N=6, h=8, d_ff=2048, batch=16, length=32),
    "toy": dict(vocab=1000, d_model=128, N=2, h=4, d_ff=512, batch=32, length=16),
}


def step_of(case, annotated=False, keep=lambda model: None, bfloat16=False):
    """A function that does one training step and returns the loss. keep(model) sees the model."""
    import torch
    import torch.nn.functional as F
    from annotated import PAD, Batch, LabelSmoothing, attention, fused_attention, make_model, smoothed_loss, LayerNorm

    c = CASES[case]
    torch.manual_seed(1)
    model = make_model(c["vocab"], c["vocab"], c["N"], c["d_model"], c["d_ff"], c["h"], 0.1,
                       attend=attention if annotated else fused_attention,
                       norm=LayerNorm if annotated else torch.nn.LayerNorm)
    keep(model)
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, betas=(0.9, 0.98), eps=1e-9, fused=not annotated)
    batch = Batch(torch.randint(3, c["vocab"], (c["batch"], c["length"])),
                  torch.randint(3, c["vocab"], (c["batch"], c["length"] + 1)))
    criterion = LabelSmoothing(c["vocab"], PAD, 0.1)

    def step():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            out = model(batch.src, batch.tgt, batch.src_mask, batch.tgt_mask)
            if annotated:
                loss = smoothed_loss(criterion, model, out, batch)
            else:
                logits = model.generator.proj(out).flatten(0, 1)
                loss = F.cross_entropy(logits, batch.tgt_y.flatten(), ignore_index=PAD, label_smoothing=0.1)
        loss.backward()
        adam.step()
        adam.zero_grad()
        return loss.item()

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="case", help=f"any of {' '.join(CASES)}; all by default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10, help="time for each case")
    parser.add_argument("--annotated", action="store_true", help="the Annotated Transformer's own formulas")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    args = parser.parse_args()
    unknown = [c for c in args.cases if c not in CASES]
    if unknown:
        parser.error(f"unknown case {unknown[0]}")
    try:
        import torch
    except ImportError:
        sys.exit("train_step.py: torch is not installed")
    torch.set_num_threads(args.threads)
    print(f"torch {torch.__version__}, {args.threads} threads", flush=True)
    for case in args.cases or CASES:
        step = step_of(case, args.annotated, bfloat16=args.precision == "bfloat16")
        print(f"train_step/{case} {median_ms(step, args.seconds):.2f} ms", flush=True)


if __name__ == "__main__":
    main()
