#!/usr/bin/env python3
"""Times torch.nn.functional.scaled_dot_product_attention on the cases of benchmarks/bench_attention.cpp.

Prints microseconds, the best of several rounds, as that program's names: attention/<what>/batch:../heads:../...
Threads: --threads, else OMP_NUM_THREADS, else all.
"""
import argparse
import os
import time

import torch
import torch.nn.functional as F

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "0")) or torch.get_num_threads())
parser.add_argument("--seconds", type=float, default=0.5, help="per case")
args = parser.parse_args()
torch.set_num_threads(args.threads)
print(f"torch {torch.__version__}, {args.threads} threads")

CASES = [(1, 8, n, 64, causal) for causal in (False, True) for n in (64, 128, 256, 512, 1024, 2048)]
CASES += [(64, 4, n, 32, False) for n in (16, 32, 64)]


def best_microseconds(f):
    f()
    best, end = float("inf"), time.perf_counter() + args.seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        f()
        best = min(best, time.perf_counter() - start)
    return best * 1e6


for backward in (False, True):
    for batch, heads, n, width, causal in CASES:
        q, k, v = (torch.randn(batch, heads, n, width, requires_grad=backward) for _ in range(3))
        d_o = torch.randn(batch, heads, n, width)

        def step():
            o = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
            if backward:
                torch.autograd.grad(o, (q, k, v), d_o)

        with torch.set_grad_enabled(backward):
            us = best_microseconds(step)
        flop = 2 * batch * heads * n * n * width * (7 if backward else 2) / (2 if causal else 1)
        print(f"attention/{'forward_backward' if backward else 'forward'}/batch:{batch}/heads:{heads}/len:{n}/width:{width}"
              f"/causal:{int(causal)} {us:12.1f} us {flop / us * 1e-3:8.2f} GFLOP/s")
