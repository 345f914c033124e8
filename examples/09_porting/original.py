"""The PyTorch model that main.cpp ports. Its dump, original.safetensors, is made by

    python3 ../../scripts/parity.py original.py original.safetensors
"""

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, size, hidden):
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.w_1 = nn.Linear(size, hidden)
        self.w_2 = nn.Linear(hidden, size)

    def forward(self, x):
        return x + self.w_2(F.gelu(self.w_1(self.norm(x))))


class Tagger(nn.Module):
    def __init__(self, vocab, size, depth, tags):
        super().__init__()
        self.lut = nn.Embedding(vocab, size)
        self.blocks = nn.ModuleList([Block(size, 2 * size) for _ in range(depth)])
        self.head = nn.Linear(size, tags)

    def forward(self, ids):
        x = self.lut(ids)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


torch.manual_seed(4)
model = Tagger(vocab=9, size=6, depth=2, tags=3)
inputs = [torch.randint(0, 9, (2, 5))]
