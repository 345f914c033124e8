#!/usr/bin/env python3
"""Writes nn_layers.safetensors: every option of every layer, singly, as PyTorch has it in float64.

    python3 tests/golden/generate_nn_layers.py  # needs torch 2.13 and safetensors
"""

import pathlib
import sys

import torch
from torch import nn

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parents[1] / "scripts"))
import parity  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(2026)
torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(31)


def randn(*shape):
    return torch.randn(shape, generator=generator) * 1.5


def record(name, module, x, options={}, **rest):
    """The parameters and real buffers get values that do not hide mistakes."""
    for p in module.parameters():
        p.data = torch.randn(p.shape, generator=generator) * 0.5 + 0.3
    for key, b in module.named_buffers():
        if b.is_floating_point():
            b.copy_(torch.rand(b.shape, generator=generator) + 0.5)
    parity.record(name, module, x, options, **rest)


def activations():
    for name in ("ReLU", "ReLU6", "SiLU", "Mish", "Sigmoid", "Tanh", "LogSigmoid", "Hardswish", "SELU", "Identity"):
        record(name + "/default", getattr(nn, name)(), randn(2, 3, 5))
    record("Softmax2d/batch", nn.Softmax2d(), randn(2, 3, 2, 2))
    record("Softmax2d/single", nn.Softmax2d(), randn(3, 2, 2))
    record("GELU/none", nn.GELU(), randn(2, 9), {"tanh": 0})
    record("GELU/tanh", nn.GELU(approximate="tanh"), randn(2, 9), {"tanh": 1})
    for name, argument, values in (("LeakyReLU", "negative_slope", (0.01, 0.3)), ("ELU", "alpha", (1.0, 0.4)), ("CELU", "alpha", (1.0, 0.5))):
        for value in values:
            # 0.5: the derivative of celu has 1 / alpha of the float nearest alpha
            record(f"{name}/{value}", getattr(nn, name)(value), randn(2, 9), {argument: value})
    record("Softplus/default", nn.Softplus(), randn(2, 9))
    record("Softplus/beta", nn.Softplus(beta=2.0), randn(2, 9), {"beta": 2.0})
    record("Softplus/threshold", nn.Softplus(threshold=0.5), randn(2, 9), {"threshold": 0.5})
    record("Hardtanh/default", nn.Hardtanh(), randn(2, 9))
    record("Hardtanh/min_val", nn.Hardtanh(min_val=-0.5), randn(2, 9), {"min_val": -0.5})
    record("Hardtanh/max_val", nn.Hardtanh(max_val=0.5), randn(2, 9), {"max_val": 0.5})
    for dim in (0, 1, -1):
        for name in ("Softmax", "Softmin", "LogSoftmax"):
            record(f"{name}/dim{dim}", getattr(nn, name)(dim), randn(2, 3, 4), {"dim": dim})
    for dim in (-1, 1):
        record(f"GLU/dim{dim}", nn.GLU(dim), randn(2, 4, 6), {"dim": dim})

    class SwiGLU(nn.Module):
        def __init__(self, bias):
            super().__init__()
            self.gate_proj = nn.Linear(3, 5, bias=bias)
            self.up_proj = nn.Linear(3, 5, bias=bias)
            self.down_proj = nn.Linear(5, 3, bias=bias)

        def forward(self, x):
            return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))

    for bias in (False, True):
        record(f"SwiGLU/{bias}", SwiGLU(bias), randn(2, 4, 3), {"bias": bias})


def shapes():
    record("Flatten/default", nn.Flatten(), randn(2, 3, 2, 2), {"start": 1, "end": -1})
    record("Flatten/start_dim", nn.Flatten(2), randn(2, 3, 2, 2), {"start": 2, "end": -1})
    record("Flatten/end_dim", nn.Flatten(0, 2), randn(2, 3, 2, 2), {"start": 0, "end": 2})
    record("Unflatten/sizes", nn.Unflatten(1, (2, 3)), randn(2, 6, 2), {"dim": 1, "sizes": [2, 3]})
    record("Unflatten/inferred", nn.Unflatten(-1, (-1, 2)), randn(2, 6), {"dim": -1, "sizes": [-1, 2]})
    for name, shape in (("Dropout", (2, 3)), ("Dropout1d", (2, 3, 4)), ("Dropout2d", (2, 3, 2, 2))):
        record(name + "/eval", getattr(nn, name)(0.4).eval(), randn(*shape))
        record(name + "/zero", getattr(nn, name)(0.0), randn(*shape), {"p": 0.0})
        record(name + "/one", getattr(nn, name)(1.0), randn(*shape), {"p": 1.0})


def tables():
    ids = torch.randint(0, 6, (3, 4), generator=generator)
    record("Linear/default", nn.Linear(3, 4), randn(2, 5, 3))
    record("Linear/vector", nn.Linear(3, 4), randn(3))
    record("Linear/no_bias", nn.Linear(3, 4, bias=False), randn(2, 3), {"bias": False})
    record("Embedding/default", nn.Embedding(6, 3), ids)
    record("Embedding/padding_idx", nn.Embedding(6, 3, padding_idx=2), ids, {"padding_idx": 2})
    record("Embedding/padding_negative", nn.Embedding(6, 3, padding_idx=-1), ids, {"padding_idx": -1})
    record("Embedding/frequency", nn.Embedding(6, 3, scale_grad_by_freq=True), ids, {"scale_grad_by_freq": True})
    record("Embedding/padding_frequency", nn.Embedding(6, 3, padding_idx=0, scale_grad_by_freq=True), ids,
           {"padding_idx": 0, "scale_grad_by_freq": True})
    for norm_type in (2.0, 1.0, 3.0, float("inf")):
        record(f"Embedding/max_norm{norm_type}", nn.Embedding(6, 3, max_norm=0.8, norm_type=norm_type), ids,
               {"max_norm": 0.8, "norm_type": norm_type})


def norms():
    for sizes in ((5,), (3, 5), (2, 3, 5)):
        for name in ("LayerNorm", "RMSNorm"):
            record(f"{name}/axes{len(sizes)}", getattr(nn, name)(sizes), randn(2, 2, 3, 5), {"sizes": list(sizes)})
    record("LayerNorm/eps", nn.LayerNorm(5, eps=0.1), randn(4, 5), {"sizes": [5], "eps": 0.1})
    record("LayerNorm/no_affine", nn.LayerNorm(5, elementwise_affine=False), randn(4, 5), {"sizes": [5], "affine": False})
    record("LayerNorm/no_affine_axes", nn.LayerNorm((4, 5), elementwise_affine=False), randn(2, 4, 5), {"sizes": [4, 5], "affine": False})
    record("LayerNorm/no_bias", nn.LayerNorm(5, bias=False), randn(4, 5), {"sizes": [5], "bias": False})
    record("LayerNorm/vector", nn.LayerNorm(5), randn(5), {"sizes": [5]})
    record("LayerNorm/wide", nn.LayerNorm(67), randn(2, 67), {"sizes": [67]})
    record("RMSNorm/eps", nn.RMSNorm(5, eps=0.1), randn(4, 5), {"sizes": [5], "eps": 0.1})
    record("RMSNorm/no_affine", nn.RMSNorm(5, elementwise_affine=False), randn(4, 5), {"sizes": [5], "affine": False})
    record("RMSNorm/wide", nn.RMSNorm(67), randn(2, 67), {"sizes": [67]})

    for name, shapes in (("BatchNorm1d", ((5, 3), (4, 3, 6), (40, 19))),
                         ("BatchNorm2d", ((3, 3, 2, 4), (2, 17, 5, 7))), ("BatchNorm3d", ((2, 3, 2, 1, 3),))):
        cls = getattr(nn, name)
        for i, shape in enumerate(shapes):
            c = shape[1]
            record(f"{name}/train{i}", cls(c), randn(*shape), {"c": c})
            record(f"{name}/eval{i}", cls(c).eval(), randn(*shape), {"c": c})
        shape = shapes[0]
        for label, options in (("eps", {"eps": 0.1}), ("momentum", {"momentum": 0.3}), ("cumulative", {"momentum": None}),
                               ("no_affine", {"affine": False}), ("no_bias", {"bias": False}),
                               ("no_track", {"track_running_stats": False})):
            filed = {"c": 3, **{k: -1.0 if v is None else v for k, v in options.items()}}
            for mode in (True, False):
                record(f"{name}/{label}_{'train' if mode else 'eval'}", cls(3, **options).train(mode), randn(*shape), filed)
        later = cls(3, momentum=None)
        later.num_batches_tracked.fill_(4)
        record(f"{name}/cumulative_fifth", later, randn(*shape), {"c": 3, "momentum": -1.0})
    record("BatchNorm1d/no_sample", nn.BatchNorm1d(3), randn(0, 3), {"c": 3})
    record("BatchNorm2d/no_pixel", nn.BatchNorm2d(3), randn(2, 3, 0, 4), {"c": 3})
    for shape, groups in (((3, 4, 2, 3), 2), ((2, 6, 5), 3), ((3, 4), 2), ((2, 3, 2, 3), 1), ((2, 6, 19), 6), ((5, 38), 2),
                          ((2, 4, 2, 2, 3), 2)):
        c = shape[1]
        record(f"GroupNorm/{len(shape)}axes{c}in{groups}", nn.GroupNorm(groups, c), randn(*shape), {"groups": groups, "c": c})
    for label, options in (("eps", {"eps": 0.1}), ("no_affine", {"affine": False}), ("no_bias", {"bias": False})):
        record(f"GroupNorm/{label}", nn.GroupNorm(2, 4, **options), randn(2, 4, 3), {"groups": 2, "c": 4, **options})
    record("GroupNorm/eval", nn.GroupNorm(2, 4).eval(), randn(2, 4, 3), {"groups": 2, "c": 4})
    record("GroupNorm/no_sample", nn.GroupNorm(2, 4), randn(0, 4, 3), {"groups": 2, "c": 4})
    for name, shape in (("InstanceNorm1d", (2, 3, 5)), ("InstanceNorm2d", (2, 3, 2, 4)), ("InstanceNorm3d", (2, 3, 2, 1, 3))):
        cls = getattr(nn, name)
        for label, options in (("default", {}), ("eps", {"eps": 0.1}), ("affine", {"affine": True}),
                               ("no_bias", {"affine": True, "bias": False}), ("track", {"track_running_stats": True}),
                               ("momentum", {"track_running_stats": True, "momentum": 0.3}),
                               ("no_momentum", {"track_running_stats": True, "momentum": None}),
                               ("track_affine", {"affine": True, "track_running_stats": True})):
            filed = {"c": 3, **{k: -1.0 if v is None else v for k, v in options.items()}}
            for mode in (True, False):
                record(f"{name}/{label}_{'train' if mode else 'eval'}", cls(3, **options).train(mode), randn(*shape), filed)
        record(f"{name}/single", cls(3, affine=True), randn(*shape[1:]), {"c": 3, "affine": True})
        record(f"{name}/single_track", cls(3, track_running_stats=True), randn(*shape[1:]), {"c": 3, "track_running_stats": True})


def containers():
    record("Sequential/mlp", nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 4), nn.Tanh()), nn.Linear(4, 2)), randn(5, 3))

    class Lists(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([nn.Linear(3, 3), nn.LayerNorm(3)])
            self.heads = nn.ModuleDict({"b": nn.Linear(3, 2), "a": nn.Linear(3, 2)})

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return self.heads["a"](x) - self.heads["b"](x)

    record("Lists/both", Lists(), randn(5, 3))


for group in (activations, shapes, tables, norms, containers):
    group()
parity.write(here / "nn_layers.safetensors")
