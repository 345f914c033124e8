#!/usr/bin/env python3
"""What PyTorch takes for an epoch of `image_classifier train`, and what it reaches.

The same ResNet, optimizer, schedule, average of weights, data and augmentation as examples/image_classifier has at its
defaults, in PyTorch; the augmentation is done for a whole batch at once, which is the fastest way to do it there. In
turn, an epoch with the test images behind it, of one and of the other:

    python3 benchmarks/peers/image_classifier.py --program build/examples/image_classifier/image_classifier --threads 2

With --epochs 6 and no --program it trains to the end and prints the accuracy after each epoch.
"""

import argparse
import copy
import gzip
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import numpy
    import torch
except ImportError as error:
    sys.exit(f"{sys.argv[0]}: {error.name} is not installed")
from torch import nn
from torch.nn import functional as F

DATA = "/usr/share/datasets/fashion-mnist"


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.bn1, self.bn2, self.bn_shortcut = (nn.BatchNorm2d(outputs) for _ in range(3))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.bn_shortcut(self.shortcut(x)))


class ResNet(nn.Module):
    def __init__(self, channels=1, width=16, classes=10):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(*(Block(k * width, 2 * k * width, 1 if k == 1 else 2) for k in (1, 2, 4)))
        self.fc = nn.Linear(8 * width, classes)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.bn(self.conv(x)), 2))
        return self.fc(self.blocks(x).mean((2, 3)))


def read(folder, part):
    def idx(kind, offset):
        path = pathlib.Path(folder) / f"{part}-{kind}-ubyte.gz"
        return torch.from_numpy(numpy.frombuffer(gzip.open(path).read(), numpy.uint8, offset=offset).copy())

    return idx("images-idx3", 16).view(-1, 1, 28, 28), idx("labels-idx1", 8).long()


def augment(images):
    """The images, half of them mirrored, as numbers."""
    mirrored = torch.rand(len(images), 1, 1, 1) < 0.5
    return torch.where(mirrored, images.flip(3), images).float().div_(127.5).sub_(1)


class Training:
    def __init__(self, options, epochs):
        torch.manual_seed(options.seed)
        self.images, self.labels = read(options.data, "train")
        self.test_images, self.test_labels = read(options.data, "t10k")
        self.model = ResNet()
        self.average = copy.deepcopy(self.model)
        self.updates, self.batch = 0, 128
        steps = epochs * (len(self.images) // self.batch)
        self.sgd = torch.optim.SGD(self.model.parameters(), lr=0.2, momentum=0.9, weight_decay=5e-4, nesterov=True)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.sgd, 0.2, total_steps=steps + 1, pct_start=0.25, cycle_momentum=False)

    @torch.no_grad()
    def update_average(self):
        decay = min(0.998, (1 + self.updates) / (10 + self.updates)) if self.updates else 0.0
        self.updates += 1
        own = [t for t in [*self.average.parameters(), *self.average.buffers()] if t.is_floating_point()]
        new = [t for t in [*self.model.parameters(), *self.model.buffers()] if t.is_floating_point()]
        torch._foreach_lerp_(own, new, 1 - decay)

    def epoch(self):
        """Seconds, and the accuracy of the averaged weights."""
        begin = time.perf_counter()
        self.model.train()
        order = torch.randperm(len(self.images))
        for i in range(0, len(order) - self.batch + 1, self.batch):
            batch = order[i:i + self.batch]
            loss = F.cross_entropy(self.model(augment(self.images[batch])), self.labels[batch], label_smoothing=0.1)
            self.sgd.zero_grad()
            loss.backward()
            self.sgd.step()
            self.schedule.step()
            self.update_average()
        self.average.eval()
        with torch.no_grad():
            right = sum((self.average(x.float() / 127.5 - 1).argmax(1) == y).sum().item()
                        for x, y in zip(self.test_images.split(250), self.test_labels.split(250)))
        return time.perf_counter() - begin, right / len(self.test_images)


def program_epoch(options):
    with tempfile.TemporaryDirectory() as folder:
        out = subprocess.run(
            [options.program, "train", "--data", options.data, "--epochs", "1", "-c", f"{folder}/m.safetensors"],
            env={**os.environ, "OMP_NUM_THREADS": str(options.threads)}, check=True, capture_output=True, text=True)
    return float(re.search(r"after ([0-9.]+) s", out.stdout).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", help="image_classifier, built")
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} threads", flush=True)
    if not options.program:
        training = Training(options, options.epochs or 6)
        for epoch in range(options.epochs or 6):
            seconds, accuracy = training.epoch()
            print(f"epoch {epoch + 1}: {seconds:.1f} s, accuracy {100 * accuracy:.2f} %", flush=True)
        return
    own, others = [], []
    for _ in range(options.rounds):
        own.append(program_epoch(options))
        others.append(Training(options, 1).epoch()[0])
        print(f"gloss {own[-1]:.1f} s, PyTorch {others[-1]:.1f} s", flush=True)
    print(f"an epoch: gloss {statistics.median(own):.1f} s, PyTorch {statistics.median(others):.1f} s, "
          f"ratio {statistics.median(others) / statistics.median(own):.2f}")


main()
