#!/usr/bin/env python3
"""Writes the files in torch/, as PyTorch makes them, and checks files that gloss made.

    python3 tests/golden/generate_torch_files.py             # needs torch and safetensors
    python3 tests/golden/generate_torch_files.py check FILE  # torch.load(weights_only=True) must take it; prints it

expected.safetensors has the tensors of state.pt and checkpoint.pt dense, under the names that gloss gives them.
"""

import argparse
import collections
import pathlib
import sys
import warnings
import zipfile

import torch

here = pathlib.Path(__file__).with_name("torch")
warnings.filterwarnings("ignore")


def values(shape, dtype):
    """As in generate_npy.py."""
    i = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
    if dtype == torch.bool:
        return (i % 3 == 1).reshape(shape)
    v = (7 * i + 3) % 101
    if dtype.is_signed:
        v = v - 50
    if dtype.is_floating_point:
        v = v + i / 4
    return v.to(dtype).reshape(shape)


def state():
    s = collections.OrderedDict()
    for name in ("float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool uint16 uint32 uint64 "
                 "float8_e4m3fn float8_e5m2").split():
        s[name] = values((2, 3), getattr(torch, name))
    s["half.limits"] = torch.tensor([float("inf"), float("-inf"), float("nan"), 65504, 6e-8, -0.0, 1 / 3]).half()
    s["scalar"] = torch.tensor(2.5)
    s["empty"] = torch.zeros(0, 3)
    base = values((4, 6), torch.float32)
    s["base"] = base
    s["turned"] = base.t()
    s["every"] = base[1:, ::2]
    s["expanded"] = base[2:3].expand(3, 6)
    s["tail"] = base.flatten()[5:]
    s["permuted"] = values((2, 3, 4), torch.int64).permute(2, 0, 1)
    s["tied.a"] = s["tied.b"] = torch.nn.Parameter(values((3, 2), torch.float32))
    noted = values((3,), torch.float32)
    noted.note = "this one has attributes"
    s["noted"] = noted
    return s


def checkpoint():
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2, bias=False))
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.StepLR(adam, 2)
    model(torch.randn(5, 3)).sum().backward()
    adam.step()
    schedule.step()
    return {"epoch": 3, "model": model.state_dict(), "optimizer": adam.state_dict(), "schedule": schedule.state_dict(),
            "args": {"lr": 0.1, "name": "toy", "amp": False, "note": None, "steps": 2 ** 40, "seed": 2 ** 100},
            "losses": [0.5, 0.25], "best": (torch.tensor([1.0, 2.0]), [torch.tensor(3)]), "empty": {},
            "shape": torch.Size([2, 3]), "device": torch.device("cpu"), "count": collections.Counter("aab"),
            "names": {"a"}, "rng": torch.arange(8, dtype=torch.uint8), "raw": b"bytes"}


def flat(value, name=""):
    if isinstance(value, torch.Tensor):
        yield name, value.detach()
    elif isinstance(value, (dict, list, tuple)):
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from flat(entry, f"{name}.{key}" if name else str(key))


def main():
    import safetensors.torch
    here.mkdir(exist_ok=True)
    torch.save(state(), here / "state.pt")
    torch.save(state(), here / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(checkpoint(), here / "checkpoint.pt")
    small = {"w": values((2, 3), torch.float32), "ids": values((4,), torch.int64)}
    torch.save(small, here / "protocol4.pt", pickle_protocol=4)
    torch.save(small, here / "legacy4.pt", pickle_protocol=4, _use_new_zipfile_serialization=False)
    torch.save(small["w"], here / "single.pt")
    torch.save(torch.nn.Linear(2, 2), here / "module.pt")
    torch.save({**small, "args": argparse.Namespace(rate=1)}, here / "namespace.pt")
    torch.save({"sparse": small["w"].to_sparse(), "quantised": torch.quantize_per_tensor(small["w"], 0.1, 0, torch.qint8),
                "complex": torch.zeros(2, 3, dtype=torch.complex64), "meta": torch.empty(2, device="meta"),
                "w": small["w"]}, here / "others.pt")
    with zipfile.ZipFile(here / "protocol4.pt") as old, \
            zipfile.ZipFile(here / "deflated.pt", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)
    expected = {f"{file}/{name}": x.contiguous().clone()
                for file, value in (("state", state()), ("checkpoint", checkpoint())) for name, x in flat(value)}
    safetensors.torch.save_file(expected, here / "expected.safetensors")


def check(path):
    for name, x in flat(torch.load(path, weights_only=True)):
        print(f"{name} {x.dtype} {tuple(x.shape)} {x.flatten()[:6].tolist()} storage {x.untyped_storage().data_ptr() % 64}")


if sys.argv[1:2] == ["check"]:
    for path in sys.argv[2:]:
        check(path)
else:
    main()
