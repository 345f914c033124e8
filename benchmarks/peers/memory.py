#!/usr/bin/env python3
"""The memory of the base training step in PyTorch, in MB = 10^6 bytes, cases as in benchmarks/bench_memory.cpp.

    python3 benchmarks/peers/memory.py --threads 2

memory/base is the largest resident size of the process less what it was once torch was imported, memory/base_beyond the
same less four copies of the parameters, memory/process the whole.
"""

import resource
import sys

import train_step
from timing import arguments


def peak_resident():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def main():
    arguments(__doc__)
    at_start = peak_resident()
    model = []
    step = train_step.step_of("base", keep=model.append)
    for _ in range(6):
        step()
    process = peak_resident()
    copies = 4 * sum(p.numel() * p.element_size() for p in model[0].parameters()) / 1e6
    print(f"memory/base {process - at_start:.1f} MB")
    print(f"memory/base_beyond {process - at_start - copies:.1f} MB")
    print(f"memory/process {process:.1f} MB")


if __name__ == "__main__":
    main()
