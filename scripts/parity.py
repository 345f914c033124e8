#!/usr/bin/env python3
"""Files what a PyTorch module does on a batch, for gloss to be compared with: io/parity.hpp and tests/golden.

    python3 scripts/parity.py my_model.py parity.safetensors    # my_model.py defines `model`, `inputs`, perhaps `kwargs`

or from Python, where this file is on the path:

    import parity
    parity.dump(model, [x], "parity.safetensors")               # one batch, every layer's output and its gradient
    parity.record("Linear/no_bias", nn.Linear(3, 2, bias=False), [x], {"in": 3, "out": 2})  # many cases in one file
    parity.write("layers.safetensors")

Below a case's name stand:

    keys                   the names of the state dict in their order, joined by newlines, as bytes
    state/KEY              parameters and buffers before the forward
    state_after/KEY        the buffers that the forward has changed
    input/I, input/NAME    tensors among the arguments, by position and by keyword
    output (output/I)      what the module returns; numbered where it returns several tensors, lists within lists too
    d_output (d_output/I)  the gradient that backward starts from: random numbers that depend on the case's name only
    d_input/I, d_state/KEY gradients; zeros where PyTorch has none because nothing depends on it
    option/NAME            what the C++ side must know to make the layer, and `training`
    activation/LAYER       output of each named submodule (the first tensor, where there are several) and its gradient
    d_activation/LAYER     ... for the second call of a layer LAYER@1, then LAYER@2, ...
    calls/LAYER            the numbers of its calls, in the order in which the calls of all layers ended

Everything is computed and filed in float64, unless asked otherwise; integers as int64, masks as bool.
"""

import contextlib
import copy
import fnmatch
import pathlib
import sys
import zlib
from collections.abc import Iterable

import torch
from safetensors.torch import save_file

out = {}


def encoded(value):
    """An option as a tensor: numbers and lists of them; a text as its bytes."""
    if isinstance(value, str):
        return torch.tensor(list(value.encode()), dtype=torch.uint8)
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    x = torch.tensor(value)
    return x.to(torch.float64 if x.is_floating_point() else torch.int64)


def flattened(result):
    """The tensors of a result, in order; what is no tensor is left out."""
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, dict):
        result = result.values()
    return [x for part in result for x in flattened(part)] if isinstance(result, Iterable) else []


def tensors_of(result):
    """The same by the end of their keys: "" for a single one, "/0", "/1", ... for several."""
    found = flattened(result)
    return {"": found[0]} if len(found) == 1 else {f"/{i}": x for i, x in enumerate(found)}


class Listener:
    """Keeps the output of each named submodule and its gradient, call by call."""

    def __init__(self, module, layers):
        self.calls, self.number, self.handles = [], {}, []
        for name, child in module.named_modules():
            if name and fnmatch.fnmatchcase(name, layers):
                self.handles.append(child.register_forward_hook(self.hook(name)))

    def hook(self, name):
        def heard(_module, _inputs, result):
            found = flattened(result)
            if not found:
                return
            y = found[0]
            number = self.number.get(name, 0)
            self.number[name] = number + 1
            call = {"name": name, "key": name if number == 0 else f"{name}@{number}", "y": y.detach().clone(), "d": None}
            if y.requires_grad:
                call["d"] = torch.zeros_like(y)
                y.register_hook(lambda g: call.update(d=g.detach().clone()))
            self.calls.append(call)

        return heard

    def file(self, case):
        for handle in self.handles:
            handle.remove()
        order = {}
        for position, call in enumerate(self.calls):
            order.setdefault(call["name"], []).append(position)
            out[f"{case}/activation/{call['key']}"] = call["y"]
            if call["d"] is not None:
                out[f"{case}/d_activation/{call['key']}"] = call["d"]
        for name, positions in order.items():
            out[f"{case}/calls/{name}"] = torch.tensor(positions)


def record(case, module, inputs, options={}, kwargs={}, activations=False, dtype=torch.float64, loss=None, constant=(),
           layers="*"):
    """Runs module(*inputs, **kwargs) and its backward, and files everything under `case`.

    inputs, kwargs: tensors are filed; other values are only passed on. constant: positions and names of inputs whose
    gradient is not wanted. loss: a function of the result to start backward from, instead of a random d_output.
    activations: every submodule's output too, of those whose name matches `layers`. The module itself is not changed.
    """
    if f"{case}/keys" in out:
        raise ValueError(f"parity: case {case} is recorded twice")
    inputs = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)
    module = copy.deepcopy(module)
    if dtype is not None:
        module = module.to(dtype)
    for p in module.parameters():
        p.grad = None

    def kept(x):
        return x.detach().to(dtype if dtype is not None and x.is_floating_point() else x.dtype).clone()

    found = {"keys": encoded("\n".join(module.state_dict()))}
    before = {name: x.detach().clone() for name, x in module.state_dict().items()}
    found |= {f"state/{name}": x for name, x in before.items()}
    found |= {f"option/{name}": encoded(value) for name, value in {"training": module.training, **options}.items()}
    leaves = {}

    def argument(name, value):
        if not isinstance(value, torch.Tensor):
            return value
        leaf = kept(value)
        found[f"input/{name}"] = leaf.clone()
        if not leaf.is_floating_point() or name in constant:
            return leaf
        leaves[name] = leaf.requires_grad_()
        return leaf.clone()  # not a leaf, so that the module may change it in place

    listener = Listener(module, layers) if activations else None
    with torch.enable_grad(), fallback_kernels():
        result = module(*(argument(i, x) for i, x in enumerate(inputs)), **{k: argument(k, x) for k, x in kwargs.items()})
        outputs = tensors_of(result)
        for name, x in module.state_dict().items():
            if not torch.equal(x, before[name]) and not bool(torch.isnan(x).any()):
                found[f"state_after/{name}"] = x.detach().clone()
        generator = torch.Generator().manual_seed(zlib.crc32(case.encode()))
        found |= {f"output{end}": y.detach().clone() for end, y in outputs.items()}
        differentiable = {end: y for end, y in outputs.items() if y.requires_grad}
        d_outputs = {}
        if loss is None:
            for end, y in differentiable.items():
                d_outputs[end] = torch.randn(y.shape, generator=generator, dtype=torch.float64).to(y.dtype)
            if differentiable:
                torch.autograd.backward(list(differentiable.values()), list(d_outputs.values()))
        else:
            for y in differentiable.values():
                y.retain_grad()
            loss(result).backward()
            d_outputs = {end: torch.zeros_like(y) if y.grad is None else y.grad for end, y in differentiable.items()}
    found |= {f"d_output{end}": d for end, d in d_outputs.items()}
    if differentiable:
        for name, leaf in leaves.items():
            found[f"d_input/{name}"] = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        for name, p in module.named_parameters():
            if p.requires_grad:
                found[f"d_state/{name}"] = torch.zeros_like(p) if p.grad is None else p.grad
    for name, x in found.items():
        out[f"{case}/{name}"] = x
    if listener:
        listener.file(case)
    return result


@contextlib.contextmanager
def fallback_kernels():
    """PyTorch's plain path: no fused inference kernels that skip submodules."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was)


def write(path):
    """Writes all that was recorded and forgets it."""
    path = pathlib.Path(path)
    save_file({key: x.detach().contiguous().clone() for key, x in out.items()}, path)
    print(f"{path.name}: {sum(key.endswith('/keys') for key in out)} cases, {path.stat().st_size} bytes")
    out.clear()


def dump(model, inputs, path, kwargs={}, dtype=torch.float64, loss=None, layers="*"):
    """One batch of a whole model with every layer's output and gradient, to be read by gloss::io::Parity."""
    kept = dict(out)
    out.clear()
    record("parity", model, inputs, kwargs=kwargs, activations=True, dtype=dtype, loss=loss, layers=layers)
    write(path)
    out.update(kept)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n\n")[1])
    source, path = sys.argv[1:]
    sys.path.insert(0, str(pathlib.Path(source).resolve().parent))
    names = {"__name__": pathlib.Path(source).stem, "__file__": source}
    exec(compile(pathlib.Path(source).read_text(), source, "exec"), names)
    for wanted in ("model", "inputs"):
        if wanted not in names:
            sys.exit(f"parity: {source} does not define `{wanted}`")
    dump(names["model"], names["inputs"], path, kwargs=names.get("kwargs", {}), loss=names.get("loss"))


if __name__ == "__main__":
    main()
