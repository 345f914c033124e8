#!/usr/bin/env python3
"""Writes the files in npy/, as NumPy makes them, and checks files that gloss made.

    python3 tests/golden/generate_npy.py             # needs NumPy
    python3 tests/golden/generate_npy.py check FILE  # what gloss's save_npy or save_npz wrote must load; prints it

Element i of an array of n has the value (7 i + 3) mod 101, minus 50 where the type has a sign, plus i / 4 where it is
floating point; of a boolean array it is (i mod 3 == 1).
"""

import pathlib
import sys

import numpy as np

here = pathlib.Path(__file__).with_name("npy")


def values(shape, dtype):
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    kind = np.dtype(dtype).kind
    if kind == "b":
        v = i % 3 == 1
    else:
        v = (7 * i + 3) % 101 - (50 if kind in "ifc" else 0) + (i / 4 if kind in "fc" else 0)
    return v.astype(dtype).reshape(shape)


def main():
    here.mkdir(exist_ok=True)
    for name, shape, dtype in [
            ("b1", (2, 5), "?"), ("u1", (3, 4), "u1"), ("i1", (7,), "i1"), ("i2", (2, 3), "<i2"), ("u2", (2, 3), "<u2"),
            ("i4", (2, 3), "<i4"), ("u4", (3,), "<u4"), ("i8", (3, 2), "<i8"), ("u8", (3,), "<u8"), ("f2", (2, 3), "<f2"),
            ("f4", (2, 3, 4), "<f4"), ("f8", (2, 3), "<f8"), ("f4_big", (2, 3), ">f4"), ("f8_big", (5,), ">f8"),
            ("i4_big", (2, 2), ">i4"), ("i8_big", (3,), ">i8"), ("f2_big", (4,), ">f2"), ("scalar", (), "<f8"),
            ("empty", (0,), "<f4"), ("empty3", (2, 0, 3), "<i8"), ("c8", (2,), "<c8"), ("U2", (2,), "<U2"),
            ("M8", (2,), "<M8[s]"), ("eight", (1, 2, 1, 2, 1, 2, 1, 2), "<f4"), ("nine", (1,) * 9, "<f4")]:
        np.save(here / f"{name}.npy", values(shape, dtype) if name not in ("U2", "M8") else np.zeros(shape, dtype))
    np.save(here / "fortran.npy", np.asfortranarray(values((2, 3, 4), "<f4")))
    np.save(here / "fortran_big.npy", np.asfortranarray(values((3, 2), ">i4")))
    np.save(here / "records.npy", np.zeros(2, dtype=[("x", "<f4"), ("y", "<i4")]))
    for version in ((2, 0), (3, 0)):
        with open(here / f"version{version[0]}.npy", "wb") as f:
            np.lib.format.write_array(f, values((2, 3), "<f4"), version=version)
    arrays = dict(weight=values((2, 3), "<f4"), ids=values((5,), "<i8"), mask=values((3, 3), "?"))
    np.savez(here / "stored.npz", **arrays)
    np.savez_compressed(here / "deflated.npz", **arrays, zeros=np.zeros((40, 50), "<f8"))
    np.savez(here / "none.npz")


def check(path):
    loaded = np.load(path)
    for name, x in (loaded.items() if isinstance(loaded, np.lib.npyio.NpzFile) else [("array", loaded)]):
        print(f"{name} {x.dtype.str} {x.shape} {x.flatten()[:6].tolist()}")


if sys.argv[1:2] == ["check"]:
    for path in sys.argv[2:]:
        check(path)
else:
    main()
