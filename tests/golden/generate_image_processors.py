#!/usr/bin/env python3
"""Writes image_processors.safetensors and image_processors/NAME/preprocessor_config.json: images as transformers' image
processors that work with Pillow prepare them.

    python3 tests/golden/generate_image_processors.py  # needs Pillow 12 (13 rounds otherwise) and transformers 5.24

image/NAME are bytes [height, width, channels]; CASE/NAME is what the processor of CASE makes of that image.
"""

import json
import pathlib
import shutil

import numpy as np
from safetensors.numpy import save_file
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(22)


def smooth_image(height, width):
    y, x = np.mgrid[0:height, 0:width]
    planes = [120 + 90 * np.sin(0.5 * x + c) * np.cos(0.3 * y - c) + rng.normal(0, 30, (height, width))
              for c in range(3)]
    return np.stack(planes, axis=-1).clip(0, 255).astype(np.uint8)


images = {"wide": smooth_image(19, 31), "tall": smooth_image(27, 14), "little": smooth_image(5, 8)}
out = {f"image/{name}": image for name, image in images.items()}
processors = {
    "vit": ViTImageProcessorPil(size={"height": 12, "width": 10}),
    "bit": BitImageProcessorPil(size={"shortest_edge": 14}, crop_size={"height": 11, "width": 11}),
    "clip": CLIPImageProcessorPil(size={"shortest_edge": 9}, crop_size={"height": 12, "width": 9}),
    "deit": DeiTImageProcessorPil(size={"height": 13, "width": 13}, crop_size={"height": 10, "width": 10}, resample=1),
    "limited": ViTImageProcessorPil(size={"shortest_edge": 10, "longest_edge": 15}, resample=4, do_rescale=False),
    "crop_alone": ViTImageProcessorPil(do_resize=False, do_center_crop=True, crop_size={"height": 10, "width": 9},
                                       do_normalize=False, rescale_factor=1 / 127.5),
    "nearest": ViTImageProcessorPil(size={"height": 7, "width": 9}, resample=0, do_rescale=False, do_normalize=False),
}
shutil.rmtree(here / "image_processors", ignore_errors=True)
for name, processor in processors.items():
    processor.save_pretrained(here / "image_processors" / name)
# as files were before there were names in a size
for name, config in {
        "old_square": {"feature_extractor_type": "ViTFeatureExtractor", "do_resize": True, "size": 12, "resample": 3,
                       "do_normalize": True, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]},
        "old_edge": {"feature_extractor_type": "CLIPFeatureExtractor", "do_resize": True, "size": 12, "resample": 3,
                     "do_center_crop": True, "crop_size": 10, "do_normalize": True, "image_mean": [0.48, 0.45, 0.40],
                     "image_std": [0.26, 0.26, 0.27]}}.items():
    folder = here / "image_processors" / name
    folder.mkdir()
    (folder / "preprocessor_config.json").write_text(json.dumps(config, indent=2) + "\n")
    processors[name] = (CLIPImageProcessorPil if "CLIP" in config["feature_extractor_type"] else
                        ViTImageProcessorPil).from_pretrained(folder)
for case, processor in processors.items():
    for name, image in images.items():
        out[f"{case}/{name}"] = np.array(processor(image, return_tensors="np")["pixel_values"][0])
save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, here / "image_processors.safetensors")
