"""Makes tests/golden/models/swin*: python3 generate_models_swin.py. Needs torch 2.13 and transformers 5.24.

Attention goes through scaled_dot_product_attention, since transformers' own code rounds the weights to float."""

import torch
from models_support import Called, dump, numbered
from transformers import SwinConfig, SwinForImageClassification, SwinModel


def config(**options):
    return SwinConfig(**{**dict(image_size=16, patch_size=2, num_channels=3, embed_dim=4, depths=[2, 2],
                                num_heads=[1, 2], window_size=3, mlp_ratio=2.0, attn_implementation="sdpa"), **options})


def images(*shape):
    return {"pixel_values": torch.randn(shape, dtype=torch.float64)}


def states(stages):
    return ("last_hidden_state", "pooler_output", *(f"hidden_{i}" for i in range(stages + 1)))


def with_states(model, **inputs):
    out = model(**inputs, output_hidden_states=True)
    return {**out, **numbered("hidden", out.hidden_states)}


def resized(model, **inputs):
    return with_states(model, **inputs, interpolate_pos_encoding=True)


def shrunk(model, **inputs):
    """transformers shrinks a window to the map, but not its bias, and fails; here it is that of the first places."""
    side = model.config.window_size
    for stage in model.encoder.layers:
        for layer in stage.blocks:
            def bias(layer=layer, whole=layer.attention.relative_position_bias.forward):
                w = layer.window_size
                return whole().view(1, -1, side, side, side, side)[:, :, :w, :w, :w, :w].reshape(1, -1, w * w, w * w)
            layer.attention.relative_position_bias.forward = bias
    return with_states(model, **inputs)


torch.manual_seed(1)
# a patch, windows and pairs that the sides are no multiples of: 15 x 22 pixels, maps of 8 x 11 and 4 x 6
dump("swin", Called(SwinModel(config()), with_states), images(2, 3, 15, 22), outputs=states(2))
dump("swin_even", Called(SwinModel(config(qkv_bias=False, hidden_act="gelu_new", layer_norm_eps=1e-3, mlp_ratio=1.7,
                                          num_channels=1, patch_size=4, image_size=32, window_size=2, depths=[1, 3],
                                          use_absolute_embeddings=True)), with_states),
     images(2, 1, 32, 32), outputs=states(2))
dump("swin_resized", Called(SwinModel(config(use_absolute_embeddings=True, window_size=2, depths=[1, 1, 1],
                                             num_heads=[2, 2, 4])), resized),
     images(1, 3, 12, 20), outputs=states(3))
# maps of 6 x 8 and 3 x 4, windows of 4 x 4
dump("swin_shrunk", Called(SwinModel(config(window_size=4)), shrunk), images(2, 3, 12, 16), outputs=states(2))
dump("swin_classes", SwinForImageClassification(config(num_labels=3)), images(2, 3, 16, 16),
     {"labels": torch.tensor([2, 0])})
