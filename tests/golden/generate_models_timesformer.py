"""Makes tests/golden/models/timesformer*: python3 generate_models_timesformer.py. Needs torch 2.13 and transformers
5.24."""

import torch
from models_support import Called, dump, numbered
from transformers import TimesformerConfig, TimesformerForVideoClassification, TimesformerModel

LAYERS = 2


def config(**options):
    return TimesformerConfig(**{**dict(image_size=8, patch_size=4, num_channels=3, num_frames=3, hidden_size=8,
                                       num_hidden_layers=LAYERS, num_attention_heads=2, intermediate_size=12),
                                **options})


def video(*shape):
    return {"pixel_values": torch.randn(shape, dtype=torch.float64)}


def all_of(model, **inputs):
    """All states and weights; those through time transformers computes, too, but does not hand out."""
    time, handles = [], []
    for layer in model.encoder.layer:
        if model.config.attention_type == "divided_space_time":
            handles.append(layer.temporal_attention.attention.register_forward_hook(
                lambda module, args, out: time.append(module.forward(args[0], output_attentions=True)[1])))
    out = model(**inputs, output_hidden_states=True, output_attentions=True)
    for handle in handles:
        handle.remove()
    detached = {**numbered("space", out.attentions), **numbered("time", time)}
    return {"last_hidden_state": out.last_hidden_state, **numbered("hidden", out.hidden_states),
            **{k: x.detach() for k, x in detached.items()}}


def of_other_size(frames, width):
    """Divided attention takes its sizes from the configuration, which is told the video's once the model is made."""
    def call(model, **inputs):
        model.config.num_frames, model.config.image_size = frames, width
        return all_of(model, **inputs)
    return call


def outputs(*more):
    return ("last_hidden_state", *(f"hidden_{i}" for i in range(LAYERS + 1)),
            *(f"{name}_{i}" for name in more for i in range(LAYERS)))


torch.manual_seed(1)
dump("timesformer", Called(TimesformerModel(config()), all_of), video(2, 3, 3, 8, 8), outputs=outputs("space", "time"))
dump("timesformer_resized", Called(TimesformerModel(config(qkv_bias=False)), of_other_size(5, 13)),
     video(2, 5, 3, 9, 13), outputs=outputs("space", "time"))
dump("timesformer_joint", Called(TimesformerModel(config(attention_type="joint_space_time", hidden_act="gelu_new",
                                                         layer_norm_eps=1e-3)), all_of),
     video(2, 4, 3, 8, 8), outputs=outputs("space"))
dump("timesformer_frames", Called(TimesformerModel(config(attention_type="space_only", num_channels=1)), all_of),
     video(2, 2, 1, 8, 8), outputs=outputs("space"))
dump("timesformer_classes", TimesformerForVideoClassification(config(num_labels=3)), video(2, 3, 3, 8, 8),
     {"labels": torch.tensor([2, 0])})
