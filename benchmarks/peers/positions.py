#!/usr/bin/env python3
"""Times PyTorch on the cases of benchmarks/bench_positions.cpp: rotary positions and window attention with Swin's bias.

    python3 benchmarks/peers/positions.py --threads 2 [case ...]

Rotary in halves is what transformers does for Llama, with cosines and sines ready; in pairs, torchtune's way. Window
attention is timed as Swin spells it and through scaled_dot_product_attention with the bias as mask; the faster one counts.
"""
from timing import arguments, median_ms


def cases():
    import torch
    import torch.nn.functional as F

    def angles(n):
        return torch.arange(100, 100 + n)[:, None] * 10000.0 ** -(torch.arange(0, 128, 2) / 128)

    def halves(n):
        x = torch.randn(1, n, 32, 128, requires_grad=True)
        cosine, sine = (torch.cat((f(angles(n)),) * 2, -1)[None, None] for f in (torch.cos, torch.sin))

        def call():
            q = x.transpose(1, 2)
            turned = torch.cat((-q[..., 64:], q[..., :64]), -1)
            return q * cosine + turned * sine

        return [x], [call]

    def pairs(n):
        x = torch.randn(1, n, 32, 128, requires_grad=True)
        cosine, sine = (f(angles(n))[None, None] for f in (torch.cos, torch.sin))

        def call():
            q = x.transpose(1, 2).unflatten(-1, (64, 2))
            a, b = q[..., 0], q[..., 1]
            return torch.stack((a * cosine - b * sine, b * cosine + a * sine), -1).flatten(3)

        return [x], [call]

    def window(windows, heads):
        q, k, v = (torch.randn(windows, heads, 49, 32, requires_grad=True) for _ in range(3))
        table = torch.randn(13 * 13, heads, requires_grad=True)
        place = torch.stack(torch.meshgrid(torch.arange(7), torch.arange(7), indexing="ij")).flatten(1)
        offset = place[:, :, None] - place[:, None] + 6
        index = (offset[0] * 13 + offset[1]).flatten()

        def bias():
            return table[index].view(49, 49, heads).permute(2, 0, 1).contiguous()[None]

        def spelled():
            return torch.softmax((q * 32**-0.5) @ k.transpose(-2, -1) + bias(), -1) @ v

        return [q, k, v, table], [spelled, lambda: F.scaled_dot_product_attention(q, k, v, attn_mask=bias())]

    yield "rotary/halves", lambda: halves(512)
    yield "rotary/pairs", lambda: pairs(512)
    yield "rotary/halves_decode", lambda: halves(1)
    yield "window/windows:64/heads:3", lambda: window(64, 3)
    yield "window/windows:4/heads:12", lambda: window(4, 12)


def main():
    options = arguments(__doc__)
    import torch

    for name, make in cases():
        if not options.wants(name + "/forward") and not options.wants(name + "/backward"):
            continue
        inputs, ways = make()
        if options.wants(name + "/forward"):
            print(f"{name}/forward {min(median_ms(way, options.seconds) for way in ways):.5f} ms", flush=True)
        if not options.wants(name + "/backward"):
            continue
        times = []
        for way in ways:
            y = way()
            dy = torch.randn_like(y)
            times.append(median_ms(lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True), options.seconds))
        print(f"{name}/backward {min(times):.5f} ms", flush=True)


if __name__ == "__main__":
    main()
