#!/usr/bin/env python3
"""Writes optim_f64.safetensors: optimizer steps on given gradients, from PyTorch in float64.

    python3 tests/golden/generate_optim.py           # needs torch 2.13 and safetensors

CASE/p0 and CASE/p1 are two parameters after each of the 6 steps, stacked; start/p0, start/p1 are what they begin with and
grad/0, grad/1 their gradients, one a step. p1 has no gradient in steps 0 and 2. The cases' options stand in
CASES below and in the test. clip/in, clip/out, clip/norm: clip_grad_norm_ to 1.
"""

import pathlib

import torch
from safetensors.torch import save_file

CASES = {
    "adam": (torch.optim.Adam, dict(lr=0.05)),
    "adam_noam": (torch.optim.Adam, dict(lr=0.3, betas=(0.9, 0.98), eps=1e-9)),
    "adam_decay": (torch.optim.Adam, dict(lr=0.05, betas=(0.5, 0.7), eps=1e-3, weight_decay=0.1)),
    "adamw": (torch.optim.AdamW, dict(lr=0.05)),
    "adamw_decay": (torch.optim.AdamW, dict(lr=0.05, betas=(0.5, 0.7), eps=1e-3, weight_decay=0.3)),
    "sgd": (torch.optim.SGD, dict(lr=0.1)),
    "sgd_decay": (torch.optim.SGD, dict(lr=0.1, weight_decay=0.2)),
    "sgd_momentum": (torch.optim.SGD, dict(lr=0.1, momentum=0.9)),
    "sgd_dampening": (torch.optim.SGD, dict(lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.05)),
    "sgd_nesterov": (torch.optim.SGD, dict(lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.05)),
}
STEPS = 6


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(5)
    start = [torch.randn(3, 7), torch.randn(5)]
    grads = [torch.randn(STEPS, *p.shape) for p in start]
    out = {"start/p0": start[0], "start/p1": start[1], "grad/0": grads[0], "grad/1": grads[1]}
    for name, (kind, options) in CASES.items():
        parameters = [p.clone().requires_grad_() for p in start]
        optimizer = kind(parameters, foreach=False, **options)
        seen = [[], []]
        for step in range(STEPS):
            for i, p in enumerate(parameters):
                p.grad = None if step in (0, 2) and i == 1 else grads[i][step].clone()
            optimizer.step()
            for i, p in enumerate(parameters):
                seen[i].append(p.detach().clone())
        out[f"{name}/p0"], out[f"{name}/p1"] = (torch.stack(s) for s in seen)
    p = torch.zeros(4, 3, requires_grad=True)
    q = torch.zeros(2, requires_grad=True)
    p.grad, q.grad = torch.randn(4, 3) * 3, torch.randn(2)
    out.update({"clip/in0": p.grad.clone(), "clip/in1": q.grad.clone()})
    out["clip/norm"] = torch.nn.utils.clip_grad_norm_([p, q], 1.0)
    out.update({"clip/out0": p.grad, "clip/out1": q.grad})
    path = pathlib.Path(__file__).with_name("optim_f64.safetensors")
    save_file({k: v.detach().contiguous() for k, v in out.items()}, path)
    print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
