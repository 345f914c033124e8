#!/usr/bin/env python3
"""Writes the files beside it: the first 300 training and 100 test images of Fashion-MNIST, for the tests.

    python3 examples/image_classifier/data/make_slice.py "$(scripts/install_fashion_mnist.sh)"
"""

import gzip
import pathlib
import struct
import sys

source, target = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent
for part, count in ("train", 300), ("t10k", 100):
    for kind, axes in ("images-idx3", 3), ("labels-idx1", 1):
        name = f"{part}-{kind}-ubyte.gz"
        data = gzip.open(source / name).read()
        header = 4 + 4 * axes
        size = 28 * 28 if axes == 3 else 1
        slice = data[:4] + struct.pack(">I", count) + data[8:header] + data[header:header + count * size]
        (target / name).write_bytes(gzip.compress(slice, 9, mtime=0))
