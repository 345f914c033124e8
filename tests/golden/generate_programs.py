#!/usr/bin/env python3
"""Writes programs.txt and programs.safetensors: random programs of tensor ops, with what PyTorch makes of them.

    python3 tests/golden/generate_programs.py           # needs torch 2.13 and safetensors

A program is a few lines of programs.txt. `program N` begins it; `f SHAPE`, `i SHAPE high=H` and `b SHAPE` are inputs
(float64, int64 below H, bool); then one op a line: its name, the numbers of its arguments (inputs and earlier results,
counted from 0) and its options. `end` closes it. A shape is written 2,3,4, a scalar -.
The inputs' elements follow from program, input and position alone, by number() below, so they are not stored.
The results are the values that no op took. programs.safetensors holds `values` (float64): per program each result in
order, then the gradient of the sum of (result * weights) over the float results by every float input in order (weights
of value v: number() again, as if it were input 100 + v). `shapes` (int64) holds rank and sizes of each result.

Programs whose values would say nothing are thrown away while they grow: numbers that are not finite or beyond 1000,
and points near a jump or kink of an op, where rounding decides.
"""

import math
import pathlib
import random

import torch
from safetensors.torch import save_file

PROGRAMS = 2000
MASK = (1 << 64) - 1


def number(program, which, i):
    """A number in [-2, 2) that is the same in every language: SplitMix64 of (program, input, position)."""
    z = ((program << 40) + (which << 32) + i + 1) * 0x9E3779B97F4A7C15 & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    z ^= z >> 31
    return (z >> 11) * 2.0**-53 * 4 - 2


def numbers(program, which, shape):
    n = math.prod(shape)
    return torch.tensor([number(program, which, i) for i in range(n)], dtype=torch.float64).reshape(shape)


def text(shape):
    return ",".join(map(str, shape)) if len(shape) else "-"


class Skip(Exception):
    """This op cannot be applied to what the program has."""


class Program:
    def __init__(self, index):
        self.index = index
        self.random = random.Random(20171706 + index)
        self.lines = []
        self.values = []
        self.leaves = []
        self.inputs = []
        self.used = set()

    # --- choosing
    def chance(self, p):
        return self.random.random() < p

    def shape(self, most_axes=4, most=5):
        rank = self.random.choices(range(most_axes + 1), [1, 3, 4, 4, 2][: most_axes + 1])[0]
        sizes = [self.random.choices([0, 1, 2, 3, 4, 5, 7], [1, 6, 9, 9, 6, 4, 2])[0] for _ in range(rank)]
        while math.prod(sizes) > 30:
            sizes[self.random.randrange(rank)] = self.random.randint(1, 2)
        return tuple(sizes)

    def kind(self, value):
        return {torch.float64: "f", torch.int64: "i", torch.bool: "b"}[self.values[value].dtype]

    def pick(self, kind="f", test=lambda x: True, new=None):
        """The number of a value of this kind; late ones and unused ones are likelier. With `new`, a shape, it may be
        a fresh input."""
        fitting = [v for v in range(len(self.values)) if self.kind(v) in kind and test(self.values[v])]
        if new is not None and (not fitting or self.chance(0.35)):
            return self.input(kind[0], new)
        if not fitting:
            raise Skip
        weights = [(1 + v) * (4 if v not in self.used else 1) for v in fitting]
        return self.random.choices(fitting, weights)[0]

    def input(self, kind, shape, high=0):
        which = len(self.values)
        self.inputs.append(which)
        x = numbers(self.index, which, shape)
        if kind == "i":
            if high < 1:
                raise Skip
            x = ((x + 2) / 4 * high).floor().to(torch.int64)
            self.lines.append(f"i {text(shape)} high={high}")
        elif kind == "b":
            x = x > -0.4
            self.lines.append(f"b {text(shape)}")
        else:
            x.requires_grad_()
            self.leaves.append(which)
            self.lines.append(f"f {text(shape)}")
        self.values.append(x)
        return which

    def axis(self, x):
        """An axis, now and then counted from the end."""
        if x.dim() == 0:
            raise Skip
        a = self.random.randrange(x.dim())
        return a - x.dim() if self.chance(0.4) else a

    def axes(self, x):
        if x.dim() == 0 or self.chance(0.25):
            return []
        count = self.random.randint(1, min(3, x.dim()))
        return [a - x.dim() if self.chance(0.3) else a for a in self.random.sample(range(x.dim()), count)]

    def is_view_of_input(self, v):
        x = self.values[v]
        return any(x.untyped_storage().data_ptr() == self.values[w].untyped_storage().data_ptr() for w in self.inputs)

    # --- noting
    def note(self, name, arguments, result, **options):
        parts = [name, *map(str, arguments)]
        for key, value in options.items():
            if isinstance(value, bool):
                value = int(value)
            if isinstance(value, (list, tuple, torch.Size)):
                value = text(value)
            parts.append(f"{key}={value!r}" if isinstance(value, float) else f"{key}={value}")
        results = result if isinstance(result, (tuple, list)) else [result]
        for y in results:
            if y.numel() > 400 or y.dim() > 6:
                raise Skip
            if y.is_floating_point() and not (y.isfinite().all() and (y.abs() < 1000).all()):
                raise Skip
        self.lines.append(" ".join(parts))
        self.used.update(arguments)
        self.values.extend(results)


def clear_of(x, points, margin=1e-4):
    """Rounding must not decide: no element within `margin` of a point."""
    x = x.detach().double()
    for p in points:
        if ((x - p).abs() < margin).any():
            raise Skip


def distinct(x, axis=None, margin=1e-5):
    x = x.detach().double()
    x = x.flatten() if axis is None else x
    if x.dim() == 0:
        return
    gaps = x.sort(dim=0 if axis is None else axis).values.diff(dim=0 if axis is None else axis)
    if (gaps < margin).any():
        raise Skip


OPS = {}


def op(weight=1.0):
    def add(f):
        OPS[f] = weight
        return f
    return add


# --- element by element
UNARY = {
    "exp": (torch.exp, None), "tanh": (torch.tanh, None), "sigmoid": (torch.sigmoid, None), "erf": (torch.erf, None),
    "gelu": (torch.nn.functional.gelu, None), "neg": (torch.neg, None), "relu": (torch.relu, [0]),
    "abs": (torch.abs, [0]), "log": (torch.log, "positive"), "sqrt": (torch.sqrt, "positive"),
    "rsqrt": (torch.rsqrt, "positive"), "log2": (torch.log2, "positive"), "log10": (torch.log10, "positive"),
    "log1p": (torch.log1p, "positive"), "acosh": (lambda x: torch.acosh(x + 1.1), "positive"),
    "reciprocal": (torch.reciprocal, "positive"), "square": (torch.square, None), "sin": (torch.sin, None),
    "cos": (torch.cos, None), "atan": (torch.atan, None), "sinh": (torch.sinh, None), "cosh": (torch.cosh, None),
    "asinh": (torch.asinh, None), "exp2": (torch.exp2, None), "expm1": (torch.expm1, None),
    "asin": (torch.asin, "unit"), "acos": (torch.acos, "unit"), "atanh": (torch.atanh, "unit"),
    "tan": (torch.tan, "unit"), "sign": (torch.sign, [0]), "silu": (torch.nn.functional.silu, None),
    "softplus": (torch.nn.functional.softplus, None), "leaky_relu": (torch.nn.functional.leaky_relu, [0]),
    "elu": (torch.nn.functional.elu, [0]), "floor": (torch.floor, "whole"), "ceil": (torch.ceil, "whole"),
    "trunc": (torch.trunc, "whole"), "frac": (torch.frac, "whole"), "round": (torch.round, "half"),
}


@op(4)
def unary(p):
    name = p.random.choice(sorted(UNARY))
    f, kinks = UNARY[name]
    v = p.pick(new=p.shape())
    x = p.values[v]
    outside = {"positive": x < 0.05, "unit": x.abs() > 0.95}
    if kinks in outside and outside[kinks].any():
        p.note("sigmoid", [v], x.sigmoid())  # into the domain first
        v = len(p.values) - 1
        x = p.values[v]
        if (x < 0.05).any() or (x > 0.95).any():
            raise Skip
    if kinks == "whole":
        clear_of(x - x.detach().round(), [0])
    elif kinks == "half":
        clear_of(x - x.detach().floor(), [0.5])
    elif isinstance(kinks, list):
        clear_of(x, kinks)
    p.note(name, [v], f(x))


@op()
def clamp(p):
    v = p.pick()
    low = round(p.random.uniform(-1.5, 0.5), 3)
    high = round(low + p.random.uniform(0, 2), 3)
    clear_of(p.values[v], [low, high])
    p.note("clamp", [v], p.values[v].clamp(low, high), low=low, high=high)


def partner(p, a):
    """A shape that broadcasts with a's."""
    shape = list(p.values[a].shape)
    for i in range(len(shape)):
        if p.chance(0.25):
            shape[i] = 1
    if p.chance(0.3):
        shape = shape[p.random.randint(0, len(shape)):]
    return tuple(shape)


def broadcasts(a):
    def test(b):
        try:
            torch.broadcast_shapes(a.shape, b.shape)
            return True
        except RuntimeError:
            return False
    return test


BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
MORE_BINARY = {"maximum": torch.maximum, "minimum": torch.minimum, "hypot": torch.hypot, "atan2": torch.atan2,
               "logaddexp": torch.logaddexp, "remainder": torch.remainder, "fmod": torch.fmod,
               "floor_divide": torch.floor_divide}


@op(2)
def more_binary(p):
    name = p.random.choice(sorted(MORE_BINARY))
    a = p.pick(new=p.shape())
    b = p.pick(test=broadcasts(p.values[a]), new=partner(p, a))
    x, y = p.values[a], p.values[b]
    if name in ("maximum", "minimum"):
        clear_of(x - y, [0])
    elif name in ("hypot", "atan2"):
        if (x.detach()**2 + y.detach()**2 < 0.01).any():
            raise Skip
    elif name != "logaddexp":
        if (y.abs() < 0.2).any():
            raise Skip
        ratio = (x / y).detach()
        clear_of(ratio - ratio.round(), [0])
        if name == "floor_divide":  # PyTorch has no derivative of it, gloss has 0
            x, y = x.detach(), y.detach()
    p.note(name, [a, b], MORE_BINARY[name](x, y))


@op()
def three(p):
    a = p.pick(new=p.shape())
    b = p.pick(test=broadcasts(p.values[a]), new=partner(p, a))
    shape = torch.broadcast_shapes(p.values[a].shape, p.values[b].shape)
    if p.chance(0.5):
        w = round(p.random.uniform(-1, 2), 2)
        p.note("lerp", [a, b], torch.lerp(p.values[a], p.values[b], w), weight=w)
    else:
        c = p.pick(test=lambda m: broadcasts(m)(torch.empty(shape)), new=partner(p, a))
        w = round(p.random.uniform(-1, 2), 2)
        p.note("addcmul", [c, a, b], torch.addcmul(p.values[c], p.values[a], p.values[b], value=w), value=w)


@op(4)
def binary(p):
    name = p.random.choice(sorted(BINARY))
    a = p.pick(new=p.shape())
    b = p.pick(test=broadcasts(p.values[a]), new=partner(p, a))
    if p.chance(0.5):
        a, b = b, a
    if name == "div" and (p.values[b].abs() < 0.05).any():
        raise Skip
    p.note(name, [a, b], BINARY[name](p.values[a], p.values[b]))


@op()
def with_scalar(p):
    name = p.random.choice(["add", "sub", "mul", "div", "rsub", "rdiv", "pow"])
    v = p.pick()
    x = p.values[v]
    s = round(p.random.uniform(-2, 2), 3) or 0.5
    if name == "pow":
        s = p.random.choice([2.0, 3.0, 0.5, -1.0, 1.7])
        if s not in (2.0, 3.0) and (x < 0.1).any():
            raise Skip
    if name == "rdiv" and (x.abs() < 0.05).any():
        raise Skip
    y = {"add": lambda: x + s, "sub": lambda: x - s, "mul": lambda: x * s, "div": lambda: x / s,
         "rsub": lambda: s - x, "rdiv": lambda: s / x, "pow": lambda: x**s}[name]()
    p.note(name + "_scalar", [v], y, value=s)


COMPARE = {"lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge, "eq": torch.eq, "ne": torch.ne}


@op()
def compare(p):
    name = p.random.choice(sorted(COMPARE))
    if p.chance(0.5):
        a = p.pick("fi", test=lambda x: x.numel() > 0)
        s = round(p.random.uniform(-1, 1), 2) if p.kind(a) == "f" else p.random.randint(0, 3)
        if p.kind(a) == "f":
            clear_of(p.values[a], [s])
        p.note(name + "_scalar", [a], COMPARE[name](p.values[a], s), value=s)
        return
    a = p.pick("fi")
    b = p.pick(p.kind(a), test=broadcasts(p.values[a]))
    if p.kind(a) == "f":
        clear_of(p.values[a] - p.values[b], [0])
    p.note(name, [a, b], COMPARE[name](p.values[a], p.values[b]))


@op(0.7)
def logic(p):
    name = p.random.choice(["and", "or", "not"])
    a = p.pick("b", new=p.shape())
    if name == "not":
        p.note("not", [a], ~p.values[a])
        return
    b = p.pick("b", test=broadcasts(p.values[a]), new=partner(p, a))
    p.note(name, [a, b], (torch.logical_and if name == "and" else torch.logical_or)(p.values[a], p.values[b]))


@op()
def where(p):
    a = p.pick(new=p.shape())
    b = p.pick(test=broadcasts(p.values[a]), new=partner(p, a))
    shape = torch.broadcast_shapes(p.values[a].shape, p.values[b].shape)
    c = p.pick("b", test=lambda m: broadcasts(m)(torch.empty(shape)), new=partner(p, a))
    p.note("where", [c, a, b], torch.where(p.values[c], p.values[a], p.values[b]))


@op()
def masked_fill(p):
    a = p.pick(new=p.shape())
    x = p.values[a]
    m = p.pick("b", test=lambda m: broadcasts(x)(m) and torch.broadcast_shapes(x.shape, m.shape) == x.shape,
               new=partner(p, a))
    s = round(p.random.uniform(-2, 2), 2)
    p.note("masked_fill", [a, m], x.masked_fill(p.values[m], s), value=s)


@op(0.5)
def cast(p):
    v = p.pick("ib")
    p.note("to_float", [v], p.values[v].to(torch.float64))


@op(0.7)
def integers(p):
    a = p.pick("i", test=lambda x: x.numel() > 0)
    b = p.pick("i", test=broadcasts(p.values[a]))
    name = p.random.choice(["add", "sub", "mul"])
    y = BINARY[name](p.values[a], p.values[b])
    if (y.abs() > 1000).any():
        raise Skip
    p.note(name, [a, b], y)


# --- reductions
@op(2)
def reduction(p):
    name = p.random.choice(["sum", "mean", "var", "std"])
    v = p.pick(new=p.shape())
    x = p.values[v]
    name = p.random.choice([name, name, name, "prod", "norm", "logsumexp", "amax", "amin", "count_nonzero"])
    axes, keepdim = p.axes(x), p.chance(0.4)
    every = axes or list(range(x.dim()))
    if name in ("prod", "norm", "logsumexp", "amax", "amin", "count_nonzero"):
        if x.numel() == 0:
            raise Skip
        options = dict(axes=axes, keepdim=keepdim)
        if name == "count_nonzero":
            if keepdim:
                raise Skip  # PyTorch has no keepdim here
            y = torch.count_nonzero(x, dim=every) if x.dim() else torch.count_nonzero(x)
        elif name == "prod":
            if len(axes) != 1:
                raise Skip  # PyTorch takes one axis
            y = x.prod(axes[0], keepdim=keepdim)
        elif name == "norm":
            order = p.random.choice([1.0, 2.0, 3.0, math.inf])
            clear_of(x, [0])
            if order == math.inf:
                distinct(x.abs())
            y = torch.linalg.vector_norm(x, order, dim=every if x.dim() else None, keepdim=keepdim)
            options["p"] = order
        elif name == "logsumexp":
            y = torch.logsumexp(x, every, keepdim=keepdim) if x.dim() else torch.logsumexp(x, 0)
        else:
            distinct(x)
            y = getattr(torch, name)(x, dim=every, keepdim=keepdim) if x.dim() else getattr(torch, name)(x)
        p.note(name, [v], y, **options)
        return
    count = math.prod([x.shape[a] for a in axes]) if axes else x.numel()
    if name == "mean" and count == 0 or name in ("var", "std") and count < 2:
        raise Skip
    f = getattr(torch, name)
    if name in ("var", "std") and x.numel() == 0:
        raise Skip
    y = f(x, axes or list(range(x.dim())), keepdim=keepdim) if x.dim() else f(x)
    if name == "std" and (y < 0.01).any():
        raise Skip
    p.note(name, [v], y, axes=axes, keepdim=keepdim)


@op()
def extreme(p):
    name = p.random.choice(["max", "min"])
    v = p.pick(test=lambda x: x.numel() > 0)
    x = p.values[v]
    if x.dim() == 0 or p.chance(0.3):
        distinct(x)
        p.note(name + "_all", [v], getattr(torch, name)(x))
        return
    a, keepdim = p.axis(x), p.chance(0.4)
    distinct(x, a)
    found = getattr(torch, name)(x, a, keepdim=keepdim)
    p.note(name, [v], [found.indices, found.values], axis=a, keepdim=keepdim)


@op()
def running(p):
    name = p.random.choice(["cumsum", "cumprod", "cummax", "cummin"])
    v = p.pick(test=lambda x: x.dim() > 0 and x.numel() > 0)
    x = p.values[v]
    a = p.axis(x)
    if name in ("cummax", "cummin"):
        distinct(x, a)
        found = getattr(torch, name)(x, a)
        p.note(name, [v], [found.indices, found.values], axis=a)
        return
    p.note(name, [v], getattr(torch, name)(x, a), axis=a)


@op(0.7)
def truth(p):
    name = p.random.choice(["any", "all"])
    v = p.pick("bi", new=p.shape())
    x = p.values[v]
    axes, keepdim = p.axes(x), p.chance(0.4)
    f = getattr(torch, name)
    if not axes:
        p.note(name, [v], f(x), axes=axes, keepdim=False)
    else:
        p.note(name, [v], f(x, dim=axes, keepdim=keepdim), axes=axes, keepdim=keepdim)


@op(0.5)
def sums_of_integers(p):
    v = p.pick("ib")
    x = p.values[v]
    axes, keepdim = p.axes(x), p.chance(0.4)
    y = x.sum(axes, keepdim=keepdim) if axes else x.sum()
    p.note("sum", [v], y, axes=axes, keepdim=keepdim if axes else False)


@op(0.6)
def arg(p):
    name = p.random.choice(["argmax", "argmin"])
    v = p.pick(test=lambda x: x.numel() > 0 and x.dim() > 0)
    x = p.values[v]
    a, keepdim = p.axis(x), p.chance(0.4)
    distinct(x, a)
    p.note(name, [v], getattr(torch, name)(x, a, keepdim=keepdim), axis=a, keepdim=keepdim)


@op(0.6)
def topk(p):
    v = p.pick(test=lambda x: x.numel() > 0 and x.dim() > 0)
    x = p.values[v]
    distinct(x, -1)
    k = p.random.randint(1, x.shape[-1])
    found = x.topk(k)
    p.note("topk", [v], [found.indices, found.values], k=k)


# --- views
def any_kind(p):
    return p.pick(p.random.choice(["f", "f", "f", "f", "i", "b"]), new=p.shape() if p.chance(0.5) else None)


@op(2)
def reshape(p):
    v = any_kind(p)
    x = p.values[v]
    left, shape = x.numel(), []
    if left == 0:
        raise Skip
    for _ in range(p.random.randint(0, 4)):
        s = p.random.choice([d for d in (1, 2, 3, 4, 5, 6) if left % d == 0])
        shape.append(s)
        left //= s
    if left > 1 or not shape and x.dim():
        shape.insert(p.random.randint(0, len(shape)), left)
    if shape and p.chance(0.3):
        shape[p.random.randrange(len(shape))] = -1
    name = p.random.choice(["view", "reshape"])
    if not p.is_view_of_input(v):
        name = "reshape"  # in which order an op lays out its result is its own affair
    try:
        y = getattr(x, name)(shape)
    except RuntimeError:  # view cannot: the same refusal is wanted
        p.used.add(v)
        p.lines.append(f"view_refused {v} shape={text(shape)}")
        return
    p.note(name, [v], y, shape=shape)


@op(2)
def rearrange_axes(p):
    v = any_kind(p)
    x = p.values[v]
    if p.chance(0.5):
        a, b = p.axis(x), p.axis(x)
        p.note("transpose", [v], x.transpose(a, b), a=a, b=b)
    else:
        order = list(range(x.dim()))
        p.random.shuffle(order)
        order = [a - x.dim() if p.chance(0.2) else a for a in order]
        p.note("permute", [v], x.permute(order), order=order)


@op(1.5)
def expand(p):
    v = any_kind(p)
    x = p.values[v]
    shape = [p.random.randint(1, 4) if s == 1 else (-1 if p.chance(0.3) else s) for s in x.shape]
    shape = [p.random.randint(1, 3) for _ in range(p.random.choice([0, 0, 1]))] + shape
    p.note("expand", [v], x.expand(shape), shape=shape)


@op(2)
def slices(p):
    v = any_kind(p)
    x = p.values[v]
    a = p.axis(x)
    n = x.shape[a]
    kind = p.random.choice(["slice", "slice", "select", "narrow"])
    if kind == "slice":
        begin, end, step = p.random.randint(-n - 1, n), p.random.randint(-n, n + 2), p.random.randint(1, 3)
        index = [slice(None)] * x.dim()
        index[a] = slice(begin, end, step)
        p.note("slice", [v], x[tuple(index)], axis=a, begin=begin, end=end, step=step)
    elif n == 0:
        raise Skip
    elif kind == "select":
        i = p.random.randint(-n, n - 1)
        p.note("select", [v], x.select(a, i), axis=a, index=i)
    else:
        start = p.random.randrange(n)
        length = p.random.randint(0, n - start)
        p.note("narrow", [v], x.narrow(a, start, length), axis=a, start=start, length=length)


@op(1.5)
def ones(p):
    v = any_kind(p)
    x = p.values[v]
    kind = p.random.choice(["squeeze", "squeeze_all", "unsqueeze", "flatten"])
    if kind == "squeeze":
        a = p.axis(x)
        p.note("squeeze", [v], x.squeeze(a), axis=a)
    elif kind == "squeeze_all":
        p.note("squeeze_all", [v], x.squeeze())
    elif kind == "unsqueeze":
        a = p.random.randint(-x.dim() - 1, x.dim())
        p.note("unsqueeze", [v], x.unsqueeze(a), axis=a)
    else:
        if x.dim() == 0:
            raise Skip
        a = p.random.randrange(x.dim())
        b = p.random.randint(a, x.dim() - 1)
        p.note("flatten", [v], x.flatten(a, b), start=a, end=b)


@op(0.5)
def copies(p):
    v = any_kind(p)
    name = p.random.choice(["clone", "contiguous"])
    p.note(name, [v], getattr(p.values[v], name)())


# --- joining, choosing
@op(1.2)
def join(p):
    v = any_kind(p)
    x = p.values[v]
    kind = p.kind(v)
    if p.chance(0.5):
        a = p.axis(x)
        shape = list(x.shape)
        shape[a] = p.random.randint(0, 3)
        fits = lambda y: y.dim() == x.dim() and all(s == t or i == a % x.dim()
                                                    for i, (s, t) in enumerate(zip(x.shape, y.shape)))
        others = [p.pick(kind, test=fits, new=tuple(shape) if kind != "i" else None)
                  for _ in range(p.random.randint(0, 2))]
        several = [v, *others]
        p.random.shuffle(several)
        p.note("cat", several, torch.cat([p.values[o] for o in several], a), axis=a)
    else:
        others = [p.pick(kind, test=lambda y: y.shape == x.shape, new=tuple(x.shape) if kind != "i" else None)
                  for _ in range(p.random.randint(0, 2))]
        a = p.random.randint(-x.dim() - 1, x.dim())
        several = [v, *others]
        p.note("stack", several, torch.stack([p.values[o] for o in several], a), axis=a)


@op(1.5)
def indexing(p):
    v = p.pick(new=p.shape(), test=lambda x: x.dim() > 0 and x.numel() > 0)
    x = p.values[v]
    if x.numel() == 0:
        raise Skip
    a = p.axis(x)
    n = x.shape[a]
    kind = p.random.choice(["gather", "scatter_add", "index_select", "index_add", "embedding"])
    if kind == "gather":
        shape = [p.random.randint(1, s) for s in x.shape]
        shape[a] = p.random.randint(1, 4)
        i = p.input("i", tuple(shape), n)
        p.note(kind, [v, i], x.gather(a, p.values[i]), axis=a)
    elif kind == "scatter_add":
        shape = [p.random.randint(1, s) for s in x.shape]
        shape[a] = p.random.randint(1, 4)
        i = p.input("i", tuple(shape), n)
        s = p.input("f", tuple(shape))
        p.note(kind, [v, i, s], x.scatter_add(a, p.values[i], p.values[s]), axis=a)
    elif kind == "index_select":
        i = p.input("i", (p.random.randint(0, 5),), n)
        p.note(kind, [v, i], x.index_select(a, p.values[i]), axis=a)
    elif kind == "index_add":
        count = p.random.randint(1, 4)
        shape = list(x.shape)
        shape[a] = count
        i, s = p.input("i", (count,), n), p.input("f", tuple(shape))
        p.note(kind, [v, i, s], x.index_add(a, p.values[i], p.values[s]), axis=a)
    else:
        w = p.pick(test=lambda x: x.dim() == 2 and x.numel() > 0, new=(p.random.randint(1, 5), p.random.randint(1, 4)))
        i = p.input("i", p.shape(2), p.values[w].shape[0])
        p.note(kind, [i, w], torch.nn.functional.embedding(p.values[i], p.values[w]))


# --- more views, and copies in another order
@op(2)
def more_views(p):
    v = any_kind(p)
    x = p.values[v]
    a = p.axis(x)
    n = x.shape[a]
    kind = p.random.choice(["unfold", "diagonal", "movedim", "unflatten", "broadcast_to"])
    if kind == "unfold":
        size = p.random.randint(1, max(n, 1))
        step = p.random.randint(1, 3)
        if size > n:
            raise Skip
        p.note(kind, [v], x.unfold(a, size, step), axis=a, size=size, step=step)
    elif kind == "diagonal":
        b = p.axis(x)
        if a % x.dim() == b % x.dim():
            raise Skip
        offset = p.random.randint(-2, 2)
        p.note(kind, [v], x.diagonal(offset, a, b), offset=offset, a=a, b=b)
    elif kind == "movedim":
        b = p.axis(x)
        p.note(kind, [v], x.movedim(a, b), a=a, b=b)
    elif kind == "unflatten":
        parts = [d for d in (1, 2, 3) if n and n % d == 0]
        if not parts:
            raise Skip
        d = p.random.choice(parts)
        sizes = [d, -1] if p.chance(0.5) else [n // d, d]
        p.note(kind, [v], x.unflatten(a, sizes), axis=a, sizes=sizes)
    else:
        shape = [p.random.randint(1, 3), *x.shape]
        p.note(kind, [v], x.broadcast_to(shape), shape=shape)


@op(1.2)
def pieces(p):
    v = any_kind(p)
    x = p.values[v]
    a = p.axis(x)
    n = x.shape[a]
    kind = p.random.choice(["unbind", "chunk", "split", "split_sizes", "tensor_split"])
    if n == 0 or n > 4:
        raise Skip
    if kind == "unbind":
        p.note(kind, [v], list(x.unbind(a)), axis=a)
    elif kind == "split_sizes":
        first = p.random.randint(0, n)
        p.note(kind, [v], list(x.split([first, n - first], a)), axis=a, sizes=[first, n - first])
    else:
        k = p.random.randint(1, 3)
        p.note(kind, [v], list(getattr(x, kind)(k, a)), axis=a, n=k)


@op(2)
def reordered(p):
    v = any_kind(p)
    x = p.values[v]
    kind = p.random.choice(["flip", "roll", "roll_all", "rot90", "repeat_times", "tile", "repeat_interleave"])
    if kind == "flip":
        axes = p.axes(x)
        if not axes:
            raise Skip
        p.note(kind, [v], x.flip(axes), axes=axes)
    elif kind == "roll":
        a, shift = p.axis(x), p.random.randint(-4, 4)
        p.note(kind, [v], x.roll(shift, a), axis=a, shift=shift)
    elif kind == "roll_all":
        shift = p.random.randint(-4, 4)
        p.note(kind, [v], x.roll(shift), shift=shift)
    elif kind == "rot90":
        a, b = p.axis(x), p.axis(x)
        if a % x.dim() == b % x.dim():
            raise Skip
        k = p.random.randint(-2, 3)
        p.note(kind, [v], x.rot90(k, [a, b]), k=k, axes=[a, b])
    elif kind in ("repeat_times", "tile"):
        times = [p.random.randint(1, 2) for _ in range(x.dim() + p.random.randint(0, 1))]
        if not times:
            raise Skip
        p.note(kind, [v], x.repeat(times) if kind == "repeat_times" else x.tile(times), times=times)
    else:
        a, times = p.axis(x), p.random.randint(0, 3)
        p.note(kind, [v], x.repeat_interleave(times, a), axis=a, times=times)


@op(1.2)
def triangles(p):
    name = p.random.choice(["triu", "tril", "diag_embed", "trace"])
    v = p.pick(new=p.shape(), test=lambda x: x.dim() >= (1 if name == "diag_embed" else 2))
    x = p.values[v]
    if x.dim() < 2 and name != "diag_embed" or x.dim() == 0:
        raise Skip
    if name == "trace":
        if x.dim() != 2:
            raise Skip
        p.note(name, [v], x.trace())
    elif name == "diag_embed":
        offset = p.random.randint(-2, 2)
        p.note(name, [v], x.diag_embed(offset), offset=offset)
    else:
        k = p.random.randint(-2, 2)
        p.note(name, [v], getattr(torch, name)(x, k), diagonal=k)


@op()
def pad(p):
    v = p.pick(new=p.shape(), test=lambda x: x.dim() > 0)
    x = p.values[v]
    if x.dim() == 0:
        raise Skip
    axes = p.random.randint(1, min(2, x.dim()))
    widths = [p.random.randint(0, 2) for _ in range(2 * axes)]
    value = round(p.random.uniform(-1, 1), 2)
    p.note("pad", [v], torch.nn.functional.pad(x, widths, value=value), widths=widths, value=value)


# --- more indexing
@op(2)
def more_indexing(p):
    v = p.pick(new=p.shape(), test=lambda x: x.dim() > 0 and x.numel() > 0)
    x = p.values[v]
    if x.numel() == 0:
        raise Skip
    if x.dim() == 0:
        raise Skip
    a = p.axis(x)
    n = x.shape[a]
    kind = p.random.choice(["scatter", "scatter_value", "take", "take_along_dim", "index_copy", "index_fill", "index",
                            "index_put_add", "masked_select", "index_mask", "one_hot"])
    if kind in ("scatter", "scatter_value", "take_along_dim"):
        shape = [p.random.randint(1, s) for s in x.shape]
        shape[a] = p.random.randint(1, n)
        i = p.input("i", tuple(shape), n)
        if kind == "take_along_dim":
            full = list(x.shape)
            full[a] = shape[a]
            if shape != full and not all(s == t or s == 1 for s, t in zip(shape, full)):
                raise Skip
            p.note(kind, [v, i], torch.take_along_dim(x, p.values[i], a), axis=a)
            return
        ids = p.values[i]
        if any(len(set(row.tolist())) < row.numel() for row in ids.movedim(a, -1).reshape(-1, ids.shape[a])):
            raise Skip  # which of two writers wins is nobody's promise
        if kind == "scatter":
            f = p.input("f", tuple(shape))
            p.note(kind, [v, i, f], x.scatter(a, ids, p.values[f]), axis=a)
        else:
            value = round(p.random.uniform(-2, 2), 2)
            p.note(kind, [v, i], x.scatter(a, ids, value), axis=a, value=value)
    elif kind == "take":
        i = p.input("i", p.shape(2), x.numel())
        p.note(kind, [v, i], x.take(p.values[i]))
    elif kind in ("index_copy", "index_fill"):
        i = p.input("i", (p.random.randint(1, n),), n)
        if len(set(p.values[i].tolist())) < p.values[i].numel():
            raise Skip
        if kind == "index_fill":
            value = round(p.random.uniform(-2, 2), 2)
            p.note(kind, [v, i], x.index_fill(a, p.values[i], value), axis=a, value=value)
        else:
            shape = list(x.shape)
            shape[a] = p.values[i].numel()
            f = p.input("f", tuple(shape))
            p.note(kind, [v, i, f], x.index_copy(a, p.values[i], p.values[f]), axis=a)
    elif kind in ("index", "index_put_add"):
        lists = [p.input("i", s, x.shape[k])
                 for k, s in enumerate(p.random.choice([((3,),), ((2,), (2,)), ((2, 1), (3,)), ((2, 2),)])[: x.dim()])]
        ids = tuple(p.values[i] for i in lists)
        if kind == "index":
            p.note(kind, [v, *lists], x[ids])
        else:
            f = p.input("f", tuple(x[ids].shape))
            p.note(kind, [v, *lists, f], x.index_put(ids, p.values[f], accumulate=True))
    elif kind == "one_hot":
        i = p.input("i", p.shape(2), 4)
        p.note(kind, [i], torch.nn.functional.one_hot(p.values[i], 4), classes=4)
    else:
        m = p.pick("b", test=lambda m: m.shape == x.shape, new=tuple(x.shape))
        p.note(kind, [v, m], x.masked_select(p.values[m]) if kind == "masked_select" else x[p.values[m]])


@op(0.6)
def positions(p):
    v = p.pick("b", new=p.shape())
    p.note("nonzero", [v], p.values[v].nonzero())


@op(1.5)
def sorting(p):
    v = p.pick(test=lambda x: x.numel() > 0 and x.dim() > 0)
    x = p.values[v]
    a = p.axis(x)
    distinct(x, a)
    kind = p.random.choice(["sort", "argsort", "topk_axis", "kthvalue"])
    down = p.chance(0.5)
    if kind == "sort":
        found = x.sort(dim=a, descending=down)
        p.note(kind, [v], [found.indices, found.values], axis=a, descending=down)
    elif kind == "argsort":
        p.note(kind, [v], x.argsort(dim=a, descending=down), axis=a, descending=down)
    elif kind == "topk_axis":
        k = p.random.randint(1, x.shape[a])
        found = x.topk(k, a, largest=down)
        p.note(kind, [v], [found.indices, found.values], k=k, axis=a, largest=down)
    else:
        k = p.random.randint(1, x.shape[a])
        keepdim = p.chance(0.5)
        found = x.kthvalue(k, a, keepdim=keepdim)
        p.note(kind, [v], [found.indices, found.values], k=k, axis=a, keepdim=keepdim)


# --- more products
@op(1.5)
def more_products(p):
    kind = p.random.choice(["mm", "bmm", "mv", "dot", "outer", "addmm", "kron", "cdist"])
    m, k, n = (p.random.randint(1, 4) for _ in range(3))
    shapes = {"mm": ((m, k), (k, n)), "bmm": ((2, m, k), (2, k, n)), "mv": ((m, k), (k,)), "dot": ((k,), (k,)),
              "outer": ((m,), (n,)), "kron": ((m, 2), (2, n)), "cdist": ((m, k), (n, k)), "addmm": ((m, k), (k, n))}
    one, two = shapes[kind]
    a = p.pick(test=lambda x: x.shape == torch.Size(one), new=one)
    b = p.input("f", two)
    x, y = p.values[a], p.values[b]
    if kind == "addmm":
        c = p.input("f", p.random.choice([(m, n), (n,), (1, n), ()]))
        p.note(kind, [c, a, b], torch.addmm(p.values[c], x, y, beta=0.5, alpha=1.5), beta=0.5, alpha=1.5)
    elif kind == "cdist":
        if (torch.cdist(x, y) < 0.05).any():
            raise Skip
        q = p.random.choice([1.0, 2.0, 3.0])
        if q != 2.0:
            clear_of(x[:, None] - y[None], [0])
        p.note(kind, [a, b], torch.cdist(x, y, p=q), p=q)
    else:
        p.note(kind, [a, b], getattr(torch, kind)(x, y))


EINSUM = ["ij,jk->ik", "ij,kj->ki", "bij,bjk->bik", "ij->ji", "ii->i", "ij->", "ij,ij->i", "i,j->ij", "bhqd,bhkd->bhqk",
          "...i,...i->...", "ij,jk", "ijk->kj", "bij,jk->bik"]


@op(1.2)
def einsum(p):
    pattern = p.random.choice(EINSUM)
    sizes = {c: p.random.randint(1, 3) for c in "bhijkqd"}
    lists = []
    for operand in pattern.split("->")[0].split(","):
        shape = (2,) * operand.count("...") + tuple(sizes[c] for c in operand.replace("...", ""))
        lists.append(p.pick(test=lambda x: x.shape == torch.Size(shape), new=shape))
    p.note("einsum", lists, torch.einsum(pattern, *(p.values[o] for o in lists)), pattern=pattern)


# --- products and rows
@op(2)
def matmul(p):
    a = p.pick(new=p.shape(4), test=lambda x: x.dim() > 0)
    x = p.values[a]
    if x.dim() == 0:
        raise Skip
    inner = x.shape[-1]
    if p.chance(0.25):
        shape = (inner,)
    else:
        batch = [1 if p.chance(0.3) else s for s in x.shape[:-2]]
        shape = (*batch[p.random.randint(0, len(batch)):], inner, p.random.randint(1, 4))
    if len(shape) == 2 and p.chance(0.5):
        b = p.input("f", (shape[1], shape[0]))
        p.note("transpose", [b], p.values[b].transpose(0, 1), a=0, b=1)
        b = len(p.values) - 1
    else:
        b = p.input("f", shape)
    p.note("matmul", [a, b], torch.matmul(x, p.values[b]))


@op(1.2)
def rows(p):
    name = p.random.choice(["softmax", "log_softmax", "layer_norm"])
    v = p.pick(new=p.shape(), test=lambda x: x.dim() > 0)
    x = p.values[v]
    if name == "layer_norm":
        if x.dim() == 0 or x.shape[-1] < 2 or x.numel() == 0:
            raise Skip
        y = torch.nn.functional.layer_norm(x, x.shape[-1:])
        if (x.var(-1, unbiased=False) < 0.01).any():
            raise Skip
        p.note(name, [v], y)
        return
    a = p.axis(x)
    p.note(name, [v], getattr(torch, name)(x, a), axis=a)


@op(0.4)
def loss(p):
    v = p.pick(new=(p.random.randint(1, 5), p.random.randint(1, 6)),
               test=lambda x: x.dim() == 2 and x.numel() > 0)
    n, classes = p.values[v].shape
    t = p.input("i", (n,), classes)
    smoothing = p.random.choice([0.0, 0.1])
    y = torch.nn.functional.cross_entropy(p.values[v], p.values[t], label_smoothing=smoothing)
    p.note("cross_entropy", [v, t], y, smoothing=smoothing)


def grow(index):
    """A program of 1 to 12 ops, or None when it came to nothing."""
    p = Program(index)
    want = p.random.randint(1, 12)
    p.input("f", p.shape())
    done = tries = 0
    while done < want and tries < 200:
        tries += 1
        before = len(p.lines), len(p.values), len(p.leaves), set(p.used), len(p.inputs)
        try:
            p.random.choices(list(OPS), list(OPS.values()))[0](p)
            done += 1
        except Skip:
            del p.lines[before[0]:], p.values[before[1]:], p.leaves[before[2]:]
            p.used = before[3]
            del p.inputs[before[4]:]
    numbers_out, shapes, total = [], [], 0
    for v, result in enumerate(p.values):
        if v in p.used:
            continue
        numbers_out.append(result.detach().to(torch.float64).flatten())
        shapes += [result.dim(), *result.shape]
        if result.is_floating_point() and result.requires_grad:
            total = total + (result * numbers(index, 100 + v, result.shape)).sum()
    if torch.is_tensor(total):
        total.backward()
    for leaf in p.leaves:
        g = p.values[leaf].grad
        g = torch.zeros_like(p.values[leaf]) if g is None else g
        if not (g.isfinite().all() and (g.abs() < 1e6).all()):
            return None
        numbers_out.append(g.flatten())
    if sum(x.numel() for x in numbers_out) > 200:
        return None
    return [f"program {index}", *p.lines, "end"], torch.cat(numbers_out), shapes


def main():
    torch.set_num_threads(1)
    lines, values, shapes, used = [], [], [], {}
    index = count = 0
    while count < PROGRAMS:
        index += 1
        made = grow(index)
        if made is None:
            continue
        count += 1
        lines += made[0]
        values.append(made[1])
        shapes += made[2]
        for line in made[0]:
            name = line.split()[0]
            used[name] = used.get(name, 0) + 1
    folder = pathlib.Path(__file__).parent
    (folder / "programs.txt").write_text("\n".join(lines) + "\n")
    save_file({"values": torch.cat(values), "shapes": torch.tensor(shapes)}, folder / "programs.safetensors")
    for name in ("programs.txt", "programs.safetensors"):
        print(name, (folder / name).stat().st_size, "bytes")
    print(*(f"{k} {v}" for k, v in sorted(used.items())))


if __name__ == "__main__":
    main()
