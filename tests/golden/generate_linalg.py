#!/usr/bin/env python3
"""Writes ops_linalg.safetensors: values and gradients of torch.linalg in float64.

    python3 tests/golden/generate_linalg.py        # needs torch 2.13 and safetensors

cases.py says how a case is filed. Signs of singular vectors and eigenvectors are nobody's: y is made so that it does
not depend on them.
"""

import torch

from cases import case, randn, write

SIZES = [(0, 0), (1, 1), (2, 2), (3, 3), (5, 5), (12, 12)]
BATCHES = [(2, 3, 4, 4), (0, 3, 3), (3, 0, 0), (1, 7, 7)]


def positional(f):
    return lambda **inputs: f(*inputs.values())


def well(*shape):
    """Square matrices far from singular, with singular values about 1 to n."""
    return randn(*shape) + shape[-1] * torch.eye(shape[-1])


def ill(n, condition):
    """A matrix whose singular values go from 1 to 1 / condition."""
    u, v = torch.linalg.qr(randn(n, n)).Q, torch.linalg.qr(randn(n, n)).Q
    return u @ torch.diag(torch.logspace(0, -torch.log10(torch.tensor(condition)), n)) @ v.mT


def spd(*shape):
    a = randn(*shape)
    return a @ a.mT + torch.eye(shape[-1])


def symmetric(a):
    return (a + a.mT) / 2


def squares():
    return [well(*s) for s in SIZES + BATCHES] + [randn(6, 6), randn(2, 9, 9)]


def solving():
    for a in squares():
        n = a.shape[-1]
        case("linalg_inv", positional(torch.linalg.inv), dict(a=a))
        case("linalg_solve", positional(torch.linalg.solve), dict(a=a, b=randn(*a.shape[:-1], 2)))
        case("linalg_det", positional(torch.linalg.det), dict(a=a / max(n, 1)))
        case("linalg_slogdet", lambda a: torch.linalg.slogdet(a).logabsdet, dict(a=a))
    for a, b in [((3, 3), (3,)), ((2, 3, 3), (2, 3)), ((2, 3, 3), (3,)), ((2, 1, 3, 3), (4, 3, 2)), ((3, 3), (5, 3, 1)),
                 ((3, 3), (3, 0))]:
        case("linalg_solve", positional(torch.linalg.solve), dict(a=well(*a), b=randn(*b)))
    for a, b in [((3, 3), (2, 3)), ((2, 3, 3), (4, 1, 5, 3))]:
        case("linalg_solve_right", lambda a, b: torch.linalg.solve(a, b, left=False), dict(a=well(*a), b=randn(*b)))
    case("linalg_solve_64", positional(torch.linalg.solve), dict(a=well(64, 64), b=randn(64)))
    case("linalg_ill_solve", positional(torch.linalg.solve), dict(a=ill(8, 1e6), b=randn(8, 1)))
    case("linalg_ill_inv", positional(torch.linalg.inv), dict(a=ill(8, 1e6)))


def triangles():
    for upper in (0, 1):
        for unit in (0, 1):
            for left in (0, 1):
                for a, b in [((1, 1), (1, 1)), ((4, 4), (4, 3)), ((2, 1, 5, 5), (3, 5, 2)), ((0, 0), (0, 2)),
                             ((3, 3), (3, 0)), ((33, 33), (33, 1))]:
                    shape = b if left else b[:-2] + (b[-1], b[-2])
                    case("linalg_solve_triangular",
                         lambda a, b: torch.linalg.solve_triangular(a, b, upper=bool(upper), left=bool(left),
                                                                    unitriangular=bool(unit)),
                         dict(a=randn(*a) / 6 + torch.eye(a[-1]), b=randn(*shape)), upper=upper, left=left, unit=unit)


def factors():
    for shape in SIZES + BATCHES:
        case("linalg_cholesky", positional(torch.linalg.cholesky), dict(a=spd(*shape)), upper=0)
    case("linalg_cholesky", lambda a: torch.linalg.cholesky(a, upper=True), dict(a=spd(2, 4, 4)), upper=1)
    case("linalg_cholesky", positional(torch.linalg.cholesky), dict(a=spd(64, 64)), upper=0)
    for shape in SIZES + BATCHES + [(5, 2), (2, 7, 3), (3, 5), (2, 2, 6), (0, 3), (3, 0), (1, 4), (4, 1), (40, 24)]:
        a = randn(*shape)
        case("linalg_qr_q", lambda a: torch.linalg.qr(a).Q, dict(a=a))
        case("linalg_qr_r", lambda a: torch.linalg.qr(a).R, dict(a=a))
        if shape[-2] <= shape[-1]:
            case("linalg_qr_complete", lambda a: torch.cat(torch.linalg.qr(a, mode="complete"), -1), dict(a=a))


def spectra():
    for shape in SIZES + BATCHES + [(20, 20)]:
        a = symmetric(randn(*shape))
        case("linalg_eigvalsh", positional(torch.linalg.eigvalsh), dict(a=a))

        def eigh(a):
            w, v = torch.linalg.eigh(a)
            return (v * torch.sin(w).unsqueeze(-2)) @ v.mT

        def eigh_upper(a):
            w, v = torch.linalg.eigh(a, UPLO="U")
            return (v[..., :1] * w[..., :1].unsqueeze(-2)) @ v[..., :1].mT

        case("linalg_eigh", eigh, dict(a=a))
        case("linalg_eigh_upper", eigh_upper, dict(a=a + randn(*shape).tril(-1)))
    case("linalg_eigvalsh", positional(torch.linalg.eigvalsh), dict(a=torch.eye(4)))  # equal eigenvalues
    case("linalg_eigvalsh", positional(torch.linalg.eigvalsh), dict(a=symmetric(randn(64, 64))))
    for shape in SIZES + BATCHES + [(5, 2), (2, 7, 3), (3, 5), (2, 2, 6), (0, 3), (3, 0), (1, 4), (4, 1), (24, 10)]:
        a = randn(*shape)

        def svd(a):
            u, s, vh = torch.linalg.svd(a, full_matrices=False)
            return (u * torch.sin(s).unsqueeze(-2)) @ vh

        def left(a):  # the projection on the first vectors of a full u
            u = torch.linalg.svd(a).U[..., :1]
            return u @ u.mT

        def right(a):
            vh = torch.linalg.svd(a).Vh[..., :1, :]
            return vh.mT @ vh

        case("linalg_svdvals", positional(torch.linalg.svdvals), dict(a=a))
        case("linalg_svd", svd, dict(a=a))
        if min(shape[-2:]) > 0:
            case("linalg_svd_left", left, dict(a=a))
            case("linalg_svd_right", right, dict(a=a))
    for a in (ill(7, 1e10), torch.ones(4, 3)):  # whose vectors rounding decides, and so the gradient
        case("linalg_ill_svdvals", positional(torch.linalg.svdvals), dict(a=a))


def deficient(m, n, rank):
    return randn(m, rank) @ randn(rank, n)


def least_squares():
    inputs = [randn(*s) for s in [(0, 0), (1, 1), (4, 4), (5, 2), (2, 7, 3), (3, 5), (2, 2, 6), (0, 3), (3, 0)]]
    inputs += [deficient(6, 4, 2), deficient(3, 5, 1)]
    for a in inputs:
        m, n = a.shape[-2:]
        case("linalg_pinv", positional(torch.linalg.pinv), dict(a=a))
        case("linalg_matrix_rank", positional(torch.linalg.matrix_rank), dict(a=a))
        if min(m, n) > 0 and torch.linalg.matrix_rank(a).min() == min(m, n):
            case("linalg_lstsq", lambda a, b: torch.linalg.lstsq(a, b).solution, dict(a=a, b=randn(*a.shape[:-1], 2)))
            if m > n:
                case("linalg_lstsq_residuals", lambda a, b: torch.linalg.lstsq(a, b, driver="gels").residuals,
                     dict(a=a, b=randn(*a.shape[:-1], 2)))
    case("linalg_lstsq", lambda a, b: torch.linalg.lstsq(a, b).solution, dict(a=randn(2, 4, 3), b=randn(2, 4)))
    case("linalg_pinv", lambda a: torch.linalg.pinv(a, atol=1.5), dict(a=torch.diag(torch.tensor([3.0, 2.0, 1.0]))),
         atol=1.5)
    case("linalg_matrix_rank", lambda a: torch.linalg.matrix_rank(a, rtol=0.1), dict(a=ill(6, 1e4)), rtol=0.1)


def functions():
    for exponent in (-3, -1, 1, 2, 5, 8):
        for a in (well(3, 3) / 3, well(2, 4, 4) / 4, randn(0, 0)):
            case("linalg_matrix_power", lambda a: torch.linalg.matrix_power(a, exponent), dict(a=a), exponent=exponent)
    for a in [randn(0, 0), randn(1, 1), randn(3, 3), randn(2, 2, 4, 4) * 2, randn(0, 3, 3), randn(8, 8) * 1e-4,
              randn(5, 5) * 4, torch.stack([randn(3, 3) * s for s in (0, 0.1, 1, 10)]), torch.ones(3, 3).triu(1)]:
        case("linalg_matrix_exp", positional(torch.linalg.matrix_exp), dict(a=a))
    for a, b, axis in [((3,), (3,), -1), ((1, 2, 3), (4, 1, 3), -1), ((3, 2), (3, 2), 0), ((2, 3, 1), (1, 3, 4), -2)]:
        case("linalg_cross", lambda a, b: torch.linalg.cross(a, b, dim=axis), dict(a=randn(*a), b=randn(*b)), axis=axis)


def cond(a, p):
    """torch.linalg.cond, of whose value PyTorch 2.13 changes a part in place, so that its own has no gradient."""
    y = torch.linalg.matrix_norm(a, p) * torch.linalg.matrix_norm(torch.linalg.inv(a), p)
    assert torch.allclose(y, torch.linalg.cond(a.detach(), p))
    return y


def norms():
    inf = float("inf")
    for shape in [(1, 1), (4, 4), (2, 3, 5), (5, 2)]:
        x = randn(*shape)
        for ord in (1.0, -1.0, 2.0, -2.0, inf, -inf):
            case("linalg_matrix_norm", lambda x: torch.linalg.matrix_norm(x, ord), dict(x=x), ord=ord)
        for ord in ("fro", "nuc"):
            case("linalg_matrix_norm_" + ord, lambda x: torch.linalg.matrix_norm(x, ord), dict(x=x))
        case("linalg_vector_norm", lambda x: torch.linalg.vector_norm(x, 3.0, dim=0), dict(x=x), ord=3.0, axis=0)
        for ord in (2.0, -2.0):
            case("linalg_cond", lambda a: torch.linalg.cond(a, ord), dict(a=x), p=ord)
    for shape in [(1, 1), (3, 3), (2, 4, 4)]:
        a = well(*shape)
        for ord in (1.0, -1.0, inf, -inf):
            case("linalg_cond", lambda a: cond(a, ord), dict(a=a), p=ord)
        for ord in ("fro", "nuc"):
            case("linalg_cond_" + ord, lambda a: cond(a, ord), dict(a=a))


if __name__ == "__main__":
    write("ops_linalg.safetensors", [solving, triangles, factors, spectra, least_squares, functions, norms])
