#!/usr/bin/env python3
"""PyTorch on the cases of bench_matmul: one line for each, by the same names.

  matmul.py [--threads N] [--rounds R] [--against build/benchmarks/bench_matmul] [--filter REGEX]

With --against, rounds of PyTorch and of gloss alternate, so that both meet the same machine, and the ratio is printed.
Each number is the fastest single call, in GFLOP/s: on a shared machine the mean says more about the neighbours.
"""
import argparse
import json
import os
import re
import subprocess
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--seconds", type=float, default=0.2, help="per case and round")
parser.add_argument("--against", metavar="PROGRAM")
parser.add_argument("--filter", default=".", metavar="REGEX")
options = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(options.threads)
import torch  # noqa: E402, after the number of threads is set

torch.set_num_threads(options.threads)
torch.set_grad_enabled(False)


def layer(name, rows, out, inputs):
    size = f"{name}/{rows}x{inputs}to{out}"
    x, w, b, g = torch.randn(rows, inputs), torch.randn(out, inputs), torch.randn(out), torch.randn(rows, out)
    y, dx, dw = torch.empty(rows, out), torch.empty(rows, inputs), torch.empty(out, inputs)
    flop = 2.0 * rows * out * inputs
    yield size + "/forward", flop, lambda: torch.addmm(b, x, w.t(), out=y)
    if rows > 16:
        yield size + "/input_gradient", flop, lambda: torch.mm(g, w, out=dx)
        yield size + "/weight_gradient", flop, lambda: torch.mm(g.t(), x, out=dw)


def heads(name, batch, queries, keys, width):
    size = f"{name}/{batch}x{queries}x{keys}"
    q, k, v = (torch.randn(batch, n, width) for n in (queries, keys, keys))
    scores, out, dv = torch.randn(batch, queries, keys), torch.empty_like(q), torch.empty_like(v)
    product = torch.empty_like(scores)
    flop = 2.0 * batch * queries * keys * width
    yield size + "/scores", flop, lambda: torch.bmm(q, k.transpose(1, 2), out=product)
    yield size + "/values", flop, lambda: torch.bmm(scores, v, out=out)
    yield size + "/values_gradient", flop, lambda: torch.bmm(scores.transpose(1, 2), q, out=dv)


def cases():
    yield from layer("projection", 512, 512, 512)
    yield from layer("feed_forward_1", 512, 2048, 512)
    yield from layer("feed_forward_2", 512, 512, 2048)
    yield from layer("generator", 512, 8000, 512)
    for rows in (1, 4, 8, 16):
        yield from layer("decoding", rows, 2048, 512)
    yield from layer("decoding_generator", 4, 8000, 512)
    for batch, length in ((128, 32), (128, 64), (16, 512)):
        yield from heads("attention", batch, length, length, 64)


def fastest(call):
    call()
    best, stop = float("inf"), time.perf_counter() + options.seconds
    while time.perf_counter() < stop:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


todo = [case for case in cases() if re.search(options.filter, case[0])]
torch_best, gloss_best = {}, {}
for _ in range(options.rounds):
    for name, flop, call in todo:
        torch_best[name] = max(torch_best.get(name, 0), flop / fastest(call) / 1e9)
    if options.against:
        command = [options.against, "--benchmark_format=json", f"--benchmark_min_time={options.seconds}",
                   f"--benchmark_filter={options.filter}"]
        report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for run in report["benchmarks"]:
            name = run["name"].removesuffix("/real_time")
            if run.get("error_occurred"):
                raise SystemExit(f"{name}: {run['error_message']}")
            gloss_best[name] = max(gloss_best.get(name, 0), run["best_FLOPS"] / 1e9)

print(f"PyTorch {torch.__version__}, {options.threads} threads, GFLOP/s of the fastest call")
for name, _, _ in todo:
    line = f"{name:48} torch {torch_best[name]:7.1f}"
    if options.against:
        line += f"   gloss {gloss_best[name]:7.1f}   gloss / torch {gloss_best[name] / torch_best[name]:5.2f}"
    print(line)
