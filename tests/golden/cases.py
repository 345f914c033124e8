"""Records cases of ops for the ops_*.safetensors files: inputs, result and gradients as PyTorch gives them.

A case is OP/NUMBER/...: inputs under their names (x, or a and b, ...), the output y, a random cotangent dy and the
gradient of sum(y * dy) by each differentiable input, d + its name. Options are int64 scalars or vectors (axis, keepdim,
causal, ...) or float64 scalars (eps, exponent, ...). Ids are int64, masks bool. An option that does not stand there has
PyTorch's default; a reduction without an axis is over everything. count/OP says how many cases an op has.
"""

import pathlib

import torch
from safetensors.torch import save_file

out = {}
counts = {}
generator = torch.Generator().manual_seed(2017)


def randn(*shape):
    return torch.randn(shape, generator=generator)


def positive(*shape):
    return torch.rand(shape, generator=generator) * 3 + 0.1


def integers(high, *shape):
    return torch.randint(0, high, shape, generator=generator)


def flags(*shape):
    return torch.rand(shape, generator=generator) < 0.6


def option(value):
    return torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else torch.int64)


def case(op, f, inputs, **options):
    """Runs y = f(**inputs) and files everything under op/number."""
    number = counts.get(op, 0)
    counts[op] = number + 1
    leaves = {k: v.clone().requires_grad_(v.is_floating_point()) for k, v in inputs.items()}
    y = f(**leaves)
    found = {**inputs, "y": y.detach(), **{k: option(v) for k, v in options.items()}}
    if y.requires_grad:
        found["dy"] = randn(*y.shape)
        y.backward(found["dy"])
        for k, v in leaves.items():
            if v.requires_grad:
                found["d" + k] = torch.zeros_like(v) if v.grad is None else v.grad
    for k, v in found.items():
        out[f"{op}/{number}/{k}"] = v.contiguous().clone()


def write(name, groups):
    """Runs the functions that call case() and writes tests/golden/<name>."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    for group in groups:
        group()
    for op, n in counts.items():
        out["count/" + op] = torch.tensor(n)
    for key, x in out.items():
        if x.is_floating_point() and not x.isfinite().all():
            print("not finite:", key, x)
    path = pathlib.Path(__file__).with_name(name)
    save_file(out, path)
    print(path.name, path.stat().st_size, "bytes,", *(f"{op} {n}" for op, n in counts.items()))
