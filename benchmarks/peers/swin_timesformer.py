#!/usr/bin/env python3
"""Times transformers' Swin-T and TimeSformer-B on the cases of benchmarks/bench_swin_timesformer.cpp, by the same names.

    python3 benchmarks/peers/swin_timesformer.py --threads 2 [swin_t/batch:1]

Swin goes through scaled_dot_product_attention, which is transformers' default.
"""

from timing import arguments, median_ms

CASES = {"swin_t/batch:1": (1, 3, 224, 224), "swin_t/batch:8": (8, 3, 224, 224),
         "timesformer_b/batch:1": (1, 8, 3, 224, 224)}


def main():
    options = arguments(__doc__)
    import torch
    import transformers

    kinds = {"swin_t": (transformers.SwinModel, transformers.SwinConfig),
             "timesformer_b": (transformers.TimesformerModel, transformers.TimesformerConfig)}
    for case, shape in CASES.items():
        if not options.wants(case):
            continue
        torch.manual_seed(1)
        model, config = kinds[case.split("/")[0]]
        net, x = model(config()).eval(), torch.randn(shape)
        with torch.inference_mode():
            print(f"{case} {median_ms(lambda: net(x), options.seconds, least=3):.2f} ms", flush=True)


if __name__ == "__main__":
    main()
