"""Makes tests/golden/models/{vit,dinov2,vit_mae}*: python3 generate_models_vit.py. Needs torch 2.13 and transformers
5.24."""

import functools

import torch
from models_support import FOLDER, dump
from safetensors.torch import load_file, save_file
from transformers import (Dinov2Config, Dinov2ForImageClassification, Dinov2Model, Dinov2WithRegistersConfig,
                          Dinov2WithRegistersForImageClassification, Dinov2WithRegistersModel, ViTConfig,
                          ViTForImageClassification, ViTMAEConfig, ViTMAEForPreTraining, ViTModel)
from transformers.models.dinov2 import modeling_dinov2
from transformers.models.dinov2_with_registers import modeling_dinov2_with_registers
from transformers.models.vit import modeling_vit
from transformers.models.vit_mae import modeling_vit_mae


class InDouble:
    """torch, whose float32 is float64: these models compute softmax and positions in float whatever they are given."""

    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


for module in (modeling_dinov2, modeling_dinov2_with_registers, modeling_vit, modeling_vit_mae):
    module.torch = InDouble()

SMALL = dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, num_channels=3, attn_implementation="eager")


def add(name, tensors):
    """More tensors to a case's golden."""
    path = FOLDER / name / "golden.safetensors"
    save_file({**load_file(path), **{k: v.detach().contiguous() for k, v in tensors.items()}}, path)


def with_options(model, **options):
    """The model, which is always called with these options."""
    model.forward = functools.partial(model.forward, **options)
    return model


def images(height, width, channels=3, batch=2):
    return {"pixel_values": torch.randn(batch, channels, height, width, dtype=torch.float64)}


def vit(**options):
    return ViTConfig(**{**SMALL, "intermediate_size": 12, "image_size": 8, "patch_size": 4, **options})


torch.manual_seed(1)
trunk = ("last_hidden_state", "pooler_output")
x = images(8, 8)
model = ViTModel(vit())
dump("vit", model, x, outputs=trunk)
model = ViTModel.from_pretrained(FOLDER / "vit", attn_implementation="eager").double()
add("vit", {"out/attentions": torch.stack(model(**x, output_attentions=True).attentions)})
dump("vit_pooler", ViTModel(vit(pooler_output_size=5, pooler_act="relu", hidden_act="gelu_new", qkv_bias=False,
                                num_channels=1, image_size=9, patch_size=3)), images(9, 9, 1), outputs=trunk)
dump("vit_classes", ViTForImageClassification(vit(num_labels=3, layer_norm_eps=1e-6)), x, {"labels": torch.tensor([2, 0])})
for name, size in (("vit_odd", (17, 10)), ("vit_tall", (28, 4))):
    dump(name, with_options(ViTForImageClassification(vit(num_labels=3, image_size=12)), interpolate_pos_encoding=True),
         images(*size), {"labels": torch.tensor([1, 2])})
dump("vit_number", ViTForImageClassification(vit(num_labels=1)), x, {"labels": torch.tensor([0.5, -1]).double()})
dump("vit_many_labels", ViTForImageClassification(vit(num_labels=3, problem_type="multi_label_classification")), x,
     {"labels": torch.tensor([[1, 0, 1], [0, 0, 0]]).double()})


def dino(config=Dinov2Config, **options):
    return config(**{**SMALL, "mlp_ratio": 2, "image_size": 12, "patch_size": 4, "layerscale_value": 0.5, **options})


features = ("last_hidden_state",)
dump("dinov2", Dinov2Model(dino()), images(12, 12), outputs=features)
masked = torch.tensor([[0, 1, 1, 0, 0, 1], [1, 0, 0, 0, 0, 0]])
dump("dinov2_gated", with_options(Dinov2Model(dino(use_swiglu_ffn=True, qkv_bias=False)), bool_masked_pos=masked.bool()),
     images(9, 13), outputs=features)
add("dinov2_gated", {"in/masked": masked})
dump("dinov2_classes", Dinov2ForImageClassification(dino(num_labels=3, use_mask_token=False)), images(20, 8),
     {"labels": torch.tensor([2, 0])})
registers = functools.partial(dino, Dinov2WithRegistersConfig, num_register_tokens=3)
dump("dinov2_registers", Dinov2WithRegistersModel(registers(image_size=20)), images(12, 10), outputs=features)
dump("dinov2_registers_classes", Dinov2WithRegistersForImageClassification(registers(num_labels=3)), images(13, 16),
     {"labels": torch.tensor([1, 0])})


def mae(**options):
    return ViTMAEConfig(**{**SMALL, "intermediate_size": 12, "image_size": 8, "patch_size": 2, "decoder_hidden_size": 12,
                           "decoder_num_attention_heads": 3, "decoder_num_hidden_layers": 2,
                           "decoder_intermediate_size": 10, **options})


def dump_mae(name, model, inputs, patches):
    noise = torch.rand(2, patches, dtype=torch.float64)
    dump(name, model, inputs, {"noise": noise})
    with torch.no_grad():
        out = type(model).from_pretrained(FOLDER / name).double()(
            **inputs, noise=noise, interpolate_pos_encoding=name == "vit_mae_resized")
    add(name, {"out/mask": out.mask.double(), "out/ids_restore": out.ids_restore})


dump_mae("vit_mae", ViTMAEForPreTraining(mae()), images(8, 8), 16)
dump_mae("vit_mae_normed", ViTMAEForPreTraining(mae(norm_pix_loss=True, mask_ratio=0.6, qkv_bias=False, num_channels=1)),
         images(8, 8, 1), 16)
dump_mae("vit_mae_resized", with_options(ViTMAEForPreTraining(mae()), interpolate_pos_encoding=True), images(10, 6), 15)
# the table that initialize_weights makes of these; transformers 5.24 skips that, and a new model has zeros
down, across = modeling_vit_mae.build_2d_sinusoidal_position_embedding(4, 4, 16, cls_token=True).chunk(2, -1)
save_file({"positions": torch.cat([across, down], -1).unsqueeze(0)}, FOLDER / "vit_mae" / "positions.safetensors")
