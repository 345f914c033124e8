#!/usr/bin/env python3
"""Writes gguf/blocks.gguf with the gguf package: metadata of every type, tensors of every type that gloss reads, and for
each NAME in blocks what the package makes of them, as NAME.expected; and gguf/quantized.gguf.

    python3 tests/golden/generate_gguf.py  # needs gguf and NumPy
"""

import pathlib

import gguf
import numpy as np

here = pathlib.Path(__file__).with_name("gguf")
rng = np.random.default_rng(5)


def blocks(kind, rows, per_row):
    """Random bytes with scales of sane size; of the first block all zeros, of the second scales that are subnormal."""
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    halves = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2],
              "Q6_K": [208]}[kind.name]
    data = rng.integers(0, 256, (rows * per_row, size), dtype=np.uint8)
    for at in halves:
        scales = (rng.normal(size=rows * per_row) / 50).astype(np.float16)
        scales[1] = 3e-7
        data[:, at:at + 2] = scales.view(np.uint8).reshape(-1, 2)
    data[0] = 0
    return data.reshape(rows, per_row * size)


def quantized():
    """quantized.gguf: numbers, and the blocks that the package makes of them."""
    x = rng.normal(size=(4, 96)).astype(np.float32)
    x[1] *= np.linspace(0, 1e-3, 96, dtype=np.float32)
    x[2, :32] = 0
    x[3, 5] = 100
    w = gguf.GGUFWriter(here / "quantized.gguf", "toy")
    w.add_tensor("x", x)
    for name in ("Q4_0", "Q8_0"):
        kind = gguf.GGMLQuantizationType[name]
        w.add_tensor(name, gguf.quantize(x, kind), raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main():
    here.mkdir(exist_ok=True)
    w = gguf.GGUFWriter(here / "blocks.gguf", "toy")
    w.add_uint8("v.uint8", 200)
    w.add_int8("v.int8", -100)
    w.add_uint16("v.uint16", 60000)
    w.add_int16("v.int16", -30000)
    w.add_uint32("v.uint32", 4000000000)
    w.add_int32("v.int32", -2000000000)
    w.add_uint64("v.uint64", 2 ** 63 + 1)
    w.add_int64("v.int64", -2 ** 62)
    w.add_float32("v.float32", 0.1)
    w.add_float64("v.float64", 0.1)
    w.add_bool("v.bool", True)
    w.add_string("v.text", "größe")
    w.add_array("v.texts", ["a", "", "größe"])
    w.add_array("v.numbers", [1, -2, 3])
    w.add_array("v.reals", [0.5, -2.0])
    w.add_array("v.flags", [True, False])
    for name, dtype in [("f32", np.float32), ("f16", np.float16), ("f64", np.float64), ("i8", np.int8),
                        ("i16", np.int16), ("i32", np.int32), ("i64", np.int64)]:
        w.add_tensor(name, (np.arange(6) * 3 - 7).astype(dtype).reshape(2, 3))
    bf16 = ((np.arange(6) * 3 - 7).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).reshape(2, 3)
    w.add_tensor("bf16", bf16.view(np.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16)
    for name in "Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q4_K Q5_K Q6_K".split():
        kind = gguf.GGMLQuantizationType[name]
        data = blocks(kind, 2, 2 if name.endswith("K") else 4)
        w.add_tensor(name, data, raw_dtype=kind)
        w.add_tensor(f"{name}.expected", gguf.dequantize(data, kind).astype(np.float32))
    # A type that gloss does not read.
    w.add_tensor("other", rng.integers(0, 256, (2, 84), dtype=np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q2_K)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


main()
quantized()
