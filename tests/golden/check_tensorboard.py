#!/usr/bin/env python3
"""Shows what TensorBoard reads of a folder of event files.

    pip install tensorboard
    python3 tests/golden/check_tensorboard.py FOLDER
"""

import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0})
events.Reload()
tags = events.Tags()
for tag in tags["scalars"]:
    print("scalar", tag, [(e.step, round(e.value, 6)) for e in events.Scalars(tag)][-5:])
for tag in tags["histograms"]:
    h = events.Histograms(tag)[-1].histogram_value
    print("histogram", tag, h.min, h.max, h.num, h.sum, h.sum_squares, len(h.bucket_limit), sum(h.bucket))
for tag in tags["images"]:
    image = events.Images(tag)[-1]
    print("image", tag, image.width, "x", image.height, len(image.encoded_image_string), "bytes")
for tag in tags["tensors"]:
    print("tensor", tag, events.Tensors(tag)[-1].tensor_proto.string_val, events.SummaryMetadata(tag).plugin_data.plugin_name)
