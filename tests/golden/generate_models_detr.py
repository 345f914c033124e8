"""Makes tests/golden/models/detr*: python3 generate_models_detr.py. Needs torch 2.13, transformers 5.24 and SciPy.

detr_original has the weights of detr under the names of the original's files; detr_paper is a model whose decoder layers
hand on what they computed, and not its norm, as the original's do.
"""

import torch
from generate_models_resnet import images, with_statistics
from models_support import FOLDER, dump
from safetensors.torch import load_file, save_file
from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig
from transformers.models.detr.modeling_detr import DetrDecoder, DetrDecoderOutput


def model(eyes=None, **options):
    eyes = ResNetConfig(**{**dict(embedding_size=4, hidden_sizes=[4, 6, 8], depths=[1, 1, 1], layer_type="basic",
                                  out_features=["stage3"]), **(eyes or {})})
    sizes = dict(use_timm_backbone=False, backbone_config=eyes, num_queries=6, d_model=8, encoder_layers=2,
                 encoder_ffn_dim=12, encoder_attention_heads=2, decoder_layers=2, decoder_ffn_dim=10,
                 decoder_attention_heads=2, num_labels=3, attn_implementation="eager")
    made = with_statistics(DetrForObjectDetection(DetrConfig(**{**sizes, **options})))
    for p in made.parameters():  # all of them get gradients
        p.requires_grad_(True)
    return made


def target(labels, boxes):
    return {"class_labels": torch.tensor(labels, dtype=torch.int64),
            "boxes": torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4)}


FEW = [target([2, 0], [[0.3, 0.4, 0.25, 0.5], [0.7, 0.6, 0.5, 0.2]]), target([1], [[0.5, 0.5, 0.9, 0.75]])]
NONE_AND_MANY = [target([], []), target([0, 1, 2, 2, 0], [[0.2, 0.2, 0.25, 0.3], [0.8, 0.3, 0.1, 0.2], [0.5, 0.5, 1, 1],
                                                          [0.3, 0.7, 0.25, 0.25], [0.8, 0.8, 0.4, 0.3]])]

def record(name, made, inputs, labels):
    torch.set_default_dtype(torch.float64)  # what the loss makes of its own
    dump(name, made, inputs, {"labels": labels}, ("logits", "pred_boxes", "last_hidden_state", "encoder_last_hidden_state"))
    torch.set_default_dtype(torch.float32)


def layer_outputs(self, inputs_embeds=None, encoder_hidden_states=None, encoder_attention_mask=None,
                  spatial_position_embeddings=None, object_queries_position_embeddings=None, **_):
    x, seen = inputs_embeds, []
    for layer in self.layers:
        x = layer(x, None, spatial_position_embeddings, object_queries_position_embeddings, encoder_hidden_states)
        seen.append(self.layernorm(x))
    return DetrDecoderOutput(last_hidden_state=seen[-1], intermediate_hidden_states=torch.stack(seen))


def original_names(weights):
    """Weights as transformers writes them, as the original's file has them."""
    out = {}
    for name, w in weights.items():
        if "q_proj" in name:
            parts = [weights[name.replace("q_proj", f"{k}_proj")] for k in "qkv"]
            name, w = name.replace("q_proj.", "in_proj_"), torch.cat(parts)
        elif "k_proj" in name or "v_proj" in name:
            continue
        decoder = ".decoder." in name
        for theirs, ours in (("model.backbone.conv_encoder.model.", "backbone.0.body."),
                             ("embedder.embedder.convolution", "conv1"), ("embedder.embedder.normalization", "bn1"),
                             ("shortcut.convolution", "downsample.0"), ("shortcut.normalization", "downsample.1"),
                             *((f"encoder.stages.{i}.layers.", f"layer{i + 1}.") for i in range(4)),
                             *((f"layer.{i}.convolution", f"conv{i + 1}") for i in range(3)),
                             *((f"layer.{i}.normalization", f"bn{i + 1}") for i in range(3)),
                             ("model.input_projection", "input_proj"),
                             ("model.query_position_embeddings", "query_embed"),
                             ("model.decoder.layernorm", "transformer.decoder.norm"),
                             ("model.encoder.", "transformer.encoder."), ("model.decoder.", "transformer.decoder."),
                             ("self_attn_layer_norm", "norm1"), ("encoder_attn_layer_norm", "norm2"),
                             ("final_layer_norm", "norm3" if decoder else "norm2"), ("encoder_attn", "multihead_attn"),
                             ("fc1", "linear1"), ("fc2", "linear2"), ("class_labels_classifier", "class_embed"),
                             ("bbox_predictor", "bbox_embed")):
            name = name.replace(theirs, ours)
        out[name] = w.contiguous()
    return out


def main():
    torch.manual_seed(1)
    mask = torch.ones(2, 36, 44, dtype=torch.int64)
    mask[0, 20:], mask[1, :, 30:] = 0, 0
    x = images(2, 3, 36, 44)
    record("detr", model(), {"pixel_values": x, "pixel_mask": mask}, FEW)
    record("detr_bottleneck", model(
        eyes=dict(layer_type="bottleneck", hidden_sizes=[8, 8, 12]), activation_function="gelu",
        position_embedding_type="learned", eos_coefficient=0.4, bbox_loss_coefficient=3, giou_loss_coefficient=1,
        class_cost=2, bbox_cost=1, giou_cost=3), {"pixel_values": x}, NONE_AND_MANY)
    record("detr_auxiliary", model(auxiliary_loss=True, decoder_layers=3), {"pixel_values": x, "pixel_mask": mask},
         NONE_AND_MANY)
    forward, DetrDecoder.forward = DetrDecoder.forward, layer_outputs
    record("detr_paper", model(auxiliary_loss=True), {"pixel_values": x}, FEW)
    DetrDecoder.forward = forward
    folder = FOLDER / "detr_original"
    folder.mkdir(exist_ok=True)
    save_file(original_names(load_file(FOLDER / "detr" / "model.safetensors")), folder / "model.safetensors")


if __name__ == "__main__":
    main()
