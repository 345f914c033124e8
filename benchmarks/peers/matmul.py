#!/usr/bin/env python3
"""Times PyTorch on the products of benchmarks/bench_matmul.cpp, by the same names.

    python3 benchmarks/peers/matmul.py --threads 2 [generator/512x512to8000/forward ...]
"""

from timing import arguments, median_ms

options = arguments(__doc__)
import torch  # noqa: E402, after the arguments, which say so if it is not there

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
    yield from layer("toy", 512, 128, 128)
    yield from layer("toy_feed_forward_1", 512, 512, 128)
    yield from layer("toy_feed_forward_2", 512, 128, 512)
    yield from layer("toy_generator", 512, 1000, 128)
    yield from layer("small", 64, 64, 64)
    for rows in (1, 4, 8, 16):
        for out, inputs in ((512, 512), (2048, 512), (512, 2048), (8000, 512)):
            yield from layer("decoding", rows, out, inputs)
    for batch, length in ((128, 32), (128, 64), (16, 512)):
        yield from heads("attention", batch, length, length, 64)


for name, flop, call in cases():
    if options.wants(name):
        ms = median_ms(call, options.seconds)
        print(f"{name} {ms:.5f} ms {flop / ms * 1e-6:8.2f} GFLOP/s", flush=True)
