#!/usr/bin/env python3
"""Times PyTorch's modules on the cases of benchmarks/bench_layers.cpp, by the same names.

    python3 benchmarks/peers/layers.py --threads 2 [BatchNorm2d/forward]

SwiGLU, which PyTorch has not, is three nn.Linear and silu.
"""

from timing import arguments, median_ms


def cases(torch):
    """name, shape of the input, the module"""
    nn = torch.nn
    tokens, hidden, image = (512, 512), (512, 2048), (8, 64, 56, 56)

    class SwiGLU(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate_proj, self.up_proj = nn.Linear(512, 1376, bias=False), nn.Linear(512, 1376, bias=False)
            self.down_proj = nn.Linear(1376, 512, bias=False)

        def forward(self, x):
            return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))

    yield "Linear", tokens, lambda: nn.Linear(512, 2048)
    yield "Embedding", None, lambda: nn.Embedding(8000, 512)
    yield "LayerNorm", tokens, lambda: nn.LayerNorm(512)
    yield "RMSNorm", tokens, lambda: nn.RMSNorm(512)
    yield "BatchNorm1d", tokens, lambda: nn.BatchNorm1d(512)
    yield "BatchNorm2d", image, lambda: nn.BatchNorm2d(64)
    yield "BatchNorm3d", (2, 32, 16, 28, 28), lambda: nn.BatchNorm3d(32)
    yield "GroupNorm", (8, 256, 28, 28), lambda: nn.GroupNorm(32, 256)
    yield "InstanceNorm1d", (8, 128, 512), lambda: nn.InstanceNorm1d(128, affine=True)
    yield "InstanceNorm2d", image, lambda: nn.InstanceNorm2d(64)
    yield "Dropout", hidden, lambda: nn.Dropout(0.1)
    yield "Dropout1d", (16, 512, 128), lambda: nn.Dropout1d(0.1)
    yield "Dropout2d", image, lambda: nn.Dropout2d(0.1)
    for name in ("ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "SELU", "GELU"):
        yield name, hidden, getattr(nn, name)
    yield "GELU/tanh", hidden, lambda: nn.GELU(approximate="tanh")
    for name in ("SiLU", "Mish", "Sigmoid", "LogSigmoid", "Tanh", "Softplus", "Hardtanh", "Hardsigmoid", "Hardswish"):
        yield name, hidden, getattr(nn, name)
    yield "Softmax", (16, 8, 128, 64), lambda: nn.Softmax(-1)
    yield "Softmax/dim1", (8, 150, 32, 32), lambda: nn.Softmax(1)
    yield "Softmin", (16, 8, 128, 64), lambda: nn.Softmin(-1)
    yield "LogSoftmax", (512, 2048), lambda: nn.LogSoftmax(-1)
    yield "Softmax2d", (8, 150, 32, 32), nn.Softmax2d
    yield "GLU", (512, 4096), nn.GLU
    yield "SwiGLU", tokens, SwiGLU


def main():
    options = arguments(__doc__)
    import torch

    torch.manual_seed(1)
    for name, shape, make in cases(torch):
        if not options.wants(name + "/forward") and not options.wants(name + "/forward_backward"):
            continue
        module = make()
        x = torch.randn(shape, requires_grad=True) if shape else torch.randint(0, 8000, (16, 32))
        dy = torch.randn_like(module(x))
        leaves = [*module.parameters(), *([x] if shape else [])]
        if options.wants(name + "/forward"):
            module.eval()
            with torch.no_grad():
                print(f"{name}/forward {median_ms(lambda: module(x), options.seconds):.5f} ms", flush=True)
        if options.wants(name + "/forward_backward"):
            module.train()
            ms = median_ms(lambda: torch.autograd.grad(module(x), leaves, dy), options.seconds)
            print(f"{name}/forward_backward {ms:.5f} ms", flush=True)


if __name__ == "__main__":
    main()
