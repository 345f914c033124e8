#!/usr/bin/env python3
"""Writes ops_patterns.safetensors: einsum by PyTorch, rearrange, repeat and reduce by einops, in float64.

    python3 tests/golden/generate_ops_patterns.py  # needs torch 2.13, einops 0.8 and safetensors

Patterns, sizes ("h=8 w=2") and the reduction are filed as lists of character codes, under pattern, sizes and how.
"""

import einops
import torch

from cases import case, randn, write


def codes(text):
    return [ord(c) for c in text]


def einsums():
    cases = [
        ("ij,jk->ik", (3, 4), (4, 5)), ("ij,jk", (3, 4), (4, 5)), ("ij,kj->ik", (3, 4), (5, 4)), ("ij,ij->ij", (3, 4), (3, 4)),
        ("ij,ij->", (3, 4), (3, 4)), ("ij,ij->i", (3, 4), (3, 4)), ("i,i", (5,), (5,)), ("i,j->ij", (3,), (4,)),
        ("i,j->ji", (3,), (4,)), ("ii", (4, 4)), ("ii->i", (4, 4)), ("iij->ij", (3, 3, 2)), ("iji->j", (3, 2, 3)),
        ("iii->i", (3, 3, 3)), ("iijj->ij", (2, 2, 3, 3)), ("ii,i->i", (3, 3), (3,)), ("ba", (2, 3)), ("bA", (2, 3)),
        ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("ijk->ki", (2, 3, 4)), ("->", ()), (",", (), ()),
        (",i->i", (), (3,)), ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
        ("bhqk,bhkd->bqhd", (2, 3, 4, 6), (2, 3, 6, 5)), ("bqhd,bkhd->bhqk", (2, 4, 3, 5), (2, 6, 3, 5)),
        ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("bij,jk->bik", (2, 3, 4), (4, 5)), ("bn,anm,bm->ba", (2, 3), (4, 3, 5), (2, 5)),
        ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("i,j,k->kij", (2,), (3,), (4,)), ("ij,j,i->", (2, 3), (3,), (2,)),
        ("ij,jk->", (2, 3), (3, 4)), ("ik,jk->j", (2, 3), (4, 3)), ("ijk,k->ji", (2, 3, 4), (4,)), ("ijkl,kl->ij", (2, 3, 4, 5), (4, 5)),
        ("ijkl,lj->ki", (2, 3, 4, 5), (5, 3)), ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
        ("...ij,...jk", (6, 2, 3, 4), (2, 4, 5)), ("...ij,...jk->...ik", (3, 1, 2, 4), (5, 4, 2)), ("...ij->...ji", (2, 3, 4)),
        ("i...->...i", (2, 3, 4)), ("i...j->j...i", (2, 3, 4)), ("...->...", (2, 3)), ("...i->...", (2, 3, 4)),
        ("...i,...i->", (2, 3), (2, 3)), ("ij...->i...", (2, 3)), ("i...i->...", (3, 2, 3)), ("ij->...ij", (2, 3)),
        ("ij,jk->ik", (2, 1), (3, 4)), ("ij,ij->ij", (1, 3), (2, 1)), ("ij,ij->i", (2, 1), (2, 3)), ("i,i->i", (3,), (1,)),
        ("ij,jk->ik", (1, 1), (1, 1)), ("ij->ij", (1, 3)), ("ij,k->ijk", (1, 2), (1,)), ("ij,jk->ik", (2, 0), (0, 3)),
        ("ij,jk->ik", (0, 2), (2, 3)), ("ij,ij->", (0, 2), (0, 2)), ("a->", (0,)), (" i j , j k -> i k ", (2, 3), (3, 4)),
        ("abcdefg,gfedcba->ag", (2, 1, 2, 1, 2, 2, 2), (2, 2, 2, 1, 2, 1, 2)), ("nchw,oc->nohw", (2, 3, 4, 5), (6, 3)),
        ("bld,hdk->bhlk", (2, 3, 4), (2, 4, 5)),
    ]
    for pattern, *shapes in cases:
        inputs = {name: randn(*shape) for name, shape in zip("abc", shapes)}
        case("einsum", lambda **kw: torch.einsum(pattern, *kw.values()), inputs, pattern=codes(pattern))


def sized(name, f, cases):
    for pattern, shape, *rest in cases:
        sizes = rest[-1] if rest and isinstance(rest[-1], dict) else {}
        how = [r for r in rest if isinstance(r, str)]
        case(name, lambda x: f(x, pattern, *how, **sizes), dict(x=randn(*shape)), pattern=codes(pattern),
             sizes=codes(" ".join(f"{k}={v}" for k, v in sizes.items())), **({"how": codes(how[0])} if how else {}))


def rearrangements():
    sized("rearrange", einops.rearrange, [
        ("b n (h d) -> b h n d", (2, 3, 8), dict(h=4)), ("b h n d -> b n (h d)", (2, 4, 3, 5)), ("a b -> b a", (2, 3)),
        ("a b -> (a b)", (2, 3)), ("a b -> (b a)", (2, 3)), ("(a b) -> a b", (6,), dict(a=2)), ("(a b) -> b a", (6,), dict(b=2)),
        ("b c (h p1) (w p2) -> b (h w) (p1 p2 c)", (2, 3, 4, 6), dict(p1=2, p2=3)),
        ("b (h w) (p1 p2 c) -> b c (h p1) (w p2)", (2, 4, 12), dict(h=2, p1=2, p2=2)),
        ("b (c r1 r2) h w -> b c (h r1) (w r2)", (1, 8, 2, 3), dict(r1=2, r2=2)), ("... a b -> ... b a", (2, 3, 4, 5)),
        ("a ... -> ... a", (2, 3, 4)), ("a ... b -> b ... a", (2, 3)), ("a ... -> (a ...)", (2, 3, 4)), ("... -> (...)", (2, 3, 4)),
        ("... -> ...", (2, 3)), ("... -> (...)", ()), ("a ... b -> a (... b)", (2, 3, 4, 2)), ("a 1 b -> a b", (2, 1, 3)),
        ("a b -> a 1 b", (2, 3)), ("a b -> a () b 1", (2, 3)), ("() a -> a", (1, 3)), ("a b -> (a 1 b)", (2, 3)), ("a -> a", (3,)),
        ("->", ()), ("-> 1", ()), ("a b c -> a (b c)", (0, 2, 3)), ("(a b) c -> c b a", (0, 2), dict(b=3)),
        ("x y1 Z_z -> Z_z  (y1 x)", (2, 3, 4)), ("(a b c) -> c b a", (24,), dict(a=2, b=3)), ("(a b) -> a b", (6,), dict(a=2, b=3)),
        ("(a a2) (b b2) (c c2) 1 -> (a b) (a2 c2) b2 c", (4, 6, 6, 1), dict(a2=2, b2=3, c=2)), ("a b c d e f g h -> h g f e d c b a", (2, 1, 2, 2, 1, 2, 2, 2)),
        ("b (t s h w d) c -> b t (s c) h w d", (1, 16, 2), dict(t=1, s=2, h=2, w=2, d=2))])


def repeats():
    sized("repeat", einops.repeat, [
        ("h w -> h w c", (2, 3), dict(c=4)), ("h w -> (c h) w", (2, 3), dict(c=2)), ("h w -> h (w c)", (2, 3), dict(c=2)), ("h w -> (h 2) (w 3)", (2, 3)),
        ("h w -> 2 h w 3", (1, 3)), ("a -> (r a) s", (3,), dict(r=2, s=1)), ("... -> ... 2", (2, 3)), ("... -> (2 ...)", (2, 3)), ("a b -> b a", (2, 3)),
        ("-> r", (), dict(r=3)), ("1 n d -> b n d", (1, 2, 3), dict(b=4)), ("(a b) -> (b 2 a)", (6,), dict(a=2)), ("a b -> a r b", (0, 2), dict(r=3))])


def reductions():
    for how in ("sum", "mean", "max", "min", "prod"):
        sized("reduce", einops.reduce, [
            ("b c h w -> b c", (2, 3, 4, 5), how), ("b c (h 2) (w 2) -> b c h w", (2, 3, 4, 6), how), ("a b -> b", (3, 4), how), ("a b ->", (3, 4), how),
            ("b c (h h2) (w w2) -> (b h) w c", (2, 3, 4, 6), how, dict(h2=2, w2=3)), ("... a -> ...", (2, 3, 4), how), ("a ... -> a", (2, 3, 4), how),
            ("b c h w -> b c 1 1", (2, 2, 3, 2), how), ("b c h w -> b c () ()", (2, 2, 3, 2), how), ("a b -> b a", (2, 3), how), ("a (b 1) -> a", (2, 1), how),
            ("t b c -> b c", (7, 2, 2), how)])
    sized("reduce", einops.reduce, [("a b -> b", (0, 3), "sum"), ("a b -> b", (0, 3), "prod"), ("a b -> a", (0, 3), "max")])


write("ops_patterns.safetensors", [einsums, rearrangements, repeats, reductions])
