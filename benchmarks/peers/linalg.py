#!/usr/bin/env python3
"""Times torch.linalg on the cases of benchmarks/bench_linalg.cpp, by the same names.

    python3 benchmarks/peers/linalg.py --threads 2 [solve qr]
"""

from timing import arguments, median_ms


def main():
    options = arguments(__doc__)
    import torch

    torch.manual_seed(1)
    n = 32
    a, b = torch.randn(1000, n, n) + n * torch.eye(n), torch.randn(1000, n, 1)
    spd, symmetric = a @ a.mT / n, a + a.mT
    cases = {
        "solve": lambda: torch.linalg.solve(a, b),
        "inv": lambda: torch.linalg.inv(a),
        "cholesky": lambda: torch.linalg.cholesky(spd),
        "qr": lambda: torch.linalg.qr(a),
        "eigh": lambda: torch.linalg.eigh(symmetric),
        "svd": lambda: torch.linalg.svd(a),
    }
    for name, call in cases.items():
        if options.wants(name):
            print(f"{name} {median_ms(call, options.seconds):.5f} ms", flush=True)


if __name__ == "__main__":
    main()
