#!/usr/bin/env python3
"""Times PyTorch's modules on the cases of benchmarks/bench_conv.cpp, by the same names.

    python3 benchmarks/peers/conv.py --threads 2 [conv2d/3x3/64to64/forward]
"""

from timing import arguments, median_ms


def cases(nn):
    """name, shape of the input, whether it takes a gradient, the module"""
    image, features = (8, 3, 224, 224), (8, 64, 56, 56)
    yield "patch_embedding/16x16/3to768", image, False, lambda: nn.Conv2d(3, 768, 16, stride=16)
    yield "stem/7x7s2/3to64", image, False, lambda: nn.Conv2d(3, 64, 7, stride=2, padding=3)
    yield "conv2d/3x3/64to64", features, True, lambda: nn.Conv2d(64, 64, 3, padding=1)
    yield "conv2d/3x3s2/64to128", features, True, lambda: nn.Conv2d(64, 128, 3, stride=2, padding=1)
    yield "conv2d/1x1/256to64", (8, 256, 56, 56), True, lambda: nn.Conv2d(256, 64, 1)
    yield "depthwise/3x3/144", (8, 144, 56, 56), True, lambda: nn.Conv2d(144, 144, 3, padding=1, groups=144)
    yield "conv1d/k3/512to512", (16, 512, 128), True, lambda: nn.Conv1d(512, 512, 3, padding=1)
    yield "max_pool2d/3x3s2", features, True, lambda: nn.MaxPool2d(3, stride=2, padding=1)
    yield "max_pool2d/2x2", features, True, lambda: nn.MaxPool2d(2)
    yield "avg_pool2d/2x2", features, True, lambda: nn.AvgPool2d(2)
    yield "avg_pool2d/3x3s2", features, True, lambda: nn.AvgPool2d(3, stride=2, padding=1)
    yield "adaptive_avg_pool2d/1", features, True, lambda: nn.AdaptiveAvgPool2d(1)
    yield "adaptive_avg_pool2d/7", features, True, lambda: nn.AdaptiveAvgPool2d(7)


def main():
    options = arguments(__doc__)
    import torch

    torch.manual_seed(1)
    for name, shape, differentiable, make in cases(torch.nn):
        module = make()
        x = torch.randn(shape, requires_grad=differentiable)
        dy = torch.randn_like(module(x))
        leaves = [*module.parameters(), *([x] if differentiable else [])]
        if options.wants(name + "/forward"):
            with torch.no_grad():
                print(f"{name}/forward {median_ms(lambda: module(x), options.seconds):.5f} ms", flush=True)
        if options.wants(name + "/forward_backward"):
            ms = median_ms(lambda: torch.autograd.grad(module(x), leaves, dy), options.seconds)
            print(f"{name}/forward_backward {ms:.5f} ms", flush=True)


if __name__ == "__main__":
    main()
