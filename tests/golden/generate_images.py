#!/usr/bin/env python3
"""Writes the files in images/: PNG and JPEG files as Pillow makes them, and the pixels that it reads, as .npy.

    python3 tests/golden/generate_images.py            # needs Pillow and NumPy
    python3 tests/golden/generate_images.py check FILE # what gloss's write_image wrote must open; prints it
"""

import pathlib
import sys

import numpy as np
from PIL import Image

here = pathlib.Path(__file__).with_name("images")


def main():
    here.mkdir(exist_ok=True)
    y, x = np.mgrid[0:12, 0:18]
    rgb = np.stack([14 * x, 20 * y, 255 - 7 * x - 10 * y], axis=-1).clip(0, 255).astype(np.uint8)
    alpha = np.where((x + y) % 3 == 0, 255, 40).astype(np.uint8)
    pictures = dict(rgb=Image.fromarray(rgb), grey=Image.fromarray(rgb[..., 0]),
                    rgba=Image.fromarray(np.dstack([rgb, alpha])), grey_alpha=Image.fromarray(np.dstack([rgb[..., 1], alpha]), "LA"))
    for name, image in pictures.items():
        image.save(here / f"{name}.png")
        np.save(here / f"{name}_png.npy", np.asarray(image))
    pictures["rgb"].quantize(8).save(here / "palette.png")
    np.save(here / "palette_png.npy", np.asarray(Image.open(here / "palette.png").convert("RGB")))
    for name, options in dict(rgb={}, grey={}, progressive=dict(progressive=True)).items():
        path = here / f"{name}.jpg"
        pictures["grey" if name == "grey" else "rgb"].save(path, quality=95, subsampling=0, **options)
        np.save(here / f"{name}_jpg.npy", np.asarray(Image.open(path)))


if sys.argv[1:2] == ["check"]:
    for path in sys.argv[2:]:
        x = np.asarray(Image.open(path))
        print(path, x.shape, x.reshape(-1)[:6].tolist(), float(x.mean()))
else:
    main()
