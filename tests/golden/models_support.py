"""What the goldens of models share: a folder for each case, with config.json and model.safetensors as transformers saves
them, and golden.safetensors: what went in (in/), what came out (out/), the loss, and the gradient of each weight under the
name and in the layout of the file (grad/). Numbers are computed in double from the weights of the file."""

import pathlib
import shutil
import tempfile

import torch
from safetensors.torch import load_file, save_file

FOLDER = pathlib.Path(__file__).resolve().parent / "models"


def spread(model, seed):
    """Weights as random as a trained model's: also biases and norms differ from 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.2 * torch.randn(p.shape, generator=generator))


def flat(name, value):
    """Tensors by their names; lists and dictionaries of them with a dot and the place or the key."""
    if isinstance(value, torch.Tensor):
        return {name: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {k: v for key, item in items for k, v in flat(f"{name}.{key}", item).items()}


def dump(name, model, inputs, loss_inputs=None, outputs=("logits",), seed=0, train=False, said=None):
    """inputs and loss_inputs: keyword arguments of the model. Without a loss of the model's own, the loss is the sum of
    the outputs times random numbers, in/w_NAME. A loss_dict of the model's is among the outputs. said: for said/NAME, what
    generate() says, its options, which may be other inputs."""
    spread(model, seed)
    model.train(train)
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    model.double()
    golden = {k: v for key, item in {**inputs, **(loss_inputs or {})}.items() for k, v in flat(f"in/{key}", item).items()}
    out = model(**inputs, **(loss_inputs or {}))
    golden |= {f"said/{k}": model.generate(**{**inputs, **v}) for k, v in (said or {}).items()}
    generator = torch.Generator().manual_seed(seed + 1)
    loss = out.loss if loss_inputs else 0
    golden |= {f"out/{k}": v.detach().double() for k, v in (out.get("loss_dict") or {}).items()}
    for key in outputs:
        golden[f"out/{key}"] = out[key].detach()
        if not loss_inputs:
            w = torch.randn(out[key].shape, generator=generator, dtype=torch.float64)
            golden[f"in/w_{key}"] = w
            loss = loss + (out[key] * w).sum()
    loss.backward()
    golden["loss"] = loss.detach()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.grad if p.grad is not None else torch.zeros_like(p))
        for b in model.buffers():  # has no gradient
            b.fill_(float("nan") if b.is_floating_point() else -1)
    with tempfile.TemporaryDirectory() as other:
        model.save_pretrained(other)
        golden |= {f"grad/{k}": v for k, v in load_file(f"{other}/model.safetensors").items()
                   if v.is_floating_point() and not v.isnan().any()}
    save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")


class Called:
    """A model that is called through f(model, **inputs), for dump()."""

    def __init__(self, model, f):
        self.model, self.f = model, f

    def __call__(self, **inputs):
        return self.f(self.model, **inputs)

    def __getattr__(self, name):
        return getattr(self.model, name)


def numbered(name, tensors):
    """A list as outputs of their own: name_0, name_1, ..."""
    return {f"{name}_{i}": x for i, x in enumerate(tensors)}
