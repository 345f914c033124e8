"""Averages of weights by torch.optim.swa_utils: writes train.safetensors."""

import pathlib

import torch
from safetensors.torch import save_file
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(1)
weights = torch.randn(6, 2, 3, dtype=torch.float64)
out = {"average/weights": weights}
for name, function in [("ema", get_ema_multi_avg_fn(0.9)), ("mean", None)]:
    model = torch.nn.Linear(3, 2, bias=False).double()
    average = AveragedModel(model, multi_avg_fn=function)
    values = []
    for w in weights:
        with torch.no_grad():
            model.weight.copy_(w)
        average.update_parameters(model)
        values.append(average.module.weight.detach().clone())
    out["average/" + name] = torch.stack(values)

save_file(out, pathlib.Path(__file__).parent / "train.safetensors")
