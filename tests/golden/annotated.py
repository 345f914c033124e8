"""The Annotated Transformer's architecture in PyTorch: same parameter names and order, same mathematics.

The goldens and the benchmark peers import it from here. Its quirks are kept on purpose: make_model does not hand its
dropout to attention (always 0.1), Xavier fills every parameter with more than one axis, masks fill with -1e9, LayerNorm
divides by the unbiased standard deviation plus eps, LambdaLR's step 0 counts as 1 (so the first two rates are equal).

make_model(attend=fused_attention, norm=torch.nn.LayerNorm) is the same model on PyTorch's fused kernels, for timing.
"""

import math
from copy import deepcopy

import torch
import torch.nn as nn
import torch.nn.functional as F

PAD = 2  # Batch's default: 0 <s>, 1 </s>, 2 <blank>, 3 <unk>


def clones(module, n):
    return nn.ModuleList(deepcopy(module) for _ in range(n))


class LayerNorm(nn.Module):
    """a_2 (x - mean) / (std + eps) + b_2, std with n - 1 in the denominator."""

    def __init__(self, features, eps=1e-6):
        super().__init__()
        self.a_2 = nn.Parameter(torch.ones(features))
        self.b_2 = nn.Parameter(torch.zeros(features))
        self.eps = eps

    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return self.a_2 * centred / (x.std(-1, keepdim=True) + self.eps) + self.b_2


def attention(query, key, value, mask, dropout):
    """softmax(Q K^T / sqrt(d_k)) V, paper equation 1; where mask is False the score becomes -1e9."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    return dropout(scores.softmax(-1)) @ value


def fused_attention(query, key, value, mask, dropout):
    """The same through PyTorch's own kernel (it fills with -inf: no row may be fully masked)."""
    p = dropout.p if dropout.training else 0.0
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=p)


class MultiHeadedAttention(nn.Module):
    """Paper 3.2.2; linears are W_Q, W_K, W_V, W_O."""

    def __init__(self, h, d_model, dropout=0.1, attend=attention):
        super().__init__()
        self.h = h
        self.linears = clones(nn.Linear(d_model, d_model), 4)
        self.dropout = nn.Dropout(dropout)
        self.attend = attend

    def split(self, x):
        return x.unflatten(-1, (self.h, -1)).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        q, k, v = (self.split(w(x)) for w, x in zip(self.linears, (query, key, value)))
        heads = self.attend(q, k, v, None if mask is None else mask.unsqueeze(1), self.dropout)
        return self.linears[3](heads.transpose(1, 2).flatten(2))


class PositionwiseFeedForward(nn.Module):
    """max(0, x W_1 + b_1) W_2 + b_2, paper equation 2."""

    def __init__(self, d_model, d_ff, dropout=0.1):
        super().__init__()
        self.w_1 = nn.Linear(d_model, d_ff)
        self.w_2 = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.w_2(self.dropout(F.relu(self.w_1(x))))


class SublayerConnection(nn.Module):
    """x + dropout(sublayer(norm(x)))."""

    def __init__(self, size, dropout, norm):
        super().__init__()
        self.norm = norm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, sublayer):
        return x + self.dropout(sublayer(self.norm(x)))


class EncoderLayer(nn.Module):
    def __init__(self, size, self_attn, feed_forward, dropout, norm):
        super().__init__()
        self.self_attn = self_attn
        self.feed_forward = feed_forward
        self.sublayer = clones(SublayerConnection(size, dropout, norm), 2)

    def forward(self, x, mask):
        x = self.sublayer[0](x, lambda y: self.self_attn(y, y, y, mask))
        return self.sublayer[1](x, self.feed_forward)


class DecoderLayer(nn.Module):
    def __init__(self, size, self_attn, src_attn, feed_forward, dropout, norm):
        super().__init__()
        self.self_attn = self_attn
        self.src_attn = src_attn
        self.feed_forward = feed_forward
        self.sublayer = clones(SublayerConnection(size, dropout, norm), 3)

    def forward(self, x, memory, src_mask, tgt_mask):
        x = self.sublayer[0](x, lambda y: self.self_attn(y, y, y, tgt_mask))
        x = self.sublayer[1](x, lambda y: self.src_attn(y, memory, memory, src_mask))
        return self.sublayer[2](x, self.feed_forward)


class Stack(nn.Module):
    """Encoder and Decoder alike: N layers, then a norm."""

    def __init__(self, layer, n, size, norm):
        super().__init__()
        self.layers = clones(layer, n)
        self.norm = norm(size)

    def forward(self, x, *rest):
        for layer in self.layers:
            x = layer(x, *rest)
        return self.norm(x)


class Embeddings(nn.Module):
    def __init__(self, d_model, vocab):
        super().__init__()
        self.lut = nn.Embedding(vocab, d_model)

    def forward(self, ids):
        return self.lut(ids) * math.sqrt(self.lut.embedding_dim)


class PositionalEncoding(nn.Module):
    """pe[pos, 2i] = sin(pos / 10000^(2i / d_model)), pe[pos, 2i + 1] = cos of the same, paper 3.5."""

    def __init__(self, d_model, dropout, max_len=5000):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        frequency = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        angle = torch.arange(max_len).unsqueeze(1) * frequency
        self.register_buffer("pe", torch.stack((angle.sin(), angle.cos()), -1).flatten(1).unsqueeze(0))

    def forward(self, x):
        return self.dropout(x + self.pe[:, : x.size(1)])


class Generator(nn.Module):
    def __init__(self, d_model, vocab):
        super().__init__()
        self.proj = nn.Linear(d_model, vocab)

    def forward(self, x):
        return self.proj(x).log_softmax(-1)


class EncoderDecoder(nn.Module):
    def __init__(self, encoder, decoder, src_embed, tgt_embed, generator):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.src_embed = src_embed
        self.tgt_embed = tgt_embed
        self.generator = generator

    def encode(self, src, src_mask):
        return self.encoder(self.src_embed(src), src_mask)

    def decode(self, memory, src_mask, tgt, tgt_mask):
        return self.decoder(self.tgt_embed(tgt), memory, src_mask, tgt_mask)

    def forward(self, src, tgt, src_mask, tgt_mask):
        return self.decode(self.encode(src, src_mask), src_mask, tgt, tgt_mask)


def make_model(src_vocab, tgt_vocab, N=6, d_model=512, d_ff=2048, h=8, dropout=0.1, attention_dropout=0.1,
               attend=attention, norm=LayerNorm):
    def attn():
        return MultiHeadedAttention(h, d_model, attention_dropout, attend)

    def embed(vocab):
        return nn.Sequential(Embeddings(d_model, vocab), PositionalEncoding(d_model, dropout))

    ff = PositionwiseFeedForward(d_model, d_ff, dropout)
    model = EncoderDecoder(
        Stack(EncoderLayer(d_model, attn(), deepcopy(ff), dropout, norm), N, d_model, norm),
        Stack(DecoderLayer(d_model, attn(), attn(), deepcopy(ff), dropout, norm), N, d_model, norm),
        embed(src_vocab), embed(tgt_vocab), Generator(d_model, tgt_vocab))
    for p in model.parameters():
        if p.dim() > 1:
            nn.init.xavier_uniform_(p)
    return model


def subsequent_mask(size):
    return torch.ones(1, size, size, dtype=torch.bool).tril()


class Batch:
    """src, and tgt cut into what the decoder reads (tgt) and what it must say (tgt_y)."""

    def __init__(self, src, tgt, pad=PAD):
        self.src = src
        self.src_mask = (src != pad).unsqueeze(-2)
        self.tgt = tgt[:, :-1]
        self.tgt_y = tgt[:, 1:]
        self.tgt_mask = (self.tgt != pad).unsqueeze(-2) & subsequent_mask(self.tgt.size(-1))
        self.ntokens = int((self.tgt_y != pad).sum())


def rate(step, model_size, factor, warmup):
    """Noam's learning rate, paper equation 3; step 0 counts as 1."""
    step = max(step, 1)
    return factor * model_size**-0.5 * min(step**-0.5, step * warmup**-1.5)


class LabelSmoothing(nn.Module):
    """KL(smoothed target || x): 1 - smoothing on the target, the rest over size - 2; nothing on padding."""

    def __init__(self, size, padding_idx, smoothing=0.0):
        super().__init__()
        self.size = size
        self.padding_idx = padding_idx
        self.smoothing = smoothing

    def forward(self, log_probs, target):
        wanted = torch.full_like(log_probs, self.smoothing / (self.size - 2))
        wanted.scatter_(1, target.unsqueeze(1), 1.0 - self.smoothing)
        wanted[:, self.padding_idx] = 0
        wanted[target == self.padding_idx] = 0
        return F.kl_div(log_probs, wanted, reduction="sum")


def smoothed_loss(criterion, model, out, batch):
    """The loss per target token."""
    log_probs = model.generator(out)
    return criterion(log_probs.flatten(0, 1), batch.tgt_y.flatten()) / batch.ntokens
