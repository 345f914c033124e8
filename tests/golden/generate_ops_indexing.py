#!/usr/bin/env python3
"""Writes ops_indexing.safetensors: views, joins, indexing, sorting and products of matrices as PyTorch does them.

    python3 tests/golden/generate_ops_indexing.py           # needs torch 2.13 and safetensors

cases.py says how a case is filed. Here an op also has cases whose x (or a and b) is int64 or bool.
"""

import random

import torch
import torch.nn.functional as F

from cases import case, counts, flags, integers, out, positive, randn, write

nan, inf = float("nan"), float("inf")


def every(op, f, *shapes, **options):
    """f(x) for x of each shape in float64; for an op's first options, the first shape in int64 and bool too."""
    is_first = op not in counts
    for shape in shapes:
        case(op, f, dict(x=randn(*shape)), **options)
    if not is_first:
        return
    case(op, f, dict(x=integers(100, *shapes[0]) - 50), **options)
    case(op, f, dict(x=flags(*shapes[0])), **options)


def pieces(op, f, *shapes, **options):
    """f(x) is a list; each of its tensors is a case."""
    for shape in shapes:
        x = randn(*shape)
        n = len(f(x))
        for i in range(n):
            case(op, lambda x: f(x)[i], dict(x=x), piece=i, pieces=n, **options)


def views():
    for axes, shape in [([0], (1, 3, 1)), ([0, -1], (1, 3, 1)), ([1], (1, 3, 1)), ([-3, 2, 1], (1, 3, 1)), ([], (1, 2)),
                        ([0], ()), ([0], (1, 0))]:
        every("squeeze_axes", lambda x: x.squeeze(tuple(axes)), shape, axes=axes)
    every("t", lambda x: x.t(), (3, 2), (4,), (), (0, 3))
    for source, destination in [([0], [2]), ([-1], [0]), ([0, 1], [-1, 0]), ([2, 0, 1], [0, 1, 2]), ([], [])]:
        every("movedim", lambda x: torch.movedim(x, source, destination), (2, 3, 4), source=source,
              destination=destination)
    for axis, sizes, shape in [(0, [2, 3], (6,)), (1, [-1, 2], (3, 4)), (-1, [2, 2, 1], (3, 4)), (0, [0, 3], (0, 2)),
                               (0, [4], (4, 2))]:
        every("unflatten", lambda x: x.unflatten(axis, sizes), shape, axis=axis, sizes=sizes)
    for offset, a, b, shape in [(0, 0, 1, (3, 4)), (1, 0, 1, (3, 4)), (-1, 0, 1, (3, 4)), (5, 0, 1, (3, 4)),
                                (-3, 0, 1, (3, 4)), (0, 1, 0, (3, 4)), (1, -1, 0, (3, 2, 4)), (-1, 1, 2, (2, 3, 3)),
                                (0, 0, 1, (0, 3)), (0, -2, -1, (2, 2, 3, 3))]:
        every("diagonal", lambda x: x.diagonal(offset, a, b), shape, offset=offset, axis0=a, axis1=b)
    for axis, size, step, shape in [(0, 2, 1, (5,)), (0, 3, 2, (7,)), (1, 2, 3, (2, 6, 2)), (-1, 4, 4, (3, 9)),
                                    (0, 0, 1, (4,)), (0, 1, 1, ()), (0, 0, 2, ()), (0, 5, 7, (5, 2)), (1, 2, 1, (0, 3))]:
        every("unfold", lambda x: x.unfold(axis, size, step), shape, axis=axis, size=size, step=step)
    pieces("unbind", lambda x: x.unbind(1), (2, 3))
    pieces("unbind", lambda x: x.unbind(-1), (2, 2), (0, 2))
    for size, axis in [(2, 0), (3, 1), (5, 0), (4, -1)]:
        pieces("split", lambda x: x.split(size, axis), (5, 4), axis=axis, size=size)
    pieces("split", lambda x: x.split(0, 1), (2, 0), axis=1, size=0)
    for sizes, axis in [([1, 4], 0), ([2, 0, 2], 1), ([4], -1)]:
        pieces("split", lambda x: x.split(sizes, axis), (5, 4), axis=axis, sizes=sizes)
    for chunks, axis in [(2, 0), (4, 0), (7, 0), (1, 1), (3, -1)]:
        pieces("chunk", lambda x: x.chunk(chunks, axis), (5, 4), axis=axis, chunks=chunks)
    pieces("chunk", lambda x: x.chunk(3, 1), (2, 0), axis=1, chunks=3)
    for sections, axis in [(3, 0), (6, 0), (3, 1)]:
        pieces("tensor_split", lambda x: x.tensor_split(sections, axis), (5, 4), axis=axis, sections=sections)
    for at, axis in [([2], 0), ([1, 3], 1), ([3, 1], 0), ([-1], 0), ([0, 9], 0)]:
        pieces("tensor_split", lambda x: x.tensor_split(tuple(at), axis), (5, 4), axis=axis, at=at)


def view_rules():
    """What PyTorch's own view says to random shapes: rows of rank, sizes, strides, rank of target, target, allowed,
    strides of the result (each list padded to six)."""
    rng = random.Random(5)
    rows = []

    def padded(values):
        return list(values) + [0] * (6 - len(values))

    while len(rows) < 260:
        x = torch.zeros([rng.choice([1, 2, 2, 3, 4, 6]) for _ in range(rng.randint(1, 4))])
        if rng.random() < 0.05:
            x = x[:, None].narrow(0, 0, 0)
        for _ in range(rng.randint(0, 4)):
            a, b = rng.randrange(x.dim()), rng.randrange(x.dim())
            step = rng.randrange(6)
            if step == 0:
                x = x.transpose(a, b)
            elif step == 1 and x.size(a) > 1:
                x = x[(slice(None),) * a + (slice(rng.randint(0, 1), None, rng.randint(1, 2)),)]
            elif step == 2 and x.dim() < 6:
                x = x.unsqueeze(a)
            elif step == 3:
                x = x.expand([3 if n == 1 and i == a else n for i, n in enumerate(x.shape)])
            elif step == 4 and x.dim() > 1 and x.size(a) > 0:
                x = x.select(a, 0)
            elif step == 5 and x.dim() < 6 and x.size(a) > 0:
                x = x.unfold(a, max(1, x.size(a) // 2), 1)
        target, axes = [], list(x.shape)
        while axes:  # merge neighbours or split one, so that many targets are nearly allowed
            n = axes.pop(0)
            if axes and rng.random() < 0.5:
                axes[0] *= n
            elif n in (4, 6, 8, 12) and rng.random() < 0.4:
                target += [2, n // 2]
            else:
                target.append(n)
            if rng.random() < 0.1:
                target.append(1)
        if len(target) > 6 or x.dim() > 6:
            continue
        try:
            strides = x.view(target).stride()
            allowed = 1
        except RuntimeError:
            strides, allowed = [], 0
        if allowed and sum(row[20] for row in rows) >= 140:
            continue
        rows.append([x.dim(), *padded(x.shape), *padded(x.stride()), len(target), *padded(target), allowed,
                     *padded(strides)])
    table = torch.tensor(rows, dtype=torch.int32)
    out["view_rules/0/y"] = table
    counts["view_rules"] = 1
    print("view_rules:", int(table[:, 20].sum()), "of", len(rows), "allowed")


def copies():
    for axes, shape in [([0], (4,)), ([1], (2, 3)), ([0, -1], (2, 3, 2)), ([], (2, 2)), ([0], ()), ([1], (2, 0))]:
        every("flip", lambda x: x.flip(axes), shape, axes=axes)
    for shifts, axes, shape in [([1], [0], (4,)), ([-2], [1], (2, 5)), ([7, -1], [0, 1], (3, 4)), ([0], [0], (3,)),
                                ([1, 1], [0, 0], (4,)), ([3], [0], (3, 2)), ([2], [0], (0, 2))]:
        every("roll", lambda x: x.roll(shifts, axes), shape, shifts=shifts, axes=axes)
    every("roll", lambda x: x.roll(4), (3, 4), (), (0,), shifts=[4])
    for k in (-1, 0, 1, 2, 3, 6):
        every("rot90", lambda x: x.rot90(k, [0, 1]), (2, 3), k=k, axes=[0, 1])
    every("rot90", lambda x: x.rot90(1, [2, 0]), (2, 3, 4), k=1, axes=[2, 0])
    for times, shape in [([3], (2,)), ([2, 3], (2, 2)), ([2, 1, 2], (3,)), ([1, 1], (2, 3)), ([0, 2], (2, 3)),
                         ([2], ()), ([], ()), ([2, 2], (0, 3)), ([4], (1,))]:
        every("repeat_times", lambda x: x.repeat(times), shape, times=times)
    for times, shape in [([3], (2, 3)), ([2, 2], (3,)), ([], (2,)), ([2, 1], (2, 1, 2))]:
        every("tile", lambda x: x.tile(times), shape, times=times)
    for times, axis, shape in [(3, 0, (2, 2)), (2, -1, (2, 3)), (1, 0, (3,)), (0, 0, (3, 2)), (3, 0, (1,))]:
        every("repeat_interleave", lambda x: x.repeat_interleave(times, axis), shape, times=times, axis=axis)
    every("repeat_interleave", lambda x: x.repeat_interleave(2), (2, 3), times=2)
    each = torch.tensor([2, 0, 3])
    every("repeat_interleave", lambda x: x.repeat_interleave(each, 1), (2, 3, 2), each=each.tolist(), axis=1)
    for indexing in ("ij", "xy"):
        for i in range(3):
            case("meshgrid", lambda a, b, c: torch.meshgrid(a, b, c, indexing=indexing)[i],
                 dict(a=randn(2), b=randn(3), c=randn()), xy=int(indexing == "xy"), piece=i)
    for name in ("triu", "tril"):
        f = getattr(torch, name)
        for diagonal, shape in [(0, (3, 3)), (1, (3, 4)), (-1, (4, 3)), (5, (2, 3)), (-5, (2, 3)), (-2, (2, 3, 3)),
                                (0, (0, 3)), (1, (2, 0))]:
            every(name, lambda x: f(x, diagonal), shape, diagonal=diagonal)
        g = getattr(torch, name + "_indices")
        for rows, cols, offset in [(3, 3, 0), (2, 4, 1), (4, 2, -1), (3, 3, 5), (0, 3, 0)]:
            case(name + "_indices", lambda: g(rows, cols, offset), {}, rows=rows, cols=cols, offset=offset)
    for name, shapes in dict(hstack=[((2,), (3,), ()), ((2, 1), (2, 3), (2, 2))], vstack=[((3,), (2, 3), (1, 3))],
                             dstack=[((3,), (1, 3), (1, 3, 2)), ((), (1,), (1, 1, 1))]).items():
        for a, b, c in shapes:
            case(name, lambda a, b, c: getattr(torch, name)([a, b, c]), dict(a=randn(*a), b=randn(*b), c=randn(*c)))
    case("cat_nothing", lambda a, b, c: torch.cat([a, b, c], 1), dict(a=randn(0), b=randn(2, 3), c=randn(2, 1)))
    case("broadcast_tensors", lambda a, b, c: torch.broadcast_tensors(a, b, c)[0],
         dict(a=randn(3, 1), b=randn(2), c=randn()))
    modes = [("constant", w, s) for w, s in [([1, 2], (3,)), ([1, 0, 2, 1], (2, 3)), ([-1, 1], (4,)), ([-1, -2], (4, 5)),
                                            ([0, 0, 1, -1], (3, 2)), ([], (2,)), ([], ()), ([2, 1], (2, 0)),
                                            ([1, 1, 0, 0, 2, 2], (1, 2, 1))]]
    modes += [("reflect", w, s) for w, s in [([2, 1], (1, 3)), ([1, 1, 2, 0], (2, 3, 2)), ([-1, 2], (1, 5))]]
    modes += [("replicate", w, s) for w, s in [([2, 3], (1, 3)), ([1, 1, 2, 0], (2, 3, 1)), ([-1, 2], (1, 4))]]
    modes += [("circular", w, s) for w, s in [([2, 3], (1, 3)), ([1, 1, 2, 0], (2, 3, 1))]]
    for mode, widths, shape in modes:
        kw = dict(mode=mode, value=1.5) if mode == "constant" else dict(mode=mode)
        case("pad", lambda x: F.pad(x, widths, **kw), dict(x=randn(*shape)), widths=widths, value=1.5,
             mode=["constant", "reflect", "replicate", "circular"].index(mode))
    case("pad", lambda x: F.pad(x, [1, 1], value=2), dict(x=integers(9, 2, 2)), widths=[1, 1], value=2.0, mode=0)
    for ids, classes in [(integers(4, 5), -1), (integers(4, 2, 3), 6), (torch.tensor(2), -1), (integers(4, 0, 2), 3)]:
        case("one_hot", lambda x: F.one_hot(x, classes), dict(x=ids), classes=classes)
    for offset, a, b, shape in [(0, -2, -1, (3,)), (1, 0, 1, (3,)), (-2, 0, 2, (2, 3)), (0, 1, 0, (2, 3)),
                                (0, 0, 1, (0,)), (1, 0, 1, (0,))]:
        every("diag_embed", lambda x: torch.diag_embed(x, offset, a, b), shape, offset=offset, axis0=a, axis1=b)
    for offset, shape in [(0, (3,)), (-1, (2,)), (0, (2, 3)), (1, (3, 3)), (4, (2, 2))]:
        every("diag", lambda x: x.diag(offset), shape, offset=offset)
    for x in (randn(3, 4), integers(9, 3, 3), randn(0, 2)):
        case("trace", lambda x: x.trace(), dict(x=x))


def indexing():
    put = torch.ops.aten.index_put  # x.index_put takes no None
    data = dict(f=lambda *s: randn(*s), i=lambda *s: integers(100, *s), b=lambda *s: flags(*s))
    for kind in "fib":
        make = data[kind]
        for axis, shape, index in [(0, (3, 4), (2, 4)), (1, (3, 4), (3, 6)), (-1, (2, 3, 4), (2, 2, 3)),
                                   (1, (2, 3, 4), (2, 5, 4)), (0, (5,), (7,)), (0, (), ()), (1, (2, 3), (2, 0)),
                                   (1, (2, 3), (5, 0)), (1, (2, 1, 3), (2, 4, 3))]:
            if kind != "f" and axis:
                continue
            n = shape[axis] if shape else 1
            ids = integers(n, *index)
            case("gathered", lambda x, index: x.gather(axis, index), dict(x=make(*shape), index=ids), axis=axis)
            if 0 not in index:
                wider = tuple(s + 1 for s in index)
                # PyTorch takes a wider source too, but cannot go back through it
                case("scatter_add", lambda x, index, source: x.scatter_add(
                    axis, index, source[tuple(slice(n) for n in index.shape)]),
                    dict(x=make(*shape), index=ids, source=make(*wider)), axis=axis)
                along = [d == axis % len(index) for d in range(len(index))]
                once = torch.randperm(n)[:min(n, index[axis])] if index else ids  # two for one place have no order
                one = once.view([-1 if a else 1 for a in along]).expand([len(once) if a else s
                                                                         for a, s in zip(along, index)]) if index else ids
                case("scatter", lambda x, index, source: x.scatter(axis, index, source),
                     dict(x=make(*shape), index=one, source=make(*one.shape)), axis=axis)
                case("scatter_value", lambda x, index: x.scatter(axis, index, 1), dict(x=make(*shape), index=ids),
                     axis=axis)
        for axis, shape, index in [(0, (4, 3), [3, 0, 3]), (1, (2, 3), [2, 2, 1, 0]), (-1, (2, 2, 3), [1]),
                                   (1, (2, 3, 2), [2, 0]), (0, (3,), []), (0, (), [0])]:
            if kind != "f" and axis:
                continue
            ids = torch.tensor(index, dtype=torch.int64)
            case("index_select", lambda x, index: x.index_select(axis, index), dict(x=make(*shape), index=ids), axis=axis)
            sized = [len(index) if d == axis % len(shape) else s for d, s in enumerate(shape)]
            case("index_add", lambda x, index, source: x.index_add(axis, index, source),
                 dict(x=make(*shape), index=ids, source=make(*sized)), axis=axis)
            case("index_fill", lambda x, index: x.index_fill(axis, index, 1), dict(x=make(*shape), index=-ids), axis=axis)
            ids = ids.unique()
            sized = [len(ids) if d == axis % len(shape) else s for d, s in enumerate(shape)]
            case("index_copy", lambda x, index, source: x.index_copy(axis, index, source),
                 dict(x=make(*shape), index=ids, source=make(*sized)), axis=axis)
        case("take", lambda x, index: x.take(index), dict(x=make(3, 4), index=torch.tensor([[0, -1], [11, 0], [5, -12]])))
        case("take", lambda x, index: x.take(index), dict(x=make(), index=torch.tensor([0, -1])))
        case("take", lambda x, index: x.take(index), dict(x=make(2, 2), index=torch.zeros(0, 2, dtype=torch.int64)))
        for axis, shape, index in [(1, (2, 5), (1, 3)), (0, (4, 1), (2, 3)), (-1, (2, 3, 4), (2, 1, 1))]:
            ids = integers(2 * (shape[axis] if shape else 1), *index) - (shape[axis] if shape else 1)
            case("take_along_dim", lambda x, index: x.take_along_dim(index, axis), dict(x=make(*shape), index=ids),
                 axis=axis)
        case("take_along_dim", lambda x, index: x.take_along_dim(index), dict(x=make(2, 3), index=integers(6, 2, 2)))
        for shape, mask in [((3, 4), flags(3, 4)), ((3, 4), flags(4)), ((2, 1), flags(3, 1, 4)), ((), torch.tensor(True)),
                            ((2, 2), flags(2, 2) & False), ((0, 2), flags(2))]:
            case("masked_select", lambda x, mask: x.masked_select(mask), dict(x=make(*shape), mask=mask))
        for shape, mask, n in [((3, 4), flags(3, 4), 12), ((2, 3), flags(3), 8), ((), torch.tensor(True), 2)]:
            case("masked_scatter", lambda x, mask, source: x.masked_scatter(mask, source),
                 dict(x=make(*shape), mask=mask, source=make(n)))
        for shape, axes in [((3, 4), [(5,), None]), ((3, 4), [(2, 2), (2,)]), ((2, 3, 4), [None, (3,), None]),
                            ((2, 3, 4), [(2,), None, (2,)]), ((2, 3, 4), [None, (3, 1), (2,)]), ((4,), [()]),
                            ((2, 3, 4), [(2, 1), None, (3,)]), ((3, 2), [(0,)]), ((5, 2), [(2, 3)]),
                            ((2, 2, 3, 2), [None, (4,), (4,)])]:
            ids = {"ijkl"[a]: integers(2 * shape[a], *s) - shape[a] for a, s in enumerate(axes) if s is not None}

            def at(named):
                return tuple(named.get("ijkl"[a], slice(None)) for a in range(len(axes)))

            def some(named):
                return [named.get("ijkl"[a]) for a in range(len(axes))]

            case("index", lambda x, **named: x[at(named)], dict(x=make(*shape), **ids))
            result = torch.zeros(shape)[at(ids)].shape
            for values in (result[-1:], ()) if kind == "f" else ((),):
                case("index_put_add", lambda x, values, **named: put(x, some(named), values, True),
                     dict(x=make(*shape), values=make(*values), **ids))
            ids = {k: torch.randperm(min(shape["ijkl".index(k)] for k in ids))[:2] for k in ids}
            result = torch.zeros(shape)[at(ids)].shape
            case("index_put", lambda x, values, **named: put(x, some(named), values),
                 dict(x=make(*shape), values=make(*result), **ids))
        for shape, mask in [((3, 4), flags(3, 4)), ((3, 4), flags(3)), ((2, 2, 3), flags(2, 2)), ((3,), flags(3) & False)]:
            case("index_mask", lambda x, mask: x[mask], dict(x=make(*shape), mask=mask))
            case("index_put_mask", lambda x, mask, values: x.index_put((mask,), values),
                 dict(x=make(*shape), mask=mask, values=make()))
        for x in (make(3, 4), make(5), make(), make(2, 0), make(2, 2, 2)):
            case("nonzero", lambda x: x.nonzero(), dict(x=x * 0 + x * flags(*x.shape) if kind != "b" else x))
        case("where_tensors", lambda mask, x, other: torch.where(mask, x, other),
             dict(mask=flags(3, 1), x=make(2, 1, 4), other=make(3, 4)))
    case("nonzero", lambda x: x.nonzero(), dict(x=torch.tensor([0.0, -0.0, nan, inf, 1e-30])))
    case("where_scalar", lambda mask, x: torch.where(mask, x, 0.5), dict(mask=flags(3), x=randn(2, 3)))
    case("where_scalar_first", lambda mask, x: torch.where(mask, -inf, x), dict(mask=flags(3), x=randn(2, 3)))
    case("masked_fill_tensor", lambda x, mask, value: x.masked_fill(mask, value),
         dict(x=randn(2, 3), mask=flags(3), value=randn()))
    ordered = torch.tensor([-1.0, 0.0, 0.0, 2.0, 2.0, 5.0])
    wanted = torch.tensor([[-2.0, -1.0, 0.0, 1.0], [2.0, 5.0, 6.0, nan]])
    for right in (False, True):
        for s, v in [(ordered, wanted), (ordered, torch.tensor(2.0)), (randn(2, 5).sort().values, randn(2, 3)),
                     (torch.tensor([1.0, nan]), wanted), (torch.zeros(0), wanted), (ordered, torch.zeros(0, 2)),
                     (torch.tensor([1, 3, 3, 7]), torch.tensor([[3], [8]]))]:
            case("searchsorted", lambda x, values: torch.searchsorted(x, values, right=right), dict(x=s, values=v),
                 right=int(right))
    for ids, minlength in [(integers(5, 20), 0), (integers(3, 4), 6), (integers(3, 0), 0), (integers(3, 0), 4)]:
        case("bincount", lambda x: x.bincount(minlength=minlength), dict(x=ids), minlength=minlength)
    ids, weights = integers(4, 9), randn(9)
    case("bincount_weights", lambda x, weights: x.bincount(weights).detach(), dict(x=ids, weights=weights))
    for x in (integers(5, 3, 4), integers(2, 6) > 0, torch.tensor([2.0, nan, -0.0, 0.0, nan, inf, 2.0, -inf]), integers(3, 0),
              torch.tensor(3)):
        for i, part in enumerate(("values", "inverse", "counts")):
            case("unique_" + part, lambda x: torch.unique(x, return_inverse=True, return_counts=True)[i].detach(), dict(x=x))
    case("isin", lambda x, set: torch.isin(x, set), dict(x=integers(9, 3, 4), set=integers(9, 2, 2)))
    case("isin", lambda x, set: torch.isin(x, set), dict(x=torch.tensor([1.0, nan, 2.0]), set=torch.tensor([nan, 2.0])))


def sorting():
    ties = torch.tensor([[3.0, nan, 1.0, 3.0, -inf, nan, 1.0], [inf, 0.0, -0.0, 2.0, inf, 0.0, -1.0]])
    samples = [(randn(4, 5), 1), (randn(3, 4, 2), 1), (randn(6), 0), (ties, -1), (ties.t().contiguous(), 0), (randn(2, 40), 1),
               (randn(), 0), (randn(0, 3), 1), (integers(4, 3, 6), 1), (flags(2, 7), -1), (integers(4, 30), 0), (randn(3, 0), 1)]
    for x, axis in samples:
        for descending in (0, 1):
            kw = dict(dim=axis, descending=bool(descending), stable=True)
            case("sort", lambda x: x.sort(**kw).values, dict(x=x), axis=axis, descending=descending)
            case("argsort", lambda x: x.argsort(**kw), dict(x=x), axis=axis, descending=descending)
        n = x.size(axis) if x.dim() else 1
        tied = x.is_floating_point() and x.isnan().any()
        for k in {2, n} & set(range(1, n + 1)):
            for largest in (0, 1) if x.dtype != torch.bool else ():
                # which of equal elements are chosen is open, and so is their gradient
                case("topk", lambda x: (x.detach() if tied else x).topk(k, axis, bool(largest)).values, dict(x=x), k=k,
                     axis=axis, largest=largest)
            if x.dtype != torch.bool and 0 not in x.shape and not tied:
                for keepdim in (k % 2,):
                    case("kthvalue", lambda x: x.kthvalue(k, axis, bool(keepdim)).values, dict(x=x), k=k, axis=axis,
                         keepdim=keepdim)


def matrices():
    case("mm", torch.mm, dict(input=randn(2, 3), mat2=randn(3, 4)))
    case("bmm", torch.bmm, dict(input=randn(2, 2, 3), mat2=randn(2, 3, 4)))
    case("mv", torch.mv, dict(input=randn(2, 3), vec=randn(3)))
    case("dot", torch.dot, dict(input=randn(5), tensor=randn(5)))
    case("dot", torch.dot, dict(input=randn(0), tensor=randn(0)))
    case("outer", torch.outer, dict(x=randn(2), vec2=randn(3)))
    for beta, alpha, x in [(1.0, 1.0, (2, 4)), (0.5, 2.0, (4,)), (0.0, -1.0, ()), (2.0, 1.0, (2, 1))]:
        case("addmm", lambda x, a, b: torch.addmm(x, a, b, beta=beta, alpha=alpha),
             dict(x=randn(*x), a=randn(2, 3), b=randn(3, 4)), beta=beta, alpha=alpha)
        case("baddbmm", lambda x, a, b: torch.baddbmm(x, a, b, beta=beta, alpha=alpha),
             dict(x=randn(*x), a=randn(2, 2, 3), b=randn(2, 3, 4)), beta=beta, alpha=alpha)
    for a, b in [((2, 3), (3, 2)), ((2,), (2, 3)), ((), (2, 2)), ((2, 1, 2), (2,)), ((0, 2), (1, 3))]:
        case("kron", torch.kron, dict(input=randn(*a), other=randn(*b)))
    for a, b, axis in [((2, 3), (2, 3), -1), ((3, 2), (3, 1), 0), ((3,), (3,), 0), ((0, 3), (0, 3), 1)]:
        case("cross", lambda a, b: torch.linalg.cross(a, b, dim=axis), dict(a=randn(*a), b=randn(*b)), axis=axis)
    for a, b in [((3, 4), (2, 4)), ((2, 1, 3, 2), (4, 2, 2)), ((3, 0), (2, 0)), ((0, 3), (2, 3)), ((2, 33), (3, 33))]:
        for p in (2.0, 1.0, inf, 0.5, 1.5, 3.0, 0.0) if a == (3, 4) else (2.0, inf):
            near = randn(*b)
            if a == (3, 4):
                near[1, 1:3] = 0.5
            x = randn(*a)
            if a == (3, 4):
                x[2] = near[1]  # at distance 0
                x[1, 1] = 0.5
            if 0 in a and p == inf:
                continue
            case("cdist", lambda a, b: torch.cdist(a, b, p), dict(a=x, b=near), p=p)


def lengths():
    for p, axis, shape in [(2.0, 1, (2, 3)), (1.0, 0, (2, 3)), (inf, -1, (2, 3)), (3.0, 1, (2, 3, 2)), (2.0, 0, ()),
                           (2.0, 1, (2, 0))]:
        x = randn(*shape)
        if shape == (2, 3) and p == 2.0:
            x[1] = 0
        case("normalize", lambda x: F.normalize(x, p, axis), dict(x=x), p=p, axis=axis)
    for p, keepdim, a, b in [(2.0, 0, (2, 3), (2, 3)), (1.0, 1, (2, 3), (3,)), (inf, 0, (2, 3), (1, 3)),
                             (3.0, 0, (3,), (3,)), (2.0, 0, (0, 3), (0, 3))]:
        case("pairwise_distance", lambda a, b: F.pairwise_distance(a, b, p, keepdim=bool(keepdim)),
             dict(a=randn(*a), b=randn(*b)), p=p, keepdim=keepdim)
    case("pairwise_distance", lambda a, b: F.pairwise_distance(a, b), dict(a=torch.ones(1, 3), b=torch.ones(1, 3)),
         p=2.0, keepdim=0)
    for axis, a, b in [(1, (2, 3), (2, 3)), (-1, (2, 3), (3,)), (0, (3, 1), (3, 2)), (1, (2, 3), (2, 3))]:
        x = randn(*a)
        if counts.get("cosine_similarity") == 3:
            x[0] = 0
        case("cosine_similarity", lambda a, b: F.cosine_similarity(a, b, axis), dict(a=x, b=randn(*b)), axis=axis)


def reduced_scatters():
    for how, name in enumerate(("sum", "mean", "amax", "amin")):
        for include in (True, False):
            for axis, shape, index, source in [(0, (4,), (6,), (6,)), (1, (2, 3), (2, 5), (2, 5)), (0, (3, 2), (2, 1), (2, 1)),
                                               (0, (), (), ()), (1, (2, 3), (2, 0), (2, 0))]:
                n = shape[axis] if shape else 1
                ties = lambda *s: integers(3, *s).double()
                # PyTorch gives a share of the gradient to an x that equals the result even if x does not take part
                apart = 0.0 if include else 0.25
                case("scatter_reduce", lambda x, index, source: x.scatter_reduce(axis, index, source, name,
                                                                                include_self=include),
                     dict(x=ties(*shape) + apart, index=integers(n, *index), source=ties(*source)), axis=axis, how=how,
                     include_self=int(include))


if __name__ == "__main__":
    torch.manual_seed(1)
    write("ops_indexing.safetensors", [views, view_rules, copies, indexing, sorting, matrices, reduced_scatters, lengths])
