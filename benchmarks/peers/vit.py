#!/usr/bin/env python3
"""Times transformers' ViT-B/16 on PyTorch on the cases of benchmarks/bench_vit.cpp, by the same names; memory in MB.

    python3 benchmarks/peers/vit.py --threads 2 [forward/1 forward/8 train/8 memory]
"""

import resource
import sys

from timing import arguments, median_ms


def peak_resident():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def main():
    options = arguments(__doc__)
    import torch
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(1)
    at_start = peak_resident()

    def forward(batch):
        model, x = ViTForImageClassification(ViTConfig(num_labels=1000)).eval(), torch.randn(batch, 3, 224, 224)

        def call():
            with torch.no_grad():
                model(x).logits

        return call

    def train():
        model = ViTForImageClassification(ViTConfig(num_labels=1000)).train()
        adam = torch.optim.AdamW(model.parameters(), lr=1e-4)
        x, y = torch.randn(8, 3, 224, 224), torch.arange(8)

        def call():
            model(x, labels=y).loss.backward()
            adam.step()
            adam.zero_grad()

        return call

    for batch in (1, 8):
        if options.wants(f"forward/{batch}"):
            print(f"vit/forward/{batch} {median_ms(forward(batch), options.seconds):.2f} ms", flush=True)
    if options.wants("train/8"):
        print(f"vit/train/8 {median_ms(train(), options.seconds, least=3):.2f} ms", flush=True)
    if options.wants("memory"):
        step = train()
        for _ in range(3):
            step()
        print(f"vit/memory {peak_resident() - at_start:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
