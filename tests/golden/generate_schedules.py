#!/usr/bin/env python3
"""Writes schedules.safetensors: learning rates over 60 steps, from PyTorch.

    python3 tests/golden/generate_schedules.py       # needs torch 2.13 and safetensors

CASE/lr are the rates of two groups, which begin with 0.1 and 0.025, before the first and after each of 60 calls of step();
CASE/momentum is the momentum likewise. The options stand here and in the test. What PyTorch does not have is given by
LambdaLR and the formula of transformers' function of that name, or of the Annotated Transformer. plateau/metric is what
ReduceLROnPlateau is told.
"""

import math
import pathlib

import torch
from safetensors.torch import save_file
from torch.optim import lr_scheduler as lrs

STEPS = 60


def inverse_sqrt(warmup, timescale=None):
    timescale = timescale or warmup

    def factor(step):
        if step < warmup:
            return step / max(1, warmup)
        return 1.0 / math.sqrt((step + timescale - warmup) / timescale)

    return factor


def wsd(warmup, stable, decay, lowest, kind):
    def factor(step):
        if step < warmup:
            return step / max(1, warmup) * (1 - lowest) + lowest
        if step < warmup + stable:
            return 1.0
        if step < warmup + stable + decay:
            progress = (step - warmup - stable) / max(1, decay)
            f = {"linear": 1 - progress, "cosine": 0.5 * (1 + math.cos(math.pi * progress)),
                 "1-sqrt": 1 - math.sqrt(progress)}[kind]
            return max(0.0, f * (1 - lowest) + lowest)
        return lowest

    return factor


def cosine_with_warmup(warmup, total):
    def factor(step):
        if step < warmup:
            return step / max(1, warmup)
        return max(0.0, 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup))))

    return factor


def noam(step, d_model=512, warmup=20):
    step = max(step, 1)
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


def sequential(o):
    return lrs.SequentialLR(
        o, [lrs.LinearLR(o, 0.1, total_iters=8), lrs.CosineAnnealingLR(o, 30, 0.001), lrs.ExponentialLR(o, 0.9)], [10, 35])


CASES = {
    "step": lambda o: lrs.StepLR(o, 7, 0.5),
    "multi_step": lambda o: lrs.MultiStepLR(o, [30, 5, 30, 44], 0.3),
    "exponential": lambda o: lrs.ExponentialLR(o, 0.95),
    "linear": lambda o: lrs.LinearLR(o, 0.25, 0.75, 40),
    "linear_default": lambda o: lrs.LinearLR(o),
    "constant": lambda o: lrs.ConstantLR(o, 0.2, 13),
    "constant_default": lambda o: lrs.ConstantLR(o),
    "cosine": lambda o: lrs.CosineAnnealingLR(o, 60),
    "cosine_mirrored": lambda o: lrs.CosineAnnealingLR(o, 17, 0.01),
    "restarts": lambda o: lrs.CosineAnnealingWarmRestarts(o, 11, eta_min=0.001),
    "restarts_longer": lambda o: lrs.CosineAnnealingWarmRestarts(o, 5, 2),
    "one_cycle": lambda o: lrs.OneCycleLR(o, 0.3, 61),
    "one_cycle_three": lambda o: lrs.OneCycleLR(
        o, 0.3, 61, pct_start=0.25, anneal_strategy="linear", base_momentum=0.7, max_momentum=0.9, div_factor=10,
        final_div_factor=100, three_phase=True),
    "one_cycle_of_each": lambda o: lrs.OneCycleLR(o, [0.1, 0.025], 61, cycle_momentum=False),
    "polynomial": lambda o: lrs.PolynomialLR(o, 50, 2.5),
    "polynomial_default": lambda o: lrs.PolynomialLR(o),
    "inverse_sqrt": lambda o: lrs.LambdaLR(o, inverse_sqrt(12)),
    "inverse_sqrt_scale": lambda o: lrs.LambdaLR(o, inverse_sqrt(6, 30)),
    "noam": lambda o: lrs.LambdaLR(o, noam),
    "wsd_cosine": lambda o: lrs.LambdaLR(o, wsd(10, 20, 25, 0.1, "cosine")),
    "wsd_linear": lambda o: lrs.LambdaLR(o, wsd(5, 30, 25, 0.0, "linear")),
    "wsd_root": lambda o: lrs.LambdaLR(o, wsd(0, 40, 15, 0.2, "1-sqrt")),
    "warmup_cosine": lambda o: lrs.LambdaLR(o, cosine_with_warmup(12, 60)),
    "sequential": sequential,
    "chained": lambda o: lrs.ChainedScheduler(
        [lrs.ConstantLR(o, 0.5, 20), lrs.ExponentialLR(o, 0.97), lrs.StepLR(o, 15, 0.4)], optimizer=o),
}
PLATEAU = {
    "plateau": dict(factor=0.3, patience=2),
    "plateau_max": dict(mode="max", factor=0.5, patience=1, threshold=0.05, threshold_mode="abs", cooldown=3, min_lr=0.004),
    "plateau_eps": dict(factor=0.5, patience=0, threshold=0.1, eps=0.004),
}


def optimizer():
    parameters = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    groups = [dict(params=[p], lr=lr) for p, lr in zip(parameters, (0.1, 0.025))]
    return torch.optim.Adam(groups)


def rates(o):
    return [g["lr"] for g in o.param_groups]


def main():
    out = {}
    for name, make in CASES.items():
        o = optimizer()
        schedule = make(o)
        lr, momentum = [rates(o)], [o.param_groups[0]["betas"][0]]
        for _ in range(STEPS):
            o.step()
            schedule.step()
            lr.append(rates(o))
            momentum.append(o.param_groups[0]["betas"][0])
        out[name + "/lr"] = torch.tensor(lr, dtype=torch.float64)
        if name.startswith("one_cycle"):
            out[name + "/momentum"] = torch.tensor(momentum, dtype=torch.float64)
    torch.manual_seed(3)
    metric = 1 / (1 + torch.arange(STEPS, dtype=torch.float64) / 4) + torch.rand(STEPS, dtype=torch.float64) / 4
    metric[20] = math.nan
    out["plateau/metric"] = metric
    for name, options in PLATEAU.items():
        o = optimizer()
        schedule = lrs.ReduceLROnPlateau(o, **options)
        lr = [rates(o)]
        for m in metric.tolist():
            schedule.step(m)
            lr.append(rates(o))
        out[name + "/lr"] = torch.tensor(lr, dtype=torch.float64)
    path = pathlib.Path(__file__).with_name("schedules.safetensors")
    save_file(out, path)
    print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
