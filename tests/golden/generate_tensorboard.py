#!/usr/bin/env python3
"""Writes tensorboard.events, an event file as PyTorch's SummaryWriter writes it with TensorBoard's own messages.

    pip install tensorboard torch numpy pillow
    python3 tests/golden/generate_tensorboard.py
"""

import io
import struct
from pathlib import Path

import numpy
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard import summary as torch_summary

out = Path(__file__).parent / "tensorboard.events"
# Multiples of 1/1024, so that sums have the same bits in any order.
values = numpy.array([-2.5, -1, 0, 0, 1 / 1024, 0.5, 0.5, 3, 100], dtype=numpy.float64)
picture = io.BytesIO()
Image.fromarray(numpy.arange(24, dtype=numpy.uint8).reshape(2, 4, 3) * 10).save(picture, "PNG")

writer = SummaryWriter("/tmp/gloss-golden")  # for its edges of histograms
events = [
    Event(file_version="brain.Event:2"),
    Event(step=3, session_log=SessionLog(status=SessionLog.START)),
    Event(step=3, summary=torch_summary.scalar("loss/train", 0.1)),
    Event(step=1234567890123, summary=torch_summary.scalar("größe", -1e30)),
    Event(step=0, summary=torch_summary.scalar("first", 0)),
    Event(step=7, summary=torch_summary.histogram("weights", values, writer.default_bins)),
    Event(
        step=7,
        summary=Summary(
            value=[
                Summary.Value(
                    tag="picture",
                    image=Summary.Image(height=2, width=4, colorspace=3, encoded_image_string=picture.getvalue()),
                )
            ]
        ),
    ),
    Event(step=8, summary=torch_summary.text("note", "**bold** & größe")),
    Event(
        step=9,
        summary=Summary(
            value=[Summary.Value(tag="loss/validation", simple_value=0.5), Summary.Value(tag="accuracy/validation", simple_value=0.75)]
        ),
    ),
]
with out.open("wb") as file:
    for i, event in enumerate(events):
        event.wall_time = 1700000000.25 + i
        data = event.SerializeToString()
        length = struct.pack("<Q", len(data))
        file.write(length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data)))
print(out, out.stat().st_size, "bytes")
