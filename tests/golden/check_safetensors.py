#!/usr/bin/env python3
"""Checks gloss's safetensors files against the reference implementation.

    python3 tests/golden/check_safetensors.py FILE...     # each must open in the safetensors package, names printed
"""

import sys

from safetensors import safe_open

for path in sys.argv[1:]:
    with safe_open(path, framework="pt") as file:
        print(path, file.metadata())
        for name in file.keys():
            x = file.get_tensor(name)
            print(f"  {name!r} {x.dtype} {list(x.shape)} {x.flatten()[:4].tolist()}")
