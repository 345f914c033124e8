#!/usr/bin/env python3
"""Writes optim_f64.safetensors: optimizer steps on given gradients, in float64.

    python3 tests/golden/generate_optim.py           # needs torch 2.13 and safetensors

CASE/p0 and CASE/p1 are two parameters after each of the 60 steps, stacked; start/p0, start/p1 are what they begin with and
grad/0, grad/1 their gradients, one a step. p1 has no gradient in steps 0 and 2. The cases' options stand in CASES below
and in the test. Of PyTorch, or, where it has none, the authors' formula, written out below: Lamb, Lion, ScheduleFreeAdamW.
PyTorch's Muon works in bfloat16; here that is float64, too. clip/in, clip/out, clip/norm: clip_grad_norm_ to 1.
"""

import pathlib

import torch
from safetensors.torch import save_file



class Formula(torch.optim.Optimizer):
    """An optimizer that is update(p, g, state, t, **options); t counts the steps of p from 1."""

    def __init__(self, parameters, foreach=False, **options):
        super().__init__(parameters, options)

    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                state["t"] = state.get("t", 0) + 1
                options = {k: v for k, v in group.items() if k != "params"}
                with torch.no_grad():
                    self.update(p, p.grad, state, state["t"], **options)


class Lamb(Formula):
    """You et al. 2020, algorithm 2, with the corrections of Adam; phi is the identity."""

    def update(self, p, g, s, t, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0):
        s["m"] = betas[0] * s.get("m", 0) + (1 - betas[0]) * g
        s["v"] = betas[1] * s.get("v", 0) + (1 - betas[1]) * g * g
        r = s["m"] / (1 - betas[0] ** t) / ((s["v"] / (1 - betas[1] ** t)).sqrt() + eps) + weight_decay * p
        trust = p.norm() / r.norm() if p.norm() > 0 and r.norm() > 0 else 1.0
        p -= lr * trust * r


class Lion(Formula):
    """Chen et al. 2023, algorithm 2."""

    def update(self, p, g, s, t, lr, betas=(0.9, 0.99), weight_decay=0.0):
        m = s.get("m", torch.zeros_like(p))
        c = betas[0] * m + (1 - betas[0]) * g
        p -= lr * (c.sign() + weight_decay * p)
        s["m"] = betas[1] * m + (1 - betas[1]) * g


class ScheduleFreeAdamW(Formula):
    """Defazio et al. 2024: the parameters are y, where gradients are taken; CASE/x is what is evaluated.
    As schedulefree.AdamWScheduleFree: r = 0, weight_lr_power = 2."""

    def update(self, y, g, s, t, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, warmup_steps=0):
        z = s.setdefault("z", y.clone())
        x = s.setdefault("x", y.clone())
        s["v"] = betas[1] * s.get("v", 0) + (1 - betas[1]) * g * g
        lr = lr * min(1.0, t / warmup_steps) if warmup_steps else lr
        s["lr_max"] = max(lr, s.get("lr_max", 0.0))
        weight = s["lr_max"] ** 2
        s["sum"] = s.get("sum", 0.0) + weight
        c = weight / s["sum"] if s["sum"] > 0 else 0.0
        d = g / ((s["v"] / (1 - betas[1] ** t)).sqrt() + eps) + weight_decay * y
        z -= lr * d
        x.copy_((1 - c) * x + c * z)
        y.copy_(betas[0] * x + (1 - betas[0]) * z)


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
    "adam_amsgrad": (torch.optim.Adam, dict(lr=0.05, amsgrad=True)),
    "adam_maximize": (torch.optim.Adam, dict(lr=0.05, weight_decay=0.1, maximize=True)),
    "adamw_amsgrad": (torch.optim.AdamW, dict(lr=0.05, betas=(0.5, 0.7), weight_decay=0.3, amsgrad=True, maximize=True)),
    "sgd_maximize": (torch.optim.SGD, dict(lr=0.01, momentum=0.8, weight_decay=0.05, maximize=True)),
    "rmsprop": (torch.optim.RMSprop, dict(lr=0.02)),
    "rmsprop_centered": (torch.optim.RMSprop, dict(lr=0.02, alpha=0.9, weight_decay=0.1, momentum=0.8, centered=True)),
    "rmsprop_momentum": (torch.optim.RMSprop, dict(lr=0.02, eps=1e-3, momentum=0.9)),
    "rmsprop_maximize": (torch.optim.RMSprop, dict(lr=0.02, alpha=0.9, weight_decay=0.1, centered=True, maximize=True)),
    "adagrad": (torch.optim.Adagrad, dict(lr=0.1)),
    "adagrad_decay": (torch.optim.Adagrad, dict(
        lr=0.1, lr_decay=0.05, weight_decay=0.1, initial_accumulator_value=0.5, eps=1e-3, maximize=True)),
    "lion": (Lion, dict(lr=0.01)),
    "lion_decay": (Lion, dict(lr=0.01, betas=(0.8, 0.9), weight_decay=0.3)),
    "lamb": (Lamb, dict(lr=0.02)),
    "lamb_decay": (Lamb, dict(lr=0.02, betas=(0.5, 0.7), eps=1e-3, weight_decay=0.3)),
    "schedule_free": (ScheduleFreeAdamW, dict(lr=0.05)),
    "schedule_free_decay": (ScheduleFreeAdamW, dict(
        lr=0.05, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.3, warmup_steps=10)),
}
MUON = {
    "muon": dict(lr=0.02),
    "muon_plain": dict(lr=0.02, weight_decay=0.0, momentum=0.8, nesterov=False, ns_steps=3),
    "muon_matched": dict(lr=0.02, adjust_lr_fn="match_rms_adamw"),
}
STEPS = 60


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
        if kind is ScheduleFreeAdamW:
            out[f"{name}/x0"], out[f"{name}/x1"] = (optimizer.state[p]["x"].clone() for p in parameters)
    torch.Tensor.bfloat16 = lambda x: x.clone()
    for name, options in MUON.items():
        parameters = [start[0].clone().requires_grad_(), start[0].T.clone().requires_grad_()]
        optimizer = torch.optim.Muon(parameters, **options)
        seen = [[], []]
        for step in range(STEPS):
            parameters[0].grad, parameters[1].grad = grads[0][step].clone(), grads[0][step].T.clone()
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
