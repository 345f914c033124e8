#!/usr/bin/env python3
"""char_gpt beside the same model in PyTorch: tokens per second, in turn, and the loss after the same steps.

Both train from the weights that char_gpt draws, on the same pieces of the same text, with the same AdamW and schedule,
in float32 on PyTorch's fused kernels (scaled_dot_product_attention, fused AdamW, cross_entropy).

    python3 benchmarks/peers/char_gpt.py --build build --text README.md --threads 2          # speed
    python3 benchmarks/peers/char_gpt.py --build build --text README.md --steps 200 --loss   # held-out loss of both
"""

import argparse
import json
import math
import os
import pathlib
import struct
import subprocess
import tempfile
import time

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--build", default="build", type=pathlib.Path)
parser.add_argument("--text", required=True, type=pathlib.Path)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--steps", type=int, default=20, help="measured at a time, or trained with --loss")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--loss", action="store_true", help="compare held-out losses instead of speed")
for name, value in [("layers", 4), ("width", 256), ("heads", 4), ("context", 256), ("batch", 8)]:
    parser.add_argument("--" + name, type=int, default=value)
o = parser.parse_args()
torch.set_num_threads(o.threads)
LR, DECAY, WARMUP, SEED, HELD_OUT = 1e-3, 0.1, 20, 1, 0.1


def philox(counter, stream, seed):
    """The words of a block of gloss's random stream (core/rng.hpp)."""
    c = [counter & 0xFFFFFFFF, counter >> 32, stream & 0xFFFFFFFF, stream >> 32]
    k = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def words(seed, stream):
    block = 0
    while True:
        yield from philox(block, stream, seed)
        block += 1


def below(stream, n):
    product = next(stream) * n
    if product & 0xFFFFFFFF < n:
        reject = (1 << 32) % n
        while product & 0xFFFFFFFF < reject:
            product = next(stream) * n
    return product >> 32


text = torch.tensor(list(o.text.read_bytes()))
learnt = len(text) - int((HELD_OUT if o.loss else 0) * len(text))
in_epoch = max(learnt // o.context, o.batch * 1000) // o.batch  # batches
streams = {}


def pieces(starts):
    return tuple(torch.stack([text[s + k : s + k + o.context] for s in starts]) for k in (0, 1))


def batch(step):
    """Of the same step as char_gpt's; steps are asked for in order."""
    epoch = step // in_epoch
    stream = streams.setdefault(epoch, words(SEED, 0x73616D7000000000 + epoch))  # data/samplers.hpp
    return pieces([below(stream, learnt - o.context) for _ in range(o.batch)])


def held_out():
    left = min(len(text) - learnt, 20 * o.batch * o.context + 1)
    rows = [learnt + s for s in range(0, left - o.context, o.context)]
    return [pieces(rows[i : i + o.batch]) for i in range(0, len(rows), o.batch)]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(o.width), nn.LayerNorm(o.width)
        self.in_proj, self.out_proj = nn.Linear(o.width, 3 * o.width), nn.Linear(o.width, o.width)
        self.linear1, self.linear2 = nn.Linear(o.width, 4 * o.width), nn.Linear(4 * o.width, o.width)

    def forward(self, x):
        b, n, w = x.shape
        q, k, v = self.in_proj(self.norm1(x)).view(b, n, 3, o.heads, w // o.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out_proj(y.transpose(1, 2).reshape(b, n, w))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.characters, self.positions = nn.Embedding(256, o.width), nn.Embedding(o.context, o.width)
        self.layers = nn.ModuleList(Block() for _ in range(o.layers))
        self.norm, self.generator = nn.LayerNorm(o.width), nn.Linear(o.width, 256, bias=False)
        self.generator.weight = self.characters.weight

    def forward(self, ids):
        x = self.characters(ids) + self.positions.weight[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.generator(self.norm(x))

    def loss(self, x, y):
        return F.cross_entropy(self(x).flatten(0, 1), y.flatten())


def train_gloss(folder, steps, name="run.st"):
    """Seconds for the steps, start and end of the program included."""
    command = [o.build / "examples/char_gpt/char_gpt", "train", o.text, "--force", "-c", folder / name]
    for key in ["layers", "width", "heads", "context", "batch"]:
        command += ["--" + key, str(getattr(o, key))]
    command += ["--lr", str(LR), "--weight-decay", str(DECAY), "--warmup", str(WARMUP), "--seed", str(SEED)]
    command += ["--dropout", "0", "--held-out", str(HELD_OUT if o.loss else 0), "--eval-every", "100000000"]
    begin = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command + ["--steps", str(max(steps, 1))]],
        env=dict(os.environ, OMP_NUM_THREADS=str(o.threads)),
        stdout=subprocess.DEVNULL,
    )
    while steps == 0 and not (folder / name).exists():
        time.sleep(0.001)
    if steps == 0:  # the weights as they were drawn, which are saved before the first step
        process.kill()
    if process.wait() and steps:
        raise SystemExit("char_gpt failed")
    return time.perf_counter() - begin


def metadata(path):
    with open(path, "rb") as file:
        return json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]


def load(model, path):
    names = {"self_attn.in_proj_": "in_proj.", "self_attn.out_proj.": "out_proj.", "layers.norm.": "norm."}
    state = {}
    for key, value in load_file(path).items():
        if key.startswith("model."):
            key = key[len("model.") :].replace("layers.layers.", "layers.")
            for theirs, ours in names.items():
                key = key.replace(theirs, ours)
            state[key] = value
    model.load_state_dict(state)


def optimizer_of(model, steps):
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0}]
    adam = torch.optim.AdamW(groups, lr=LR, betas=(0.9, 0.99), fused=True)

    def factor(step):
        if step < WARMUP:
            return step / WARMUP
        return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - WARMUP) / max(steps - WARMUP, 1)))

    return adam, torch.optim.lr_scheduler.LambdaLR(adam, factor)


def train_torch(model, steps, first=0, optimizer=None):
    adam, schedule = optimizer or optimizer_of(model, steps)
    begin = time.perf_counter()
    for step in range(first, first + steps):
        model.loss(*batch(step)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1)
        adam.step(), adam.zero_grad(), schedule.step()
    return time.perf_counter() - begin


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    model = Gpt()
    train_gloss(folder, 0, "first.st")
    load(model, folder / "first.st")
    if o.loss:
        train_gloss(folder, o.steps)
        last = metadata(folder / "run.st")["events"].strip().split("\n")[-1].split("\t")
        gloss = float(last[last.index("loss") + 1])
        train_torch(model, o.steps)
        with torch.no_grad():
            parts = [(model.loss(x, y).item(), y.numel()) for x, y in held_out()]
        theirs = sum(loss * n for loss, n in parts) / sum(n for _, n in parts)
        print(f"held-out loss after {o.steps} steps: gloss {gloss:.5f}, PyTorch {theirs:.5f}, apart {gloss - theirs:+.1e}")
    else:
        optimizer = optimizer_of(model, 1000)
        train_torch(model, 3, 0, optimizer)
        ratios, tokens = [], o.batch * o.context * o.steps
        for _ in range(o.rounds):
            theirs = train_torch(model, o.steps, 3, optimizer)
            ours = train_gloss(folder, 5 + o.steps) - train_gloss(folder, 5)
            ratios.append(theirs / ours)
            print(f"gloss {tokens / ours:,.0f} tokens/s, PyTorch {tokens / theirs:,.0f}, ratio {ratios[-1]:.2f}", flush=True)
        print(f"{o.threads} threads: median ratio {sorted(ratios)[len(ratios) // 2]:.2f}")
