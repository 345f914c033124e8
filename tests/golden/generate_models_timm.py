"""Makes tests/golden/models/timm_*: python3 generate_models_timm.py. Needs torch 2.13 and timm 1.0."""

import timm
import torch
from models_support import FOLDER, spread
from safetensors.torch import save_file

torch.manual_seed(1)


def dump(name, **options):
    model = timm.models.VisionTransformer(img_size=8, patch_size=4, embed_dim=8, depth=2, num_heads=2, num_classes=3,
                                          mlp_ratio=1.5, **options)
    spread(model, 0)
    model.eval()
    folder = FOLDER / name
    folder.mkdir(exist_ok=True)
    save_file(model.state_dict(), folder / "model.safetensors")
    model.double()
    x, w = torch.randn(2, 3, 8, 8, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64)
    y = model(x)
    (y * w).sum().backward()
    save_file({"in/x": x, "in/w": w, "out/logits": y.detach(),
               **{f"grad/{k}": p.grad for k, p in model.named_parameters()}}, folder / "golden.safetensors")


dump("timm_token")
dump("timm_mean", global_pool="avg", reg_tokens=2, no_embed_class=True, init_values=0.3, qkv_bias=False)
dump("timm_no_class", global_pool="avg", class_token=False, fc_norm=False)
