#!/usr/bin/env python3
"""Writes transforms.safetensors: images as Pillow resizes, crops, turns and colours them.

    python3 tests/golden/generate_transforms.py  # needs Pillow 12, NumPy and safetensors

KIND/N/... are cases with their options; the images that they start from are image/NAME, bytes [height, width, channels].
Images of numbers are Pillow's mode F, [height, width]. Pillow 13 resizes the columns of tall images before their rows,
which rounds some bytes the other way.
"""

import colorsys
import pathlib

import numpy as np
from PIL import Image, ImageEnhance
from safetensors.numpy import save_file

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(20)
out = {}
filters = {"nearest": Image.Resampling.NEAREST, "box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR,
           "bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}


def smooth_image(height, width, channels):
    y, x = np.mgrid[0:height, 0:width]
    planes = [120 + 90 * np.sin(0.5 * x + c) * np.cos(0.3 * y - c) + rng.normal(0, 30, (height, width)) for c in range(channels)]
    return np.stack(planes, axis=-1).clip(0, 255).astype(np.uint8)


images = {"rgb": smooth_image(13, 17, 3), "grey": smooth_image(10, 24, 1), "tall": rng.integers(0, 256, (21, 6, 3), dtype=np.uint8)}
numbers = rng.normal(0, 1, (11, 15)).astype(np.float32)


def pillow(image):
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def pixels(image):
    x = np.asarray(image)
    return x if x.ndim == 3 else x[..., None]


def resizes():
    for name, image in images.items():
        out[f"image/{name}"] = image
        for filter_name, which in filters.items():
            for height, width in ((5, 7), (20, 23), (13, 9), (1, 1), (31, 6)):
                out[f"resize/{name}/{filter_name}/{height}/{width}"] = pixels(pillow(image).resize((width, height), which))
    out["image/numbers"] = numbers
    for filter_name, which in filters.items():
        for height, width in ((4, 6), (25, 31), (11, 3)):
            out[f"resize/numbers/{filter_name}/{height}/{width}"] = np.asarray(Image.fromarray(numbers).resize((width, height), which))


def rotations():
    for name, image in {**images, "numbers": numbers}.items():
        for filter_name in ("nearest", "bilinear"):
            for degrees, fill in ((0, 0), (30, 0), (-45.5, 0), (90, 0), (180, 0), (270, 0), (372.25, 7)):
                source = Image.fromarray(image) if name == "numbers" else pillow(image)
                turned = source.rotate(degrees, filters[filter_name], fillcolor=(fill,) * 3 if source.mode == "RGB" else fill)
                out[f"rotate/{name}/{filter_name}/{degrees}/{fill}"] = np.asarray(turned) if name == "numbers" else pixels(turned)


# torchvision's, which is not here, by its definitions: bytes through Pillow, numbers by formula.
def hue_of_bytes(image, shift):
    h, s, v = image.convert("HSV").split()
    turned = (np.asarray(h).astype(np.int16) + int(shift * 255)) % 256
    return Image.merge("HSV", (Image.fromarray(turned.astype(np.uint8)), s, v)).convert("RGB")


def luminance(x):
    return x if x.shape[0] == 1 else 0.2989 * x[0:1] + 0.587 * x[1:2] + 0.114 * x[2:3]


def blend(x, other, factor):
    return (factor * x + (1 - factor) * other).clip(0, 1)


def hue_of_numbers(x, shift):
    if x.shape[0] == 1:
        return x
    pixels_of = x.reshape(3, -1)
    turned = [colorsys.hsv_to_rgb((h + shift) % 1, s, v) for h, s, v in (colorsys.rgb_to_hsv(*p) for p in pixels_of.T)]
    return np.array(turned).T.reshape(x.shape)


def colors():
    by_bytes = {"brightness": lambda x, f: ImageEnhance.Brightness(x).enhance(f), "contrast": lambda x, f: ImageEnhance.Contrast(x).enhance(f),
                "saturation": lambda x, f: ImageEnhance.Color(x).enhance(f), "hue": lambda x, f: x if x.mode == "L" else hue_of_bytes(x, f)}
    by_numbers = {"brightness": lambda x, f: blend(x, 0, f), "contrast": lambda x, f: blend(x, luminance(x).mean(), f),
                  "saturation": lambda x, f: blend(x, luminance(x), f) if x.shape[0] == 3 else x, "hue": hue_of_numbers}
    for kind, f in by_bytes.items():
        for amount in (-0.5, -0.1, 0.03, 0.5) if kind == "hue" else (0.0, 0.35, 1.0, 1.6, 30.0):
            for name in ("rgb", "grey", "colors"):
                out[f"{kind}/{name}/{amount}"] = pixels(f(pillow(images[name]), amount))
                if name == "rgb":
                    continue
                x = images[name].transpose(2, 0, 1).astype(np.float64) / 255
                out[f"{kind}_numbers/{name}/{amount}"] = np.broadcast_to(by_numbers[kind](x, amount), x.shape)


images["colors"] = np.array([[[r, g, b] for g in (0, 1, 77, 254, 255) for b in (0, 3, 130, 255)] for r in (0, 2, 128, 255)], dtype=np.uint8)
out["image/colors"] = images["colors"]
colors()
del images["colors"]
resizes()
rotations()
out = {k: np.ascontiguousarray(v) for k, v in out.items()}
save_file(out, here / "transforms.safetensors")
print(len(out), "tensors,", (here / "transforms.safetensors").stat().st_size, "bytes")
