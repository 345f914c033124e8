"""What the peer scripts share: their arguments, PyTorch's threads, and the median time of a call."""

import argparse
import os
import statistics
import sys
import time


def arguments(description):
    """--threads, --seconds and cases, with PyTorch's threads set; options.wants(name) says whether a case is asked for."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="case", help="all by default")
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", 0)) or os.cpu_count())
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each case")
    options = parser.parse_args()
    options.wants = lambda name: not options.cases or name in options.cases
    try:
        import torch
    except ImportError:
        sys.exit(f"{sys.argv[0]}: torch is not installed")
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} threads", flush=True)
    return options


def median_ms(call, seconds, least=5):
    """Median over as many calls as fit, at least some, after 2 that warm up."""
    call(), call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times)
