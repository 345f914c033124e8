#!/usr/bin/env python3
"""Times PyTorch on the cases of benchmarks/bench_nn_transformer.cpp, by the same names.

    python3 benchmarks/peers/nn_transformer.py --threads 2 [encoder_layer/eval/32 ...]

Evaluation goes by PyTorch's faster path for inference, where it has one.
"""

from timing import arguments, median_ms

BATCH, D_MODEL, HEADS = 16, 512, 8


def cases():
    """name, number of inputs, the module, its call"""
    from torch import nn

    options = dict(dim_feedforward=2048, dropout=0.1, batch_first=True)

    def attention():
        return nn.MultiheadAttention(D_MODEL, HEADS, dropout=0.1, batch_first=True)

    yield "self_attention", 1, attention, lambda m, x: m(x, x, x, need_weights=False)[0]
    yield "cross_attention", 2, attention, lambda m, x, y: m(x, y, y, need_weights=False)[0]
    yield "encoder_layer", 1, lambda: nn.TransformerEncoderLayer(D_MODEL, HEADS, **options), lambda m, x: m(x)
    yield ("encoder_layer_gelu", 1, lambda: nn.TransformerEncoderLayer(D_MODEL, HEADS, activation="gelu", **options),
           lambda m, x: m(x))
    yield "decoder_layer", 2, lambda: nn.TransformerDecoderLayer(D_MODEL, HEADS, **options), lambda m, x, y: m(x, y)


def main():
    options = arguments(__doc__)
    import torch

    torch.manual_seed(1)
    for name, inputs, make, call in cases():
        module = make()
        for mode in ("train", "eval"):
            module.train(mode == "train")
            for length in (32, 128):
                case = f"{name}/{mode}/{length}"
                if not options.wants(case):
                    continue
                x = [torch.randn(BATCH, length, D_MODEL, requires_grad=mode == "train") for _ in range(inputs)]
                dy = torch.randn(BATCH, length, D_MODEL)

                def train():
                    call(module, *x).backward(dy)
                    module.zero_grad()
                    for leaf in x:
                        leaf.grad = None

                def evaluate():
                    with torch.no_grad():
                        call(module, *x)

                ms = median_ms(train if mode == "train" else evaluate, options.seconds)
                print(f"nn_transformer/{case} {ms:.4f} ms", flush=True)


if __name__ == "__main__":
    main()
