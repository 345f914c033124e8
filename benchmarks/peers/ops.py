#!/usr/bin/env python3
"""Times PyTorch on the cases of benchmarks/bench_ops.cpp, by the same names.

    python3 benchmarks/peers/ops.py --threads 2 [gelu/forward adam/step]

Where PyTorch has two ways (Adam fused and foreach), the faster one counts.
"""

from timing import arguments, median_ms


def passes():
    """name, what is differentiated, the forward pass"""
    import torch
    import torch.nn.functional as F

    torch.manual_seed(1)

    def leaf(*shape):
        return torch.randn(*shape).requires_grad_()

    def with_input(x, f):
        return [x], lambda: f(x)

    def of(name, shape, f):
        return name, lambda: with_input(leaf(*shape), f)

    def layer_norm():
        x, gamma, beta = leaf(512, 512), leaf(512), leaf(512)
        return [x, gamma, beta], lambda: F.layer_norm(x, (512,), gamma, beta)

    def add_layer_norm():
        x, residual, gamma, beta = leaf(512, 512), leaf(512, 512), leaf(512), leaf(512)
        return [x, gamma, beta], lambda: F.layer_norm(residual + x, (512,), gamma, beta)

    def embedding():
        ids, weight = torch.randint(0, 8000, (512,)), leaf(8000, 512)
        return [weight], lambda: F.embedding(ids, weight)

    target = torch.randint(0, 8000, (512,))
    yield "layer_norm", layer_norm
    yield "add_layer_norm", add_layer_norm
    yield of("softmax_attention", (16, 8, 32, 32), lambda x: torch.softmax(x, -1))
    yield of("softmax_vocabulary", (512, 8000), lambda x: torch.softmax(x, -1))
    yield of("log_softmax", (512, 8000), lambda x: torch.log_softmax(x, -1))
    yield of("gelu", (512, 2048), F.gelu)
    yield of("relu", (512, 2048), torch.relu)
    yield of("cross_entropy", (512, 8000), lambda x: F.cross_entropy(x, target, label_smoothing=0.1))
    yield "embedding", embedding
    yield of("dropout_d_model", (512, 512), lambda x: F.dropout(x, 0.1))
    yield of("dropout_d_ff", (512, 2048), lambda x: F.dropout(x, 0.1))
    yield of("relu_dropout", (512, 2048), lambda x: F.dropout(F.relu(x), 0.1))
    yield of("gelu_dropout", (512, 2048), lambda x: F.dropout(F.gelu(x), 0.1))


def base_shapes():
    """The parameters of the base Transformer."""
    shapes = [(8000, 512)] * 3 + [(8000,)]
    shapes += [(512, 512)] * (6 * 4 + 6 * 8) + [(512,)] * (6 * 4 + 6 * 8)
    shapes += [(2048, 512)] * 12 + [(2048,)] * 12 + [(512, 2048)] * 12 + [(512,)] * 12
    return shapes + [(512,)] * (2 * (6 * 2 + 6 * 3 + 2))


def main():
    options = arguments(__doc__)
    import torch

    for name, make in passes():
        if not options.wants(name + "/forward") and not options.wants(name + "/backward"):
            continue
        inputs, forward = make()
        y = forward()
        dy = torch.randn_like(y) if y.dim() else torch.ones_like(y)

        def backward():
            torch.autograd.grad(y, inputs, dy, retain_graph=True)

        for direction, call in (("forward", forward), ("backward", backward)):
            if options.wants(f"{name}/{direction}"):
                print(f"{name}/{direction} {median_ms(call, options.seconds):.5f} ms", flush=True)
    for name, optimizer in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        if not options.wants(name + "/step"):
            continue
        parameters = [torch.randn(shape).requires_grad_() for shape in base_shapes()]
        for p in parameters:
            p.grad = torch.randn_like(p)
        times = []
        for way in ("fused", "foreach"):
            step = optimizer(parameters, lr=1e-4, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.01, **{way: True}).step
            times.append(median_ms(step, options.seconds))
        print(f"{name}/step {min(times):.5f} ms", flush=True)


if __name__ == "__main__":
    main()
