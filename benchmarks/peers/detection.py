#!/usr/bin/env python3
"""Times transformers' ResNet and DETR on the cases of benchmarks/bench_detection.cpp, by the same names.

    python3 benchmarks/peers/detection.py --threads 2 [resnet50/batch/1 ...]

Needs transformers beside PyTorch. Random weights, evaluation, no gradients.
"""

import sys

from timing import arguments, median_ms


def cases():
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig, ResNetForImageClassification

    def resnet():
        return ResNetForImageClassification(ResNetConfig(num_labels=1000))

    def detr():
        eyes = ResNetConfig(out_features=["stage4"])
        return DetrForObjectDetection(DetrConfig(use_timm_backbone=False, backbone_config=eyes, num_labels=91))

    yield "resnet50/batch/1", resnet, (1, 3, 224, 224)
    yield "resnet50/batch/8", resnet, (8, 3, 224, 224)
    yield "detr_r50/side/800", detr, (1, 3, 800, 800)


def main():
    options = arguments(__doc__)
    import torch

    try:
        import transformers  # noqa: F401
    except ImportError:
        sys.exit(f"{sys.argv[0]}: transformers is not installed")
    torch.manual_seed(1)
    for name, make, shape in cases():
        if not options.wants(name):
            continue
        model, x = make().eval(), torch.randn(shape)
        with torch.no_grad():
            print(f"{name} {median_ms(lambda: model(x), options.seconds, least=3):.4f} ms", flush=True)


if __name__ == "__main__":
    main()
