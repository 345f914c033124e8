#!/usr/bin/env python3
"""Writes nn_transformer.safetensors: torch.nn.MultiheadAttention and the torch.nn.Transformer family, each option alone
and in random combinations, in double precision.

    python3 tests/golden/generate_nn_transformer.py  # needs torch 2.13 and safetensors

A case is KIND/NUMBER/...: state/KEY, input/I, output/I, a random d_output/I, and d_input/I and d_state/KEY, the
gradients of sum(output * d_output); mask/NAME and, for masks of numbers, d_mask/NAME; option/NAME, int64 or float64
scalars; those that are not there are as DEFAULTS says, else 0. count/KIND says how many cases a kind has. The metadata
entry keys/KIND/NUMBER lists the state in order, but not of the cases at random.
Cases that single precision computes badly are drawn anew: rounding the weights and inputs to float can cost more than
the tests allow, whatever the sums' order, and one run that comes out well by chance proves nothing. So several
neighbours, whose weights and inputs differ in float's last bit, must come out well too.
"""

import copy
import math
import pathlib
import random
import warnings

import torch
from safetensors.torch import save_file
from torch import nn

warnings.simplefilter("ignore")
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
torch.backends.mha.set_fastpath_enabled(False)
generator = torch.Generator().manual_seed(3762)
neighbours = torch.Generator().manual_seed(3762)
chance = random.Random(3762)
out, keys, counts = {}, {}, {}
singly = True  # not yet at random
DEFAULTS = dict(bias=1, embed_dim=4, d_model=4, num_heads=2, nhead=2, dim_feedforward=5, layer_norm_eps=1e-5, layers=1,
                num_encoder_layers=1, num_decoder_layers=1, same=1)


def randn(*shape):
    return torch.randn(shape, generator=generator)


def flags(*shape):
    """True hides; the first key of every row is seen."""
    hidden = torch.rand(shape, generator=generator) < 0.4
    hidden[..., 0] = False
    return hidden


def mask_of(kind, *shape):
    """kind: None, bool, float (with -inf among the numbers), causal, causal_bool, empty (a row of a bool mask that
    hides all), empty_float."""
    if kind == "bool":
        return flags(*shape)
    if kind == "float":
        return randn(*shape).masked_fill(flags(*shape), -math.inf)
    if kind in ("causal", "causal_bool"):
        float_mask = torch.full(shape, -math.inf).triu(1)
        return float_mask if kind == "causal" else float_mask != 0
    if kind in ("empty", "empty_float"):
        hidden = flags(*shape)
        hidden.view(-1, shape[-1])[-1] = True
        return hidden if kind == "empty" else torch.zeros(shape).masked_fill(hidden, -math.inf)
    return None


def whole(module):
    """Undoes what a copy does to PyTorch's decoder layers: it puts relu in the place of an activation that is a module
    (torch.nn.TransformerDecoderLayer.__setstate__ looks for it where modules are not)."""
    for m in module.modules():
        if "activation" in m._modules:
            m.__dict__.pop("activation", None)
    return module


def run(module, inputs, same, masks, dtype):
    """What to call. same: how many of the last inputs are one tensor."""
    module = whole(copy.deepcopy(module)).to(dtype)
    leaves = [x.detach().clone().to(dtype).requires_grad_() for x in inputs]
    arguments = leaves + [leaves[-1]] * (same - 1 if same > 1 else 0)
    cast = {k: m if m.dtype == torch.bool else m.detach().clone().to(dtype).requires_grad_() for k, m in masks.items()}
    return module, leaves, arguments, cast


def results(module, inputs, same, masks, call, d_outputs, dtype):
    module, leaves, arguments, cast = run(module, inputs, same, masks, dtype)
    y = call(module, arguments, cast)
    y = [t for t in (y if isinstance(y, tuple) else (y,)) if t is not None]
    if d_outputs is None:
        d_outputs = [randn(*t.shape) for t in y]
    torch.autograd.backward(y, [d.to(dtype) for d in d_outputs])
    zero = lambda t: torch.zeros_like(t) if t.grad is None else t.grad
    found = {f"output/{i}": t.detach() for i, t in enumerate(y)}
    found |= {f"d_input/{i}": zero(t) for i, t in enumerate(leaves)}
    found |= {f"d_state/{k}": zero(p) for k, p in module.named_parameters()}
    found |= {f"d_mask/{k}": zero(m) for k, m in cast.items() if m.dtype != torch.bool}
    return found, d_outputs


def agree(found, single):
    for k, x in found.items():
        y = single[k].double()
        both = x.isfinite() & y.isfinite()
        if not torch.equal(x.isnan(), y.isnan()):
            return False
        if both.any() and (x - y)[both].abs().max() > 3e-6 * max(1.0, x[both].abs().max().item()):
            return False
    return True


def well_conditioned(found, module, inputs, same, masks, call, d_outputs):
    def moved(x):
        """By at most half of float's last bit, before it is rounded to float."""
        return x * (1 + (torch.rand(x.shape, generator=neighbours) * 2 - 1) * 2.0 ** -24)

    def single(module, inputs):
        return results(module, inputs, same, masks, call, d_outputs, torch.float32)[0]

    if not agree(found, single(module, inputs)):
        return False
    for _ in range(8):
        other = whole(copy.deepcopy(module))
        with torch.no_grad():
            for p in other.parameters():
                p.copy_(moved(p))
        if not agree(found, single(other, [moved(x) for x in inputs])):
            return False
    return True


def case(kind, make, shapes, same, masks, call, options):
    """make() gives the module; shapes are those of the inputs; masks name -> (kind, shape)."""
    number = counts.get(kind, 0)
    counts[kind] = number + 1
    for attempt in range(200):
        module = make()
        with torch.no_grad():
            for p in module.parameters():
                p.copy_(randn(*p.shape) * 0.6)
            for name, p in module.named_parameters():
                if "norm" in name and name.endswith("weight"):
                    p.add_(1)
        module.train(not options.get("eval", 0))
        inputs = [randn(*s) for s in shapes]
        made = {k: mask_of(what, *s) for k, (what, s) in masks.items() if what}
        found, d_outputs = results(module, inputs, same, made, call, None, torch.float64)
        if well_conditioned(found, module, inputs, same, made, call, d_outputs):
            break
    else:
        raise RuntimeError(f"{kind} {options} stays badly conditioned")
    prefix = f"{kind}/{number}/"
    found |= {f"state/{k}": p for k, p in module.state_dict().items()}
    found |= {f"input/{i}": x for i, x in enumerate(inputs)} | {f"mask/{k}": m for k, m in made.items()}
    found |= {f"d_output/{i}": x for i, x in enumerate(d_outputs)}
    hints = ("is_causal", "src_is_causal", "tgt_is_causal") if kind in ("encoder", "decoder", "transformer") else ()
    found |= {f"option/{k}": torch.tensor(v, dtype=torch.float64 if isinstance(v, float) else torch.int64)
              for k, v in (options | {"same": same}).items() if v != DEFAULTS.get(k, 0) or k in hints}
    for k, x in found.items():
        out[prefix + k] = x.detach().clone().contiguous()
    if singly:
        keys[f"keys/{prefix[:-1]}"] = "\n".join(f"{k} {list(p.shape)}" for k, p in module.state_dict().items())


# --- MultiheadAttention


def attention(E=4, h=2, L=3, S=4, N=2, same=1, attn=None, attn_dim=2, padding=None, weights=0, causal=0, unbatched=0,
              eval=0, **options):
    """weights: 0 none, 1 averaged, 2 of each head. same: 1 no tensors are the same, 2 key and value, 3 all."""
    if same == 3:
        S = L
    if attn in ("causal", "causal_bool") and not causal:
        S = L
    kdim, vdim = options.get("kdim") or E, options.get("vdim") or E
    if same >= 2:
        kdim = vdim = options["kdim"] = options["vdim"] = E if same == 3 else kdim
    if unbatched:
        N = 1
    batch = lambda n, width: (n, width) if unbatched else (N, n, width) if options.get("batch_first") else (n, N, width)
    shapes = [batch(L, E), batch(S, kdim), batch(S, vdim)][:4 - same]
    masks = {"attn_mask": (attn, (L, S) if attn_dim == 2 else (N * h, L, S)),
             "key_padding_mask": (padding, (S,) if unbatched else (N, S))}

    def call(module, x, m):
        return module(*x, **m, need_weights=weights > 0, average_attn_weights=weights == 1, is_causal=bool(causal))

    case("mha", lambda: nn.MultiheadAttention(E, h, **options), shapes, same, masks, call,
         dict(embed_dim=E, num_heads=h, weights=weights, is_causal=causal, eval=eval,
              **{k: v if isinstance(v, float) else int(v) for k, v in options.items()}))


def attention_singly():
    attention()
    for same in (2, 3):
        for extra in ({}, {"batch_first": True}, {"unbatched": 1}, {"bias": False}):
            attention(same=same, **extra)
    for option in ({"bias": False}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"kdim": 5}, {"vdim": 3},
                   {"kdim": 4, "vdim": 4}, {"kdim": 5, "vdim": 5, "same": 2}, {"batch_first": True}, {"unbatched": 1},
                   {"eval": 1, "dropout": 0.3}, {"weights": 1}, {"weights": 2}, {"h": 1}, {"h": 4}, {"L": 1}, {"S": 1},
                   {"L": 9, "S": 11}, {"unbatched": 1, "weights": 1}, {"unbatched": 1, "weights": 2},
                   {"add_bias_kv": True, "add_zero_attn": True, "same": 3}, {"N": 1}):
        attention(**option)


def attention_masks():
    """Every combination of kinds of masks, without and with weights."""
    for weights in (0, 2):
        for attn, dim in ((None, 2), ("bool", 2), ("float", 2), ("bool", 3), ("float", 3), ("causal", 2),
                          ("causal_bool", 2)):
            for padding in (None, "bool", "float"):
                attention(same=2, attn=attn, attn_dim=dim, padding=padding, weights=weights, batch_first=True)
    for attn in ("causal", "causal_bool", "bool"):  # the hint, right and wrong
        for padding in (None, "bool"):
            for weights in (0, 1):
                attention(same=2, L=4, attn=attn, padding=padding, weights=weights, causal=1)
    for L, S in ((3, 5), (5, 3)):
        attention(same=2, L=L, S=S, attn="causal", causal=1)
    for extra in ({"add_bias_kv": True}, {"add_zero_attn": True}, {"add_bias_kv": True, "add_zero_attn": True}):
        attention(same=3, L=4, attn="causal", causal=1, **extra)
        attention(attn="bool", padding="bool", **extra)
        attention(attn="float", padding="float", attn_dim=3, weights=1, **extra)
    for weights in (0, 1):  # rows that see nothing
        for attn in ("empty", "empty_float"):
            attention(same=3, attn=attn, weights=weights)
            attention(L=9, S=10, attn=attn, attn_dim=3, weights=weights, padding="bool")
        attention(same=2, padding="empty", weights=weights, batch_first=True)
    for attn, dim in (("bool", 2), ("float", 3)):
        attention(unbatched=1, attn=attn, attn_dim=dim, padding=attn)


# --- layers and stacks

ACTIVATIONS = ("relu", "gelu", torch.tanh, nn.PReLU)


def layer_options(activation=0, dropout=0.0, **options):
    act = ACTIVATIONS[activation]
    return dict(options, dropout=dropout, activation=act() if act is nn.PReLU else act)


def scalars(options):
    return {k: v if isinstance(v, float) else int(v) for k, v in options.items()}


def shape_of(n, N, E, unbatched, batch_first):
    return (n, E) if unbatched else (N, n, E) if batch_first else (n, N, E)


def mask_shapes(named, N, h, unbatched):
    """named: name -> (kind, axes or 'padding', queries, keys)."""
    shapes = {}
    for name, (kind, dim, n, m) in named.items():
        shapes[name] = (kind, ((m,) if unbatched else (N, m)) if dim == "padding" else
                        (n, m) if dim == 2 else ((1 if unbatched else N) * h, n, m))
    return shapes


def encoder(kind, E=4, h=2, ff=5, n=3, N=2, unbatched=0, mask=None, mask_dim=2, padding=None, causal=None, layers=1,
            norm=0, eval=0, **options):
    first, second = ("src_mask", "src_key_padding_mask") if kind == "encoder_layer" else ("mask", "src_key_padding_mask")
    masks = mask_shapes({first: (mask, mask_dim, n, n), second: (padding, "padding", n, n)}, N, h, unbatched)

    def make():
        layer = nn.TransformerEncoderLayer(E, h, ff, **layer_options(**options))
        if kind == "encoder_layer":
            return layer
        return nn.TransformerEncoder(layer, layers, nn.LayerNorm(E) if norm else None)

    def call(module, x, m):
        hint = {} if causal is None else {"is_causal": bool(causal)}
        return module(*x, **m, **hint)

    case(kind, make, [shape_of(n, N, E, unbatched, options.get("batch_first"))], 1, masks, call,
         scalars(options) | dict(d_model=E, nhead=h, dim_feedforward=ff, layers=layers, norm=norm, eval=eval) |
         ({} if causal is None else {"is_causal": causal}))


def decoder(kind, E=4, h=2, ff=5, n=3, m=4, N=2, unbatched=0, tgt=None, tgt_dim=2, memory=None, memory_dim=2,
            tgt_padding=None, memory_padding=None, tgt_causal=None, memory_causal=0, layers=1, norm=0, eval=0,
            **options):
    masks = mask_shapes({"tgt_mask": (tgt, tgt_dim, n, n), "memory_mask": (memory, memory_dim, n, m),
                         "tgt_key_padding_mask": (tgt_padding, "padding", n, n),
                         "memory_key_padding_mask": (memory_padding, "padding", n, m)}, N, h, unbatched)

    def make():
        layer = nn.TransformerDecoderLayer(E, h, ff, **layer_options(**options))
        if kind == "decoder_layer":
            return layer
        return nn.TransformerDecoder(layer, layers, nn.LayerNorm(E) if norm else None)

    def call(module, x, given):
        hint = {} if tgt_causal is None else {"tgt_is_causal": bool(tgt_causal)}
        return module(*x, **given, **hint, memory_is_causal=bool(memory_causal))

    shapes = [shape_of(length, N, E, unbatched, options.get("batch_first")) for length in (n, m)]
    case(kind, make, shapes, 1, masks, call,
         scalars(options) | dict(d_model=E, nhead=h, dim_feedforward=ff, layers=layers, norm=norm, eval=eval,
                                 memory_is_causal=memory_causal) |
         ({} if tgt_causal is None else {"tgt_is_causal": tgt_causal}))


class LinearEncoder(nn.Module):
    """A custom encoder that knows nothing of masks."""

    def __init__(self, E):
        super().__init__()
        self.linear = nn.Linear(E, E)

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        return self.linear(src)


def transformer(E=4, h=2, ff=5, n=3, m=4, N=2, unbatched=0, src=None, src_dim=2, tgt=None, tgt_dim=2, memory=None,
                memory_dim=2, src_padding=None, tgt_padding=None, memory_padding=None, src_causal=None, tgt_causal=None,
                memory_causal=0, encoders=1, decoders=1, custom=0, eval=0, **options):
    """custom: 1 a LinearEncoder, 2 a TransformerDecoder without norm."""
    masks = mask_shapes({"src_mask": (src, src_dim, m, m), "tgt_mask": (tgt, tgt_dim, n, n),
                         "memory_mask": (memory, memory_dim, n, m), "src_key_padding_mask": (src_padding, "padding", m, m),
                         "tgt_key_padding_mask": (tgt_padding, "padding", n, n),
                         "memory_key_padding_mask": (memory_padding, "padding", n, m)}, N, h, unbatched)

    def make():
        own = {}
        if custom == 1:
            own["custom_encoder"] = LinearEncoder(E)
        if custom == 2:
            layer = nn.TransformerDecoderLayer(E, h, ff, **layer_options(**options))
            own["custom_decoder"] = nn.TransformerDecoder(layer, decoders)
        return nn.Transformer(E, h, encoders, decoders, ff, **layer_options(**options), **own)

    def call(module, x, given):
        hints = {k: bool(v) for k, v in (("src_is_causal", src_causal), ("tgt_is_causal", tgt_causal)) if v is not None}
        return module(*x, **given, **hints, memory_is_causal=bool(memory_causal))

    shapes = [shape_of(length, N, E, unbatched, options.get("batch_first")) for length in (m, n)]
    hints = {k: v for k, v in (("src_is_causal", src_causal), ("tgt_is_causal", tgt_causal)) if v is not None}
    case("transformer", make, shapes, 1, masks, call,
         scalars(options) | hints |
         dict(d_model=E, nhead=h, dim_feedforward=ff, num_encoder_layers=encoders, num_decoder_layers=decoders,
              custom=custom, eval=eval, memory_is_causal=memory_causal))


LAYER_SINGLY = ({}, {"ff": 2}, {"activation": 1}, {"activation": 2}, {"activation": 3}, {"layer_norm_eps": 0.1},
                {"batch_first": True}, {"norm_first": True}, {"bias": False}, {"unbatched": 1},
                {"eval": 1, "dropout": 0.3}, {"h": 1})


def layers_singly():
    for option in LAYER_SINGLY:
        encoder("encoder_layer", **option)
        decoder("decoder_layer", **option)
    for kind in ("bool", "float"):
        encoder("encoder_layer", mask=kind)
        encoder("encoder_layer", mask=kind, mask_dim=3)
        encoder("encoder_layer", padding=kind)
        decoder("decoder_layer", tgt=kind)
        decoder("decoder_layer", memory=kind)
        decoder("decoder_layer", memory=kind, memory_dim=3)
        decoder("decoder_layer", tgt_padding=kind)
        decoder("decoder_layer", memory_padding=kind)
    encoder("encoder_layer", mask="causal", causal=1)
    encoder("encoder_layer", mask="empty")
    encoder("encoder_layer", mask="causal", padding="bool", causal=1)
    decoder("decoder_layer", tgt="causal", tgt_causal=1)
    decoder("decoder_layer", tgt="causal", tgt_causal=1, memory="bool", memory_causal=1)
    for option in ({"layers": 0}, {"layers": 2}, {"norm": 1}, {"mask": "causal"}, {"mask": "causal_bool"},
                   {"mask": "causal", "causal": 0}, {"mask": "bool", "causal": 1}, {"padding": "bool", "batch_first": True}):
        if option.get("layers") != 0:  # PyTorch looks at the first layer
            encoder("encoder", **option)
    for option in ({"layers": 2}, {"norm": 1}, {"tgt": "causal"}, {"tgt": "causal_bool"},
                   {"tgt": "causal", "tgt_causal": 0}, {"tgt": "bool", "tgt_causal": 1}):
        decoder("decoder", **option)


def transformer_singly():
    for option in LAYER_SINGLY + ({"encoders": 2, "decoders": 1}, {"encoders": 1, "decoders": 2}, {"custom": 1},
                                  {"custom": 2}, {"src": "bool"}, {"tgt": "causal"}, {"memory": "float"},
                                  {"src_padding": "bool", "memory_padding": "bool"}, {"tgt_padding": "bool"},
                                  {"src": "causal", "src_causal": 1}, {"tgt": "causal", "tgt_causal": 1}):
        transformer(**option)


# --- at random


def pick(*values):
    return chance.choice(values)


def random_mask():
    return pick(None, None, "bool", "float")


def random_layer():
    h = pick(1, 2, 4)
    dropout = pick(0.0, 0.0, 0.3)
    return dict(E=4, h=h, ff=pick(3, 6), N=pick(1, 2), unbatched=pick(0, 0, 0, 1), activation=pick(0, 1, 2, 3),
                layer_norm_eps=pick(1e-5, 1e-3), batch_first=pick(True, False), norm_first=pick(True, False),
                bias=pick(True, True, False), dropout=dropout, eval=int(dropout > 0))


def at_random():
    for _ in range(90):
        same = pick(1, 2, 3)
        dropout = pick(0.0, 0.0, 0.2)
        options = dict(h=pick(1, 2, 4), L=pick(1, 2, 3, 4), S=pick(1, 2, 3, 4), N=pick(1, 2, 3), same=same,
                       attn=random_mask(), attn_dim=pick(2, 3), padding=random_mask(), weights=pick(0, 0, 1, 2),
                       unbatched=pick(0, 0, 0, 1), bias=pick(True, True, False), add_bias_kv=pick(True, False, False),
                       add_zero_attn=pick(True, False, False), batch_first=pick(True, False), dropout=dropout,
                       eval=int(dropout > 0))
        if same == 1:
            options |= dict(kdim=pick(4, 5), vdim=pick(4, 3))
        if options["attn"]:
            options["causal"] = pick(0, 0, 0, 1)
        attention(**options)
    for _ in range(45):
        encoder("encoder_layer", n=pick(1, 2, 4), mask=random_mask(), mask_dim=pick(2, 3), padding=random_mask(),
                **random_layer())
    for _ in range(40):
        decoder("decoder_layer", n=pick(1, 2, 4), m=pick(1, 2, 3), tgt=random_mask(), tgt_dim=pick(2, 3),
                memory=random_mask(), memory_dim=pick(2, 3), tgt_padding=random_mask(), memory_padding=random_mask(),
                **random_layer())
    for _ in range(15):
        encoder("encoder", n=pick(2, 4), mask=pick(None, "bool", "float", "causal"), mask_dim=2, padding=random_mask(),
                layers=pick(1, 2), norm=pick(0, 1), **random_layer())
    for _ in range(12):
        decoder("decoder", n=pick(2, 4), m=pick(1, 3), tgt=pick(None, "bool", "float", "causal"), tgt_dim=2,
                memory=random_mask(), memory_dim=pick(2, 3), tgt_padding=random_mask(), memory_padding=random_mask(),
                layers=pick(1, 2), norm=pick(0, 1), **random_layer())
    for _ in range(15):
        transformer(n=pick(2, 4), m=pick(1, 3), src=random_mask(), src_dim=pick(2, 3), tgt=pick(None, "bool", "causal"),
                    tgt_dim=2, memory=random_mask(), memory_dim=pick(2, 3), src_padding=random_mask(),
                    tgt_padding=random_mask(), memory_padding=random_mask(), encoders=pick(1, 1, 2), **random_layer())


if __name__ == "__main__":
    for group in (attention_singly, attention_masks, layers_singly, transformer_singly):
        group()
    single, singly = sum(counts.values()), False
    at_random()
    for kind, n in counts.items():
        out[f"count/{kind}"] = torch.tensor(n)
    path = pathlib.Path(__file__).with_name("nn_transformer.safetensors")
    save_file(out, path, keys)
    print(path.name, path.stat().st_size, "bytes,", single, "cases singly,", sum(counts.values()) - single, "at random:",
          *(f"{kind} {n}" for kind, n in counts.items()))
